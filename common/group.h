/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The names of the consumer groups. They are no settings: whoever looks after a group (the producer at its lag, `muster status`) must
 * name the one that the stage is in. Pure; texts live in the arena.
 */
#include "common/arena.h"

/* All fetchers of these topics: "muster-fetchers". */
struct str group_of_fetchers(struct str topics, struct arena *arena);
/*
 * All serializers that write into this database, as each database must get all pages: "muster-serializers" for the one that is named
 * like the topics, "muster-serializers-again" for another.
 */
struct str group_of_serializers(struct str topics, struct str database, struct arena *arena);
