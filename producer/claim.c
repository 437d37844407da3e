/* SPDX-License-Identifier: MIT */
#include "producer/claim.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/trace.h"

#include <time.h>

enum {
    MAX_TIME_MS = 3000,
    COMMIT_TRIES = 4,
    PARAMS_MAX_BYTES = 64 << 10,
    WRITE_CONFLICT = 112
};

void claim_init(struct claim *c, struct mongo *mongo, int64_t lease_ms)
{
    *c = (struct claim){.mongo = mongo, .lease_ms = lease_ms};
}

void claim_done(struct claim *c)
{
    mongo_session_cleanup(&c->session);
    c->session = NULL;
}

/* --- the transaction --- */

static bool begin(struct claim *c, struct err *err)
{
    bson_error_t error = {0};
    if (!c->session)
        c->session = mongoc_client_start_session(c->mongo->client, NULL, &error);
    if (!c->session)
        return mongo_error("start a session", &error, NULL, err);

    mongoc_transaction_opt_t *opts = mongoc_transaction_opts_new();
    mongoc_read_concern_t *snapshot = mongoc_read_concern_new();
    mongoc_write_concern_t *majority = mongoc_write_concern_new();
    mongoc_read_concern_set_level(snapshot, MONGOC_READ_CONCERN_LEVEL_SNAPSHOT);
    mongoc_write_concern_set_wmajority(majority, MAX_TIME_MS);
    mongoc_transaction_opts_set_read_concern(opts, snapshot);
    mongoc_transaction_opts_set_write_concern(opts, majority);
    mongoc_transaction_opts_set_max_commit_time_ms(opts, MAX_TIME_MS);
    bool ok = mongoc_client_session_start_transaction(c->session, opts, &error);
    mongoc_write_concern_destroy(majority);
    mongoc_read_concern_destroy(snapshot);
    mongoc_transaction_opts_destroy(opts);
    return ok || mongo_error("start a transaction", &error, NULL, err);
}

/* An unknown result is asked for again and not undone: the commit may have happened. */
static bool commit(struct claim *c, struct err *err)
{
    for (int tries = 1;; tries++) {
        bson_error_t error = {0};
        bson_t reply;
        bool ok = mongoc_client_session_commit_transaction(c->session, &reply, &error);
        bool is_unknown = mongo_has_label(&reply, "UnknownTransactionCommitResult");
        if (!ok)
            mongo_error("commit a claim", &error, &reply, err);
        bson_destroy(&reply);
        if (ok || !is_unknown || tries == COMMIT_TRIES)
            return ok;
        struct timespec pause = {.tv_nsec =
                                     policy_pause_ms(tries, clock_dice(UINT32_MAX)) * 1000000};
        (void)nanosleep(&pause, NULL);
    }
}

/* --- finding --- */

/* One branch of the query: streams, a range of due_at and one of buckets. All branches are scans of the index "due" in its own order. */
struct branch {
    const struct str *streams;
    size_t count;
    const char *above;  /* "$gt" or "$gte" … */
    int64_t from_ms;    /* … this */
    bool is_instant;    /* due at that very millisecond, otherwise up to the server's now */
    int32_t first, end; /* buckets */
};

/* An equality instead of an instant's range would cost the order: the planner merges scans only when all have the same free fields. */
static void push_branch(bson_t *list, size_t index, const struct branch *b)
{
    bson_t branch, streams, in, due;
    char room[16];
    const char *key = NULL;
    bson_uint32_to_string((uint32_t)index, &key, room, sizeof room);
    bson_append_document_begin(list, key, -1, &branch);
    BSON_APPEND_BOOL(&branch, "gone", false);
    BSON_APPEND_DOCUMENT_BEGIN(&branch, "stream", &streams);
    BSON_APPEND_ARRAY_BEGIN(&streams, "$in", &in);
    for (size_t i = 0; i < b->count; i++)
        doc_push_str(&in, i, b->streams[i]);
    bson_append_array_end(&streams, &in);
    bson_append_document_end(&branch, &streams);
    BSON_APPEND_DOCUMENT_BEGIN(&branch, "due_at", &due);
    bson_append_date_time(&due, b->above, -1, b->from_ms);
    if (b->is_instant)
        BSON_APPEND_DATE_TIME(&due, "$lt", b->from_ms + 1);
    bson_append_document_end(&branch, &due);
    BCON_APPEND(&branch, "$expr", "{", "$lte", "[", "$due_at", "$$NOW", "]", "}", "bucket", "{",
                "$gte", BCON_INT32(b->first), "$lt", BCON_INT32(b->end), "}");
    bson_append_document_end(list, &branch);
}

