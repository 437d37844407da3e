/* SPDX-License-Identifier: MIT */
#include "producer/meters.h"

#include "common/clock.h"
#include "producer/claim.h"
#include "producer/routes.h"

#include <stdio.h>

const struct metric producer_meters[PRODUCER_METER_COUNT] = {
    [PRODUCER_CLAIMED] = {.name = "muster_producer_links_claimed_total",
                          .kind = METRIC_COUNTER,
                          .labels = {"stream"},
                          .help =
                              "Links that were due and are ours for the time of a lease; each "
                              "becomes a task."},
    [PRODUCER_DUE_TO_CLAIMED] = {.name = "muster_due_to_claimed_seconds",
                                 .kind = METRIC_HISTOGRAM,
                                 .labels = {"stream"},
                                 .help =
                                     "How long a link had been due when it was claimed. It "
                                     "grows when a stream's limits, or the producers, are too "
                                     "slow for its links.",
                                 .bounds = METRIC_LONG},
    [PRODUCER_CLAIM_DURATION] = {.name = "muster_producer_claim_duration_seconds",
                                 .kind = METRIC_HISTOGRAM,
                                 .help = "Time of an attempt to claim links, a transaction in "
                                         "MongoDB, failed ones included.",
                                 .bounds = METRIC_SHORT},
    [PRODUCER_CLAIM_FAILURES] = {.name = "muster_producer_claim_failures_total",
                                 .kind = METRIC_COUNTER,
                                 .help = "Attempts to claim that failed and are made again; "
                                         "collisions are counted apart."},
    [PRODUCER_COLLISIONS] = {.name = "muster_producer_claim_collisions_total",
                             .kind = METRIC_COUNTER,
                             .help = "Attempts to claim that met another producer's. Some are "
                                     "normal where several producers run."},
    [PRODUCER_PUBLISH_FAILURES] = {.name = "muster_producer_publish_failures_total",
                                   .kind = METRIC_COUNTER,
                                   .help =
                                       "Times that tasks could not be given to Kafka and are "
                                       "sent again."},
    [PRODUCER_REJECTS] = {.name = "muster_producer_rejects_total",
                          .kind = METRIC_COUNTER,
                          .help =
                              "Tasks given up since no topic takes them; their links come due "
                              "again."},
    [PRODUCER_UNDELIVERED] = {.name = "muster_producer_undelivered_tasks",
                              .kind = METRIC_GAUGE,
                              .help = "Tasks that Kafka has not acknowledged yet."},
    [PRODUCER_WAITING] = {.name = "muster_producer_lane_waiting_tasks",
                          .kind = METRIC_GAUGE,
                          .labels = {"lane"},
                          .help =
                              "Tasks that no fetcher has done, as last measured. A lane that "
                              "stays full holds back its streams' links."},
    [PRODUCER_RELOADS] = {.name = "muster_producer_reloads_total",
                          .kind = METRIC_COUNTER,
                          .labels = {"result"},
                          .help =
                              "Reloads after SIGHUP: ok, or failed, and then the files before "
                              "count."},
};

void producer_meters_open(struct metrics *m)
{
    metrics_open(m, producer_meters, PRODUCER_METER_COUNT);
    metrics_add(m, PRODUCER_RELOADS, LABELS(STR("ok")), 0);
    metrics_add(m, PRODUCER_RELOADS, LABELS(STR("failed")), 0);
}

void producer_meters_claim(struct metrics *m, bool ok, const struct claim *claim,
                           const struct claimed *list, size_t count, int64_t took_ms)
{
    int64_t now_ms = clock_unix_ms();
    if (ok && count == 0) /* looks that find nothing, ten a second, would hide the others */
        return;
    metrics_observe(m, PRODUCER_CLAIM_DURATION, NO_LABELS, (double)took_ms / 1000);
    metrics_add(m, PRODUCER_COLLISIONS, NO_LABELS, !ok && claim->collided);
    metrics_add(m, PRODUCER_CLAIM_FAILURES, NO_LABELS, !ok && !claim->collided);
    for (size_t i = 0; ok && i < count; i++) {
        const struct task *t = &list[i].task;
        int64_t age_ms = now_ms > t->due_ms ? now_ms - t->due_ms : 0;
        metrics_add(m, PRODUCER_CLAIMED, LABELS(t->stream), 1);
        metrics_observe(m, PRODUCER_DUE_TO_CLAIMED, LABELS(t->stream), (double)age_ms / 1000);
    }
}

void producer_meters_publish(struct metrics *m, enum err_kind failure)
{
    metrics_add(m, PRODUCER_PUBLISH_FAILURES, NO_LABELS, failure == ERR_RETRY);
    metrics_add(m, PRODUCER_REJECTS, NO_LABELS, failure == ERR_REJECT);
}

void producer_meters_now(struct metrics *m, size_t undelivered, const struct routes *r)
{
    metrics_set(m, PRODUCER_UNDELIVERED, NO_LABELS, (double)undelivered);
    for (size_t i = 0; i < r->lane_count; i++) {
        char lane[16];
        (void)snprintf(lane, sizeof lane, "%d", (int)r->lanes[i].partition);
        metrics_set(m, PRODUCER_WAITING, LABELS(str_of(lane)), (double)r->lanes[i].waiting);
    }
}
