/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What changed in how many entities, by field and by stream, with the first few as examples: what a person reads of a diff
 * before switching to another database. Pure; lives in the arena.
 */
#include "muster/diff.h"

struct stream_tally {
    struct str stream; /* empty: no source says otherwise, only the merging changed */
    size_t count;
};

struct field_tally {
    size_t count;
    struct stream_tally *streams; /* in the order in which they came */
    size_t stream_count, stream_room;
    struct str *examples; /* "qualys/hosts 305000126: Ubuntu 22.04 -> Ubuntu Linux 22.04.3" */
    size_t example_count, example_room;
};

struct diff_tally {
    const struct model *model;
    struct arena *arena;
    size_t limit;               /* examples each */
    struct field_tally *fields; /* one for each field of the model */
    size_t came, left;          /* sources of changed entities */
};

struct diff_tally diff_tally_new(const struct model *m, size_t limit, struct arena *arena);
void diff_tally_add(struct diff_tally *t, struct str name, const struct entity_diff *d);