/* {$or: […]}: the streams above the floor; each stream with a spot from its bucket on in that millisecond, and all that is due later. */
static void append_filter(bson_t *filter, const struct turn *turn)
{
    int32_t first = (int32_t)turn->window_first, end = first + (int32_t)turn->window_width;
    bson_t list;
    size_t count = 0;
    BSON_APPEND_ARRAY_BEGIN(filter, "$or", &list);
    if (turn->stream_count)
        push_branch(&list, count++,
                    &(struct branch){turn->streams, turn->stream_count, "$gt", turn->floor_ms,
                                     false, first, end});
    for (size_t i = 0; i < turn->spot_count; i++) {
        const struct share *s = turn->spots[i];
        int32_t from = s->spot.bucket > first ? s->spot.bucket : first;
        push_branch(&list, count++,
                    &(struct branch){&s->stream, 1, "$gte", s->spot.due_ms, true, from, end});
        push_branch(&list, count++,
                    &(struct branch){&s->stream, 1, "$gt", s->spot.due_ms, false, first, end});
    }
    bson_append_array_end(filter, &list);
}

static mongoc_cursor_t *find_due(struct claim *c, mongoc_collection_t *links,
                                 const struct turn *turn, bson_error_t *error)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    append_filter(&filter, turn);
    BCON_APPEND(&opts, "sort", "{", "due_at", BCON_INT32(1), "bucket", BCON_INT32(1), "}",
                "limit", BCON_INT64(turn->limit), "batchSize", BCON_INT64(turn->limit), "hint",
                "due", "maxTimeMS", BCON_INT32(MAX_TIME_MS));
    BCON_APPEND(&opts, "projection", "{", "stream", BCON_INT32(1), "params", BCON_INT32(1),
                "gen", BCON_INT32(1), "run", BCON_INT32(1), "complete", BCON_INT32(1), "resume",
                BCON_INT32(1), "due_at", BCON_INT32(1), "bucket", BCON_INT32(1), "}");
    if (!mongoc_client_session_append(c->session, &opts, error))
        return NULL;
    return mongoc_collection_find_with_opts(links, &filter, &opts, NULL);
}

/* Whoever reads the task gets the parameters as the link has them: texts, numbers and flags. */
static struct str params_text(const bson_t *link, struct arena *arena)
{
    bson_t params;
    bson_iter_t at;
    buf_auto text = {0};
    buf_init(&text, PARAMS_MAX_BYTES);
    struct json_out out = {.buf = &text};
    if (!doc_sub(link, "params", &params) || !bson_iter_init(&at, &params))
        return STR("{}");
    json_open(&out, '{');
    while (bson_iter_next(&at)) {
        uint32_t bytes = 0;
        const char *value = BSON_ITER_HOLDS_UTF8(&at) ? bson_iter_utf8(&at, &bytes) : NULL;
        json_key(&out, str_of(bson_iter_key(&at)));
        if (value)
            json_put_str(&out, (struct str){value, bytes});
        else if (BSON_ITER_HOLDS_BOOL(&at))
            json_put_bool(&out, bson_iter_bool(&at));
        else if (BSON_ITER_HOLDS_INT32(&at) || BSON_ITER_HOLDS_INT64(&at))
            json_put_int(&out, bson_iter_as_int64(&at));
        else
            json_put_null(&out);
    }
    json_close(&out, '}');
    return arena_copy(arena, buf_str(&text));
}

