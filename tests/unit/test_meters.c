/* SPDX-License-Identifier: MIT */
/* What an event of the announcer moves. */
#include "tests/unit/cases.h"

#include "announcer/meters.h"

enum { NOW_MS = 100000 };

static double events_of(const struct metrics *m, const char *change)
{
    return metrics_value(m, ANNOUNCER_EVENTS, LABELS(str_of(change)));
}

static void every_kind_of_event_is_there_before_the_first(void **state)
{
    (void)state;
    struct metrics m;
    buf_auto text = {0};
    announcer_meters_open(&m);
    buf_init(&text, 1 << 20);
    assert_true(metrics_render(&m, &text));
    for (size_t i = 0; i < EVENT_CHANGES; i++) {
        char wanted[64];
        (void)snprintf(wanted, sizeof wanted, "{change=\"%s\"} 0\n", event_changes[i]);
        assert_true(str_has(buf_str(&text), str_of(wanted)));
    }
    metrics_close(&m);
}

static void what_a_survey_finds_is_counted_and_has_no_age(void **state)
{
    (void)state;
    struct metrics m;
    buf_auto text = {0};
    announcer_meters_open(&m);
    buf_init(&text, 1 << 20);
    const struct event late = {.change = "changed", .changed_at_ms = NOW_MS - 2500};
    const struct event ahead = {.change = "gone", .changed_at_ms = NOW_MS + 7000};
    const struct event found = {.change = "state", .changed_at_ms = 1};
    announcer_meters_event(&m, &late, false, NOW_MS);
    announcer_meters_event(&m, &ahead, false, NOW_MS);
    announcer_meters_event(&m, &found, true, NOW_MS);
    assert_true(events_of(&m, "changed") == 1 && events_of(&m, "gone") == 1 &&
                events_of(&m, "state") == 1);
    assert_true(metrics_render(&m, &text));
    assert_true(str_has(buf_str(&text), STR("muster_changed_to_told_seconds_sum 2.5\n")));
    assert_true(str_has(buf_str(&text), STR("muster_changed_to_told_seconds_count 2\n")));
    metrics_close(&m);
}

int main(void)
{
    static struct cases all;
    CASES_ADD_ONE(&all, every_kind_of_event_is_there_before_the_first);
    CASES_ADD_ONE(&all, what_a_survey_finds_is_counted_and_has_no_age);
    return cases_run("meters", &all);
}
