/* SPDX-License-Identifier: MIT */
#include "tests/unit/cases.h"

#include "common/log_limit.h"

static bool admits(struct log_limit *l, const char *event, const char *value, int64_t now_ms)
{
    return log_limit_admits(l, event, "link", str_of(value), now_ms);
}

static void the_first_line_is_shown_and_those_like_it_are_counted(void **state)
{
    struct log_limit l = {0};
    struct log_kind told;
    (void)state;
    assert_true(admits(&l, "failed", "a", 1000));
    for (int i = 1; i <= 5; i++)
        assert_false(admits(&l, "failed", "a", 1000 + i));
    assert_false(log_limit_next(&l, 1000 + LOG_LIMIT_WINDOW_MS - 1, &told));
    assert_true(log_limit_next(&l, 1000 + LOG_LIMIT_WINDOW_MS, &told));
    assert_string_equal(told.event, "failed");
    assert_string_equal(told.key, "link");
    assert_string_equal(told.value, "a");
    assert_int_equal(told.hidden, 5);
    assert_false(log_limit_next(&l, 1000 + LOG_LIMIT_WINDOW_MS, &told));
    assert_true(admits(&l, "failed", "a", 1000 + LOG_LIMIT_WINDOW_MS));
}

static void a_line_that_came_once_is_told_once(void **state)
{
    struct log_limit l = {0};
    struct log_kind told;
    (void)state;
    assert_true(admits(&l, "failed", "a", 1));
    assert_false(log_limit_next(&l, INT64_MAX, &told));
    assert_true(admits(&l, "failed", "a", 1 + LOG_LIMIT_WINDOW_MS));
}

static void another_event_or_value_is_another_kind(void **state)
{
    struct log_limit l = {0};
    (void)state;
    assert_true(admits(&l, "failed", "a", 1));
    assert_true(admits(&l, "failed", "b", 1));
    assert_true(admits(&l, "deferred", "a", 1));
    assert_true(log_limit_admits(&l, "failed", "lin", STR("ka"), 1));
    assert_false(admits(&l, "failed", "b", 1));
}

static void values_that_differ_behind_what_is_kept_are_two_kinds(void **state)
{
    struct log_limit l = {0};
    char one[2 * LOG_LIMIT_TEXT_MAX], two[2 * LOG_LIMIT_TEXT_MAX];
    (void)state;
    memset(one, 'x', sizeof one);
    memset(two, 'x', sizeof two);
    two[sizeof two - 1] = 'y';
    assert_true(log_limit_admits(&l, "failed", "link", (struct str){one, sizeof one}, 1));
    assert_true(log_limit_admits(&l, "failed", "link", (struct str){two, sizeof two}, 1));
}

/* Shown of `count` lines of one event that all differ. */
static int flood(struct log_limit *l, const char *event, int count, int64_t now_ms)
{
    int shown = 0;
    for (int i = 0; i < count; i++) {
        char value[32];
        (void)snprintf(value, sizeof value, "%d", i);
        shown += admits(l, event, value, now_ms);
    }
    return shown;
}

static void an_event_has_its_number_of_lines_whatever_they_say(void **state)
{
    struct log_limit l = {0};
    struct log_kind told;
    (void)state;
    assert_int_equal(flood(&l, "failed", 1000, 1), LOG_LIMIT_EVENT_LINES);
    assert_true(admits(&l, "reject", "a", 1));
    assert_true(log_limit_next(&l, 1 + LOG_LIMIT_WINDOW_MS, &told));
    assert_string_equal(told.event, "failed");
    assert_string_equal(told.key, "");
    assert_int_equal(told.hidden, 1000 - LOG_LIMIT_EVENT_LINES);
    assert_int_equal(flood(&l, "failed", 10, 1 + LOG_LIMIT_WINDOW_MS), 10);
}

static void more_kinds_than_there_is_room_for_are_rather_shown_than_lost(void **state)
{
    struct log_limit l = {0};
    (void)state;
    for (int i = 0; i < 2 * LOG_LIMIT_SLOTS; i++) {
        char event[32];
        (void)snprintf(event, sizeof event, "event%d", i);
        assert_true(admits(&l, event, "a", 1));
    }
}

int main(void)
{
    static struct cases all;
    CASES_ADD_ONE(&all, the_first_line_is_shown_and_those_like_it_are_counted);
    CASES_ADD_ONE(&all, a_line_that_came_once_is_told_once);
    CASES_ADD_ONE(&all, another_event_or_value_is_another_kind);
    CASES_ADD_ONE(&all, values_that_differ_behind_what_is_kept_are_two_kinds);
    CASES_ADD_ONE(&all, an_event_has_its_number_of_lines_whatever_they_say);
    CASES_ADD_ONE(&all, more_kinds_than_there_is_room_for_are_rather_shown_than_lost);
    return cases_run("log_limit", &all);
}
