/* SPDX-License-Identifier: MIT */
#include "common/index.h"

struct index_slot {
    struct str key;
    uint64_t hash;
    int64_t number;
    bool used;
};

/* FNV-1a with a final mix: short keys, in-process only, never stored. */
static uint64_t hash_of(struct str key)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.ptr[i]) * 0x100000001b3U;
    return hash ^ (hash >> 29);
}

void index_init(struct index *x, struct arena *arena, size_t expected)
{
    size_t room = 16;
    while (room < expected * 2)
        room *= 2;
    *x = (struct index){
        .arena = arena, .room = room, .slots = ARENA_ARRAY(arena, struct index_slot, room)};
}

/* The slot of the key, or the free one where it belongs. */
static struct index_slot *find(const struct index *x, struct str key, uint64_t hash)
{
    size_t at = hash & (x->room - 1);
    while (x->slots[at].used && !(x->slots[at].hash == hash && str_eq(x->slots[at].key, key)))
        at = (at + 1) & (x->room - 1);
    return &x->slots[at];
}

static void grow(struct index *x)
{
    struct index old = *x;
    index_init(x, old.arena, old.room);
    x->count = old.count;
    for (size_t i = 0; i < old.room; i++)
        if (old.slots[i].used)
            *find(x, old.slots[i].key, old.slots[i].hash) = old.slots[i];
}

int64_t index_get(const struct index *x, struct str key)
{
    const struct index_slot *slot = find(x, key, hash_of(key));
    return slot->used ? slot->number : -1;
}

int64_t index_put(struct index *x, struct str key, int64_t number)
{
    if (x->count * 2 >= x->room)
        grow(x);
    uint64_t hash = hash_of(key);
    struct index_slot *slot = find(x, key, hash);
    if (!slot->used) {
        *slot = (struct index_slot){.key = key, .hash = hash, .number = number, .used = true};
        x->count++;
    }
    return slot->number;
}
