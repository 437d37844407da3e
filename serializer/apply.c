/* SPDX-License-Identifier: MIT */
#include "serializer/apply.h"

#include <string.h>

/* Updates in one round: bounds the find, the bulk and what a collision makes us do again. */
enum { ROUND_MAX = 1000 };

void apply_add(struct apply *a, const struct source *update)
{
    *ARENA_PUSH(a->arena, a->updates, a->count, a->room) = *update;
}

bool apply_is_done(const struct apply *a)
{
    return a->count == 0;
}

static bool read_entities(struct apply *a, struct err *err)
{
    a->taken = a->count < ROUND_MAX ? a->count : ROUND_MAX;
    struct want want = {
        .sources = a->updates, .source_count = a->taken, .by_identity = true, .whole = true};
    if (!a->store->entities_read(a->store->self, a->model, &want, a->arena, &a->entities,
                                 &a->entity_count, err))
        return false;
    /* By new rules an entity that is found may share a tuple with another that is not. */
    a->step = a->again ? APPLY_READ_ON : APPLY_WRITE;
    for (size_t i = 0; i < a->entity_count; i++)
        if (fold_may_be_crowded(&a->entities[i]))
            a->step = APPLY_READ_ON;
    return true;
}

/*
 * All sources of the working set, so that whoever shares a tuple with any of them is found too.
 */
static struct want want_around(const struct apply *a)
{
    size_t total = a->taken;
    for (size_t i = 0; i < a->entity_count; i++)
        total += a->entities[i].count;
    struct source *sources = ARENA_ARRAY(a->arena, struct source, total);
    size_t used = 0;
    for (; used < a->taken; used++)
        sources[used] = a->updates[used];
    for (size_t i = 0; i < a->entity_count; i++)
        for (size_t j = 0; j < a->entities[i].count; j++)
            sources[used++] = a->entities[i].sources[j];
    return (struct want){
        .sources = sources, .source_count = used, .by_identity = true, .whole = true};
}

/* A full component's other sources stand alone: read on until nothing new is found. */
static bool read_on(struct apply *a, struct err *err)
{
    struct want want = want_around(a);
    size_t known = a->entity_count;
    struct entity *entities;
    size_t count;
    if (!a->store->entities_read(a->store->self, a->model, &want, a->arena, &entities, &count,
                                 err))
        return false;
    a->entities = entities;
    a->entity_count = count;
    if (count <= known)
        a->step = APPLY_WRITE;
    return true;
}

/* What is left: the updates of collided changes, and those not yet taken. */
static void keep_collided(struct apply *a, const struct change *changes, size_t count,
                          const enum written *written)
{
    struct source *left = NULL;
    size_t left_count = 0;
    size_t left_room = 0;
    for (size_t c = 0; c < count; c++) {
        if (written[c] == WRITTEN_YES) {
            a->written += (int64_t)changes[c].now_count;
            a->moves += changes[c].old_count > 1 || changes[c].now_count > 1;
            continue;
        }
        a->collisions++;
        for (size_t i = 0; i < changes[c].update_count; i++)
            *ARENA_PUSH(a->arena, left, left_count, left_room) = *changes[c].updates[i];
    }
    for (size_t i = a->taken; i < a->count; i++)
        *ARENA_PUSH(a->arena, left, left_count, left_room) = a->updates[i];
    a->updates = left;
    a->count = left_count;
    a->room = left_room;
}

static bool write_entities(struct apply *a, struct err *err)
{
    struct change *changes = NULL;
    size_t count = (a->again ? fold_again : fold_plan)(
        a->model, a->entities, a->entity_count, a->updates, a->taken, a->arena, &changes);
    enum written *written = ARENA_ARRAY(a->arena, enum written, count);
    a->step = APPLY_READ; /* whatever happens, the next round looks at what is stored then */
    if (count &&
        !a->store->entities_write(a->store->self, a->model, changes, count, written, err))
        return false;
    keep_collided(a, changes, count, written);
    return true;
}

bool apply_step(struct apply *a, struct err *err)
{
    switch (a->step) {
    case APPLY_READ:
        return read_entities(a, err);
    case APPLY_READ_ON:
        return read_on(a, err);
    case APPLY_WRITE:
        return write_entities(a, err);
    }
    return true;
}
