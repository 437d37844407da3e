/* SPDX-License-Identifier: MIT */
#include "tests/model/world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { HOSTNAME, IP, NOTE, FIELDS };

static const struct value never_names[] = {
    {.kind = VALUE_TEXT, .count = 9, .text = "localhost"}};
static const struct field fields[FIELDS] = {
    [HOSTNAME] = {.name = {"hostname", 8},
                  .type = {.kind = TYPE_HOSTNAME},
                  .never = {.values = never_names, .count = 1}},
    [IP] = {.name = {"ip", 2}, .type = {.kind = TYPE_STRING}},
    [NOTE] = {.name = {"note", 4}, .type = {.kind = TYPE_STRING}},
};
static const struct rule rules[] = {{.name = {"hostname_ip", 11},
                                     .fields = {HOSTNAME, IP},
                                     .keys = {{"hostname", 8}, {"ip", 2}},
                                     .count = 2}};
const struct model world_model = {.name = {"host", 4},
                                  .collection = {"hosts", 5},
                                  .fields = fields,
                                  .field_count = FIELDS,
                                  .rules = rules,
                                  .rule_count = 1};

/*
 * a: shifts, so an item is gone after two runs. b: two links that list the same items. c:
 * incremental, it never ends.
 */
static const struct stream streams[] = {
    {.name = {"p/a", 3}, .model = &world_model, .pages = {.by = PAGES_OFFSET}},
    {.name = {"q/b", 3}, .model = &world_model, .pages = {.by = PAGES_CURSOR}},
    {.name = {"r/c", 3},
     .model = &world_model,
     .pages = {.by = PAGES_CURSOR},
     .incremental = true},
};
static const size_t stream_of_link[WORLD_LINKS] = {0, 1, 1, 2};
static const char *const link_names[WORLD_LINKS] = {"p/a", "q/b?n=1", "q/b?n=2", "r/c"};
static const char *const hosts[WORLD_HOSTS] = {"localhost", "alpha", "beta", "gamma"};
static const char *const ips[] = {"192.0.2.1", "192.0.2.2"};
static const char *const notes[] = {"red", "green", "blue"};
static const char *const keys[WORLD_KEYS] = {"k0", "k1", "k2", "k3", "k4"};

const struct stream *world_stream(size_t link)
{
    return &streams[stream_of_link[link]];
}

struct str world_link(size_t link)
{
    return str_of(link_names[link]);
}

bool world_is_incremental(size_t link)
{
    return stream_of_link[link] == 2;
}

static void new_identity(struct world *w, struct item *item)
{
    item->host = (uint32_t)roll_below(&w->dice, WORLD_HOSTS);
    item->ip = (uint32_t)roll_below(&w->dice, 2);
}

void world_open(struct world *w, uint64_t seed)
{
    *w = (struct world){.dice = seed * 0x9e3779b97f4a7c15U + 1, .map = 1};
    for (size_t p = 0; p < PARTITIONS; p++) {
        w->log[p] = calloc(LOG_MAX, sizeof *w->log[p]);
        if (!w->log[p])
            abort();
    }
    for (size_t l = 0; l < WORLD_LINKS; l++)
        for (size_t k = 0; k < WORLD_KEYS; k++) {
            w->items[l][k].is_there = roll_below(&w->dice, 3) > 0;
            new_identity(w, &w->items[l][k]);
        }
}

void world_close(struct world *w)
{
    for (size_t p = 0; p < PARTITIONS; p++)
        free(w->log[p]);
}

static void change_item(struct world *w, size_t link)
{
    struct item *item = &w->items[link][roll_below(&w->dice, WORLD_KEYS)];
    struct item *other =
        &w->items[roll_below(&w->dice, WORLD_LINKS)][roll_below(&w->dice, WORLD_KEYS)];
    uint32_t host = item->host;
    item->as_of_ms = ++w->time_ms;
    switch (roll_below(&w->dice, 4)) {
    case 0:
        item->is_there = !item->is_there;
        break;
    case 1:
        new_identity(w, item);
        break;
    case 2:
        item->note = (uint32_t)roll_below(&w->dice, 3);
        break;
    default:
        item->host = other->host;
        other->host = host;
        other->as_of_ms = w->time_ms;
    }
}

void world_change(struct world *w)
{
    change_item(w, roll_below(&w->dice, WORLD_LINKS));
}

void world_claim(struct world *w, size_t link, struct memory_store *db)
{
    struct store store = memory_store(db);
    struct memory_link *l = memory_link(db, world_link(link));
    if (!l) {
        uint32_t failing = db->fail_one_in;
        struct err err;
        db->fail_one_in = 0;
        if (!store.link_raise(db, world_stream(link)->name, world_link(link), STR("{}"), 0,
                              &err))
            abort();
        db->fail_one_in = failing;
        l = memory_link(db, world_link(link));
    }
    bool goes_on =
        l->wants_again && l->last.kind == NEWS_DEFERRED && l->state.closed == l->state.gen;
    l->state.gen++;
    if (!goes_on)
        w->run[link] = l->state.gen;
    l->wants_again = false;
    for (size_t i = 0; i < WALKS_MAX; i++) {
        if (w->walks[i].is_open)
            continue;
        w->walks[i] = (struct walk){.is_open = true,
                                    .link = link,
                                    .gen = l->state.gen,
                                    .run = w->run[link],
                                    .prev = l->state.complete.twice ? 0 : l->state.complete.gen,
                                    .page = goes_on ? l->last.page : 0};
        return;
    }
}

