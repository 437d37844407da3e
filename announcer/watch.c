/* SPDX-License-Identifier: MIT */
#include "announcer/watch.h"

#include <string.h>

enum { AWAIT_MS = 500, BATCH = 500, SURVEY_MS = 3600 * 1000 };

/* Codes that say: this place is not, or no longer, in the oplog (error_codes.yml of MongoDB). */
enum {
    CAPPED_POSITION_LOST = 136,
    INVALID_RESUME_TOKEN = 260,
    CHANGE_STREAM_FATAL = 280,
    CHANGE_STREAM_HISTORY_LOST = 286
};

static bool is_lost(const bson_error_t *error)
{
    return error->code == CAPPED_POSITION_LOST || error->code == INVALID_RESUME_TOKEN ||
           error->code == CHANGE_STREAM_FATAL || error->code == CHANGE_STREAM_HISTORY_LOST;
}

static bool check_stream(struct watch *w, struct err *err)
{
    bson_error_t error = {0};
    const bson_t *reply = NULL;
    if (!mongoc_change_stream_error_document(w->stream, &error, &reply))
        return true;
    w->is_lost = is_lost(&error);
    if (w->is_lost)
        return err_set(err, ERR_RETRY, "read the change stream: %s", error.message);
    return mongo_error("read the change stream", &error, reply, err);
}

/* --- opening --- */

/*
 * Inserts and replaces carry the whole document, and Muster writes an entity in no other way.
 * What ends the history comes too: then nobody can say what went away with it.
 */
static void put_pipeline(bson_t *out, const struct watch *w)
{
    bson_t stages, stage, match, either, known, list, in;
    BSON_APPEND_ARRAY_BEGIN(out, "pipeline", &stages);
    BSON_APPEND_DOCUMENT_BEGIN(&stages, "0", &stage);
    BSON_APPEND_DOCUMENT_BEGIN(&stage, "$match", &match);
    BCON_APPEND(&match, "operationType", "{", "$in", "[", BCON_UTF8("insert"),
                BCON_UTF8("replace"), BCON_UTF8("drop"), BCON_UTF8("rename"),
                BCON_UTF8("dropDatabase"), BCON_UTF8("invalidate"), "]", "}");
    BSON_APPEND_ARRAY_BEGIN(&match, "$or", &either);
    BSON_APPEND_DOCUMENT_BEGIN(&either, "0", &known);
    BSON_APPEND_DOCUMENT_BEGIN(&known, "ns.coll", &in);
    BSON_APPEND_ARRAY_BEGIN(&in, "$in", &list);
    for (size_t i = 0; i < w->model_count; i++)
        doc_push_str(&list, i, w->models[i]->collection);
    bson_append_array_end(&in, &list);
    bson_append_document_end(&known, &in);
    bson_append_document_end(&either, &known);
    BCON_APPEND(&either, "1", "{", "ns.coll", "{", "$exists", BCON_BOOL(false), "}", "}");
    bson_append_array_end(&match, &either);
    bson_append_document_end(&stage, &match);
    bson_append_document_end(&stages, &stage);
    /* What no event tells stays at home. */
    BCON_APPEND(&stages, "1", "{", "$project", "{", "fullDocument.sources.fields",
                BCON_INT32(0), "fullDocument.identity", BCON_INT32(0), "fullDocument.from",
                BCON_INT32(0), "}", "}");
    bson_append_array_end(out, &stages);
}

static bool read_time(struct watch *w, struct err *err)
{
    bson_auto command = BSON_INITIALIZER;
    bson_t reply;
    bson_iter_t at;
    BSON_APPEND_INT32(&command, "ping", 1);
    if (!mongo_command(w->mongo, &command, &reply, "ask for the cluster's time", err))
        return false;
    bool ok =
        bson_iter_init_find(&at, &reply, "operationTime") && BSON_ITER_HOLDS_TIMESTAMP(&at);
    if (ok)
        bson_iter_timestamp(&at, &w->seconds, &w->increment);
    bson_destroy(&reply);
    return ok || err_set(err, ERR_FATAL, "MongoDB does not tell the time of its operations");
}

