/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Memory of one lifetime: whatever a batch, a transfer or a file needs is taken from its arena
 * and given back in one go. There is no free of a single piece. All memory is zeroed and
 * aligned for any type. Running out of memory aborts.
 */
#include "common/str.h"

struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t used_bytes; /* handed out since the last reset; a measure for tests and metrics */
};

#define arena_auto __attribute__((cleanup(arena_done))) struct arena

/* An arena starts as {0}. */
void *arena_take(struct arena *a, size_t bytes);
void *arena_take_array(struct arena *a, size_t count, size_t bytes_each);
#define ARENA_NEW(a, type)          ((type *)arena_take((a), sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_take_array((a), (count), sizeof(type)))
struct str arena_copy(struct arena *a, struct str s);
/* NUL-terminated, for library borders. */
char *arena_text(struct arena *a, struct str s);
struct str arena_format(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The parts one behind the other; bytes of any kind. */
struct str arena_join(struct arena *a, const struct str *parts, size_t count);
/* Give everything back but keep one block for the next round. */
void arena_reset(struct arena *a);
void arena_done(struct arena *a);

/*
 * A growing array in an arena: `struct record *list; size_t count, room;` and ARENA_PUSH(a,
 * list, count, room) gives a pointer to a new zeroed element. Pointers into the array move when
 * it grows.
 */
#define ARENA_PUSH(a, list, count, room) \
    ((list) = arena_grow((a), (list), (count), &(room), sizeof *(list)), &(list)[(count)++])
void *arena_grow(struct arena *a, void *list, size_t count, size_t *room, size_t bytes_each);
