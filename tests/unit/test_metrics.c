/* SPDX-License-Identifier: MIT */
/* The rendering, and the rules of naming for the tables of all stages. */
#include "tests/unit/cases.h"

#include "announcer/meters.h"
#include "common/process.h"
#include "fetcher/meters.h"
#include "producer/meters.h"
#include "serializer/meters.h"

#include <ctype.h>

enum { TRIES, DEPTH, WAIT };

static const struct metric table[] = {
    [TRIES] =
        {"muster_tries_total", METRIC_COUNTER, {"who", "end"}, "A back\\slash.\nTwo.", {0}},
    [DEPTH] = {"muster_depth_bytes", METRIC_GAUGE, {NULL}, "How deep.", {0}},
    [WAIT] = {"muster_wait_seconds", METRIC_HISTOGRAM, {"who"}, "How long.", {0.5, 1}},
};

static struct metrics m;

static int open_metrics(void **state)
{
    (void)state;
    metrics_open(&m, table, sizeof table / sizeof *table);
    return 0;
}

static int close_metrics(void **state)
{
    (void)state;
    metrics_close(&m);
    return 0;
}

static void assert_renders(const char *expected)
{
    buf_auto text;
    buf_init(&text, 1 << 20);
    assert_true(metrics_render(&m, &text));
    assert_string_equal(buf_text(&text), expected);
}

#define HEAD_TRIES \
    "# HELP muster_tries_total A back\\\\slash.\\nTwo.\n# TYPE muster_tries_total counter\n"
#define HEAD_DEPTH "# HELP muster_depth_bytes How deep.\n# TYPE muster_depth_bytes gauge\n"
#define HEAD_WAIT  "# HELP muster_wait_seconds How long.\n# TYPE muster_wait_seconds histogram\n"

static void without_labels_a_metric_is_there_from_the_start(void **state)
{
    (void)state;
    assert_renders(HEAD_TRIES HEAD_DEPTH "muster_depth_bytes 0\n" HEAD_WAIT);
}

static void each_combination_of_labels_is_a_series_and_is_escaped(void **state)
{
    (void)state;
    metrics_add(&m, TRIES, LABELS(STR("a"), STR("ok")), 1);
    metrics_add(&m, TRIES, LABELS(STR("a"), STR("ok")), 2);
    metrics_add(&m, TRIES, LABELS(STR("a\"\\\n"), STR("no")), 1);
    metrics_set(&m, DEPTH, NO_LABELS, 0.25);
    metrics_set(&m, DEPTH, NO_LABELS, 1e17);
    assert_true(metrics_value(&m, TRIES, LABELS(STR("a"), STR("ok"))) == 3);
    assert_renders(HEAD_TRIES
                   "muster_tries_total{who=\"a\",end=\"ok\"} 3\n"
                   "muster_tries_total{who=\"a\\\"\\\\\\n\",end=\"no\"} 1\n" HEAD_DEPTH
                   "muster_depth_bytes 1e+17\n" HEAD_WAIT);
}

static void buckets_count_what_is_at_most_their_bound(void **state)
{
    (void)state;
    const double values[] = {0.25, 0.5, 0.75, 7};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        metrics_observe(&m, WAIT, LABELS(STR("a")), values[i]);
    assert_renders(HEAD_TRIES HEAD_DEPTH "muster_depth_bytes 0\n" HEAD_WAIT
                                         "muster_wait_seconds_bucket{who=\"a\",le=\"0.5\"} 2\n"
                                         "muster_wait_seconds_bucket{who=\"a\",le=\"1\"} 3\n"
                                         "muster_wait_seconds_bucket{who=\"a\",le=\"+Inf\"} 4\n"
                                         "muster_wait_seconds_sum{who=\"a\"} 8.5\n"
                                         "muster_wait_seconds_count{who=\"a\"} 4\n");
}

static void what_is_too_much_is_counted_as_other(void **state)
{
    (void)state;
    for (int i = 0; i < METRIC_SERIES_MAX + 10; i++) {
        char who[16];
        (void)snprintf(who, sizeof who, "%d", i);
        metrics_add(&m, TRIES, LABELS(str_of(who), STR("ok")), 1);
    }
    assert_true(metrics_value(&m, TRIES, LABELS(STR("other"), STR("other"))) == 10);
    metrics_add(&m, TRIES, LABELS(STR("3"), STR("ok")), 1);
    assert_true(metrics_value(&m, TRIES, LABELS(STR("3"), STR("ok"))) == 2);
}

/* --- naming: https://prometheus.io/docs/practices/naming/ --- */

static bool ends(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);
    return len > end_len && strcmp(name + len - end_len, end) == 0;
}

static bool is_word(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '_')
            return false;
    return islower((unsigned char)name[0]);
}

