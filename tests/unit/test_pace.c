/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/pace.h"

#include <string.h>

/* --- what an end means --- */

struct sorting {
    const char *sentence;
    struct pace_end end;
    struct pace_ruling ruling; /* with dice 0: half of the backoff */
};

#define ANSWER(status, attempt, asked) {true, false, status, attempt, asked}
#define LOST(attempt)                  {false, false, 0, attempt, -1}

static const struct sorting sortings[] = {
    {"200 is taken", ANSWER(200, 1, -1), {RULING_TAKE, 0, false}},
    {"204 is taken", ANSWER(204, 5, -1), {RULING_TAKE, 0, false}},
    {"200 with Retry-After is taken", ANSWER(200, 1, 60000), {RULING_TAKE, 0, false}},
    {"500 is asked again after half a second", ANSWER(500, 1, -1), {RULING_AGAIN, 250, false}},
    {"the second time after a second", ANSWER(502, 2, -1), {RULING_AGAIN, 500, false}},
    {"408 is asked again", ANSWER(408, 1, -1), {RULING_AGAIN, 250, false}},
    {"the fifth 500 fails", ANSWER(500, 5, -1), {RULING_FAIL, 0, false}},
    {"a lost connection is asked again", LOST(4), {RULING_AGAIN, 2000, false}},
    {"the fifth lost connection fails", LOST(5), {RULING_FAIL, 0, false}},
    {"what cannot be asked fails at once", {false, true, 0, 1, -1}, {RULING_FAIL, 0, false}},
    {"429 holds the whole account", ANSWER(429, 1, -1), {RULING_AGAIN, 250, true}},
    {"429 waits as long as it is told, without jitter",
     ANSWER(429, 1, 7000),
     {RULING_AGAIN, 7000, true}},
    {"429 that says now asks now", ANSWER(429, 1, 0), {RULING_AGAIN, 0, true}},
    {"429 with 10 s waits here", ANSWER(429, 1, 10000), {RULING_AGAIN, 10000, true}},
    {"429 with more comes back later", ANSWER(429, 1, 10001), {RULING_DEFER, 10001, false}},
    {"the fifth 429 fails", ANSWER(429, 5, 1000), {RULING_FAIL, 0, false}},
    {"but comes back later when told so", ANSWER(429, 5, 60000), {RULING_DEFER, 60000, false}},
    {"503 that says when holds the account", ANSWER(503, 1, 2000), {RULING_AGAIN, 2000, true}},
    {"503 that says nothing holds nobody else", ANSWER(503, 1, -1), {RULING_AGAIN, 250, false}},
    {"503 with an hour comes back later",
     ANSWER(503, 1, 3600000),
     {RULING_DEFER, 3600000, false}},
    {"500 is not believed when it names a time",
     ANSWER(500, 1, 60000),
     {RULING_AGAIN, 250, false}},
    {"401 fails at once", ANSWER(401, 1, -1), {RULING_FAIL, 0, false}},
    {"403 fails at once", ANSWER(403, 1, -1), {RULING_FAIL, 0, false}},
    {"404 fails at once", ANSWER(404, 1, -1), {RULING_FAIL, 0, false}},
    {"a redirect that was not followed fails", ANSWER(302, 1, -1), {RULING_FAIL, 0, false}},
};

static void test_what_an_end_means(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sortings / sizeof *sortings; i++) {
        const struct sorting *s = &sortings[i];
        struct pace_ruling got = pace_rule(&s->end, 0);
        if (got.ruling != s->ruling.ruling || got.wait_ms != s->ruling.wait_ms ||
            got.holds_account != s->ruling.holds_account)
            fail_msg("%s: %d after %lld ms, %d", s->sentence, got.ruling,
                     (long long)got.wait_ms, got.holds_account);
    }
}

static void test_backoff_doubles_to_30_s_with_half_of_it_by_chance(void **state)
{
    static const int64_t wholes[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
    (void)state;
    for (int attempt = 1; attempt <= 8; attempt++) {
        int64_t whole = wholes[attempt - 1];
        assert_int_equal(pace_backoff_ms(attempt, 0), whole / 2);
        assert_int_equal(pace_backoff_ms(attempt, PACE_DICE / 2), whole / 2 + whole / 4);
        assert_true(pace_backoff_ms(attempt, PACE_DICE - 1) < whole);
    }
    assert_int_equal(pace_backoff_ms(1000000, 0), 15000);
}

/* --- Retry-After --- */

struct header {
    const char *sentence, *text;
    int64_t wait_ms; /* -1 = refused */
};

/* It is now 1994-11-06 08:49:00 UTC. */
static const int64_t now_unix_ms = 784111740000;

static const struct header headers[] = {
    {"seconds", "120", 120000},
    {"none means now", "0", 0},
    {"seconds with space around them", " 5 ", 5000},
    {"below zero means now", "-5", 0},
    {"more than a year is a year", "99999999999", 31622400000},
    {"a date", "Sun, 06 Nov 1994 08:49:37 GMT", 37000},
    {"a date of RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", 37000},
    {"a date of asctime", "Sun Nov  6 08:49:37 1994", 37000},
    {"a date in the past means now", "Sun, 06 Nov 1994 08:00:00 GMT", 0},
    {"another zone is refused", "Sun, 06 Nov 1994 08:49:37 CET", -1},
    {"a fraction is refused", "1.5", -1},
    {"words are refused", "in a minute", -1},
    {"nothing is refused", "", -1},
    {"a date with something after it is refused", "Sun, 06 Nov 1994 08:49:37 GMT!", -1},
    {"a very long one is refused",
     "1111111111111111111111111111111111111111111111111111111111111111111111", -1},
};

static void test_retry_after_is_read_in_all_its_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        int64_t got = -1;
        bool ok = pace_read_retry_after(str_of(headers[i].text), now_unix_ms, &got);
        if (ok != (headers[i].wait_ms >= 0) || got != headers[i].wait_ms)
            fail_msg("%s: \"%s\" gave %lld", headers[i].sentence, headers[i].text,
                     (long long)got);
    }
}

