/* SPDX-License-Identifier: MIT */
#include "muster/other.h"

#include "muster/collections.h"
#include "muster/numbers.h"
#include "muster/report.h"
#include "muster/sync.h"

enum { READ_MS = 3600 * 1000, BULK_LINKS = 1000 };

typedef bool copy_one(struct muster *to, const bson_t *doc, struct err *err);

static bool copy_all(struct muster *from, struct muster *to, const char *collection,
                     copy_one *copy, struct err *err)
{
    bson_auto all = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    const bson_t *doc = NULL, *reply = NULL;
    bson_error_t error = {0};
    BSON_APPEND_INT32(&opts, "maxTimeMS", READ_MS);
    collection_auto *docs = mongo_collection(&from->mongo, collection);
    cursor_auto *cursor = mongoc_collection_find_with_opts(docs, &all, &opts, NULL);
    while (mongoc_cursor_next(cursor, &doc))
        if (!copy(to, doc, err))
            return false;
    return !mongoc_cursor_error_document(cursor, &error, &reply) ||
           mongo_error("read the live database", &error, reply, err);
}

/* Two providers cannot share a lane: one that came to both databases keeps the one it has here. */
static bool copy_lane(struct muster *to, const bson_t *doc, struct err *err)
{
    bson_error_t error = {0};
    bson_auto reply = BSON_INITIALIZER;
    collection_auto *lanes = mongo_collection(&to->mongo, "lanes");
    return mongoc_collection_insert_one(lanes, doc, NULL, &reply, &error) ||
           mongo_is_duplicate_key(&error) || mongo_error("copy a lane", &error, &reply, err);
}

/* {$cond: [{$gte: [{$ifNull: [PATH, 0]}, least]}, "$$ROOT", otherwise]}: keep what is as new here. */
static void keep_newer(bson_t *stage, const char *path, int64_t least, const bson_t *otherwise)
{
    BCON_APPEND(stage, "$replaceWith", "{", "$cond", "[", "{", "$gte", "[", "{", "$ifNull", "[",
                BCON_UTF8(path), BCON_INT64(0), "]", "}", BCON_INT64(least), "]", "}", "$$ROOT",
                BCON_DOCUMENT(otherwise), "]", "}");
}

static void put_id(bson_t *filter, const bson_t *doc)
{
    struct str id = {0};
    (void)doc_str(doc, "_id", &id);
    doc_put_str(filter, "_id", id);
}

static bool copy_map(struct muster *to, const bson_t *doc, struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto pipeline = BSON_INITIALIZER;
    bson_auto literal = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    bson_auto reply = BSON_INITIALIZER;
    bson_error_t error = {0};
    bson_t stage;
    int64_t map = 0;
    (void)doc_int(doc, "map", &map);
    put_id(&filter, doc);
    BSON_APPEND_DOCUMENT(&literal, "$literal", doc);
    BSON_APPEND_DOCUMENT_BEGIN(&pipeline, "0", &stage);
    keep_newer(&stage, "$map", map, &literal);
    bson_append_document_end(&pipeline, &stage);
    BSON_APPEND_BOOL(&opts, "upsert", true);
    collection_auto *maps = mongo_collection(&to->mongo, "maps");
    return mongoc_collection_update_one(maps, &filter, &pipeline, &opts, &reply, &error) ||
           mongo_error("copy a map", &error, &reply, err);
}

/* --- links --- */

/* What a claim and muster links wrote, and nothing that pages tell. */
static void put_claimed(bson_t *out, const bson_t *link)
{
    static const char *const kept[] = {"stream",  "params", "every_s", "due_at", "checked_at",
                                       "lease_s", "gen",    "run",     "bucket", "gone"};
    bson_iter_t at;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (bson_iter_init_find(&at, link, kept[i]))
            BSON_APPEND_VALUE(out, kept[i], bson_iter_value(&at));
    BSON_APPEND_NULL(out, "resume"); /* of an older gen; a page of this one tells it again */
}

