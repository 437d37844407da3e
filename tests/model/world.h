/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The world around the serializer, small and mean: items that change identity, swap it, vanish
 * and come back; links that are claimed while an older claim is still being fetched; fetchers
 * that stop half-way, come back later, or fetch the same task twice; a log of pages that is
 * never forgotten. All chance comes from one seed.
 */
#include "serializer/batch.h"
#include "tests/model/memory_store.h"

enum {
    WORLD_LINKS = 4,
    WORLD_KEYS = 5,
    WORLD_HOSTS = 4,
    PAGE_ITEMS = 2,
    PARTITIONS = 3,
    LOG_MAX = 1024,
    WALKS_MAX = 64
};

struct item {
    bool is_there;
    uint32_t host, ip; /* numbers of a name and an address; host 0 is "localhost" */
    uint32_t note;
    int64_t as_of_ms;
};

/*
 * One page as it was published. Map 1 rejects the last of its items, or the whole page; map 2 reads
 * them, except in an incremental stream, where nothing would ever make up for what map 1 missed.
 */
struct message {
    struct page_head head;
    const struct stream *stream;
    struct item items[PAGE_ITEMS];
    uint32_t keys[PAGE_ITEMS];
    size_t count, rejects;
    bool is_bad;
};

/* A fetcher on its way through a link. */
struct walk {
    bool is_open;
    size_t link;
    int64_t gen, run, prev, page;
};

struct world {
    uint64_t dice;
    struct item items[WORLD_LINKS][WORLD_KEYS];
    struct walk walks[WALKS_MAX];
    struct message *log[PARTITIONS];
    size_t log_count[PARTITIONS];
    int64_t run[WORLD_LINKS]; /* of the newest claim */
    int64_t resume_page[WORLD_LINKS];
    bool resumes[WORLD_LINKS];
    bool is_calm; /* nothing changes or fails any more */
    int32_t map;  /* of the serializers that start now: 1, and 2 once the files are mended */
    int64_t time_ms;
};

void world_open(struct world *w, uint64_t seed);
void world_close(struct world *w);
extern const struct model world_model;
const struct stream *world_stream(size_t link);
struct str world_link(size_t link);
bool world_is_incremental(size_t link);
/* Something happens to the items of a link. */
void world_change(struct world *w);
/* Claim a link as the producer would, from what the database says of it. */
void world_claim(struct world *w, size_t link, struct memory_store *db);
/* Fetch one page of a walk; it may end there. */
void world_fetch(struct world *w, struct walk *walk);
/* Fetch the task again from its start, as Kafka's redelivery would. */
void world_fetch_twice(struct world *w, const struct walk *walk);
/* Send a page again that map 1 rejects, as `muster rejects retry` would. */
void world_retry(struct world *w);
/* The record of an item, as map_page() would make it. */
struct source world_record(const struct message *m, size_t index, struct arena *arena);
/* For struct page.body and batch_new(). */
bool world_decode(struct page *page, struct arena *arena, struct err *err);
struct page world_page(struct message *m, int32_t map, int32_t partition, int64_t offset);
