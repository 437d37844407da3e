/* SPDX-License-Identifier: MIT */
#include "common/ledger.h"

#include "common/arena.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    int64_t offset;
    bool done;
};

/* Entries from `head` on are in rising order of offset, and the first of them is not done. */
struct ledger_partition {
    struct ledger_partition *next;
    int32_t number;
    bool mark_moved;
    int64_t mark;
    struct arena arena; /* of the entries */
    struct entry *entries;
    size_t head, count, room; /* count includes what is before head */
    size_t open;
};

void ledger_init(struct ledger *l)
{
    *l = (struct ledger){0};
}

void ledger_done(struct ledger *l)
{
    while (l->partitions)
        ledger_drop_partition(l, l->partitions->number);
}

static struct ledger_partition *find(const struct ledger *l, int32_t partition)
{
    struct ledger_partition *p = l->partitions;
    while (p && p->number != partition)
        p = p->next;
    return p;
}

void ledger_add_partition(struct ledger *l, int32_t partition)
{
    ledger_drop_partition(l, partition);
    struct ledger_partition *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->number = partition;
    p->next = l->partitions;
    l->partitions = p;
}

void ledger_drop_partition(struct ledger *l, int32_t partition)
{
    struct ledger_partition **link = &l->partitions;
    while (*link && (*link)->number != partition)
        link = &(*link)->next;
    struct ledger_partition *p = *link;
    if (!p)
        return;
    *link = p->next;
    arena_done(&p->arena);
    free(p);
}

bool ledger_has_partition(const struct ledger *l, int32_t partition)
{
    return find(l, partition) != NULL;
}

/* What is before head goes first, when that makes enough room. */
static void make_room(struct ledger_partition *p)
{
    if (p->count < p->room)
        return;
    if (p->head > p->room / 2) {
        p->count -= p->head;
        memmove(p->entries, p->entries + p->head, p->count * sizeof *p->entries);
        p->head = 0;
        return;
    }
    p->entries = arena_grow(&p->arena, p->entries, p->count, &p->room, sizeof *p->entries);
}

void ledger_take(struct ledger *l, int32_t partition, int64_t offset)
{
    struct ledger_partition *p = find(l, partition);
    if (!p)
        return;
    make_room(p);
    p->entries[p->count++] = (struct entry){.offset = offset};
    p->open++;
}

static struct entry *find_entry(const struct ledger_partition *p, int64_t offset)
{
    size_t low = p->head, high = p->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->entries[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->count && p->entries[low].offset == offset ? &p->entries[low] : NULL;
}

void ledger_mark_done(struct ledger *l, int32_t partition, int64_t offset)
{
    struct ledger_partition *p = find(l, partition);
    struct entry *e = p ? find_entry(p, offset) : NULL;
    if (!e || e->done)
        return;
    e->done = true;
    p->open--;
    for (; p->head < p->count && p->entries[p->head].done; p->head++) {
        p->mark = p->entries[p->head].offset + 1;
        p->mark_moved = true;
    }
}

bool ledger_next_mark(struct ledger *l, int32_t *out_partition, int64_t *out_offset)
{
    struct ledger_partition *p = l->partitions;
    while (p && !p->mark_moved)
        p = p->next;
    if (!p)
        return false;
    p->mark_moved = false;
    *out_partition = p->number;
    *out_offset = p->mark;
    return true;
}

size_t ledger_open_count(const struct ledger *l, int32_t partition)
{
    const struct ledger_partition *p = find(l, partition);
    return p ? p->open : 0;
}

size_t ledger_open_total(const struct ledger *l)
{
    size_t open = 0;
    for (const struct ledger_partition *p = l->partitions; p; p = p->next)
        open += p->open;
    return open;
}
