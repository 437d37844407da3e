/* SPDX-License-Identifier: MIT */
#include "muster/replay_place.h"

#include "common/hex.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { MAX_TIME_MS = 3000, DIGEST_BYTES = 32 };

struct str replay_place_what(const struct known_stream *streams, size_t count,
                             struct arena *arena)
{
    struct str text = {0};
    uint8_t digest[DIGEST_BYTES];
    for (size_t i = 0; i < count; i++) {
        const struct str parts[] = {
            text, streams[i].stream->name, STR(" "),
            hex_text(streams[i].stream->digest, sizeof streams[i].stream->digest, arena),
            STR("\n")};
        text = arena_join(arena, parts, sizeof parts / sizeof *parts);
    }
    if (!EVP_Digest(text.ptr, text.len, digest, NULL, EVP_sha256(), NULL))
        abort();
    return hex_text(digest, sizeof digest, arena);
}

static void put_key(bson_t *filter, const struct replay_place *place)
{
    doc_put_str(filter, "_id", place->topic);
}

static void move_on(const bson_t *doc, struct kafka_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char path[32];
        int64_t next = 0;
        (void)snprintf(path, sizeof path, "next.%d", (int)ranges[i].partition);
        if (doc_int(doc, path, &next) && next > ranges[i].from)
            ranges[i].from = next < ranges[i].until ? next : ranges[i].until;
    }
}

bool replay_place_read(struct mongo *mongo, const struct replay_place *place,
                       struct kafka_range *ranges, size_t count, bool *out_found,
                       struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    const bson_t *doc = NULL, *reply = NULL;
    bson_error_t error = {0};
    struct str what = {0};
    put_key(&filter, place);
    BCON_APPEND(&opts, "limit", BCON_INT64(1), "maxTimeMS", BCON_INT32(MAX_TIME_MS));
    collection_auto *replays = mongo_collection(mongo, "replays");
    cursor_auto *cursor = mongoc_collection_find_with_opts(replays, &filter, &opts, NULL);
    *out_found = mongoc_cursor_next(cursor, &doc) && doc_str(doc, "what", &what) &&
                 str_eq(what, place->what);
    if (*out_found)
        move_on(doc, ranges, count);
    return !mongoc_cursor_error_document(cursor, &error, &reply) ||
           mongo_error("read how far the replay has come", &error, reply, err);
}

bool replay_place_write(struct mongo *mongo, const struct replay_place *place,
                        const struct kafka_range *ranges, size_t count, struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto doc = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    bson_auto reply = BSON_INITIALIZER;
    bson_error_t error = {0};
    bson_t next;
    put_key(&filter, place);
    put_key(&doc, place);
    doc_put_str(&doc, "what", place->what);
    BSON_APPEND_DOCUMENT_BEGIN(&doc, "next", &next);
    for (size_t i = 0; i < count; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%d", (int)ranges[i].partition);
        bson_append_int64(&next, name, -1, ranges[i].from);
    }
    bson_append_document_end(&doc, &next);
    BSON_APPEND_BOOL(&opts, "upsert", true);
    collection_auto *replays = mongo_collection(mongo, "replays");
    return mongoc_collection_replace_one(replays, &filter, &doc, &opts, &reply, &error) ||
           mongo_error("keep how far the replay has come", &error, &reply, err);
}
