/* SPDX-License-Identifier: MIT */
#include "muster/link_store.h"

#include "common/clock.h"

enum { BUCKETS = 1024 };

static void put_whole(bson_t *doc, const char *key)
{
    bson_t whole;
    bson_append_document_begin(doc, key, -1, &whole);
    BSON_APPEND_INT64(&whole, "run", 0);
    BSON_APPEND_INT64(&whole, "gen", 0);
    BSON_APPEND_INT32(&whole, "map", 0);
    bson_append_document_end(doc, &whole);
}

static void put_new(bson_t *doc, const struct new_link *link)
{
    bson_t params;
    doc_put_str(doc, "stream", link->stream);
    BSON_APPEND_DOCUMENT_BEGIN(doc, "params", &params);
    for (size_t i = 0; i < link->param_count; i++)
        bson_append_utf8(&params, link->params[i].name.ptr, (int)link->params[i].name.len,
                         link->params[i].value.len ? link->params[i].value.ptr : "",
                         (int)link->params[i].value.len);
    bson_append_document_end(doc, &params);
    BSON_APPEND_DATE_TIME(doc, "due_at", 0);
    BSON_APPEND_DATE_TIME(doc, "checked_at", 0);
    BSON_APPEND_INT64(doc, "gen", 0);
    BSON_APPEND_INT64(doc, "run", 0);
    put_whole(doc, "complete");
    put_whole(doc, "before");
    put_whole(doc, "swept");
    BSON_APPEND_INT64(doc, "closed", 0);
    BSON_APPEND_INT32(doc, "failures", 0);
    BSON_APPEND_INT32(doc, "bucket", (int32_t)clock_dice(BUCKETS));
}

static void put_every(bson_t *doc, int64_t every_ms)
{
    BSON_APPEND_INT64(doc, "every_s", every_ms < 1000 ? 1 : every_ms / 1000);
    BSON_APPEND_BOOL(doc, "gone", false);
}

bool link_put(struct mongo *mongo, const struct new_link *link, enum link_put *out,
              struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto update = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    bson_auto reply = BSON_INITIALIZER;
    bson_t part;
    bson_error_t error = {0};
    int64_t modified = 0;

    doc_put_str(&filter, "_id", link->id);
    BSON_APPEND_DOCUMENT_BEGIN(&update, "$setOnInsert", &part);
    put_new(&part, link);
    bson_append_document_end(&update, &part);
    BSON_APPEND_DOCUMENT_BEGIN(&update, "$set", &part);
    put_every(&part, link->every_ms);
    bson_append_document_end(&update, &part);
    BSON_APPEND_BOOL(&opts, "upsert", true);

    collection_auto *links = mongo_collection(mongo, "links");
    if (!mongoc_collection_update_one(links, &filter, &update, &opts, &reply, &error))
        return mongo_error("write a link", &error, &reply, err);
    (void)doc_int(&reply, "modifiedCount", &modified);
    *out = bson_has_field(&reply, "upsertedId") ? LINK_ADDED
           : modified                           ? LINK_CHANGED
                                                : LINK_KEPT;
    return true;
}

static bool set_all(struct mongo *mongo, const bson_t *filter, const bson_t *set,
                    int64_t *out_count, struct err *err)
{
    bson_auto update = BSON_INITIALIZER;
    bson_auto reply = BSON_INITIALIZER;
    bson_error_t error = {0};
    BSON_APPEND_DOCUMENT(&update, "$set", set);
    collection_auto *links = mongo_collection(mongo, "links");
    if (!mongoc_collection_update_many(links, filter, &update, NULL, &reply, &error))
        return mongo_error("write links", &error, &reply, err);
    (void)doc_int(&reply, "modifiedCount", out_count);
    return true;
}

bool links_set_gone(struct mongo *mongo, const bson_t *filter, bool gone, int64_t *out_count,
                    struct err *err)
{
    bson_auto set = BSON_INITIALIZER;
    BSON_APPEND_BOOL(&set, "gone", gone);
    return set_all(mongo, filter, &set, out_count, err);
}

bool links_make_due(struct mongo *mongo, const bson_t *filter, int64_t *out_count,
                    struct err *err)
{
    bson_auto set = BSON_INITIALIZER;
    BSON_APPEND_DATE_TIME(&set, "due_at", 0);
    return set_all(mongo, filter, &set, out_count, err);
}
