/* SPDX-License-Identifier: MIT */
#include "announcer/meters.h"

const struct metric announcer_meters[ANNOUNCER_METER_COUNT] = {
    [ANNOUNCER_EVENTS] = {.name = "muster_announcer_events_total",
                          .kind = METRIC_COUNTER,
                          .labels = {"change"},
                          .help =
                              "Events given to Kafka, by what happened to the entity; those "
                              "that come again after a failure count again."},
    [ANNOUNCER_CHANGED_TO_TOLD] =
        {.name = "muster_changed_to_told_seconds",
         .kind = METRIC_HISTOGRAM,
         .help =
             "Age of a change when its event was given to Kafka, from the time that stands "
             "in the entity: how far behind the announcer is. Without those of a survey. By "
             "the clocks of the serializer's machine and of this one.",
         .bounds = METRIC_LONG},
    [ANNOUNCER_UNDELIVERED] = {.name = "muster_announcer_undelivered_events",
                               .kind = METRIC_GAUGE,
                               .help = "Events that Kafka has not acknowledged yet."},
    [ANNOUNCER_PUBLISH_FAILURES] =
        {.name = "muster_announcer_publish_failures_total",
         .kind = METRIC_COUNTER,
         .help = "Events that Kafka did not take; all since the bookmark are told again."},
    [ANNOUNCER_RETRIES] =
        {.name = "muster_announcer_retries_total",
         .kind = METRIC_COUNTER,
         .labels = {"server"},
         .help = "Times that a server failed, and that all since the bookmark is told again: "
                 "kafka or mongo."},
    [ANNOUNCER_SURVEYS] =
        {.name = "muster_announcer_surveys_total",
         .kind = METRIC_COUNTER,
         .help = "Surveys begun: all entities are told as they are, at the very first start, "
                 "after history_lost, and again when a survey was cut short."},
    [ANNOUNCER_ANNOUNCES] =
        {.name = "muster_announcer_announces",
         .kind = METRIC_GAUGE,
         .help =
             "1 while it is this process that announces, else 0: it stands by, or waits for "
             "a server. The sum over all announcers is 1 when all is well."},
    [ANNOUNCER_RELOADS] = {.name = "muster_announcer_reloads_total",
                           .kind = METRIC_COUNTER,
                           .labels = {"result"},
                           .help =
                               "Reloads after SIGHUP: ok, or failed, and then the files before "
                               "count."},
};

void announcer_meters_open(struct metrics *m)
{
    metrics_open(m, announcer_meters, ANNOUNCER_METER_COUNT);
    for (size_t i = 0; i < EVENT_CHANGES; i++)
        metrics_add(m, ANNOUNCER_EVENTS, LABELS(str_of(event_changes[i])), 0);
    metrics_add(m, ANNOUNCER_RELOADS, LABELS(STR("ok")), 0);
    metrics_add(m, ANNOUNCER_RELOADS, LABELS(STR("failed")), 0);
    metrics_add(m, ANNOUNCER_RETRIES, LABELS(STR("kafka")), 0);
    metrics_add(m, ANNOUNCER_RETRIES, LABELS(STR("mongo")), 0);
}

void announcer_meters_event(struct metrics *m, const struct event *e, bool is_survey,
                            int64_t now_unix_ms)
{
    int64_t age_ms = now_unix_ms - e->changed_at_ms;
    metrics_add(m, ANNOUNCER_EVENTS, LABELS(str_of(e->change)), 1);
    if (!is_survey)
        metrics_observe(m, ANNOUNCER_CHANGED_TO_TOLD, NO_LABELS,
                        age_ms > 0 ? (double)age_ms / 1000 : 0);
}

void announcer_meters_now(struct metrics *m, size_t undelivered, bool announces)
{
    metrics_set(m, ANNOUNCER_UNDELIVERED, NO_LABELS, (double)undelivered);
    metrics_set(m, ANNOUNCER_ANNOUNCES, NO_LABELS, announces ? 1 : 0);
}
