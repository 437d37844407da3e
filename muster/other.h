/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A second database beside the live one, made ready for a replay, and for the stages once they are pointed at it. It gets
 * everything that muster init makes, and from the live one what pages do not tell:
 *
 *   lanes  the same, so that a provider's tasks stay in one partition and its rate limit holds
 *   maps   never smaller than the live ones, as kept pages carry those; one more where the files here are others
 *   links  gen, run and due_at, so that no gen is given out twice; but no line and no end: the pages tell those again
 *
 * Safe to repeat, also when both have moved on: what is newer in the second stays. The live database is only read.
 */
#include "muster/muster.h"

/* *out is a command's view of the other database; servers and files are those of `live`. To be closed also after a failure. */
must_check bool other_open(struct muster *live, struct str database, struct muster *out,
                           struct err *err);
void other_close(struct muster *other);
