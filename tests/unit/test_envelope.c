/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/envelope.h"

#include <string.h>

static const struct task full_task = {
    .stream = {"qualys/hosts", 12},
    .link = {"qualys/hosts#\"x\"", 16},
    .params = {"{\"city\":\"\xc3\xa9\",\"n\":[1,2]}", 23},
    .gen = INT64_MAX,
    .run = 7,
    .prev = 6,
    .page = 64,
    .cursor = {"a b\n", 4},
    .seen = 128,
    .map = 3,
    .due_ms = 1704164600000,
    .trace = {"00-0123456789abcdef0123456789abcdef-0123456789abcdef-01", 55},
};

static void test_a_task_reads_back_as_it_was(void **state)
{
    struct err err = {0};
    arena_auto arena = {0};
    buf_auto text;
    struct task got;
    (void)state;
    buf_init(&text, 4096);
    assert_true(task_encode(&full_task, &text, &err));
    assert_true(task_decode(buf_str(&text), &arena, &got, &err));
    assert_true(str_eq(got.stream, full_task.stream));
    assert_true(str_eq(got.link, full_task.link));
    assert_true(str_eq(got.params, full_task.params));
    assert_true(str_eq(got.cursor, full_task.cursor));
    assert_int_equal(got.gen, INT64_MAX);
    assert_int_equal(got.run, 7);
    assert_int_equal(got.prev, 6);
    assert_int_equal(got.page, 64);
    assert_int_equal(got.seen, 128);
    assert_int_equal(got.map, 3);
    assert_int_equal(got.due_ms, 1704164600000);
    assert_true(str_eq(got.trace, full_task.trace));
}

static void test_a_task_of_before_traces_and_due_times_is_one(void **state)
{
    struct err err = {0};
    arena_auto arena = {0};
    struct task got;
    (void)state;
    assert_true(
        task_decode(STR("{\"stream\":\"q/h\",\"link\":\"l\",\"gen\":1,\"run\":1,\"prev\":0,"
                        "\"page\":0,\"cursor\":\"\",\"seen\":0,\"map\":1,\"params\":{}}"),
                    &arena, &got, &err));
    assert_int_equal(got.due_ms, 0);
    assert_int_equal(got.trace.len, 0);
}

static void test_a_task_over_the_buffer_is_refused(void **state)
{
    struct err err = {0};
    buf_auto text;
    (void)state;
    buf_init(&text, 50);
    assert_false(task_encode(&full_task, &text, &err));
    assert_int_equal(err.kind, ERR_REJECT);
}

struct refusal {
    const char *sentence;
    const char *text;
    const char *says;
};

#define TASK(run, page, params)                                                              \
    "{\"stream\":\"q/h\",\"link\":\"l\",\"gen\":1,\"run\":" run ",\"prev\":0,\"page\":" page \
    ",\"cursor\":\"\",\"seen\":0,"                                                           \
    "\"map\":1,\"params\":" params "}"

static const struct refusal refusals[] = {
    {"what is no JSON is no task", "hello", "task"},
    {"nothing is no task", "", "task"},
    {"a list is no task", "[1]", "stream"},
    {"a missing number is named", "{\"stream\":\"q/h\",\"link\":\"l\"}", "gen"},
    {"a text for a number is refused", TASK("\"1\"", "0", "{}"), "run"},
    {"a page below 0 is refused", TASK("1", "-1", "{}"), "page"},
    {"a fraction is no page", TASK("1", "1.5", "{}"), "page"},
    {"params must be an object", TASK("1", "0", "[]"), "params"},
    {"params must be there", TASK("1", "0", "null"), "params"},
};

static void test_what_is_no_task_is_a_reject_that_says_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct err err = {0};
        arena_auto arena = {0};
        struct task got = {.gen = 99};
        bool ok = task_decode(str_of(refusals[i].text), &arena, &got, &err);
        if (ok || err.kind != ERR_REJECT || !strstr(err.text, refusals[i].says) ||
            got.gen != 99)
            fail_msg("%s: %d %s", refusals[i].sentence, ok, err.text);
    }
}

