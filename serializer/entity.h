/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What an entity is made of, in memory. A source is what one link last said of one item; an
 * entity is a fold of its sources. Versions order what was said of one source, without any
 * clock: a source is only ever replaced by a greater version of itself.
 */
#include "common/model.h"

/* Compared member by member, in this order. */
struct version {
    int64_t gen;  /* of the claim under which the page was fetched */
    int32_t map;  /* a mended file wins over what the old one made of the same page */
    int64_t page; /* index in the listing, from 0 */
    uint64_t
        answer; /* first 8 bytes of the page's SHA-256, big endian: a page asked twice may be answered twice */
    int32_t ordinal; /* of the record in its page */
};

/* Where a page is kept. */
struct coords {
    struct str topic;
    int32_t partition;
    int64_t offset;
};

enum { HASH_BYTES = 16 };

struct source {
    struct str link, stream, key;
    struct version version;
    uint8_t
        hash[HASH_BYTES]; /* of as_of and all fields that are not volatile; zero when gone */
    bool gone;            /* a complete run did not list it; it has no fields then */
    bool has_as_of;
    int64_t as_of_ms; /* the record's own time of change */
    struct coords page;
    const struct value
        *fields;      /* one for each field of the model; NULL when gone or not read */
    struct str trace; /* traceparent of the page that says so; of what is stored it is empty */
};

/* Ids are 12 bytes, compared as bytes: MongoDB's ObjectId. All zero = none yet. */
struct object_id {
    uint8_t bytes[12];
};

struct entity {
    struct object_id id, rev;
    int64_t created_at_ms;
    struct source *sources;
    size_t count;
    bool crowded_out; /* stands alone because its component is full: see fold.h */
    const struct value
        *fields; /* as merged when it was stored; NULL when gone or not read whole */
};

int version_cmp(const struct version *a, const struct version *b);
/*
 * By stream, key, link: the order of sources in an entity, and the last word where everything
 * else is equal.
 */
int source_cmp(const struct source *a, const struct source *b);
bool source_is_same(const struct source *a, const struct source *b); /* equal link and key */
/*
 * The hash of a record's content: as_of and the fields that are not volatile. Equal content,
 * equal hash.
 */
void source_hash(const struct model *m, struct source *s);
/* Equal but for what is volatile, and for the order of a list. */
bool value_is_same(const struct type *t, struct value a, struct value b);
/* 64 bits of a source key, for the lists of keys that runs keep. */
uint64_t key_hash(struct str key);
