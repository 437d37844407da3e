/* SPDX-License-Identifier: MIT */
#include "muster/numbers.h"

#include "common/clock.h"
#include "common/hex.h"

#include <sysexits.h>

enum { TRIES = 10 };

/* What one attempt at numbering came to. */
enum attempt {
    ATTEMPT_FAILED,
    ATTEMPT_DONE,
    ATTEMPT_RACED /* another init was faster: look again */
};

/* The one document that `filter` and `opts` find, copied to *out; *out_found says whether there is one. */
static bool read_one(struct muster *m, const char *from, const bson_t *filter,
                     const bson_t *opts, bson_t *out, bool *out_found, struct err *err)
{
    collection_auto *collection = mongo_collection(&m->mongo, from);
    cursor_auto *cursor = mongoc_collection_find_with_opts(collection, filter, opts, NULL);
    const bson_t *found = NULL, *reply = NULL;
    bson_error_t error = {0};
    *out_found = mongoc_cursor_next(cursor, &found);
    if (*out_found)
        bson_concat(out, found);
    return !mongoc_cursor_error_document(cursor, &error, &reply) ||
           mongo_error("read numbers", &error, reply, err);
}

static enum attempt insert(struct muster *m, const char *into, const bson_t *doc,
                           struct err *err)
{
    bson_error_t error = {0};
    bson_auto reply = BSON_INITIALIZER;
    collection_auto *collection = mongo_collection(&m->mongo, into);
    if (mongoc_collection_insert_one(collection, doc, NULL, &reply, &error))
        return ATTEMPT_DONE;
    if (mongo_is_duplicate_key(&error))
        return ATTEMPT_RACED;
    mongo_error("give a number", &error, &reply, err);
    return ATTEMPT_FAILED;
}

/* --- lanes --- */

/* The greatest number given so far, plus 1: an index answers, and an array sorts by its greatest item. */
static bool next_lane(struct muster *m, int64_t *out, struct err *err)
{
    bson_auto all = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    bson_auto last = BSON_INITIALIZER;
    bson_t lanes;
    bson_iter_t at;
    bool found = false;
    *out = 0;
    BCON_APPEND(&opts, "sort", "{", "lanes", BCON_INT32(-1), "}", "limit", BCON_INT64(1));
    if (!read_one(m, "lanes", &all, &opts, &last, &found, err))
        return false;
    if (found && doc_sub(&last, "lanes", &lanes) && bson_iter_init(&at, &lanes))
        while (bson_iter_next(&at))
            *out = bson_iter_as_int64(&at) >= *out ? bson_iter_as_int64(&at) + 1 : *out;
    return true;
}

static enum attempt give_lane(struct muster *m, struct str provider, int32_t partitions,
                              struct report *report, struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    bson_auto doc = BSON_INITIALIZER;
    bool found = false;
    int64_t lane = 0;
    doc_put_str(&filter, "_id", provider);
    if (!read_one(m, "lanes", &filter, &opts, &doc, &found, err))
        return ATTEMPT_FAILED;
    if (found)
        return ATTEMPT_DONE;
    if (!next_lane(m, &lane, err))
        return ATTEMPT_FAILED;
    if (lane >= partitions) {
        err_stop(
            err, EX_CONFIG,
            "provider " STR_FMT
            " needs lane %lld, and the tasks topic has %d partitions: give it more (kafka-topics.sh "
            "--alter --topic " STR_FMT ".tasks --partitions %d), then run this again",
            STR_ARG(provider), (long long)lane, (int)partitions,
            STR_ARG(m->settings.common.topics), (int)partitions * 2);
        return ATTEMPT_FAILED;
    }
    BCON_APPEND(&doc, "lanes", "[", BCON_INT32((int32_t)lane), "]");
    doc_put_str(&doc, "_id", provider);
    enum attempt attempt = insert(m, "lanes", &doc, err);
    if (attempt == ATTEMPT_DONE)
        report_line(report, "lane %lld: provider " STR_FMT, (long long)lane, STR_ARG(provider));
    return attempt;
}

bool numbers_give_lanes(struct muster *m, int32_t partitions, struct report *report,
                        struct err *err)
{
    for (size_t i = 0; i < m->providers.count; i++) {
        enum attempt attempt = ATTEMPT_RACED;
        for (int tries = 0; tries < TRIES && attempt == ATTEMPT_RACED; tries++)
            attempt = give_lane(m, m->providers.list[i]->name, partitions, report, err);
        if (attempt == ATTEMPT_RACED)
            return err_set(err, ERR_RETRY,
                           "others are numbering lanes as well: run this again");
        if (attempt == ATTEMPT_FAILED)
            return false;
    }
    return true;
}

/* --- maps --- */

/* "shapes.3": {shapes: {MAP: shape}} remembers of each map what its sources are like, for refold. */
static const char *shape_path(int64_t map, char out[static 32])
{
    (void)snprintf(out, 32, "shapes.%lld", (long long)map);
    return out;
}

static struct str shape_of(struct muster *m, const struct stream *stream)
{
    return hex_text(stream->shape, sizeof stream->shape, &m->arena);
}