/* --- the bucket --- */

/* How many requests start within `end_ms` when each ends at once and the next follows as early as allowed. */
static int starts_within(struct pace *p, int64_t begin_ms, int64_t end_ms)
{
    int starts = 0;
    for (int64_t now = begin_ms; now <= end_ms;) {
        int64_t wait_ms = pace_wait_ms(p, now);
        if (wait_ms == 0) {
            pace_start(p);
            pace_end(p);
            starts++;
        }
        now += wait_ms;
    }
    return starts;
}

static void test_the_rate_is_kept_and_used(void **state)
{
    (void)state;
    static const double rates[] = {0.5, 5, 100, 2000};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct pace p;
        pace_init(&p, rates[i], 1);
        int starts = starts_within(&p, 1000000, 1000000 + 60000);
        double most = rates[i] * 60 + rates[i] * 0.1 + 1;
        if (starts > (int)most || starts < (int)(rates[i] * 60 * 0.98))
            fail_msg("%g a second: %d in a minute", rates[i], starts);
    }
}

static void test_a_pause_saves_up_no_more_than_a_tenth_of_a_second(void **state)
{
    struct pace p;
    (void)state;
    pace_init(&p, 100, 1000);
    (void)starts_within(&p, 0, 1000);
    assert_int_equal(pace_wait_ms(&p, 3600000), 0);
    assert_int_equal(starts_within(&p, 3600000, 3600000), 10);
}

static void test_no_rate_is_no_limit(void **state)
{
    struct pace p;
    (void)state;
    pace_init(&p, 0, 1000000);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(pace_wait_ms(&p, 5), 0);
        pace_start(&p);
    }
}

static void test_no_more_are_in_flight_than_may_be(void **state)
{
    struct pace p;
    (void)state;
    pace_init(&p, 0, 2);
    pace_start(&p);
    assert_int_equal(pace_wait_ms(&p, 0), 0);
    pace_start(&p);
    assert_int_equal(pace_wait_ms(&p, 0), PACE_NO_ROOM);
    pace_end(&p);
    assert_int_equal(pace_wait_ms(&p, 0), 0);
}

static void test_a_held_account_waits_and_then_goes_on(void **state)
{
    struct pace p;
    (void)state;
    pace_init(&p, 5, 2);
    pace_hold(&p, 7000);
    pace_hold(&p, 3000); /* a shorter word does not shorten it */
    assert_int_equal(pace_wait_ms(&p, 1000), 6000);
    assert_int_equal(pace_wait_ms(&p, 7000), 0);
}

static void test_other_limits_count_from_now_on_and_forget_nothing(void **state)
{
    struct pace p;
    (void)state;
    pace_init(&p, 1000, 3);
    pace_start(&p);
    pace_start(&p);
    pace_hold(&p, 500);
    pace_limit(&p, 1, 2); /* a bucket of 100 becomes one of 1 */
    assert_int_equal(pace_wait_ms(&p, 0), PACE_NO_ROOM);
    pace_end(&p);
    assert_int_equal(pace_wait_ms(&p, 0), 500);
    assert_int_equal(pace_wait_ms(&p, 500), 0);
    pace_start(&p);
    pace_end(&p);
    assert_true(pace_wait_ms(&p, 500) > 900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_an_end_means),
        cmocka_unit_test(test_backoff_doubles_to_30_s_with_half_of_it_by_chance),
        cmocka_unit_test(test_retry_after_is_read_in_all_its_forms),
        cmocka_unit_test(test_the_rate_is_kept_and_used),
        cmocka_unit_test(test_a_pause_saves_up_no_more_than_a_tenth_of_a_second),
        cmocka_unit_test(test_no_rate_is_no_limit),
        cmocka_unit_test(test_no_more_are_in_flight_than_may_be),
        cmocka_unit_test(test_a_held_account_waits_and_then_goes_on),
        cmocka_unit_test(test_other_limits_count_from_now_on_and_forget_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