static bool open_stream(struct watch *w, const bson_t *token, struct err *err)
{
    bson_auto pipeline = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    BSON_APPEND_INT32(&opts, "maxAwaitTimeMS", AWAIT_MS);
    BSON_APPEND_INT32(&opts, "batchSize", BATCH);
    if (token)
        BSON_APPEND_DOCUMENT(&opts, "resumeAfter", token);
    else
        BSON_APPEND_TIMESTAMP(&opts, "startAtOperationTime", w->seconds, w->increment);
    put_pipeline(&pipeline, w);
    w->stream = mongoc_database_watch(w->mongo->database, &pipeline, &opts);
    return check_stream(w, err);
}

bool watch_open(struct watch *w, const bson_t *token, struct err *err)
{
    watch_close(w);
    w->is_lost = false;
    w->surveyed = token ? w->model_count : 0;
    if ((token || read_time(w, err)) && open_stream(w, token, err))
        return true;
    watch_close(w);
    return false;
}

static void end_survey(struct watch *w)
{
    mongoc_cursor_destroy(w->cursor);
    mongo_collection_cleanup(&w->collection);
    w->cursor = NULL;
    w->collection = NULL;
}

void watch_close(struct watch *w)
{
    end_survey(w);
    if (w->stream)
        mongoc_change_stream_destroy(w->stream);
    w->stream = NULL;
}

bool watch_is_open(const struct watch *w)
{
    return w->stream != NULL;
}

/* --- the survey --- */

static void begin_survey(struct watch *w)
{
    bson_auto all = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    struct str name = w->models[w->surveyed]->collection;
    arena_auto arena = {0};
    BCON_APPEND(&opts, "maxTimeMS", BCON_INT32(SURVEY_MS), "batchSize", BCON_INT32(BATCH),
                "readConcern", "{", "level", BCON_UTF8("majority"), "}", "projection", "{",
                "sources.fields", BCON_INT32(0), "identity", BCON_INT32(0), "from",
                BCON_INT32(0), "}");
    w->collection = mongo_collection(w->mongo, arena_text(&arena, name));
    w->cursor = mongoc_collection_find_with_opts(w->collection, &all, &opts, NULL);
}

static bool survey_next(struct watch *w, struct change_seen *out, bool *out_found,
                        struct err *err)
{
    bson_error_t error = {0};
    const bson_t *reply = NULL;
    *out_found = false;
    while (w->surveyed < w->model_count) {
        if (!w->cursor)
            begin_survey(w);
        *out = (struct change_seen){.model = w->models[w->surveyed],
                                    .seconds = w->seconds,
                                    .increment = w->increment,
                                    .is_survey = true};
        *out_found = mongoc_cursor_next(w->cursor, &out->doc);
        if (*out_found)
            return true;
        if (mongoc_cursor_error_document(w->cursor, &error, &reply))
            return mongo_error("look through the entities", &error, reply, err);
        end_survey(w);
        w->surveyed++;
    }
    return true;
}

/* --- the stream --- */

static const struct model *model_of(const struct watch *w, struct str collection)
{
    for (size_t i = 0; i < w->model_count; i++)
        if (str_eq(w->models[i]->collection, collection))
            return w->models[i];
    return NULL;
}

/* False when this is the end of the history. */
static bool read_change(const struct watch *w, const bson_t *change, bson_t *doc,
                        struct change_seen *out)
{
    bson_iter_t at;
    struct str collection = {0};
    if (!doc_str(change, "ns.coll", &collection) || !doc_sub(change, "fullDocument", doc))
        return false;
    *out = (struct change_seen){.model = model_of(w, collection), .doc = doc};
    if (bson_iter_init_find(&at, change, "clusterTime") && BSON_ITER_HOLDS_TIMESTAMP(&at))
        bson_iter_timestamp(&at, &out->seconds, &out->increment);
    return out->model != NULL;
}

bool watch_next(struct watch *w, struct change_seen *out, bool *out_found, struct err *err)
{
    const bson_t *change;
    if (!survey_next(w, out, out_found, err))
        return false;
    if (*out_found)
        return true;
    if (!mongoc_change_stream_next(w->stream, &change))
        return check_stream(w, err);
    *out_found = read_change(w, change, &w->doc, out);
    w->is_lost = !*out_found;
    return *out_found ||
           err_set(err, ERR_RETRY, "a collection of entities was dropped or renamed");
}

const bson_t *watch_token(const struct watch *w)
{
    return w->surveyed < w->model_count ? NULL
                                        : mongoc_change_stream_get_resume_token(w->stream);
}
