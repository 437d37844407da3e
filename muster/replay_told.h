/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a replay did, on stdout: as text, or as one JSON object on a line.
 */
#include "serializer/batch.h"

struct listed_reject {
    int32_t partition;
    int64_t offset;
    struct str reason;
};

struct replay_told {
    struct str into;
    bool went_on; /* from where the last replay into this database ended */
    const struct batch_counts *counts;
    int64_t passed_over;           /* messages of streams that nobody asked for */
    struct listed_reject *rejects; /* the first few */
    size_t reject_count, reject_shown, reject_room;
};

void replay_tell(const struct replay_told *t, bool as_json);
