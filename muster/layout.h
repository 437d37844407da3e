/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Which collections and indexes Muster needs: fixed ones, and those that follow from a model. Pure; lives in the arena.
 *
 * Sparse is what keeps an entity without a rule's tuples, or a redirect, out of the rule's unique index: a partial filter works for whole
 * documents, and tuples that are absent would collide on null.
 */
#include "common/model.h"

struct index_spec {
    struct str collection, name;
    struct str keys; /* paths, with commas */
    bool unique, sparse;
    const char *partial; /* JSON: only documents that match are in it; NULL = all */
};

struct layout {
    struct str *collections;
    size_t collection_count, collection_room;
    struct index_spec *indexes;
    size_t index_count, index_room;
};

struct layout layout_make(struct model *const *models, size_t count, struct arena *arena);
