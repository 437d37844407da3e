/* SPDX-License-Identifier: MIT */
#include "serializer/mongo_links.h"

#include <string.h>

static mongoc_collection_t *collection(const void *self, const char *name)
{
    return mongo_collection(((const struct mongo_store *)self)->mongo, name);
}

static bool read_whole(const bson_t *doc, const char *key, struct whole *out)
{
    bson_t sub;
    int64_t map = 0;
    *out = (struct whole){0};
    if (!doc_sub(doc, key, &sub))
        return false;
    (void)doc_int(&sub, "run", &out->run);
    (void)doc_int(&sub, "gen", &out->gen);
    (void)doc_int(&sub, "map", &map);
    (void)doc_int(&sub, "pages", &out->pages);
    (void)doc_bool(&sub, "twice", &out->twice);
    out->map = (int32_t)map;
    return true;
}

static void read_link(const bson_t *doc, struct link_state *out)
{
    out->exists = true;
    (void)doc_int(doc, "gen", &out->gen);
    (void)doc_int(doc, "closed", &out->closed);
    (void)read_whole(doc, "complete", &out->complete);
    (void)read_whole(doc, "before", &out->before);
    (void)read_whole(doc, "swept", &out->swept);
}

bool mongo_links_read(void *self, const struct str *ids, size_t count, struct arena *arena,
                      struct link_state *out, struct err *err)
{
    (void)arena;
    collection_auto *links = collection(self, "links");
    bson_auto query = BSON_INITIALIZER;
    bson_t id, list;
    BSON_APPEND_DOCUMENT_BEGIN(&query, "_id", &id);
    BSON_APPEND_ARRAY_BEGIN(&id, "$in", &list);
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct link_state){.id = ids[i]};
        doc_push_str(&list, i, ids[i]);
    }
    bson_append_array_end(&id, &list);
    bson_append_document_end(&query, &id);
    cursor_auto *cursor = mongoc_collection_find_with_opts(links, &query, NULL, NULL);
    const bson_t *doc;
    while (mongoc_cursor_next(cursor, &doc)) {
        struct str found;
        for (size_t i = 0; i < count && doc_str(doc, "_id", &found); i++)
            if (str_eq(found, ids[i]))
                read_link(doc, &out[i]);
    }
    bson_error_t error;
    return !mongoc_cursor_error(cursor, &error) || mongo_error("read links", &error, NULL, err);
}

static bool update_one(mongoc_collection_t *c, const bson_t *filter, const bson_t *update,
                       bool upsert, const char *what, int64_t *out_matched, struct err *err)
{
    bson_auto opts = BSON_INITIALIZER;
    bson_error_t error;
    bson_t reply;
    if (upsert)
        BSON_APPEND_BOOL(&opts, "upsert", true);
    bool ok = mongoc_collection_update_one(c, filter, update, &opts, &reply, &error);
    if (ok && out_matched) {
        *out_matched = 0;
        (void)doc_int(&reply, "matchedCount", out_matched);
    }
    if (!ok)
        (void)mongo_error(what, &error, &reply, err);
    bson_destroy(&reply);
    return ok;
}

/*
 * A link made here was unknown to this database: a rebuilt one, or its provider file is gone.
 * It is due at once.
 */
bool mongo_link_raise(void *self, struct str stream, struct str link, struct str params,
                      int64_t gen, struct err *err)
{
    collection_auto *links = collection(self, "links");
    bson_auto filter = BSON_INITIALIZER;
    bson_auto update = BSON_INITIALIZER;
    bson_auto parsed = BSON_INITIALIZER;
    bson_t insert, max;
    bson_error_t error;
    doc_put_str(&filter, "_id", link);
    BSON_APPEND_DOCUMENT_BEGIN(&update, "$setOnInsert", &insert);
    doc_put_str(&insert, "stream", stream);
    bson_t *object = params.len ? bson_new_from_json((const uint8_t *)params.ptr,
                                                     (ssize_t)params.len, &error)
                                : NULL;
    BSON_APPEND_DOCUMENT(&insert, "params", object ? object : &parsed);
    bson_destroy(object);
    BSON_APPEND_INT64(&insert, "every_s", 3600);
    BSON_APPEND_DATE_TIME(&insert, "due_at", 0);
    BSON_APPEND_DATE_TIME(&insert, "checked_at", 0);
    BSON_APPEND_INT64(&insert, "run", gen);
    BSON_APPEND_INT64(&insert, "closed", 0);
    BSON_APPEND_INT32(&insert, "failures", 0);
    BSON_APPEND_INT32(&insert, "bucket", 0);
    BSON_APPEND_BOOL(&insert, "gone", false);
    bson_append_document_end(&update, &insert);
    BSON_APPEND_DOCUMENT_BEGIN(&update, "$max", &max);
    BSON_APPEND_INT64(&max, "gen", gen);
    bson_append_document_end(&update, &max);
    return update_one(links, &filter, &update, true, "raise a link", NULL, err);
}

