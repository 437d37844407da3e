/* SPDX-License-Identifier: MIT */
/* Publishing a claimed batch to a mock broker. Claiming needs a real MongoDB: tests/system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "producer/publish.h"
#include "tests/stage/mock_kafka.h"

enum { BATCH = 50, PATIENCE_MS = 10000 };

struct world {
    struct mock_kafka *broker;
    struct publish publish;
    struct claimed batch[BATCH];
    struct arena arena;
};

static void make_batch(struct world *w, int64_t gen)
{
    for (int i = 0; i < BATCH; i++)
        w->batch[i] = (struct claimed){
            .partition = i % MOCK_LANES,
            .task = {.stream = STR("p/s"),
                     .link = arena_format(&w->arena, "p/s?id=%d", i),
                     .params = arena_format(&w->arena, "{\"id\":\"%d\"}", i),
                     .gen = gen,
                     .run = gen,
                     .map = 1},
        };
    publish_begin(&w->publish, w->batch, BATCH);
}

static int open_world(void **state)
{
    static struct world w;
    struct err err = {0};
    w = (struct world){.broker = mock_kafka_open()};
    struct kafka_settings s = {.brokers = str_of(mock_kafka_brokers(w.broker)),
                               .topics = STR("test"),
                               .client = STR("test-producer")};
    w.publish.kafka = kafka_producer_open(&s, publish_delivered, &w.publish, &err);
    *state = &w;
    return w.publish.kafka ? 0 : -1;
}

static int close_world(void **state)
{
    struct world *w = *state;
    kafka_producer_close(w->publish.kafka);
    mock_kafka_close(w->broker);
    arena_done(&w->arena);
    return 0;
}

/* Until the batch is done or the time is over. */
static bool publish_for(struct world *w, int64_t ms, bool is_expired)
{
    int64_t end_ms = clock_ms() + ms;
    while (!publish_is_done(&w->publish) && clock_ms() < end_ms) {
        struct err err = {0};
        if (!publish_tasks(&w->publish, is_expired, &err))
            assert_int_equal(err.kind, ERR_RETRY);
        kafka_producer_poll(w->publish.kafka, 20);
    }
    return publish_is_done(&w->publish);
}

/* Every link of the batch once, in its lane, as a task of this gen. */
static void expect_tasks(struct world *w, int64_t gen)
{
    bool seen[BATCH] = {0};
    for (int i = 0; i < BATCH; i++) {
        struct kafka_message m;
        struct task task;
        struct err err = {0};
        int64_t id = -1;
        assert_true(mock_kafka_next(w->broker, "tasks", PATIENCE_MS, &m));
        if (!task_decode(m.value, &w->arena, &task, &err))
            fail_msg("%s", err.text);
        assert_true(str_eq(m.key, task.link));
        assert_true(str_has_prefix(task.link, STR("p/s?id=")));
        assert_true(str_to_int((struct str){task.link.ptr + 7, task.link.len - 7}, &id));
        assert_true(id >= 0 && id < BATCH && !seen[id]);
        assert_int_equal(m.partition, id % MOCK_LANES);
        assert_int_equal(task.gen, gen);
        seen[id] = true;
        kafka_message_free(&m);
    }
}

static void each_claimed_link_becomes_a_task_in_its_lane(void **state)
{
    struct world *w = *state;
    make_batch(w, 1);
    assert_false(publish_is_done(&w->publish));
    assert_true(publish_for(w, PATIENCE_MS, false));
    expect_tasks(w, 1);
}

static void a_batch_stays_open_while_no_broker_answers(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    kafka_producer_close(w->publish.kafka);
    const struct kafka_settings nobody = {
        .brokers = STR("127.0.0.1:1"), .topics = STR("test"), .client = STR("test-producer")};
    w->publish.kafka = kafka_producer_open(&nobody, publish_delivered, &w->publish, &err);
    assert_non_null(w->publish.kafka);
    make_batch(w, 2);
    assert_false(publish_for(w, 500, false));
    assert_false(publish_for(w, 500, true)); /* what is in the queue cannot be taken back */
    assert_int_equal(w->publish.open, BATCH);
}

static void what_could_not_be_sent_in_time_is_given_up(void **state)
{
    struct world *w = *state;
    make_batch(w, 3);
    assert_true(publish_for(w, 100, true));
    struct kafka_message m;
    assert_false(mock_kafka_next(w->broker, "tasks", 500, &m));
}

static void what_failed_is_sent_again_until_the_lease_ends(void **state)
{
    struct world *w = *state;
    const struct err lost = {.kind = ERR_RETRY, .text = "lost"};
    make_batch(w, 4);
    w->publish.next = BATCH; /* as if all had been sent … */
    for (int i = 0; i < BATCH; i++)
        w->batch[i].is_sent = true;
    for (int i = 1; i < BATCH; i++)
        publish_delivered(&w->publish, &w->batch[i], NULL);
    publish_delivered(&w->publish, &w->batch[0], &lost); /* … and one had failed */
    assert_false(publish_is_done(&w->publish));
    assert_true(publish_for(w, PATIENCE_MS, false));
    struct kafka_message m;
    assert_true(mock_kafka_next(w->broker, "tasks", PATIENCE_MS, &m));
    assert_true(str_eq(m.key, STR("p/s?id=0")));
    kafka_message_free(&m);
}

static void a_task_that_fits_no_topic_is_given_up_and_told(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    make_batch(w, 5);
    size_t bytes = 1 << 20;
    char *big = arena_take(&w->arena, bytes);
    for (size_t i = 0; i < bytes; i++)
        big[i] = 'x';
    w->batch[3].task.cursor = (struct str){big, bytes};
    assert_false(publish_tasks(&w->publish, false, &err));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_true(str_has(str_of(err.text), STR("p/s?id=3")));
    assert_true(publish_for(w, PATIENCE_MS, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_claimed_link_becomes_a_task_in_its_lane,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(a_batch_stays_open_while_no_broker_answers, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(what_could_not_be_sent_in_time_is_given_up, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(what_failed_is_sent_again_until_the_lease_ends,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(a_task_that_fits_no_topic_is_given_up_and_told,
                                        open_world, close_world),
    };
    return cmocka_run_group_tests_name("producer", tests, NULL, NULL);
}
