/* SPDX-License-Identifier: MIT */
#include "common/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t room;
    max_align_t bytes[];
};

static struct arena_block *block_new(size_t room, struct arena_block *next)
{
    struct arena_block *block = calloc(1, sizeof *block + room);
    if (!block)
        abort();
    block->room = room;
    block->next = next;
    return block;
}

void *arena_take(struct arena *a, size_t bytes)
{
    size_t align = _Alignof(max_align_t);
    if (bytes > SIZE_MAX / 2)
        abort();
    size_t need = (bytes + align - 1) / align * align;
    struct arena_block *block = a->blocks;
    if (!block || block->room - block->used < need) {
        if (block && need > BLOCK_BYTES / 4) {
            /*
             * A big piece gets a block of its own behind the current one, which still has room.
             */
            block->next = block_new(need, block->next);
            block = block->next;
        } else {
            block = a->blocks = block_new(need > BLOCK_BYTES ? need : BLOCK_BYTES, a->blocks);
        }
    }
    void *piece = (char *)block->bytes + block->used;
    block->used += need;
    a->used_bytes += need;
    return piece;
}

void *arena_take_array(struct arena *a, size_t count, size_t bytes_each)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, bytes_each, &bytes))
        abort();
    return arena_take(a, bytes);
}

struct str arena_copy(struct arena *a, struct str s)
{
    return (struct str){arena_text(a, s), s.len};
}

char *arena_text(struct arena *a, struct str s)
{
    char *text = arena_take(a, s.len + 1);
    if (s.len)
        memcpy(text, s.ptr, s.len);
    return text;
}

struct str arena_format(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        abort();
    char *text = arena_take(a, (size_t)len + 1);
    va_start(args, format);
    (void)vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return (struct str){text, (size_t)len};
}

struct str arena_join(struct arena *a, const struct str *parts, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += parts[i].len;
    char *text = arena_take(a, total + 1);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len)
            memcpy(text + used, parts[i].ptr, parts[i].len);
        used += parts[i].len;
    }
    return (struct str){text, total};
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = NULL;
    while (a->blocks) {
        struct arena_block *block = a->blocks;
        a->blocks = block->next;
        if (!keep && block->room == BLOCK_BYTES) {
            memset(block->bytes, 0, block->used);
            block->used = 0;
            block->next = NULL;
            keep = block;
        } else {
            free(block);
        }
    }
    a->blocks = keep;
    a->used_bytes = 0;
}

void arena_done(struct arena *a)
{
    while (a->blocks) {
        struct arena_block *block = a->blocks;
        a->blocks = block->next;
        free(block);
    }
    a->used_bytes = 0;
}

void *arena_grow(struct arena *a, void *list, size_t count, size_t *room, size_t bytes_each)
{
    if (count < *room)
        return list;
    *room = *room ? *room * 2 : 8;
    void *grown = arena_take_array(a, *room, bytes_each);
    if (count)
        memcpy(grown, list, count * bytes_each);
    return grown;
}
