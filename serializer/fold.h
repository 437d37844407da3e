/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Identity and merging, pure: which sources are one thing, and what that thing looks like. Both
 * are functions of the set of sources alone, so that the same sources give the same entities in
 * whatever order they came.
 *
 * Sources that share a complete tuple of an identity rule, or stream and key (a rule that every
 * model has: two links may list one item), are connected; a connected component is an entity. A
 * component of more than ENTITY_MAX_SOURCES keeps the smallest of them; the rest are crowded
 * out: each stands alone, without identity, and is looked at again when the component changes.
 * Gone sources take no part; they stay where they are until the item comes back.
 */
#include "serializer/entity.h"

enum { ENTITY_MAX_SOURCES = 64 };

/* The values of one rule in one source: complete, and none that never identifies. */
struct tuple {
    size_t rule;
    struct value values[RULE_MAX_FIELDS];
};

/*
 * Returns how many tuples the source has, at most one for each rule; out has room for
 * MODEL_MAX_RULES.
 */
size_t fold_tuples(const struct model *m, const struct source *s, struct tuple *out);
bool tuple_eq(const struct tuple *a, const struct tuple *b, const struct model *m);
/*
 * All that identifies a living source, each as one text: its tuples ("hostname_ip", then each
 * value behind its length), and stream and key. For maps and for `crowd`. out has room for
 * MODEL_MAX_RULES + 1.
 */
size_t fold_identity(const struct model *m, const struct source *s, struct arena *arena,
                     struct str *out);

/* An entity as it shall be stored. */
struct folded {
    struct object_id id; /* of the old entity that it goes on from; zero = a new one */
    int64_t created_at_ms;
    struct source **sources; /* living ones in order, then gone ones */
    size_t count;
    const struct value *fields; /* merged; NULL when all sources are gone */
    const int32_t *from;        /* for each field: index into sources, or FROM_… of merge.h */
    struct tuple *tuples;       /* distinct, of the model's rules; none when crowded out */
    size_t tuple_count;
    bool crowded_out;
};

/*
 * One step from stored entities to what they shall be, to be taken whole: `old` are replaced by
 * `now`. At most one of each is a plain insert or a guarded replace; anything more moves
 * identity between stored entities and needs a transaction.
 */
struct change {
    struct entity **old;
    size_t old_count;
    struct folded *now;
    size_t now_count;
    size_t *
        heir; /* for each old that goes away: which `now` took its sources; for one that stays: SIZE_MAX */
    struct source **updates; /* those of the given updates that this change carries out */
    size_t update_count;
};

/*
 * Apply updates to the entities as read (all that share a source or a tuple with any of them
 * must be there) and fold. An update that is not greater than what is stored changes nothing.
 * Changes and all in them live in the arena and point to entities and updates given.
 */
size_t fold_plan(const struct model *m, struct entity *entities, size_t entity_count,
                 struct source *updates, size_t update_count, struct arena *arena,
                 struct change **out_changes);

/*
 * The same for stored sources that have not changed, by rules that have: every entity that holds one of these sources is folded
 * again. They stand for themselves, and what is stored of them counts; one that is not stored any more is nothing.
 */
size_t fold_again(const struct model *m, struct entity *entities, size_t entity_count,
                  struct source *stored, size_t stored_count, struct arena *arena,
                  struct change **out_changes);

/*
 * Full or crowded out? Then others of its component may be stored without sharing identity, and
 * the caller reads on by `crowd` until nothing new is found.
 */
bool fold_may_be_crowded(const struct entity *e);