/* A whole that is not there reads as zeros, and a link without one has no such field. */
static void match_whole(bson_t *filter, const char *key, const struct whole *w)
{
    char path[32];
    (void)snprintf(path, sizeof path, "%s.gen", key);
    if (w->gen == 0) {
        BCON_APPEND(filter, path, "{", "$in", "[", BCON_NULL, BCON_INT64(0), "]", "}");
        return;
    }
    bson_append_int64(filter, path, -1, w->gen);
    (void)snprintf(path, sizeof path, "%s.map", key);
    bson_append_int32(filter, path, -1, w->map);
}

static void put_whole(bson_t *doc, const char *key, const struct whole *w)
{
    bson_t sub;
    bson_append_document_begin(doc, key, -1, &sub);
    BSON_APPEND_INT64(&sub, "run", w->run);
    BSON_APPEND_INT64(&sub, "gen", w->gen);
    BSON_APPEND_INT32(&sub, "map", w->map);
    BSON_APPEND_INT64(&sub, "pages", w->pages);
    BSON_APPEND_BOOL(&sub, "twice", w->twice);
    bson_append_document_end(doc, &sub);
}

bool mongo_link_write(void *self, const struct link_state *was, const struct link_state *is,
                      bool *out_written, struct err *err)
{
    collection_auto *links = collection(self, "links");
    bson_auto filter = BSON_INITIALIZER;
    bson_auto update = BSON_INITIALIZER;
    bson_t set;
    int64_t matched = 0;
    doc_put_str(&filter, "_id", was->id);
    match_whole(&filter, "complete", &was->complete);
    match_whole(&filter, "before", &was->before);
    match_whole(&filter, "swept", &was->swept);
    BSON_APPEND_DOCUMENT_BEGIN(&update, "$set", &set);
    put_whole(&set, "complete", &is->complete);
    put_whole(&set, "before", &is->before);
    put_whole(&set, "swept", &is->swept);
    bson_append_document_end(&update, &set);
    if (!update_one(links, &filter, &update, false, "complete a run", &matched, err))
        return false;
    *out_written = matched == 1;
    return true;
}

enum { LEASE_STEP_MS = 10000, BACKOFF_S = 10 };

/* When the link is due again, as an expression on the server's clock. */
static void put_due_at(bson_t *set, const struct link_news *news)
{
    switch (news->kind) {
    case NEWS_PROGRESS:
        BCON_APPEND(set, "due_at", "{", "$max", "[", "$due_at", "{", "$add", "[", "$$NOW", "{",
                    "$multiply", "[", "$lease_s", BCON_INT64(1000), "]", "}", "]", "}", "]",
                    "}");
        break;
    case NEWS_DONE:
        BCON_APPEND(set, "due_at", "{", "$add", "[", "$checked_at", "{", "$multiply", "[",
                    "$every_s", BCON_INT64(1000), "]", "}", "]", "}");
        break;
    case NEWS_AGAIN:
        BCON_APPEND(set, "due_at", "$$NOW");
        break;
    case NEWS_FAILED: /* 10 s, 20 s, 40 s, … but never longer than until it would be due anyway */
        BCON_APPEND(set, "due_at", "{", "$add", "[", "$$NOW", "{", "$multiply", "[",
                    BCON_INT64(1000), "{", "$min", "[", "$every_s", "{", "$multiply", "[",
                    BCON_INT64(BACKOFF_S), "{", "$pow", "[", BCON_INT64(2), "{", "$min", "[",
                    "$failures", BCON_INT32(12), "]", "}", "]", "}", "]", "}", "]", "}", "]",
                    "}", "]", "}");
        break;
    case NEWS_DEFERRED:
        BSON_APPEND_DATE_TIME(set, "due_at", news->retry_at_ms);
        break;
    }
}

/* Free text may begin with a dollar, which a pipeline would take for a path. */
static void put_literal(bson_t *doc, const char *key, struct str text)
{
    bson_t literal;
    bson_append_document_begin(doc, key, -1, &literal);
    doc_put_str(&literal, "$literal", text);
    bson_append_document_end(doc, &literal);
}