/* {$mergeObjects: [what a new link has, what is here, what was claimed]}. */
static void put_link(bson_t *out, const bson_t *claimed)
{
    bson_t list, literal;
    BSON_APPEND_ARRAY_BEGIN(out, "$mergeObjects", &list);
    BCON_APPEND(&list, "0", "{", "closed", BCON_INT64(0), "failures", BCON_INT32(0), "}", "1",
                "$$ROOT");
    BSON_APPEND_DOCUMENT_BEGIN(&list, "2", &literal);
    BSON_APPEND_DOCUMENT(&literal, "$literal", claimed);
    bson_append_document_end(&list, &literal);
    bson_append_array_end(out, &list);
}

static bool add_link(mongoc_bulk_operation_t *bulk, const bson_t *link, bson_error_t *error)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto pipeline = BSON_INITIALIZER;
    bson_auto claimed = BSON_INITIALIZER;
    bson_auto otherwise = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    bson_t stage;
    int64_t gen = 0;
    (void)doc_int(link, "gen", &gen);
    put_id(&filter, link);
    put_claimed(&claimed, link);
    put_link(&otherwise, &claimed);
    BSON_APPEND_DOCUMENT_BEGIN(&pipeline, "0", &stage);
    keep_newer(&stage, "$gen", gen ? gen : 1, &otherwise);
    bson_append_document_end(&pipeline, &stage);
    BSON_APPEND_BOOL(&opts, "upsert", true);
    return mongoc_bulk_operation_update_one_with_opts(bulk, &filter, &pipeline, &opts, error);
}

static bool write_links(mongoc_bulk_operation_t *bulk, struct err *err)
{
    bson_error_t error = {0};
    bson_t reply;
    bool ok = mongoc_bulk_operation_execute(bulk, &reply, &error) != 0 ||
              mongo_error("copy links", &error, &reply, err);
    bson_destroy(&reply);
    return ok;
}

static bool copy_links(struct muster *from, struct muster *to, struct err *err)
{
    bson_auto all = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    bson_auto unordered = BSON_INITIALIZER;
    const bson_t *link = NULL, *reply = NULL;
    bson_error_t error = {0};
    BSON_APPEND_INT32(&opts, "maxTimeMS", READ_MS);
    BSON_APPEND_BOOL(&unordered, "ordered", false);
    collection_auto *live = mongo_collection(&from->mongo, "links");
    collection_auto *links = mongo_collection(&to->mongo, "links");
    cursor_auto *cursor = mongoc_collection_find_with_opts(live, &all, &opts, NULL);
    bool more = mongoc_cursor_next(cursor, &link);
    while (more) {
        bulk_auto *bulk = mongoc_collection_create_bulk_operation_with_opts(links, &unordered);
        for (int i = 0; more && i < BULK_LINKS; i++) {
            if (!add_link(bulk, link, &error))
                return mongo_error("copy links", &error, NULL, err);
            more = mongoc_cursor_next(cursor, &link);
        }
        if (!write_links(bulk, err))
            return false;
    }
    return !mongoc_cursor_error_document(cursor, &error, &reply) ||
           mongo_error("read the live database", &error, reply, err);
}

/* --- the whole --- */

static bool make_ready(struct muster *live, struct muster *other, struct report *report,
                       struct err *err)
{
    int32_t lanes = 0;
    return kafka_partitions(&live->kafka, "tasks", &lanes, err) &&
           collections_make(other, report, err) &&
           copy_all(live, other, "lanes", copy_lane, err) &&
           numbers_give_lanes(other, lanes, report, err) &&
           copy_all(live, other, "maps", copy_map, err) &&
           numbers_give_maps(other, report, err) && copy_links(live, other, err) &&
           links_sync(other, report, err);
}

bool other_open(struct muster *live, struct str database, struct muster *out, struct err *err)
{
    report_auto unsaid;
    const struct common_settings *c = &live->settings.common;
    const struct mongo_settings mongo = {.uri = c->mongo,
                                         .database = database,
                                         .client = STR("muster"),
                                         .socket_timeout_ms = LOOK_MS + 5000};
    *out = *live;
    out->arena = (struct arena){0};
    out->mongo = (struct mongo){0};
    out->settings.common.database = database;
    report_init(&unsaid, true); /* gathers lines that nobody reads */
    return mongo_open(&mongo, &out->mongo, err) &&
           mongo_wait_ready(&out->mongo, c->wait_ms, err) &&
           make_ready(live, out, &unsaid, err);
}

void other_close(struct muster *other)
{
    mongo_close(&other->mongo);
    arena_done(&other->arena);
}
