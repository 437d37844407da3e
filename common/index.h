/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A map from text to a number, for the life of an arena: open addressing, keys are views that
 * must stay where they are. Pure.
 */
#include "common/arena.h"

struct index_slot;

struct index {
    struct arena *arena;
    struct index_slot *slots;
    size_t room, count;
};

/* An index is born with the number of keys expected; it grows when there are more. */
void index_init(struct index *x, struct arena *arena, size_t expected);
/* The number of a key, or -1. */
int64_t index_get(const struct index *x, struct str key);
/* The number that the key has already, or `number`, which it has from now on. */
int64_t index_put(struct index *x, struct str key, int64_t number);
