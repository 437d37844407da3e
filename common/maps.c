/* SPDX-License-Identifier: MIT */
#include "common/maps.h"

#include "common/hex.h"

#include <sysexits.h>

bool maps_read(struct mongo *mongo, const struct stream *stream, struct arena *arena,
               int32_t *out_map, struct err *err)
{
    bson_auto query = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    doc_put_str(&query, "_id", stream->name);
    BCON_APPEND(&opts, "limit", BCON_INT64(1), "maxTimeMS", BCON_INT32(3000));
    collection_auto *maps = mongo_collection(mongo, "maps");
    cursor_auto *cursor = mongoc_collection_find_with_opts(maps, &query, &opts, NULL);
    const bson_t *found = NULL;
    const bson_t *reply = NULL;
    bson_error_t error = {0};
    int64_t number = 0;
    struct str digest = {0};
    bool is_there = mongoc_cursor_next(cursor, &found) && doc_int(found, "map", &number) &&
                    doc_str(found, "digest", &digest);
    if (mongoc_cursor_error_document(cursor, &error, &reply))
        return mongo_error("read what muster init numbered", &error, reply, err);
    if (!is_there)
        return err_stop(err, EX_CONFIG, "stream " STR_FMT " has no map yet: run muster init",
                        STR_ARG(stream->name));
    if (!str_eq(digest, hex_text(stream->digest, sizeof stream->digest, arena)))
        return err_stop(
            err, EX_CONFIG,
            "the files of stream " STR_FMT
            " are not those of its map %lld: run muster init, then start this again",
            STR_ARG(stream->name), (long long)number);
    *out_map = (int32_t)number;
    return true;
}
