/* SPDX-License-Identifier: MIT */
/* Reading kept messages again, from a mock broker. Times need a real one: tests/system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/kafka_reader.h"
#include "tests/stage/mock_kafka.h"

enum { MESSAGES = 10, PATIENCE_MS = 10000 };

struct world {
    struct mock_kafka *broker;
    struct kafka_settings kafka;
    struct arena arena;
};

/* Lane 0 holds the keys 0 to 9, lane 1 the key 10; the other lanes are empty. */
static int open_world(void **state)
{
    static struct world w;
    w = (struct world){.broker = mock_kafka_open()};
    w.kafka = (struct kafka_settings){.brokers = str_of(mock_kafka_brokers(w.broker)),
                                      .topics = STR("test"),
                                      .client = STR("test-reader")};
    for (int i = 0; i <= MESSAGES; i++)
        mock_kafka_put_task(w.broker, i == MESSAGES,
                            arena_text(&w.arena, arena_format(&w.arena, "%d", i)), "{}");
    *state = &w;
    return 0;
}

static int close_world(void **state)
{
    struct world *w = *state;
    mock_kafka_close(w->broker);
    arena_done(&w->arena);
    return 0;
}

/* The offsets of lane 0 that the reader gives, in order; others are counted. */
static size_t read_all(struct world *w, const struct kafka_range *ranges, size_t count,
                       int64_t offsets[static MESSAGES], size_t *out_others)
{
    struct err err = {0};
    size_t found = 0;
    *out_others = 0;
    struct kafka_reader *r = kafka_reader_open(&w->kafka, "tasks", ranges, count, &err);
    assert_non_null(r);
    while (!kafka_reader_is_done(r)) {
        struct kafka_message m;
        bool taken;
        assert_true(kafka_reader_take(r, PATIENCE_MS, &m, &taken, &err));
        if (!taken)
            continue;
        if (m.partition == 0 && found < MESSAGES)
            offsets[found++] = m.offset;
        else
            ++*out_others;
        kafka_message_free(&m);
    }
    assert_int_equal(kafka_reader_left(r), 0);
    kafka_reader_close(r);
    return found;
}

static void all_that_is_kept_is_read_once(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    struct kafka_range *ranges;
    size_t count, others;
    int64_t offsets[MESSAGES];
    assert_true(kafka_kept(&w->kafka, "tasks", 0, &w->arena, &ranges, &count, &err));
    assert_int_equal(count, MOCK_LANES);
    assert_int_equal(kafka_range_total(ranges, count), MESSAGES + 1);
    assert_int_equal(read_all(w, ranges, count, offsets, &others), MESSAGES);
    assert_int_equal(others, 1);
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(offsets[i], i);
}

static void a_range_ends_before_until(void **state)
{
    struct world *w = *state;
    int64_t offsets[MESSAGES];
    size_t others;
    /* Lane 1 promises more than it holds, so its end keeps the reader going past lane 0's. */
    const struct kafka_range some[] = {{0, 3, 7}, {1, 0, 5}};
    assert_int_equal(read_all(w, some, 2, offsets, &others), 4);
    assert_int_equal(others, 1);
    assert_int_equal(offsets[0], 3);
    assert_int_equal(offsets[3], 6);
}

static void nothing_to_read_is_done_at_once(void **state)
{
    struct world *w = *state;
    int64_t offsets[MESSAGES];
    size_t others;
    const struct kafka_range none[] = {{0, 5, 5}};
    assert_int_equal(read_all(w, none, 1, offsets, &others), 0);
    assert_int_equal(read_all(w, none, 0, offsets, &others), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_kept_is_read_once),
        cmocka_unit_test(a_range_ends_before_until),
        cmocka_unit_test(nothing_to_read_is_done_at_once),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
