/* SPDX-License-Identifier: MIT */
#pragma once
/* What the fetcher measures: the rows of its table, whose help texts say what each means. */
#include "common/metrics.h"

struct http_answer;
struct pace_ruling;
struct roster;
struct stretch;

enum fetcher_meter {
    FETCHER_PAGES,
    FETCHER_PAGE_BYTES,
    FETCHER_REQUEST_DURATION,
    FETCHER_REQUESTS,
    FETCHER_RETRIES,
    FETCHER_HOLDS,
    FETCHER_TASKS,
    FETCHER_REJECTS,
    FETCHER_PUBLISH_FAILURES,
    FETCHER_OPEN_TASKS,
    FETCHER_IN_FLIGHT,
    FETCHER_LANES,
    FETCHER_UNACKNOWLEDGED,
    FETCHER_RELOADS,
    FETCHER_METER_COUNT
};

extern const struct metric fetcher_meters[FETCHER_METER_COUNT];

/* With the series of labels that are known beforehand, so that their first event is seen as one. */
void fetcher_meters_open(struct metrics *m);

/* A transfer has ended, and this is what it means. */
void fetcher_meters_answer(struct metrics *m, const struct stretch *s,
                           const struct http_answer *answer, const struct pace_ruling *r);
/* Kafka has taken what the stretch's step says. */
void fetcher_meters_sent(struct metrics *m, const struct stretch *s);
/* How it is now. */
void fetcher_meters_now(struct metrics *m, const struct roster *r, size_t unacknowledged);
