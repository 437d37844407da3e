/* SPDX-License-Identifier: MIT */
#pragma once
/* What the producer measures: the rows of its table, whose help texts say what each means. */
#include "common/metrics.h"

struct claim;
struct claimed;
struct routes;

enum producer_meter {
    PRODUCER_CLAIMED,
    PRODUCER_DUE_TO_CLAIMED,
    PRODUCER_CLAIM_DURATION,
    PRODUCER_CLAIM_FAILURES,
    PRODUCER_COLLISIONS,
    PRODUCER_PUBLISH_FAILURES,
    PRODUCER_REJECTS,
    PRODUCER_UNDELIVERED,
    PRODUCER_WAITING,
    PRODUCER_RELOADS,
    PRODUCER_METER_COUNT
};

extern const struct metric producer_meters[PRODUCER_METER_COUNT];

/* With the series of labels that are known beforehand, so that their first event is seen as one. */
void producer_meters_open(struct metrics *m);

/* An attempt to claim took so long, and ended with these links. */
void producer_meters_claim(struct metrics *m, bool ok, const struct claim *claim,
                           const struct claimed *list, size_t count, int64_t took_ms);
/* How giving tasks to Kafka went; ERR_NONE = well. */
void producer_meters_publish(struct metrics *m, enum err_kind failure);
/* How it is now. */
void producer_meters_now(struct metrics *m, size_t undelivered, const struct routes *r);
