/* SPDX-License-Identifier: MIT */
#include "producer/routes.h"

#include "common/maps.h"

#include <sysexits.h>

enum { MAX_TIME_MS = 3000 };

/* The document of this _id, copied to *out when it is there. */
static bool read_one(struct mongo *mongo, const char *collection, struct str id, bson_t *out,
                     bool *out_found, struct err *err)
{
    bson_auto query = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    doc_put_str(&query, "_id", id);
    BCON_APPEND(&opts, "limit", BCON_INT64(1), "maxTimeMS", BCON_INT32(MAX_TIME_MS));
    collection_auto *from = mongo_collection(mongo, collection);
    cursor_auto *cursor = mongoc_collection_find_with_opts(from, &query, &opts, NULL);
    const bson_t *found = NULL, *reply = NULL;
    bson_error_t error = {0};

    *out_found = mongoc_cursor_next(cursor, &found);
    if (*out_found)
        bson_concat(out, found);
    return !mongoc_cursor_error_document(cursor, &error, &reply) ||
           mongo_error("read what muster init numbered", &error, reply, err);
}

static bool read_lane(struct mongo *mongo, struct str provider, int32_t partitions,
                      struct lane *out, struct err *err)
{
    bson_auto lane = BSON_INITIALIZER;
    bool found = false;
    int64_t number = 0;
    if (!read_one(mongo, "lanes", provider, &lane, &found, err))
        return false;
    if (!found || !doc_int(&lane, "lanes.0", &number))
        return err_stop(err, EX_CONFIG, "provider " STR_FMT " has no lane yet: run muster init",
                        STR_ARG(provider));
    if (number < 0 || number >= partitions)
        return err_stop(err, EX_CONFIG,
                        "the lane of " STR_FMT
                        " is partition %lld, and the tasks topic has %d: run muster init",
                        STR_ARG(provider), (long long)number, (int)partitions);
    *out = (struct lane){.partition = (int32_t)number};
    return true;
}

static size_t count_streams(const struct providers *providers)
{
    size_t count = 0;
    for (size_t i = 0; i < providers->count; i++)
        count += providers->list[i]->stream_count;
    return count;
}

bool routes_read(struct mongo *mongo, const struct providers *providers, int64_t lease_ms,
                 int32_t partitions, struct arena *arena, struct routes *out, struct err *err)
{
    struct routes r = {.lane_count = providers->count, .share_count = count_streams(providers)};
    r.lanes = ARENA_ARRAY(arena, struct lane, r.lane_count);
    r.shares = ARENA_ARRAY(arena, struct share, r.share_count);

    struct share *share = r.shares;
    for (size_t i = 0; i < providers->count; i++) {
        const struct provider *p = providers->list[i];
        if (!read_lane(mongo, p->name, partitions, &r.lanes[i], err))
            return false;
        for (size_t k = 0; k < p->stream_count; k++, share++) {
            const struct stream *s = &p->streams[k];
            share->stream = s->name;
            share->lane = &r.lanes[i];
            share->capacity = policy_capacity(s->limits.per_second, lease_ms);
            if (!maps_read(mongo, s, arena, &share->map, err))
                return false;
        }
    }
    *out = r;
    return true;
}
