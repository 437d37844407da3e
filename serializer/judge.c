/* SPDX-License-Identifier: MIT */
#include "serializer/judge.h"

#include "common/index.h"

#include <stdlib.h>

static uint64_t answer_of(const uint8_t *sha256)
{
    uint64_t answer = 0;
    for (size_t i = 0; i < sizeof answer; i++)
        answer = answer << 8 | sha256[i];
    return answer;
}

struct mark judge_mark(const struct page *p)
{
    return (struct mark){.link = p->head.link,
                         .run = p->head.run,
                         .page = p->head.page,
                         .gen = p->head.gen,
                         .map = p->map,
                         .answer = answer_of(p->head.sha256),
                         .final = p->head.final,
                         .clean = p->head.prev > 0 && p->head.prev == p->head.run - 1};
}

/* The bytes of the whole run before: nothing in them can be new. */
static bool is_same_page(const struct page *p)
{
    return p->may_skip && p->before.gen > 0 && p->before.answer == p->mark.answer &&
           p->before.map == p->mark.map && p->before.rejects == 0;
}

static enum verdict verdict_of(struct page *p, const struct link_state *link,
                               const struct whole *line)
{
    if (p->head.outcome != OUTCOME_OK)
        return PAGE_NEWS;
    p->may_skip = fence_may_skip(link, &p->mark, &p->own);
    if (fence_is_seen(&p->mark, &p->own, p->stream->incremental))
        return PAGE_SEEN;
    if (fence_is_late(line, &p->mark, &p->own))
        return PAGE_LATE;
    return is_same_page(p) ? PAGE_IDENTICAL : PAGE_APPLY;
}

void judge_page(struct page *p, const struct link_state *link, const struct whole *line)
{
    p->verdict = verdict_of(p, link, line);
    if (p->verdict != PAGE_IDENTICAL)
        return;
    p->mark.keys = p->before.keys;
    p->mark.key_count = p->before.key_count;
}

static void follow(struct page *p, const struct page *first)
{
    p->own = first->mark;
    p->twin = first;
}

void judge_look_back(struct page *pages, size_t count, struct arena *arena)
{
    struct index first;
    index_init(&first, arena, count);
    for (size_t i = 0; i < count; i++) {
        struct page *p = &pages[i];
        if (p->head.outcome != OUTCOME_OK)
            continue;
        struct str id = arena_format(arena, STR_FMT "\x1f%lld\x1f%lld", STR_ARG(p->head.link),
                                     (long long)p->head.run, (long long)p->head.page);
        int64_t known = index_put(&first, id, (int64_t)i);
        if (known != (int64_t)i && p->own.gen == 0)
            follow(p, &pages[known]);
    }
}

struct page *judge_next_twin(const struct page *bad, struct page *pages, size_t count)
{
    struct page *heir = NULL;
    for (size_t i = 0; i < count; i++) {
        if (pages[i].twin != bad)
            continue;
        pages[i].own = (struct mark){0};
        pages[i].twin = NULL;
        if (heir)
            follow(&pages[i], heir);
        else
            heir = &pages[i];
    }
    return heir;
}

static int hash_cmp(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The last of several records with one key stands for it. */
static void drop_repeated(struct decoded *d, struct arena *arena)
{
    struct index last;
    index_init(&last, arena, d->count);
    size_t used = 0;
    for (size_t i = 0; i < d->count; i++) {
        int64_t known = index_put(&last, d->records[i].key, (int64_t)used);
        d->records[known] = d->records[i];
        used += known == (int64_t)used;
    }
    d->count = used;
}

void judge_records(struct page *p, struct arena *arena)
{
    struct decoded *d = &p->decoded;
    drop_repeated(d, arena);
    uint64_t *keys = ARENA_ARRAY(arena, uint64_t, d->count);
    for (size_t i = 0; i < d->count; i++) {
        struct version *v = &d->records[i].version;
        v->gen = p->mark.gen;
        v->map = p->mark.map;
        v->page = p->mark.page;
        v->answer = p->mark.answer;
        d->records[i].trace = p->head.trace;
        keys[i] = key_hash(d->records[i].key);
    }
    if (d->count)
        qsort(keys, d->count, sizeof *keys, hash_cmp);
    p->mark.keys = keys;
    p->mark.key_count = d->count;
    p->mark.rejects = d->rejects > INT32_MAX ? INT32_MAX : (int32_t)d->rejects;
    if (p->verdict == PAGE_APPLY && d->rejects) {
        p->rejected = true;
        p->reason = d->first_reject;
    }
}
