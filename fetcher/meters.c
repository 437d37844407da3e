/* SPDX-License-Identifier: MIT */
#include "fetcher/meters.h"

#include "fetcher/roster.h"

const struct metric fetcher_meters[FETCHER_METER_COUNT] = {
    [FETCHER_PAGES] = {.name = "muster_fetcher_pages_total",
                       .kind = METRIC_COUNTER,
                       .labels = {"stream", "outcome"},
                       .help =
                           "Pages given to Kafka: ok, deferred (the provider says when to come "
                           "back) or failed."},
    [FETCHER_PAGE_BYTES] = {.name = "muster_fetcher_page_bytes_total",
                            .kind = METRIC_COUNTER,
                            .labels = {"stream"},
                            .help = "Bytes of the bodies of these pages, without "
                                    "content-encoding."},
    [FETCHER_REQUEST_DURATION] = {.name = "muster_http_request_duration_seconds",
                                  .kind = METRIC_HISTOGRAM,
                                  .labels = {"stream"},
                                  .help = "From the start of a request to its last byte or its "
                                          "failure, redirects included.",
                                  .bounds = METRIC_SHORT},
    [FETCHER_REQUESTS] = {.name = "muster_http_requests_total",
                          .kind = METRIC_COUNTER,
                          .labels = {"stream", "end"},
                          .help = "Requests by their end: the class of the status, lost (no "
                                  "answer, or half of one) or refused (by us: an address, a "
                                  "redirect or a size that is not allowed)."},
    [FETCHER_RETRIES] = {.name = "muster_fetcher_retries_total",
                         .kind = METRIC_COUNTER,
                         .labels = {"stream"},
                         .help = "Answers after which the same page is asked for again."},
    [FETCHER_HOLDS] = {.name = "muster_fetcher_holds_total",
                       .kind = METRIC_COUNTER,
                       .labels = {"stream"},
                       .help = "Answers that told us to ask this provider nothing for a while: "
                               "too many requests, or unavailable."},
    [FETCHER_TASKS] = {.name = "muster_fetcher_tasks_total",
                       .kind = METRIC_COUNTER,
                       .help = "Tasks taken from Kafka."},
    [FETCHER_REJECTS] = {.name = "muster_fetcher_rejects_total",
                         .kind = METRIC_COUNTER,
                         .help = "Tasks set aside on muster.rejects, since no retry can mend "
                                 "them."},
    [FETCHER_PUBLISH_FAILURES] = {.name = "muster_fetcher_publish_failures_total",
                                  .kind = METRIC_COUNTER,
                                  .help =
                                      "Messages that Kafka did not acknowledge; their tasks "
                                      "begin anew, or fail where the message is too big."},
    [FETCHER_OPEN_TASKS] = {.name = "muster_fetcher_open_tasks",
                            .kind = METRIC_GAUGE,
                            .help = "Tasks that are taken and not done; --window is the most."},
    [FETCHER_IN_FLIGHT] = {.name = "muster_fetcher_requests_in_flight",
                           .kind = METRIC_GAUGE,
                           .labels = {"stream"},
                           .help = "Requests under way; in_flight of the provider file is the "
                                   "most."},
    [FETCHER_LANES] = {.name = "muster_fetcher_lanes",
                       .kind = METRIC_GAUGE,
                       .help =
                           "Partitions of muster.tasks that this process has. 0 in one of "
                           "several fetchers means that there are more fetchers than lanes."},
    [FETCHER_UNACKNOWLEDGED] = {.name = "muster_fetcher_unacknowledged_messages",
                                .kind = METRIC_GAUGE,
                                .help = "Messages that wait for Kafka's acknowledgement."},
    [FETCHER_RELOADS] = {.name = "muster_fetcher_reloads_total",
                         .kind = METRIC_COUNTER,
                         .labels = {"result"},
                         .help =
                             "Reloads after SIGHUP: ok, or failed, and then the files before "
                             "count."},
};

void fetcher_meters_open(struct metrics *m)
{
    metrics_open(m, fetcher_meters, FETCHER_METER_COUNT);
    metrics_add(m, FETCHER_RELOADS, LABELS(STR("ok")), 0);
    metrics_add(m, FETCHER_RELOADS, LABELS(STR("failed")), 0);
}

/* A label of few values: "2xx" … "5xx", "lost" or "refused". */
static struct str end_of(const struct http_answer *answer)
{
    static const struct str classes[] = {
        {"1xx", 3}, {"2xx", 3}, {"3xx", 3}, {"4xx", 3}, {"5xx", 3}};
    int class = answer->status / 100;
    if (answer->end != HTTP_ANSWERED)
        return answer->end == HTTP_LOST ? STR("lost") : STR("refused");
    return class >= 1 && class <= 5 ? classes[class - 1] : STR("other");
}

void fetcher_meters_answer(struct metrics *m, const struct stretch *s,
                           const struct http_answer *answer, const struct pace_ruling *r)
{
    struct str stream = s->stream->name;
    metrics_add(m, FETCHER_REQUESTS, LABELS(stream, end_of(answer)), 1);
    metrics_observe(m, FETCHER_REQUEST_DURATION, LABELS(stream),
                    (double)answer->took_ms / 1000);
    metrics_add(m, FETCHER_RETRIES, LABELS(stream), r->ruling == RULING_AGAIN);
    metrics_add(m, FETCHER_HOLDS, LABELS(stream), r->holds_account);
}

void fetcher_meters_sent(struct metrics *m, const struct stretch *s)
{
    if (s->step == STEP_REJECT)
        metrics_add(m, FETCHER_REJECTS, NO_LABELS, 1);
    if (s->step != STEP_PAGE)
        return;
    struct str outcome = str_of(outcome_name(s->found.outcome));
    metrics_add(m, FETCHER_PAGES, LABELS(s->stream->name, outcome), 1);
    metrics_add(m, FETCHER_PAGE_BYTES, LABELS(s->stream->name), (double)s->found.body.len);
}

void fetcher_meters_now(struct metrics *m, const struct roster *r, size_t unacknowledged)
{
    metrics_set(m, FETCHER_OPEN_TASKS, NO_LABELS, (double)r->count);
    metrics_set(m, FETCHER_LANES, NO_LABELS, (double)r->lanes.count);
    metrics_set(m, FETCHER_UNACKNOWLEDGED, NO_LABELS, (double)unacknowledged);
    for (const struct channel *c = r->schedule.channels; c; c = c->next)
        metrics_set(m, FETCHER_IN_FLIGHT, LABELS(c->stream), c->pace.in_flight);
}