/* The run may skip what is identical to the whole run that it directly follows, unless that one is of another map or repeated itself. */
static int64_t previous_run(const bson_t *link, const struct task *t)
{
    int64_t gen = 0, map = 0;
    bool twice = false;
    (void)doc_bool(link, "complete.twice", &twice);
    if (!doc_int(link, "complete.gen", &gen) || !doc_int(link, "complete.map", &map))
        return 0;
    return gen == t->run - 1 && map == t->map && !twice ? gen : 0;
}

static struct str new_trace(struct arena *arena)
{
    struct trace_dice dice;
    char text[TRACE_BYTES];
    clock_random(&dice, sizeof dice);
    trace_begin(&dice, text);
    return arena_copy(arena, str_of(text));
}

/* A new link, and one that a person made due, is due since 1970 to come first: its age begins with its claim. */
static int64_t due_since_ms(const bson_t *link)
{
    int64_t due_ms = 0;
    return doc_time(link, "due_at", &due_ms) && due_ms > 0 ? due_ms : clock_unix_ms();
}

/* The task of a link, as the update will have left it. */
static bool read_task(const bson_t *link, const struct share *share, struct arena *arena,
                      struct task *t)
{
    struct str id, cursor = {0};
    bson_t resume;
    if (!doc_str(link, "_id", &id) || !doc_int(link, "gen", &t->gen) ||
        !doc_int(link, "run", &t->run))
        return false;
    t->gen++;
    if (!doc_sub(link, "resume", &resume)) {
        t->run = t->gen;
    } else {
        (void)doc_int(&resume, "page", &t->page);
        (void)doc_int(&resume, "seen", &t->seen);
        (void)doc_str(&resume, "cursor", &cursor);
    }
    t->stream = share->stream;
    t->link = arena_copy(arena, id);
    t->cursor = arena_copy(arena, cursor);
    t->params = params_text(link, arena);
    t->map = share->map;
    t->prev = previous_run(link, t);
    t->due_ms = due_since_ms(link);
    t->trace = new_trace(arena);
    return true;
}

static struct spot spot_of(const bson_t *link)
{
    int64_t bucket = 0;
    struct spot at = {0};
    (void)doc_time(link, "due_at", &at.due_ms);
    (void)doc_int(link, "bucket", &bucket);
    at.bucket = (int32_t)bucket;
    return at;
}

/* Keeps the link if it is as it should be and there is room. One that somebody has spoilt is left where it is. */
static bool keep_link(const bson_t *link, struct policy *policy, struct arena *arena,
                      struct spot at, struct claimed *out)
{
    struct str stream;
    struct share *share =
        doc_str(link, "stream", &stream) ? policy_share(policy, stream) : NULL;
    if (!share || !read_task(link, share, arena, &out->task) || !policy_take(share, at))
        return false;
    out->partition = share->lane->partition;
    return true;
}

static bool read_due(struct claim *c, struct policy *policy, const struct turn *turn,
                     struct arena *arena, struct claimed *list, size_t *out_count,
                     struct findings *out, struct err *err)
{
    bson_error_t error = {0};
    const bson_t *link = NULL, *reply = NULL;
    int64_t start_ms = clock_ms();
    collection_auto *links = mongo_collection(c->mongo, "links");
    cursor_auto *cursor = find_due(c, links, turn, &error);

    while (cursor && mongoc_cursor_next(cursor, &link)) {
        out->found++;
        out->last = spot_of(link);
        *out_count += keep_link(link, policy, arena, out->last, &list[*out_count]);
    }
    out->took_ms = clock_ms() - start_ms;
    if (!cursor || mongoc_cursor_error_document(cursor, &error, &reply))
        return mongo_error("find due links", &error, reply, err);
    return true;
}

/* --- taking --- */