/* Equal content, equal bytes. */
static void sign(struct message *m)
{
    uint64_t hash = 0xcbf29ce484222325U ^ m->count ^ (uint64_t)m->head.final << 8 ^
                    (uint64_t)m->rejects << 16 ^ (uint64_t)m->is_bad << 24;
    for (size_t i = 0; i < m->count; i++) {
        const struct item *it = &m->items[i];
        uint64_t content[] = {m->keys[i], it->host, it->ip, it->note, (uint64_t)it->as_of_ms};
        for (size_t j = 0; j < 5; j++)
            hash = (hash ^ (content[j] + 1)) * 0x100000001b3U, hash ^= hash >> 31;
    }
    memcpy(m->head.sha256, &hash, sizeof hash);
}

static size_t list_page(const struct world *w, const struct walk *walk, struct message *m)
{
    size_t present = 0;
    for (size_t k = 0; k < WORLD_KEYS; k++) {
        if (!w->items[walk->link][k].is_there)
            continue;
        if ((int64_t)(present / PAGE_ITEMS) == walk->page) {
            m->items[m->count] = w->items[walk->link][k];
            m->keys[m->count++] = (uint32_t)k;
        }
        present++;
    }
    return present;
}

static void publish(struct world *w, const struct walk *walk, struct message *m)
{
    m->stream = world_stream(walk->link);
    m->head.link = world_link(walk->link);
    m->head.stream = m->stream->name;
    m->head.params = STR("{}");
    m->head.gen = walk->gen;
    m->head.run = walk->run;
    m->head.prev = walk->prev;
    m->head.page = walk->page;
    sign(m);
    size_t partition = ((size_t)walk->page + walk->link) % PARTITIONS;
    assert(w->log_count[partition] < LOG_MAX);
    w->log[partition][w->log_count[partition]++] = *m;
}

/*
 * An item comes in before the place that the walk has reached, so that the rest shifts and one
 * item is listed twice.
 */
static void shift(struct world *w, size_t link)
{
    for (size_t k = 0; k < WORLD_KEYS; k++)
        if (!w->items[link][k].is_there) {
            w->items[link][k].is_there = true;
            return;
        }
}

static void spoil(struct world *w, size_t link, struct message *m)
{
    if (world_is_incremental(link)) {
        m->rejects = 1;
        m->count--;
    } else if (roll_below(&w->dice, 2)) {
        m->rejects = 1;
    } else {
        m->is_bad = true;
    }
}

void world_fetch(struct world *w, struct walk *walk)
{
    struct message m = {0};
    if (!w->is_calm && walk->page > 0 && roll_below(&w->dice, 6) == 0) {
        shift(w, walk->link);
        change_item(w, walk->link);
    }
    if (!w->is_calm && walk->page > 0 && roll_below(&w->dice, 20) == 0) {
        m.head.outcome = roll_below(&w->dice, 2) ? OUTCOME_DEFERRED : OUTCOME_FAILED;
        walk->is_open = false;
        publish(w, walk, &m);
        return;
    }
    size_t present = list_page(w, walk, &m);
    m.head.final = (size_t)(walk->page + 1) * PAGE_ITEMS >= present;
    if (!w->is_calm && m.count && roll_below(&w->dice, 30) == 0)
        spoil(w, walk->link, &m);
    publish(w, walk, &m);
    walk->page++;
    walk->is_open = !m.head.final;
}

void world_fetch_twice(struct world *w, const struct walk *walk)
{
    for (size_t i = 0; i < WALKS_MAX; i++)
        if (!w->walks[i].is_open) {
            w->walks[i] = *walk;
            w->walks[i].page = 0;
            return;
        }
}

struct source world_record(const struct message *m, size_t index, struct arena *arena)
{
    const struct item *item = &m->items[index];
    struct value *values = ARENA_ARRAY(arena, struct value, FIELDS);
    values[HOSTNAME] = value_text(str_of(hosts[item->host]));
    values[IP] = value_text(str_of(ips[item->ip]));
    values[NOTE] = value_text(str_of(notes[item->note]));
    struct source s = {.link = m->head.link,
                       .stream = m->head.stream,
                       .key = str_of(keys[m->keys[index]]),
                       .version = {.ordinal = (int32_t)index},
                       .has_as_of = true,
                       .as_of_ms = item->as_of_ms,
                       .fields = values};
    source_hash(&world_model, &s);
    return s;
}

void world_retry(struct world *w)
{
    size_t p = roll_below(&w->dice, PARTITIONS);
    if (!w->log_count[p] || w->log_count[p] == LOG_MAX)
        return;
    size_t first = roll_below(&w->dice, w->log_count[p]);
    for (size_t i = first; i < w->log_count[p]; i++) {
        if (!w->log[p][i].rejects && !w->log[p][i].is_bad)
            continue;
        w->log[p][w->log_count[p]++] = w->log[p][i];
        return;
    }
}

bool world_decode(struct page *page, struct arena *arena, struct err *err)
{
    const struct message *m = (const void *)page->body.ptr;
    bool is_mended = page->map >= 2 && !page->stream->incremental;
    size_t unread = is_mended || page->stream->incremental ? 0 : m->rejects;
    if (m->is_bad && !is_mended)
        return err_set(err, ERR_REJECT, "map 1 cannot read it");
    page->decoded = (struct decoded){.records = ARENA_ARRAY(arena, struct source, m->count),
                                     .count = m->count - unread,
                                     .rejects = is_mended ? 0 : m->rejects};
    for (size_t i = 0; i < page->decoded.count; i++)
        page->decoded.records[i] = world_record(m, i, arena);
    return true;
}

struct page world_page(struct message *m, int32_t map, int32_t partition, int64_t offset)
{
    return (struct page){.head = m->head,
                         .stream = m->stream,
                         .map = map,
                         .body = {(const char *)m, sizeof *m},
                         .coords = {STR("pages"), partition, offset}};
}
