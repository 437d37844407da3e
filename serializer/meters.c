/* SPDX-License-Identifier: MIT */
#include "serializer/meters.h"

const struct metric serializer_meters[SERIALIZER_METER_COUNT] = {
    [SERIALIZER_PAGES] = {.name = "muster_serializer_pages_total",
                          .kind = METRIC_COUNTER,
                          .help = "Pages that went through a batch, whatever became of them."},
    [SERIALIZER_LATE_PAGES] = {.name = "muster_serializer_late_pages_total",
                               .kind = METRIC_COUNTER,
                               .help =
                                   "Pages of a listing that a newer, whole one has overtaken: "
                                   "they write nothing."},
    [SERIALIZER_IDENTICAL_PAGES] = {.name = "muster_serializer_identical_pages_total",
                                    .kind = METRIC_COUNTER,
                                    .help =
                                        "Pages with the same bytes as in the whole run before: "
                                        "they write only their mark."},
    [SERIALIZER_REJECTED_PAGES] =
        {.name = "muster_serializer_rejected_pages_total",
         .kind = METRIC_COUNTER,
         .help = "Pages set aside on muster.rejects, whole or for some of "
                 "their records."},
    [SERIALIZER_RECORDS] = {.name = "muster_serializer_records_total",
                            .kind = METRIC_COUNTER,
                            .help = "Records decoded."},
    [SERIALIZER_IDENTICAL_RECORDS] =
        {.name = "muster_serializer_identical_records_total",
         .kind = METRIC_COUNTER,
         .help = "Records that say what their source said before: they "
                 "write nothing."},
    [SERIALIZER_ISSUES] = {.name = "muster_serializer_issues_total",
                           .kind = METRIC_COUNTER,
                           .help = "Fields that would not take their type, and other issues."},
    [SERIALIZER_ENTITIES] = {.name = "muster_serializer_entities_written_total",
                             .kind = METRIC_COUNTER,
                             .help = "Entities written: new, changed, merged away or gone."},
    [SERIALIZER_MOVES] = {.name = "muster_serializer_moves_total",
                          .kind = METRIC_COUNTER,
                          .help =
                              "Transactions in which sources moved between entities: merges, "
                              "splits, swaps."},
    [SERIALIZER_COLLISIONS] = {.name = "muster_serializer_collisions_total",
                               .kind = METRIC_COUNTER,
                               .help = "Writes that met another serializer's, and were folded "
                                       "again."},
    [SERIALIZER_GONE] = {.name = "muster_serializer_gone_total",
                         .kind = METRIC_COUNTER,
                         .help = "Sources that a whole run did not list any more."},
    [SERIALIZER_RUNS] = {.name = "muster_serializer_runs_total",
                         .kind = METRIC_COUNTER,
                         .labels = {"result"},
                         .help =
                             "Runs read to their end: whole, or doubtful, which find nothing "
                             "gone."},
    [SERIALIZER_BATCH_DURATION] = {.name = "muster_batch_duration_seconds",
                                   .kind = METRIC_HISTOGRAM,
                                   .help =
                                       "From a batch's first look at MongoDB until it stands "
                                       "there, waiting for MongoDB included.",
                                   .bounds = METRIC_SHORT},
    [SERIALIZER_DUE_TO_STORED] =
        {.name = "muster_due_to_stored_seconds",
         .kind = METRIC_HISTOGRAM,
         .labels = {"stream"},
         .help = "Age of a page when it stands in MongoDB, from the time "
                 "that its link was due (of a link that is new, or made "
                 "due by hand: from its claim). By the clocks of MongoDB and of this "
                 "machine.",
         .bounds = METRIC_LONG},
    [SERIALIZER_REJECTS] = {.name = "muster_serializer_rejects_total",
                            .kind = METRIC_COUNTER,
                            .help =
                                "Messages set aside on muster.rejects, those that are no pages "
                                "included."},
    [SERIALIZER_RETRIES] = {.name = "muster_serializer_retries_total",
                            .kind = METRIC_COUNTER,
                            .labels = {"server"},
                            .help =
                                "Steps of a batch that failed and were made again: kafka or "
                                "mongo."},
    [SERIALIZER_PARTITIONS] = {.name = "muster_serializer_partitions",
                               .kind = METRIC_GAUGE,
                               .help =
                                   "Partitions of muster.pages that this process has. 0 means "
                                   "that there are more serializers than partitions."},
    [SERIALIZER_RELOADS] =
        {.name = "muster_serializer_reloads_total",
         .kind = METRIC_COUNTER,
         .labels = {"result"},
         .help = "Reloads after SIGHUP: ok, or failed, and then the files before "
                 "count."},
};

void serializer_meters_open(struct metrics *m)
{
    metrics_open(m, serializer_meters, SERIALIZER_METER_COUNT);
    metrics_add(m, SERIALIZER_RELOADS, LABELS(STR("ok")), 0);
    metrics_add(m, SERIALIZER_RELOADS, LABELS(STR("failed")), 0);
    metrics_add(m, SERIALIZER_RETRIES, LABELS(STR("kafka")), 0);
    metrics_add(m, SERIALIZER_RETRIES, LABELS(STR("mongo")), 0);
}

void serializer_meters_count(struct metrics *m, const struct batch_counts *c)
{
    const struct {
        enum serializer_meter meter;
        int64_t count;
    } plain[] = {
        {SERIALIZER_PAGES, c->pages},
        {SERIALIZER_LATE_PAGES, c->late_pages},
        {SERIALIZER_IDENTICAL_PAGES, c->identical_pages},
        {SERIALIZER_REJECTED_PAGES, c->rejected_pages},
        {SERIALIZER_RECORDS, c->records},
        {SERIALIZER_IDENTICAL_RECORDS, c->identical_records},
        {SERIALIZER_ISSUES, c->issues},
        {SERIALIZER_ENTITIES, c->entities},
        {SERIALIZER_MOVES, c->moves},
        {SERIALIZER_COLLISIONS, c->collisions},
        {SERIALIZER_GONE, c->gone},
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        metrics_set(m, plain[i].meter, NO_LABELS, (double)plain[i].count);
    metrics_set(m, SERIALIZER_RUNS, LABELS(STR("whole")), (double)c->whole_runs);
    metrics_set(m, SERIALIZER_RUNS, LABELS(STR("doubtful")), (double)c->doubtful_runs);
}

void serializer_meters_batch(struct metrics *m, const struct intake *in, int64_t took_ms,
                             int64_t now_unix_ms)
{
    metrics_add(m, SERIALIZER_REJECTS, NO_LABELS, (double)in->reject_count);
    if (in->page_count == 0)
        return;
    metrics_observe(m, SERIALIZER_BATCH_DURATION, NO_LABELS, (double)took_ms / 1000);
    for (size_t i = 0; i < in->page_count; i++) {
        const struct page *p = &in->pages[i];
        int64_t age_ms = now_unix_ms - p->head.due_ms;
        if (p->head.due_ms && p->head.outcome == OUTCOME_OK && !p->rejected)
            metrics_observe(m, SERIALIZER_DUE_TO_STORED, LABELS(p->stream->name),
                            age_ms > 0 ? (double)age_ms / 1000 : 0);
    }
}
