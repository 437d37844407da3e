/* SPDX-License-Identifier: MIT */
#include "serializer/mongo_issues.h"

#include "common/index.h"

/* The field that an issue of identity is filed under; no model field has this name. */
#define CROWD_FIELD "identity"

static bool forget_issues(mongoc_collection_t *issues, struct str link,
                          const struct decoded *decoded, struct err *err)
{
    bson_auto query = BSON_INITIALIZER;
    bson_error_t error;
    bson_t in, keys;
    doc_put_str(&query, "link", link);
    BSON_APPEND_DOCUMENT_BEGIN(&query, "key", &in);
    BSON_APPEND_ARRAY_BEGIN(&in, "$in", &keys);
    for (size_t i = 0; i < decoded->count; i++)
        doc_push_str(&keys, i, decoded->records[i].key);
    bson_append_array_end(&in, &keys);
    bson_append_document_end(&query, &in);
    BCON_APPEND(&query, "field", "{", "$ne", CROWD_FIELD, "}");
    return mongoc_collection_delete_many(issues, &query, NULL, NULL, &error) ||
           mongo_error("forget issues", &error, NULL, err);
}

static void put_issue(bson_t *doc, const struct stream *stream, struct str link,
                      const struct issue *issue, const struct source *record, int64_t now_ms)
{
    doc_put_str(doc, "stream", stream->name);
    doc_put_str(doc, "link", link);
    doc_put_str(doc, "key", issue->key);
    doc_put_str(doc, "field", issue->field ? issue->field->name : STR("as_of"));
    doc_put_str(doc, "text", issue->text);
    BSON_APPEND_INT64(doc, "gen", record->version.gen);
    BSON_APPEND_INT64(doc, "page", record->version.page);
    BSON_APPEND_INT32(doc, "ordinal", record->version.ordinal);
    BSON_APPEND_DATE_TIME(doc, "at", now_ms);
}

/* Only of records that were written: an identical one has the issues that it had. */
bool mongo_issues_write(void *self, const struct stream *stream, struct str link,
                        const struct decoded *decoded, struct err *err)
{
    struct mongo_store *s = self;
    arena_auto arena = {0};
    collection_auto *issues = mongo_collection(s->mongo, "issues");
    struct index written;
    if (!forget_issues(issues, link, decoded, err))
        return false;
    index_init(&written, &arena, decoded->count);
    for (size_t i = 0; i < decoded->count; i++)
        index_put(&written, decoded->records[i].key, (int64_t)i);
    bulk_auto *bulk = mongoc_collection_create_bulk_operation_with_opts(issues, NULL);
    bson_error_t error;
    size_t count = 0;
    for (size_t i = 0; i < decoded->issue_count; i++) {
        int64_t at = index_get(&written, decoded->issues[i].key);
        if (at < 0)
            continue;
        bson_auto doc = BSON_INITIALIZER;
        put_issue(&doc, stream, link, &decoded->issues[i], &decoded->records[at], s->now_ms());
        if (!mongoc_bulk_operation_insert_with_opts(bulk, &doc, NULL, &error))
            return mongo_error("write issues", &error, NULL, err);
        count++;
    }
    bson_t reply;
    if (!count)
        return true;
    bool ok = mongoc_bulk_operation_execute(bulk, &reply, &error) != 0 ||
              mongo_error("write issues", &error, &reply, err);
    bson_destroy(&reply);
    return ok;
}

static void match_crowd(bson_t *filter, const struct source *s)
{
    doc_put_str(filter, "link", s->link);
    doc_put_str(filter, "key", s->key);
    BSON_APPEND_UTF8(filter, "field", CROWD_FIELD);
}

static bool note_crowded(mongoc_collection_t *issues, const struct source *s, int64_t now_ms,
                         struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto update = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    bson_t set;
    bson_error_t error;
    match_crowd(&filter, s);
    BSON_APPEND_DOCUMENT_BEGIN(&update, "$set", &set);
    doc_put_str(&set, "stream", s->stream);
    BCON_APPEND(
        &set, "text",
        "shares its identity with more sources than one entity holds, so it stands alone: "
        "a value that many share should be under `never` in the model");
    BSON_APPEND_INT64(&set, "gen", s->version.gen);
    BSON_APPEND_INT64(&set, "page", s->version.page);
    BSON_APPEND_INT32(&set, "ordinal", s->version.ordinal);
    BSON_APPEND_DATE_TIME(&set, "at", now_ms);
    bson_append_document_end(&update, &set);
    BSON_APPEND_BOOL(&opts, "upsert", true);
    return mongoc_collection_update_one(issues, &filter, &update, &opts, NULL, &error) ||
           mongo_error("write issues", &error, NULL, err);
}

static bool forget_crowded(mongoc_collection_t *issues, const struct source *s, struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_error_t error;
    match_crowd(&filter, s);
    return mongoc_collection_delete_many(issues, &filter, NULL, NULL, &error) ||
           mongo_error("forget issues", &error, NULL, err);
}

bool mongo_issues_of_crowd(void *self, const struct change *change, struct err *err)
{
    struct mongo_store *s = self;
    collection_auto *issues = mongo_collection(s->mongo, "issues");
    for (size_t i = 0; i < change->old_count; i++)
        for (size_t j = 0; change->old[i]->crowded_out && j < change->old[i]->count; j++)
            if (!forget_crowded(issues, &change->old[i]->sources[j], err))
                return false;
    for (size_t i = 0; i < change->now_count; i++)
        for (size_t j = 0; change->now[i].crowded_out && j < change->now[i].count; j++)
            if (!change->now[i].sources[j]->gone &&
                !note_crowded(issues, change->now[i].sources[j], s->now_ms(), err))
                return false;
    return true;
}
