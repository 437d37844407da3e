/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The numbers that `muster init` gives out. A provider's account gets a lane, a partition of the tasks topic: counted up, never
 * used again for another, never a hash, so that no two accounts share one. A stream gets a map, the number of a version of its
 * files: one more at each change of its digest.
 */
#include "muster/muster.h"
#include "muster/report.h"

must_check bool numbers_give_lanes(struct muster *m, int32_t partitions, struct report *report,
                                   struct err *err);
/* At least this map, which pages carry already: the database that gave it out is lost. */
must_check bool numbers_raise_map(struct muster *m, const struct stream *stream, int64_t map,
                                  struct err *err);
must_check bool numbers_give_maps(struct muster *m, struct report *report, struct err *err);
