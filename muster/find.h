/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Finding an entity from what a person has at hand: its id, the key that a provider knows it by, or a value that identifies it. Redirects
 * of merged entities are followed.
 */
#include "muster/muster.h"
#include "serializer/document.h"

enum { FOUND_MAX = 20, REDIRECTS_MAX = 16 };

struct found {
    struct document *list;                     /* live in the arena of the command */
    size_t count;                              /* at most FOUND_MAX */
    struct object_id redirects[REDIRECTS_MAX]; /* on the way to the first, in order */
    size_t redirect_count;
};

/* By the words of the command line after the model's: ID, KEY, VALUE, or STREAM KEY. Nothing found is no failure. */
must_check bool find_entities(struct muster *m, const struct model *model, struct found *out,
                              struct err *err);
