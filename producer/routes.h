/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Where the tasks of each stream go, and by which map their pages will be read: what `muster init` has numbered, for the streams that the
 * files know. Reads MongoDB; blocks a few seconds at most.
 */
#include "common/mongo.h"
#include "common/provider.h"
#include "producer/policy.h"

struct routes {
    struct lane *lanes; /* one for each provider */
    size_t lane_count;
    struct share *shares; /* one for each stream */
    size_t share_count;
};

/*
 * Exit code 78 when a provider has no lane among the topic's partitions, or when a stream's files are not those that were numbered: a
 * program that goes on would call pages by the number of another map.
 */
must_check bool routes_read(struct mongo *mongo, const struct providers *providers,
                            int64_t lease_ms, int32_t partitions, struct arena *arena,
                            struct routes *out, struct err *err);
