/* SPDX-License-Identifier: MIT */
#pragma once
/* What the announcer measures: the rows of its table, whose help texts say what each means. */
#include "announcer/event.h"
#include "common/metrics.h"

enum announcer_meter {
    ANNOUNCER_EVENTS,
    ANNOUNCER_CHANGED_TO_TOLD,
    ANNOUNCER_UNDELIVERED,
    ANNOUNCER_PUBLISH_FAILURES,
    ANNOUNCER_RETRIES,
    ANNOUNCER_SURVEYS,
    ANNOUNCER_ANNOUNCES,
    ANNOUNCER_RELOADS,
    ANNOUNCER_METER_COUNT
};

extern const struct metric announcer_meters[ANNOUNCER_METER_COUNT];

/* With the series of labels that are known beforehand, so that their first event is seen as one. */
void announcer_meters_open(struct metrics *m);

/* An event was given to Kafka. What a survey finds is as old as it is, and no sign of being behind. */
void announcer_meters_event(struct metrics *m, const struct event *e, bool is_survey,
                            int64_t now_unix_ms);
/* How it is now. */
void announcer_meters_now(struct metrics *m, size_t undelivered, bool announces);