static struct page_head page_of(enum outcome outcome)
{
    struct page_head p = {
        .stream = STR("qualys/hosts"),
        .link = STR("qualys/hosts"),
        .params = STR("{}"),
        .gen = 5,
        .run = 4,
        .prev = 3,
        .page = 130,
        .final = true,
        .map = 2,
        .outcome = outcome,
        .status = 503,
        .url = STR("https://a/b?c=${token}"),
        .type = STR("application/json"),
        .error = STR("busy"),
        .cursor = STR("next"),
        .seen = 260,
        .retry_at_ms = 1704164645678,
        .time_ms = 1704164640000,
        .took_ms = 12,
        .trace = STR("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"),
        .due_ms = 1704164600001,
    };
    for (size_t i = 0; i < sizeof p.sha256; i++)
        p.sha256[i] = (uint8_t)(i * 9);
    return p;
}

static void test_a_page_reads_back_as_it_was(void **state)
{
    (void)state;
    for (int outcome = OUTCOME_OK; outcome <= OUTCOME_FAILED; outcome++) {
        struct err err = {0};
        arena_auto arena = {0};
        struct header headers[HEADERS_MAX];
        struct page_head p = page_of((enum outcome)outcome), got;
        bool deferred = outcome == OUTCOME_DEFERRED;
        assert_true(page_decode(headers, page_encode(&p, &arena, headers), &got, &err));
        assert_true(str_eq(got.stream, p.stream) && str_eq(got.link, p.link) &&
                    str_eq(got.params, p.params));
        assert_true(got.gen == 5 && got.run == 4 && got.prev == 3 && got.page == 130 &&
                    got.final && got.map == 2);
        assert_true(got.outcome == p.outcome && got.status == 503 && got.took_ms == 12);
        assert_true(str_eq(got.url, p.url) && str_eq(got.type, p.type) &&
                    str_eq(got.error, p.error));
        assert_true(got.time_ms == p.time_ms && str_eq(got.trace, p.trace) &&
                    got.due_ms == p.due_ms);
        assert_memory_equal(got.sha256, p.sha256, sizeof p.sha256);
        assert_true(str_eq(got.cursor, deferred ? p.cursor : (struct str){0}));
        assert_true(got.seen == (deferred ? 260 : 0) &&
                    got.retry_at_ms == (deferred ? p.retry_at_ms : 0));
    }
}

struct attribute {
    const char *name, *value;
};

static const struct attribute attributes[] = {
    {"ce_specversion", "1.0"},
    {"ce_id", "qualys/hosts:5:130"},
    {"ce_source", "/muster/qualys"},
    {"ce_type", "muster.page"},
    {"content-type", "application/json"},
    {"ce_time", "2024-01-02T03:04:00.000Z"},
};

static void test_a_page_is_a_cloud_event_in_binary_mode(void **state)
{
    arena_auto arena = {0};
    struct header headers[HEADERS_MAX];
    struct page_head p = page_of(OUTCOME_OK);
    size_t count = page_encode(&p, &arena, headers);
    (void)state;
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        size_t k = 0;
        while (k < count && strcmp(headers[k].name, attributes[i].name) != 0)
            k++;
        if (k == count || !str_eq(headers[k].value, str_of(attributes[i].value)))
            fail_msg("%s is not %s", attributes[i].name, attributes[i].value);
    }
}

struct damage {
    const char *sentence, *name, *value; /* value NULL = the header is missing */
    bool readable;
};

static const struct damage damages[] = {
    {"a page without its link is none", "muster-link", NULL, false},
    {"a page without its stream is none", "muster-stream", NULL, false},
    {"a page without gen is none", "muster-gen", NULL, false},
    {"a gen that is no number is refused", "muster-gen", "5x", false},
    {"a gen below 0 is refused", "muster-gen", "-5", false},
    {"a map over 32 bits is refused", "muster-map", "4294967296", false},
    {"final is true or false", "muster-final", "yes", false},
    {"an outcome nobody knows is refused", "muster-outcome", "fine", false},
    {"a hash of 63 digits is refused", "muster-sha256",
     "000000000000000000000000000000000000000000000000000000000000000", false},
    {"a hash with a capital is refused", "muster-sha256",
     "A000000000000000000000000000000000000000000000000000000000000000", false},
    {"a deferred page says until when", "muster-retry-at", NULL, false},
    {"a time that is none is refused", "ce_time", "yesterday", false},
    {"a page may have no content type", "content-type", NULL, true},
    {"a page may have no trace", "traceparent", NULL, true},
    {"a page may have no cursor", "muster-cursor", NULL, true},
};