static void put_end(bson_t *set, const struct link_news *news)
{
    bson_t last, resume;
    BSON_APPEND_INT64(set, "closed", news->gen);
    BSON_APPEND_DOCUMENT_BEGIN(set, "last", &last);
    put_literal(&last, "outcome", news->outcome);
    put_literal(&last, "error", news->error);
    BSON_APPEND_INT32(&last, "status", news->status);
    BSON_APPEND_INT64(&last, "pages", news->pages);
    BSON_APPEND_INT64(&last, "records", news->records);
    BCON_APPEND(&last, "at", "$$NOW");
    bson_append_document_end(set, &last);
    if (news->kind == NEWS_FAILED)
        BCON_APPEND(set, "failures", "{", "$add", "[", "$failures", BCON_INT32(1), "]", "}");
    else if (news->kind != NEWS_DEFERRED)
        BCON_APPEND(set, "failures", BCON_INT32(0));
    if (news->kind != NEWS_DEFERRED)
        return;
    BSON_APPEND_DOCUMENT_BEGIN(set, "resume", &resume);
    BSON_APPEND_INT64(&resume, "page", news->page);
    put_literal(&resume, "cursor", news->cursor);
    BSON_APPEND_INT64(&resume, "seen", news->seen);
    bson_append_document_end(set, &resume);
}

/* Not closed yet; or closed for rejects, which have been read since. */
static void match_open(bson_t *filter, const struct link_news *news)
{
    if (!link_news_mends(news)) {
        BCON_APPEND(filter, "closed", "{", "$lt", BCON_INT64(news->gen), "}");
        return;
    }
    BCON_APPEND(filter, "$or", "[", "{", "closed", "{", "$lt", BCON_INT64(news->gen), "}", "}",
                "{", "closed", BCON_INT64(news->gen), "last.outcome", "{", "$in", "[",
                BCON_UTF8(OUTCOME_REJECTS), BCON_UTF8(OUTCOME_REJECTED), "]", "}", "}", "]");
}

bool mongo_link_news(void *self, const struct link_news *news, struct err *err)
{
    collection_auto *links = collection(self, "links");
    bson_auto filter = BSON_INITIALIZER;
    bson_auto pipeline = BSON_INITIALIZER;
    bson_t stage, set;
    doc_put_str(&filter, "_id", news->link);
    BSON_APPEND_INT64(&filter, "gen", news->gen);
    match_open(&filter, news);
    if (news->kind ==
        NEWS_PROGRESS) /* not at every batch: after 10 s, or a third of a short lease */
        BCON_APPEND(&filter, "$expr", "{", "$lt", "[", "$due_at", "{", "$add", "[", "$$NOW",
                    "{", "$subtract", "[", "{", "$multiply", "[", "$lease_s", BCON_INT64(1000),
                    "]", "}", "{", "$min", "[", BCON_INT64(LEASE_STEP_MS), "{", "$multiply",
                    "[", "$lease_s", BCON_INT64(333), "]", "}", "]", "}", "]", "}", "]", "}",
                    "]", "}");
    BSON_APPEND_DOCUMENT_BEGIN(&pipeline, "0", &stage);
    BSON_APPEND_DOCUMENT_BEGIN(&stage, "$set", &set);
    put_due_at(&set, news);
    if (news->kind != NEWS_PROGRESS)
        put_end(&set, news);
    bson_append_document_end(&stage, &set);
    bson_append_document_end(&pipeline, &stage);
    return update_one(links, &filter, &pipeline, false, "close a link", NULL, err);
}

static void put_mark_id(bson_t *doc, const char *key, struct str link, int64_t run,
                        int64_t page)
{
    bson_t id;
    bson_append_document_begin(doc, key, -1, &id);
    doc_put_str(&id, "link", link);
    BSON_APPEND_INT64(&id, "run", run);
    BSON_APPEND_INT64(&id, "page", page);
    bson_append_document_end(doc, &id);
}

/* A range of `_id`: all pages of one run up to `last`. */
static void match_run(bson_t *query, struct str link, int64_t run, int64_t last)
{
    bson_t id;
    BSON_APPEND_DOCUMENT_BEGIN(query, "_id", &id);
    put_mark_id(&id, "$gte", link, run, 0);
    put_mark_id(&id, "$lte", link, run, last);
    bson_append_document_end(query, &id);
}

