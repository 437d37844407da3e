/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * From where a replay reads, as its flags say it. Pure. All fail with exit code 64.
 */
#include "common/kafka_reader.h"

/* --since: "2024-05-01", "2024-05-01T06:00:00Z", or how long ago: "36h". Empty: 0, from the first page. */
must_check bool replay_since(struct str text, int64_t now_unix_ms, int64_t *out_unix_ms,
                             struct err *err);
/*
 * --from: "PARTITION:OFFSET", several with commas. Only those partitions are read, each from its offset (or from the first page
 * that is kept, when that is later). Empty changes nothing.
 */
must_check bool replay_from(struct str text, struct kafka_range *ranges, size_t count,
                            struct err *err);