static bool has_odd_unit(const char *name)
{
    static const char *const odd[] = {
        "_ms", "_milliseconds", "_us",      "_minutes", "_hours", "_days",   "_kb",
        "_mb", "_kib",          "_percent", "_count",   "_sum",   "_bucket", "_info_total"};
    bool found = false;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        found = found || ends(name, odd[i]);
    return found;
}

/* What is wrong with a row, or NULL. */
static const char *fault_of(const struct metric *t)
{
    bool is_counter = t->kind == METRIC_COUNTER, is_histogram = t->kind == METRIC_HISTOGRAM;
    if (!t->name || !t->help || t->help[0] == '\0' || t->help[strlen(t->help) - 1] != '.')
        return "it has no name, or no sentence that says what it means";
    if (!is_word(t->name) ||
        (strncmp(t->name, "muster_", 7) != 0 && strncmp(t->name, "process_", 8) != 0))
        return "its name begins with something else";
    if (is_counter != ends(t->name, "_total"))
        return "counters, and only counters, end in _total";
    if (has_odd_unit(t->name) || (is_histogram && !ends(t->name, "_seconds")))
        return "it has no base unit";
    for (size_t i = 0; i < METRIC_LABELS_MAX && t->labels[i]; i++)
        if (!is_word(t->labels[i]) || strcmp(t->labels[i], "le") == 0)
            return "a label is none";
    if (is_histogram != (t->bounds[0] > 0))
        return "histograms, and only histograms, have bounds";
    for (size_t i = 1; i < METRIC_BOUNDS_MAX && t->bounds[i] > 0; i++)
        if (t->bounds[i] <= t->bounds[i - 1])
            return "its bounds do not rise";
    return NULL;
}

static void every_row_of_every_stage_keeps_to_the_rules_and_is_alone(void **state)
{
    (void)state;
    const struct {
        const struct metric *rows;
        size_t count;
    } all[] = {{process_meters, process_meter_count},
               {producer_meters, PRODUCER_METER_COUNT},
               {fetcher_meters, FETCHER_METER_COUNT},
               {serializer_meters, SERIALIZER_METER_COUNT},
               {announcer_meters, ANNOUNCER_METER_COUNT}};
    const char *names[256];
    size_t count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (size_t k = 0; k < all[i].count; k++) {
            const char *fault = fault_of(&all[i].rows[k]);
            if (fault)
                fail_msg("%s: %s", all[i].rows[k].name, fault);
            for (size_t n = 0; n < count; n++)
                assert_string_not_equal(names[n], all[i].rows[k].name);
            names[count++] = all[i].rows[k].name;
        }
    }
    assert_true(count > 30);
}

struct bad {
    const char *sentence;
    struct metric row;
};

static const struct bad bads[] = {
    {"a counter without _total", {"muster_x", METRIC_COUNTER, {NULL}, "X.", {0}}},
    {"a gauge with _total", {"muster_x_total", METRIC_GAUGE, {NULL}, "X.", {0}}},
    {"milliseconds", {"muster_x_ms", METRIC_GAUGE, {NULL}, "X.", {0}}},
    {"a histogram without a unit", {"muster_x", METRIC_HISTOGRAM, {NULL}, "X.", {1, 2}}},
    {"a histogram without bounds", {"muster_x_seconds", METRIC_HISTOGRAM, {NULL}, "X.", {0}}},
    {"bounds that fall", {"muster_x_seconds", METRIC_HISTOGRAM, {NULL}, "X.", {2, 1}}},
    {"a name of somebody else", {"http_x_total", METRIC_COUNTER, {NULL}, "X.", {0}}},
    {"a name with a dash", {"muster_x-y", METRIC_GAUGE, {NULL}, "X.", {0}}},
    {"no meaning", {"muster_x", METRIC_GAUGE, {NULL}, "", {0}}},
    {"a label that histograms use", {"muster_x", METRIC_GAUGE, {"le"}, "X.", {0}}},
};

static void is_found(void **state)
{
    const struct bad *c = *state;
    assert_non_null(fault_of(&c->row));
}

int main(void)
{
    static struct cases all;
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_labels_a_metric_is_there_from_the_start,
                                        open_metrics, close_metrics),
        cmocka_unit_test_setup_teardown(each_combination_of_labels_is_a_series_and_is_escaped,
                                        open_metrics, close_metrics),
        cmocka_unit_test_setup_teardown(buckets_count_what_is_at_most_their_bound, open_metrics,
                                        close_metrics),
        cmocka_unit_test_setup_teardown(what_is_too_much_is_counted_as_other, open_metrics,
                                        close_metrics),
        cmocka_unit_test(every_row_of_every_stage_keeps_to_the_rules_and_is_alone),
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        all.tests[all.count++] = tests[i];
    CASES_ADD(&all, is_found, bads);
    return cases_run("metrics", &all);
}
