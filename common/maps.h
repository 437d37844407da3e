/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The number that `muster init` has given to a stream's section and model. Reads MongoDB;
 * blocks a few seconds at most.
 */
#include "common/mongo.h"
#include "common/provider.h"

/*
 * Exit code 78 when the stream has none yet, or when its files here are not those that were
 * numbered last: pages would be called by the number of another map.
 */
must_check bool maps_read(struct mongo *mongo, const struct stream *stream, struct arena *arena,
                          int32_t *out_map, struct err *err);
