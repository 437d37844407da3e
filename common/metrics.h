/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Counters, gauges and histograms, rendered as Prometheus' text format 0.0.4. A program has a
 * static table that says name, kind, meaning and labels of each once; values are kept here, one
 * series for each combination of labels that was met. Labels must be of bounded sets (streams,
 * outcomes): from SERIES_MAX of a metric on, what is new is counted as "other". Not for several
 * threads. Never blocks, no I/O.
 *
 * Names: muster_…, base units (_seconds, _bytes), counters and only counters end in _total.
 */
#include "common/str.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
enum { METRIC_LABELS_MAX = 2, METRIC_BOUNDS_MAX = 16, METRIC_SERIES_MAX = 512 };

struct metric {
    const char *name;
    enum metric_kind kind;
    const char *labels[METRIC_LABELS_MAX];  /* names; NULL = no more */
    const char *help;                       /* what it means, one sentence */
    const double bounds[METRIC_BOUNDS_MAX]; /* METRIC_HISTOGRAM: ascending; 0 = no more */
};

/* Upper bounds for what takes milliseconds to minutes, and for what takes up to days. */
#define METRIC_SHORT {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120}
#define METRIC_LONG  {0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900, 3600, 21600, 86400}

/* The values of a metric's labels, in the table's order. */
struct labels {
    struct str values[METRIC_LABELS_MAX];
};
#define LABELS(...) ((struct labels){{__VA_ARGS__}})
#define NO_LABELS   ((struct labels){{{0}}})

struct metric_series;

struct metrics {
    const struct metric *table;
    size_t count;
    struct metric_series **series; /* for each metric, its list */
};

/* The table must outlive it. A metric without labels is there at once, as 0. */
void metrics_open(struct metrics *m, const struct metric *table, size_t count);
void metrics_close(struct metrics *m);

/* `index` is the metric's place in the table. Adding 0 makes a series be there before its first event. */
void metrics_add(struct metrics *m, size_t index, struct labels l, double n);
/* Of a gauge, or of a counter that is kept elsewhere. */
void metrics_set(struct metrics *m, size_t index, struct labels l, double value);
/* Of a histogram. */
void metrics_observe(struct metrics *m, size_t index, struct labels l, double value);
/* 0 when there is no such series; of a histogram, how often something was observed. */
double metrics_value(const struct metrics *m, size_t index, struct labels l);

must_check bool metrics_render(const struct metrics *m, struct buf *out);