/* {q: {_id: {$in: […]}}, u: […], multi: true} */
static void append_update(const struct claim *c, const struct claimed *list, size_t count,
                          bson_t *updates)
{
    bson_t update, query, part, ids;
    BSON_APPEND_DOCUMENT_BEGIN(updates, "0", &update);
    BSON_APPEND_DOCUMENT_BEGIN(&update, "q", &query);
    BSON_APPEND_DOCUMENT_BEGIN(&query, "_id", &part);
    BSON_APPEND_ARRAY_BEGIN(&part, "$in", &ids);
    for (size_t i = 0; i < count; i++)
        doc_push_str(&ids, i, list[i].task.link);
    bson_append_array_end(&part, &ids);
    bson_append_document_end(&query, &part);
    bson_append_document_end(&update, &query);
    BCON_APPEND(&update, "multi", BCON_BOOL(true), "u", "[", "{", "$set", "{", //
                "run", "{", "$cond", "[", "{", "$eq", "[", "{", "$type", "$resume", "}",
                "object", "]", "}", "$run",                                  //
                "{", "$add", "[", "$gen", BCON_INT64(1), "]", "}", "]", "}", //
                "gen", "{", "$add", "[", "$gen", BCON_INT64(1), "]", "}",    //
                "checked_at", "$$NOW", "due_at", "{", "$add", "[", "$$NOW",
                BCON_INT64(c->lease_ms), "]", "}", //
                "lease_s", BCON_INT64(c->lease_ms / 1000), "resume", "$$REMOVE", "}", "}", "]");
    bson_append_document_end(updates, &update);
}

static bool take(struct claim *c, const struct claimed *list, size_t count, struct err *err)
{
    bson_auto command = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    bson_auto reply = BSON_INITIALIZER;
    bson_t updates;
    bson_error_t error = {0};
    int64_t modified = 0;

    BSON_APPEND_UTF8(&command, "update", "links");
    BSON_APPEND_ARRAY_BEGIN(&command, "updates", &updates);
    append_update(c, list, count, &updates);
    bson_append_array_end(&command, &updates);
    BSON_APPEND_INT32(&command, "maxTimeMS", MAX_TIME_MS);
    if (!mongoc_client_session_append(c->session, &opts, &error))
        return mongo_error("claim links", &error, NULL, err);
    if (!mongoc_database_write_command_with_opts(c->mongo->database, &command, &opts, &reply,
                                                 &error)) {
        c->collided = error.code == WRITE_CONFLICT;
        return mongo_error("claim links", &error, &reply, err);
    }
    /* Inside one snapshot every link that was found is still as it was. */
    if (!doc_int(&reply, "nModified", &modified) || modified != (int64_t)count)
        return err_set(err, ERR_RETRY, "claim links: %lld of %zu were updated",
                       (long long)modified, count);
    return true;
}

/* --- a claim --- */

bool claim_links(struct claim *c, struct policy *policy, struct arena *arena,
                 struct claimed **out, size_t *out_count, struct err *err)
{
    struct turn turn = policy_turn(policy, clock_ms());
    size_t count = 0;
    struct findings findings = {0};
    *out_count = 0;
    c->collided = false;
    if (turn_is_empty(&turn))
        return true;

    struct claimed *list = ARENA_ARRAY(arena, struct claimed, (size_t)turn.limit);
    bool ok = begin(c, err) &&
              read_due(c, policy, &turn, arena, list, &count, &findings, err) &&
              (count == 0 || take(c, list, count, err));
    if (ok && count)
        ok = commit(c, err);
    else if (c->session && mongoc_client_session_in_transaction(c->session))
        (void)mongoc_client_session_abort_transaction(c->session, NULL);
    if (!ok) {
        policy_failed(policy, &turn, &findings, c->collided, clock_dice(POLICY_BUCKETS),
                      clock_ms());
        return false;
    }
    policy_claimed(policy, &turn, &findings, clock_ms());
    *out = list;
    *out_count = count;
    return true;
}
