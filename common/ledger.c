/* SPDX-License-Identifier: MIT */
#include "common/ledger.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    int64_t offset;
    bool done;
};

/* Entries from `head` on are in rising order of offset, and the first of them is not done. */
struct ledger_partition {
    int32_t number;
    bool mark_moved;
    int64_t mark;
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
    for (size_t i = 0; i < l->count; i++)
        free(l->partitions[i].entries);
    free(l->partitions);
    *l = (struct ledger){0};
}

static struct ledger_partition *find(const struct ledger *l, int32_t partition)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->partitions[i].number == partition)
            return &l->partitions[i];
    return NULL;
}

static void *grown(void *list, size_t room, size_t bytes_each)
{
    void *bigger = reallocarray(list, room, bytes_each);
    if (!bigger)
        abort();
    return bigger;
}

void ledger_add_partition(struct ledger *l, int32_t partition)
{
    ledger_drop_partition(l, partition);
    if (l->count == l->room) {
        l->room = l->room ? l->room * 2 : 8;
        l->partitions = grown(l->partitions, l->room, sizeof *l->partitions);
    }
    l->partitions[l->count++] = (struct ledger_partition){.number = partition};
}

void ledger_drop_partition(struct ledger *l, int32_t partition)
{
    struct ledger_partition *p = find(l, partition);
    if (!p)
        return;
    free(p->entries);
    *p = l->partitions[--l->count];
}

bool ledger_has_partition(const struct ledger *l, int32_t partition)
{
    return find(l, partition) != NULL;
}

void ledger_take(struct ledger *l, int32_t partition, int64_t offset)
{
    struct ledger_partition *p = find(l, partition);
    if (!p)
        return;
    if (p->count == p->room && p->head > p->room / 2) {
        p->count -= p->head;
        memmove(p->entries, p->entries + p->head, p->count * sizeof *p->entries);
        p->head = 0;
    }
    if (p->count == p->room) {
        p->room = p->room ? p->room * 2 : 64;
        p->entries = grown(p->entries, p->room, sizeof *p->entries);
    }
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
    for (size_t i = 0; i < l->count; i++) {
        struct ledger_partition *p = &l->partitions[i];
        if (p->mark_moved) {
            p->mark_moved = false;
            *out_partition = p->number;
            *out_offset = p->mark;
            return true;
        }
    }
    return false;
}

size_t ledger_open_count(const struct ledger *l, int32_t partition)
{
    const struct ledger_partition *p = find(l, partition);
    return p ? p->open : 0;
}

size_t ledger_open_total(const struct ledger *l)
{
    size_t open = 0;
    for (size_t i = 0; i < l->count; i++)
        open += l->partitions[i].open;
    return open;
}
