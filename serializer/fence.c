/* SPDX-License-Identifier: MIT */
#include "serializer/fence.h"

#include <stdlib.h>
#include <string.h>

struct whole fence_line(const struct link_state *link, bool shifts)
{
    return shifts ? link->before : link->complete;
}

static bool is_made_again(const struct mark *page, const struct mark *own)
{
    return own->gen > 0 && own->answer == page->answer && page->map > own->map;
}

bool fence_is_seen(const struct mark *page, const struct mark *own, bool incremental)
{
    bool is_same = own->answer == page->answer && own->gen >= page->gen;
    return own->gen > 0 && !is_made_again(page, own) && (is_same || !incremental);
}

bool fence_is_late(const struct whole *line, const struct mark *page, const struct mark *own)
{
    return page->gen <= line->gen && !(page->run == line->run && is_made_again(page, own));
}

bool fence_may_skip(const struct link_state *link, const struct mark *page,
                    const struct mark *own)
{
    const struct whole *whole = &link->complete;
    return page->clean && own->gen == 0 && whole->gen > 0 && whole->gen == page->run - 1 &&
           whole->map == page->map && page->page < whole->pages && !whole->twice;
}

static int hash_cmp(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

bool key_set_has(const struct key_set *set, uint64_t key)
{
    return set->count && bsearch(&key, set->keys, set->count, sizeof key, hash_cmp);
}

bool mark_has(const struct mark *m, uint64_t key)
{
    struct key_set set = {.keys = m->keys, .count = m->key_count};
    return key_set_has(&set, key);
}

bool fence_is_identical(const struct mark *previous, const struct source *stored,
                        const struct source *record)
{
    return stored && !stored->gone && memcmp(stored->hash, record->hash, HASH_BYTES) == 0 &&
           mark_has(previous, key_hash(record->key));
}

/* The page that ends the listing, or -1. */
static int64_t final_page(const struct mark *marks, size_t count)
{
    int64_t final = -1;
    for (size_t i = 0; i < count; i++)
        if (marks[i].final && (final < 0 || marks[i].page < final))
            final = marks[i].page;
    return final;
}

/*
 * Keys of the pages up to final, sorted, with repetitions. Pages behind it belong to another
 * walk, whose listing was longer.
 */
static struct key_set all_keys(const struct mark *marks, size_t count, int64_t final,
                               struct arena *arena)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += marks[i].page <= final ? marks[i].key_count : 0;
    uint64_t *keys = ARENA_ARRAY(arena, uint64_t, total);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (marks[i].page > final || !marks[i].key_count)
            continue;
        memcpy(keys + used, marks[i].keys, marks[i].key_count * sizeof *keys);
        used += marks[i].key_count;
    }
    if (total)
        qsort(keys, total, sizeof *keys, hash_cmp);
    return (struct key_set){.keys = keys, .count = total};
}

static bool has_repetition(const struct key_set *sorted)
{
    for (size_t i = 1; i < sorted->count; i++)
        if (sorted->keys[i] == sorted->keys[i - 1])
            return true;
    return false;
}

struct key_set fence_keys(const struct mark *marks, size_t count, struct arena *arena)
{
    int64_t final = final_page(marks, count);
    struct key_set all = all_keys(marks, count, final, arena);
    uint64_t *keys = ARENA_ARRAY(arena, uint64_t, all.count);
    size_t used = 0;
    for (size_t i = 0; i < all.count; i++)
        if (!used || keys[used - 1] != all.keys[i])
            keys[used++] = all.keys[i];
    return (struct key_set){
        .keys = keys, .count = used, .has_strays = (int64_t)count > final + 1};
}

bool key_set_covers(const struct key_set *set, const struct key_set *part)
{
    for (size_t i = 0; i < part->count; i++)
        if (!key_set_has(set, part->keys[i]))
            return false;
    return true;
}

struct tally {
    int64_t pages;
    struct whole whole;
    bool clean, rejects;
};

static struct tally tally_up(const struct mark *marks, size_t count, int64_t final)
{
    struct tally t = {.whole = {.run = marks[0].run, .map = INT32_MAX}};
    struct whole *w = &t.whole;
    for (size_t i = 0; i < count; i++) {
        const struct mark *m = &marks[i];
        if (m->page > final)
            continue;
        t.pages++;
        w->gen = m->gen > w->gen ? m->gen : w->gen;
        w->map = m->map < w->map ? m->map
                                 : w->map; /* a run is whole by a map when all its pages are */
        t.clean |= m->clean;
        t.rejects |= m->rejects > 0;
    }
    return t;
}

enum run_state fence_run_state(const struct mark *marks, size_t count, struct arena *arena,
                               struct whole *out_whole)
{
    int64_t final = final_page(marks, count);
    if (final < 0)
        return RUN_OPEN;
    struct tally t = tally_up(marks, count, final);
    if (t.pages != final + 1)
        return RUN_OPEN;
    struct key_set keys = all_keys(marks, count, final, arena);
    t.whole.twice = has_repetition(&keys);
    t.whole.pages = t.pages;
    *out_whole = t.whole;
    if (t.rejects)
        return RUN_REJECTS;
    return t.clean && t.whole.twice ? RUN_DOUBTFUL : RUN_WHOLE;
}

bool fence_complete(struct link_state *link, const struct whole *whole)
{
    struct whole *same = whole->run == link->complete.run ? &link->complete
                         : whole->run == link->before.run ? &link->before
                                                          : NULL;
    if (same) {
        bool is_made_anew = whole->map > same->map;
        if (is_made_anew)
            *same = *whole;
        return is_made_anew;
    }
    if (whole->gen > link->complete.gen) {
        link->before = link->complete;
        link->complete = *whole;
        return true;
    }
    if (whole->gen > link->before.gen) {
        link->before = *whole;
        return true;
    }
    return false;
}

bool fence_must_sweep(const struct link_state *link, bool shifts)
{
    struct whole line = fence_line(link, shifts);
    return line.gen > 0 && (line.gen != link->swept.gen || line.map != link->swept.map);
}

bool fence_is_gone(const struct whole *line, const struct key_set *listed,
                   const struct source *stored)
{
    return !stored->gone && stored->version.gen <= line->gen &&
           !key_set_has(listed, key_hash(stored->key));
}

struct source fence_tombstone(const struct whole *line, const struct source *stored)
{
    struct source stone = *stored;
    /*
     * Above all that older runs said, and just above what it takes back: a greater map may list
     * the item after all.
     */
    if (stored->version.gen < line->run)
        stone.version = (struct version){.gen = line->run, .map = line->map, .page = -1};
    else
        stone.version.ordinal = INT32_MAX;
    stone.gone = true;
    stone.has_as_of = false;
    stone.as_of_ms = 0;
    stone.fields = NULL;
    memset(stone.hash, 0, sizeof stone.hash);
    return stone;
}