static void read_mark(const bson_t *doc, struct arena *arena, struct mark *out)
{
    int64_t number = 0;
    bson_iter_t at;
    struct str link = {0};
    (void)doc_str(doc, "_id.link", &link);
    out->link = arena_copy(arena, link);
    (void)doc_int(doc, "_id.run", &out->run);
    (void)doc_int(doc, "_id.page", &out->page);
    (void)doc_int(doc, "gen", &out->gen);
    out->map = doc_int(doc, "map", &number) ? (int32_t)number : 0;
    out->answer = doc_int(doc, "answer", &number) ? (uint64_t)number : 0;
    out->rejects = doc_int(doc, "rejects", &number) ? (int32_t)number : 0;
    (void)doc_bool(doc, "final", &out->final);
    (void)doc_bool(doc, "clean", &out->clean);
    if (!bson_iter_init_find(&at, doc, "keys") || !BSON_ITER_HOLDS_BINARY(&at))
        return;
    bson_subtype_t subtype;
    uint32_t bytes;
    const uint8_t *data;
    bson_iter_binary(&at, &subtype, &bytes, &data);
    uint64_t *keys = ARENA_ARRAY(arena, uint64_t, bytes / sizeof *keys);
    memcpy(keys, data, bytes / sizeof *keys * sizeof *keys);
    out->keys = keys;
    out->key_count = bytes / sizeof *keys;
}

bool mongo_marks_read(void *self, struct mark *in_out, size_t count, struct arena *arena,
                      struct err *err)
{
    collection_auto *seen = collection(self, "seen");
    bson_auto query = BSON_INITIALIZER;
    bson_t id, list;
    BSON_APPEND_DOCUMENT_BEGIN(&query, "_id", &id);
    BSON_APPEND_ARRAY_BEGIN(&id, "$in", &list);
    for (size_t i = 0; i < count; i++) {
        char number[16];
        const char *index;
        (void)bson_uint32_to_string((uint32_t)i, &index, number, sizeof number);
        put_mark_id(&list, index, in_out[i].link, in_out[i].run, in_out[i].page);
    }
    bson_append_array_end(&id, &list);
    bson_append_document_end(&query, &id);
    cursor_auto *cursor = mongoc_collection_find_with_opts(seen, &query, NULL, NULL);
    const bson_t *doc;
    while (mongoc_cursor_next(cursor, &doc)) {
        struct mark mark = {0};
        read_mark(doc, arena, &mark);
        for (size_t i = 0; i < count; i++)
            if (in_out[i].run == mark.run && in_out[i].page == mark.page &&
                str_eq(in_out[i].link, mark.link))
                in_out[i] = mark;
    }
    bson_error_t error;
    return !mongoc_cursor_error(cursor, &error) || mongo_error("read marks", &error, NULL, err);
}

static void put_mark(bson_t *doc, const struct mark *m)
{
    BSON_APPEND_INT64(doc, "gen", m->gen);
    BSON_APPEND_INT32(doc, "map", m->map);
    BSON_APPEND_INT64(doc, "answer", (int64_t)m->answer);
    BSON_APPEND_BOOL(doc, "final", m->final);
    BSON_APPEND_BOOL(doc, "clean", m->clean);
    BSON_APPEND_INT32(doc, "rejects", m->rejects);
    BSON_APPEND_BINARY(doc, "keys", BSON_SUBTYPE_BINARY, (const uint8_t *)m->keys,
                       (uint32_t)(m->key_count * sizeof *m->keys));
}

static bool add_insert(mongoc_bulk_operation_t *bulk, const struct mark *m, bson_error_t *error)
{
    bson_auto doc = BSON_INITIALIZER;
    put_mark_id(&doc, "_id", m->link, m->run, m->page);
    put_mark(&doc, m);
    return mongoc_bulk_operation_insert_with_opts(bulk, &doc, NULL, error);
}

/* The same answer made again by a greater map. */
static bool add_remake(mongoc_bulk_operation_t *bulk, const struct mark *m, bson_error_t *error)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto update = BSON_INITIALIZER;
    bson_t set;
    put_mark_id(&filter, "_id", m->link, m->run, m->page);
    BSON_APPEND_INT64(&filter, "answer", (int64_t)m->answer);
    BCON_APPEND(&filter, "map", "{", "$lt", BCON_INT32(m->map), "}");
    BSON_APPEND_DOCUMENT_BEGIN(&update, "$set", &set);
    put_mark(&set, m);
    bson_append_document_end(&update, &set);
    return mongoc_bulk_operation_update_one_with_opts(bulk, &filter, &update, NULL, error);
}