static void test_damaged_headers_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        const struct damage *d = &damages[i];
        struct err err = {0};
        arena_auto arena = {0};
        struct header headers[HEADERS_MAX];
        struct page_head p = page_of(OUTCOME_DEFERRED), got;
        size_t count = page_encode(&p, &arena, headers), k = 0;
        while (k < count && strcmp(headers[k].name, d->name) != 0)
            k++;
        assert_true(k < count);
        if (d->value)
            headers[k].value = str_of(d->value);
        else
            headers[k] = headers[--count];
        bool ok = page_decode(headers, count, &got, &err);
        if (ok != d->readable ||
            (!ok && (err.kind != ERR_REJECT || !strstr(err.text, d->name))))
            fail_msg("%s: %d %s", d->sentence, ok, err.text);
    }
}

static void test_a_header_that_stands_twice_counts_the_last_time(void **state)
{
    struct err err = {0};
    arena_auto arena = {0};
    struct header headers[HEADERS_MAX];
    struct page_head p = page_of(OUTCOME_OK), got;
    size_t count = page_encode(&p, &arena, headers);
    (void)state;
    headers[count++] = (struct header){"muster-gen", STR("9")};
    assert_true(page_decode(headers, count, &got, &err));
    assert_int_equal(got.gen, 9);
}

static void test_blocks_stay_together_and_spread(void **state)
{
    unsigned used = 0;
    (void)state;
    for (int64_t page = 0; page < 12800; page++) {
        int32_t partition = page_partition(STR("qualys/hosts"), page, 8);
        assert_in_range(partition, 0, 7);
        assert_int_equal(partition, page_partition(STR("qualys/hosts"), page / 64 * 64, 8));
        used |= 1u << partition;
    }
    assert_int_equal(used, 255);
    /* Fixed for ever: a block that moved would be spread over two partitions. */
    assert_int_equal(page_partition(STR("qualys/hosts"), 0, 1000003), 935041);
}

/* Serializers are given whole partitions, every second one when there are two of them, so no few partitions may have it all. */
static void test_a_short_listing_keeps_every_serializer_busy(void **state)
{
    static const char *const links[] = {"qualys/hosts", "crowdstrike/hosts"};
    (void)state;
    for (size_t link = 0; link < 2; link++) {
        for (int serializers = 2; serializers <= 4; serializers++) {
            int blocks[4] = {0};
            for (int64_t block = 0; block < 24; block++)
                blocks[page_partition(str_of(links[link]), block * 64, 12) % serializers]++;
            for (int i = 0; i < serializers; i++)
                assert_in_range(blocks[i], 24 / serializers / 2, 24 / serializers * 2);
        }
    }
}

static void test_the_key_names_link_and_block(void **state)
{
    arena_auto arena = {0};
    struct page_head p = page_of(OUTCOME_OK);
    (void)state;
    assert_true(str_eq(page_key(&p, &arena), STR("qualys/hosts#2")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_task_reads_back_as_it_was),
        cmocka_unit_test(test_a_task_of_before_traces_and_due_times_is_one),
        cmocka_unit_test(test_a_task_over_the_buffer_is_refused),
        cmocka_unit_test(test_what_is_no_task_is_a_reject_that_says_why),
        cmocka_unit_test(test_a_page_reads_back_as_it_was),
        cmocka_unit_test(test_a_page_is_a_cloud_event_in_binary_mode),
        cmocka_unit_test(test_damaged_headers_are_named),
        cmocka_unit_test(test_a_header_that_stands_twice_counts_the_last_time),
        cmocka_unit_test(test_blocks_stay_together_and_spread),
        cmocka_unit_test(test_a_short_listing_keeps_every_serializer_busy),
        cmocka_unit_test(test_the_key_names_link_and_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
