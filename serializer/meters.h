/* SPDX-License-Identifier: MIT */
#pragma once
/* What the serializer measures: the rows of its table, whose help texts say what each means. */
#include "common/metrics.h"
#include "serializer/intake.h"

enum serializer_meter {
    SERIALIZER_PAGES,
    SERIALIZER_LATE_PAGES,
    SERIALIZER_IDENTICAL_PAGES,
    SERIALIZER_REJECTED_PAGES,
    SERIALIZER_RECORDS,
    SERIALIZER_IDENTICAL_RECORDS,
    SERIALIZER_ISSUES,
    SERIALIZER_ENTITIES,
    SERIALIZER_MOVES,
    SERIALIZER_COLLISIONS,
    SERIALIZER_GONE,
    SERIALIZER_RUNS,
    SERIALIZER_BATCH_DURATION,
    SERIALIZER_DUE_TO_STORED,
    SERIALIZER_REJECTS,
    SERIALIZER_RETRIES,
    SERIALIZER_PARTITIONS,
    SERIALIZER_RELOADS,
    SERIALIZER_METER_COUNT
};

extern const struct metric serializer_meters[SERIALIZER_METER_COUNT];

/* With the series of labels that are known beforehand, so that their first event is seen as one. */
void serializer_meters_open(struct metrics *m);

/* What all batches so far have done. */
void serializer_meters_count(struct metrics *m, const struct batch_counts *counts);
/* A batch has been written in so many milliseconds, and stands now. */
void serializer_meters_batch(struct metrics *m, const struct intake *in, int64_t took_ms,
                             int64_t now_unix_ms);