/* Did every write error of the bulk only say that the document stands already? */
static bool only_duplicates(const bson_t *reply)
{
    bson_iter_t at, errors, error;
    if (!bson_iter_init_find(&at, reply, "writeErrors") || !bson_iter_recurse(&at, &errors))
        return false;
    size_t count = 0;
    for (; bson_iter_next(&errors); count++)
        if (!bson_iter_recurse(&errors, &error) || !bson_iter_find(&error, "code") ||
            bson_iter_as_int64(&error) != 11000)
            return false;
    return count > 0;
}

bool mongo_marks_write(void *self, const struct mark *marks, size_t count, struct err *err)
{
    collection_auto *seen = collection(self, "seen");
    bson_auto opts = BSON_INITIALIZER;
    BSON_APPEND_BOOL(&opts, "ordered", false);
    bulk_auto *bulk = mongoc_collection_create_bulk_operation_with_opts(seen, &opts);
    bson_error_t error;
    bson_t reply;
    for (size_t i = 0; i < count; i++) {
        if (!add_insert(bulk, &marks[i], &error) ||
            (marks[i].map > 1 && !add_remake(bulk, &marks[i], &error)))
            return mongo_error("write marks", &error, NULL, err);
    }
    bool ok = mongoc_bulk_operation_execute(bulk, &reply, &error) != 0 ||
              only_duplicates(&reply) || mongo_error("write marks", &error, &reply, err);
    bson_destroy(&reply);
    return ok;
}

/* The page that ends the run, -1 when it is not marked yet. */
static bool find_final(mongoc_collection_t *seen, struct str link, int64_t run,
                       int64_t *out_final, struct err *err)
{
    bson_auto query = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    doc_put_str(&query, "_id.link", link);
    BSON_APPEND_INT64(&query, "_id.run", run);
    BSON_APPEND_BOOL(&query, "final", true);
    BCON_APPEND(&opts, "projection", "{", "_id", BCON_INT32(1), "}");
    cursor_auto *cursor = mongoc_collection_find_with_opts(seen, &query, &opts, NULL);
    const bson_t *doc;
    *out_final = -1;
    while (mongoc_cursor_next(cursor, &doc)) {
        int64_t page = -1;
        if (doc_int(doc, "_id.page", &page) && (*out_final < 0 || page < *out_final))
            *out_final = page;
    }
    bson_error_t error;
    return !mongoc_cursor_error(cursor, &error) ||
           mongo_error("look for the end of a run", &error, NULL, err);
}

bool mongo_run_is_marked(void *self, struct str link, int64_t run, bool *out_yes,
                         struct err *err)
{
    collection_auto *seen = collection(self, "seen");
    bson_auto query = BSON_INITIALIZER;
    int64_t final;
    *out_yes = false;
    if (!find_final(seen, link, run, &final, err))
        return false;
    if (final < 0)
        return true;
    bson_error_t error;
    match_run(&query, link, run, final);
    int64_t marked = mongoc_collection_count_documents(seen, &query, NULL, NULL, NULL, &error);
    if (marked < 0)
        return mongo_error("count the pages of a run", &error, NULL, err);
    *out_yes = marked == final + 1;
    return true;
}

bool mongo_run_marks(void *self, struct str link, int64_t run, struct arena *arena,
                     struct mark **out, size_t *out_count, struct err *err)
{
    collection_auto *seen = collection(self, "seen");
    bson_auto query = BSON_INITIALIZER;
    match_run(&query, link, run, INT64_MAX);
    cursor_auto *cursor = mongoc_collection_find_with_opts(seen, &query, NULL, NULL);
    const bson_t *doc;
    struct mark *marks = NULL;
    size_t count = 0;
    size_t room = 0;
    while (mongoc_cursor_next(cursor, &doc))
        read_mark(doc, arena, ARENA_PUSH(arena, marks, count, room));
    bson_error_t error;
    if (mongoc_cursor_error(cursor, &error))
        return mongo_error("read the marks of a run", &error, NULL, err);
    *out = marks;
    *out_count = count;
    return true;
}

bool mongo_marks_drop(void *self, struct str link, int64_t run, struct err *err)
{
    collection_auto *seen = collection(self, "seen");
    bson_auto query = BSON_INITIALIZER;
    bson_t id;
    bson_error_t error;
    BSON_APPEND_DOCUMENT_BEGIN(&query, "_id", &id);
    put_mark_id(&id, "$gte", link, INT64_MIN, INT64_MIN);
    put_mark_id(&id, "$lt", link, run, INT64_MIN);
    bson_append_document_end(&query, &id);
    return mongoc_collection_delete_many(seen, &query, NULL, NULL, &error) ||
           mongo_error("forget marks", &error, NULL, err);
}