/* {$set: …}: an upsert makes of it a first map. */
static void set_map(bson_t *update, struct muster *m, const struct stream *stream, int64_t map)
{
    char path[32];
    bson_t set;
    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &set);
    BSON_APPEND_INT32(&set, "map", (int32_t)map);
    doc_put_str(&set, "digest", hex_text(stream->digest, sizeof stream->digest, &m->arena));
    doc_put_str(&set, shape_path(map, path), shape_of(m, stream));
    BSON_APPEND_DATE_TIME(&set, "at", clock_unix_ms());
    bson_append_document_end(update, &set);
}

/* From map `old` to the next one, unless another init did it. */
static enum attempt raise_map(struct muster *m, const struct stream *stream, int64_t old,
                              struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto update = BSON_INITIALIZER;
    bson_auto reply = BSON_INITIALIZER;
    bson_error_t error = {0};
    int64_t modified = 0;
    BSON_APPEND_INT64(&filter, "map", old);
    doc_put_str(&filter, "_id", stream->name);
    set_map(&update, m, stream, old + 1);
    collection_auto *maps = mongo_collection(&m->mongo, "maps");
    if (!mongoc_collection_update_one(maps, &filter, &update, NULL, &reply, &error)) {
        mongo_error("give a map", &error, &reply, err);
        return ATTEMPT_FAILED;
    }
    return doc_int(&reply, "modifiedCount", &modified) && modified ? ATTEMPT_DONE
                                                                   : ATTEMPT_RACED;
}

static enum attempt first_map(struct muster *m, const struct stream *stream, struct err *err)
{
    bson_auto doc = BSON_INITIALIZER;
    doc_put_str(&doc, "_id", stream->name);
    BSON_APPEND_INT32(&doc, "map", 1);
    doc_put_str(&doc, "digest", hex_text(stream->digest, sizeof stream->digest, &m->arena));
    BCON_APPEND(&doc, "shapes", "{", "1", BCON_UTF8(shape_of(m, stream).ptr), "}");
    BSON_APPEND_DATE_TIME(&doc, "at", clock_unix_ms());
    return insert(m, "maps", &doc, err);
}

/* At least this map, and its shape. */
static bool keep_map(struct muster *m, const struct stream *stream, int64_t map,
                     struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto update = BSON_INITIALIZER;
    bson_auto reply = BSON_INITIALIZER;
    bson_error_t error = {0};
    char path[32];
    bson_t set;
    doc_put_str(&filter, "_id", stream->name);
    BCON_APPEND(&update, "$max", "{", "map", BCON_INT32((int32_t)map), "}");
    BSON_APPEND_DOCUMENT_BEGIN(&update, "$set", &set);
    doc_put_str(&set, shape_path(map, path), shape_of(m, stream));
    bson_append_document_end(&update, &set);
    collection_auto *maps = mongo_collection(&m->mongo, "maps");
    return mongoc_collection_update_one(maps, &filter, &update, NULL, &reply, &error) ||
           mongo_error("raise a map", &error, &reply, err);
}

static enum attempt give_map(struct muster *m, const struct stream *stream,
                             struct report *report, struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    bson_auto doc = BSON_INITIALIZER;
    struct str digest = {0};
    int64_t map = 0;
    bool found = false;
    struct str ours = hex_text(stream->digest, sizeof stream->digest, &m->arena);
    doc_put_str(&filter, "_id", stream->name);
    if (!read_one(m, "maps", &filter, &opts, &doc, &found, err))
        return ATTEMPT_FAILED;
    if (found && doc_int(&doc, "map", &map) && doc_str(&doc, "digest", &digest) &&
        str_eq(digest, ours))
        return keep_map(m, stream, map, err) ? ATTEMPT_DONE : ATTEMPT_FAILED;

    enum attempt attempt = found ? raise_map(m, stream, map, err) : first_map(m, stream, err);
    if (attempt == ATTEMPT_DONE)
        report_line(report, "map %lld: stream " STR_FMT "%s", (long long)map + 1,
                    STR_ARG(stream->name),
                    found ? ", as its files changed: start the stages again" : "");
    return attempt;
}

static bool give_provider_maps(struct muster *m, const struct provider *p,
                               struct report *report, struct err *err)
{
    for (size_t i = 0; i < p->stream_count; i++) {
        enum attempt attempt = ATTEMPT_RACED;
        for (int tries = 0; tries < TRIES && attempt == ATTEMPT_RACED; tries++)
            attempt = give_map(m, &p->streams[i], report, err);
        if (attempt == ATTEMPT_RACED)
            return err_set(err, ERR_RETRY, "others are numbering maps as well: run this again");
        if (attempt == ATTEMPT_FAILED)
            return false;
    }
    return true;
}

bool numbers_give_maps(struct muster *m, struct report *report, struct err *err)
{
    for (size_t i = 0; i < m->providers.count; i++)
        if (!give_provider_maps(m, m->providers.list[i], report, err))
            return false;
    return true;
}

bool numbers_raise_map(struct muster *m, const struct stream *stream, int64_t map,
                       struct err *err)
{
    return keep_map(m, stream, map, err);
}
