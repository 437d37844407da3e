/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Writing updates until they stand: read the entities that share a source or a tuple with them,
 * fold, write, and do again what collided with another writer. One step is at most one call of
 * the store. Embedded in a batch; one model at a time.
 */
#include "serializer/store.h"

struct apply {
    const struct store *store;
    struct arena *arena;
    const struct model *model; /* of all updates in the queue */
    bool again;             /* the updates are stored already: by new rules, see fold_again() */
    struct source *updates; /* still to be written */
    size_t count, room;
    size_t taken;            /* the first so many are under way */
    struct entity *entities; /* as read for those */
    size_t entity_count;
    enum { APPLY_READ, APPLY_READ_ON, APPLY_WRITE } step;
    int64_t written, moves, collisions;
};

/* Starts empty: {.store, .arena, .model, .again}. */
void apply_add(struct apply *a, const struct source *update);
bool apply_is_done(const struct apply *a);
/* On ERR_RETRY the same step comes next time; what was perhaps written is found written. */
must_check bool apply_step(struct apply *a, struct err *err);
