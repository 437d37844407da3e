/* SPDX-License-Identifier: MIT */
#include "common/clock.h"
#include "common/group.h"
#include "common/kafka_reader.h"
#include "muster/status.h"

struct look {
    struct muster *muster;
    const struct status *before;
    struct arena *arena;
    struct status *status;
};

/* --- MongoDB --- */

typedef void each_row(struct look *l, const bson_t *row);

/*
 * As a command of its own: the driver's call for it refuses every collection in Debian 13's libmongoc 1.30.4-1+deb13u3, where
 * the fix of CVE-2026-81524 takes "database.collection" for the name of a database.
 */
static bool aggregate(struct look *l, const char *collection, const bson_t *pipeline,
                      each_row *each, struct err *err)
{
    static const char what[] = "look at what is stored";
    bson_auto command = BSON_INITIALIZER;
    bson_t answer;
    BSON_APPEND_UTF8(&command, "aggregate", collection);
    bson_concat(&command, pipeline);
    BCON_APPEND(&command, "cursor", "{", "}", "maxTimeMS", BCON_INT32(LOOK_MS));
    if (!mongo_command(&l->muster->mongo, &command, &answer, what, err))
        return false;
    cursor_auto *cursor =
        mongoc_cursor_new_from_command_reply_with_opts(l->muster->mongo.client, &answer, NULL);
    const bson_t *row = NULL, *reply = NULL;
    bson_error_t error = {0};
    while (mongoc_cursor_next(cursor, &row))
        each(l, row);
    return !mongoc_cursor_error_document(cursor, &error, &reply) ||
           mongo_error(what, &error, reply, err);
}

static struct provider_row *provider_of(struct look *l, struct str name)
{
    struct status *s = l->status;
    for (size_t i = 0; i < s->provider_count; i++)
        if (str_eq(s->providers[i].provider, name))
            return &s->providers[i];
    struct provider_row *p =
        ARENA_PUSH(l->arena, s->providers, s->provider_count, s->provider_room);
    *p = (struct provider_row){.provider = arena_copy(l->arena, name), .oldest_ms = INT64_MAX};
    return p;
}

/* A row for each stream and state becomes a part of its provider's. */
static void add_stream(struct look *l, const bson_t *row)
{
    struct str stream = {0}, state = {0};
    int64_t count = 0, failing = 0, oldest_ms = 0;
    (void)doc_str(row, "_id.stream", &stream);
    (void)doc_str(row, "_id.state", &state);
    (void)doc_int(row, "count", &count);
    (void)doc_int(row, "failing", &failing);
    (void)doc_time(row, "oldest", &oldest_ms);
    struct provider_row *p = provider_of(l, str_cut(&stream, '/'));
    for (size_t k = 0; k < LINK_PHASES; k++)
        if (str_eq(state, str_of(link_phase_name((enum link_phase)k))))
            p->states[k] += count;
    if (!str_eq(state, STR("gone")))
        p->failing += failing;
    if (str_eq(state, STR("due")) && oldest_ms < p->oldest_ms)
        p->oldest_ms = oldest_ms;
}

/* The states are those of link_phase_of(), told by the server. */
static bool look_at_links(struct look *l, struct err *err)
{
    bson_auto pipeline = BSON_INITIALIZER;
    BCON_APPEND(
        &pipeline, "pipeline", "[", //
        "{", "$group", "{", "_id", "{", "stream", "$stream", "state", "{", "$switch", "{",
        "branches", "[",                                                                   //
        "{", "case", "$gone", "then", "gone", "}",                                         //
        "{", "case", "{", "$lte", "[", "$due_at", "$$NOW", "]", "}", "then", "due", "}",   //
        "{", "case", "{", "$gt", "[", "$gen", "$closed", "]", "}", "then", "running", "}", //
        "]", "default", "waiting", "}", "}", "}",                                          //
        "count", "{", "$sum", BCON_INT32(1), "}", "oldest", "{", "$min", "$due_at", "}",   //
        "failing", "{", "$sum", "{", "$cond", "[", "{", "$gt", "[", "$failures", BCON_INT32(0),
        "]", "}",                                              //
        BCON_INT32(1), BCON_INT32(0), "]", "}", "}", "}", "}", //
        "{", "$sort", "{", "_id", BCON_INT32(1), "}", "}", "]");
    return aggregate(l, "links", &pipeline, add_stream, err);
}

static void add_failure(struct look *l, const bson_t *row)
{
    struct status *s = l->status;
    struct failure_row f = {0};
    if (s->failure_count == STATUS_FAILURES)
        return;
    (void)doc_str(row, "_id.stream", &f.stream);
    (void)doc_str(row, "_id.error", &f.error);
    (void)doc_str(row, "link", &f.link);
    (void)doc_int(row, "links", &f.links);
    (void)doc_int(row, "times", &f.times);
    (void)doc_time(row, "at", &f.at_ms);
    f.stream = arena_copy(l->arena, f.stream);
    f.error = arena_copy(l->arena, f.error);
    f.link = arena_copy(l->arena, f.link);
    s->failures[s->failure_count++] = f;
}

/* A thousand links that fail by one error are one line. */
static bool look_at_failures(struct look *l, struct err *err)
{
    bson_auto pipeline = BSON_INITIALIZER;
    BCON_APPEND(
        &pipeline, "pipeline", "[", //
        "{", "$match", "{", "failures", "{", "$gt", BCON_INT32(0), "}", "gone",
        BCON_BOOL(false), "}", "}", //
        "{", "$sort", "{", "last.at", BCON_INT32(-1), "_id", BCON_INT32(1), "}",
        "}", //
        "{", "$group", "{", "_id", "{", "stream", "$stream", "error", "$last.error", "}",
        "link", "{", "$first", "$_id", "}", "links", "{", "$sum", BCON_INT32(1), "}", "times",
        "{", "$max", "$failures", "}", "at", "{", "$max", "$last.at", "}", "}", "}", //
        "{", "$sort", "{", "at", BCON_INT32(-1), "link", BCON_INT32(1), "}", "}",    //
        "{", "$limit", BCON_INT32(STATUS_FAILURES), "}", "]", "allowDiskUse", BCON_BOOL(true));
    return aggregate(l, "links", &pipeline, add_failure, err);
}

/* With a filter by its index, else from what MongoDB knows of the collection: both without a look at the documents. */
static bool count_documents(struct look *l, const char *collection, const bson_t *filter,
                            int64_t *out_count, struct err *err)
{
    bson_auto command = BSON_INITIALIZER;
    bson_t answer;
    BSON_APPEND_UTF8(&command, "count", collection);
    if (filter)
        BSON_APPEND_DOCUMENT(&command, "query", filter);
    BSON_APPEND_INT32(&command, "maxTimeMS", LOOK_MS);
    if (!mongo_command(&l->muster->mongo, &command, &answer, "count what is stored", err))
        return false;
    (void)doc_int(&answer, "n", out_count);
    bson_destroy(&answer);
    return true;
}

static bool look_at_model(struct look *l, const struct model *model, struct err *err)
{
    struct model_row *row = &l->status->models[l->status->model_count++];
    const char *collection = arena_text(l->arena, model->collection);
    bson_auto gone = BSON_INITIALIZER;
    bson_auto redirect = BSON_INITIALIZER;
    int64_t all = 0;
    row->collection = model->collection;
    BSON_APPEND_BOOL(&gone, "gone", true);
    BCON_APPEND(&redirect, "merged_into", "{", "$exists", BCON_BOOL(true), "}");
    if (!count_documents(l, collection, NULL, &all, err) ||
        !count_documents(l, collection, &gone, &row->gone, err) ||
        !count_documents(l, collection, &redirect, &row->redirects, err))
        return false;
    row->entities = all - row->gone - row->redirects;
    row->entities = row->entities > 0 ? row->entities : 0; /* counted at different moments */
    return true;
}

static bool look_at_mongo(struct look *l, struct err *err)
{
    const struct providers *files = &l->muster->providers;
    struct status *s = l->status;
    s->models = ARENA_ARRAY(l->arena, struct model_row, files->model_count);
    if (!muster_server_time(l->muster, &s->now_ms, err) || !look_at_links(l, err) ||
        !look_at_failures(l, err))
        return false;
    for (size_t i = 0; i < files->model_count; i++)
        if (!look_at_model(l, files->models[i], err))
            return false;
    int64_t bookmarks = 0; /* the announcer's, there since it first began */
    if (!count_documents(l, "bookmarks", NULL, &bookmarks, err))
        return false;
    s->has_changes = bookmarks > 0;
    return count_documents(l, "issues", NULL, &s->issues, err);
}

/* --- Kafka --- */

static bool look_at_topic(struct look *l, struct topic_row *row, struct err *err)
{
    const struct kafka_settings *kafka = &l->muster->kafka;
    int32_t partitions = 0, members = 0;
    struct kafka_lag *lags = NULL;
    const char *group = row->stage ? arena_text(l->arena, row->group) : "muster";
    if (!kafka_partitions(kafka, row->topic, &partitions, err) ||
        !kafka_lags(kafka, row->topic, group, partitions, l->arena, &lags, err) ||
        (row->stage && !kafka_group_members(kafka, group, &members, err)))
        return false;
    row->members = members;
    for (int32_t i = 0; i < partitions; i++) {
        row->messages += lags[i].next - lags[i].first;
        row->waiting += row->stage ? lags[i].lag : 0;
        row->in += lags[i].next;
        row->done += lags[i].committed >= 0 ? lags[i].committed : 0;
    }
    return true;
}

static struct str header_of(const struct kafka_message *m, const char *name)
{
    for (size_t i = 0; i < m->header_count; i++)
        if (str_eq(str_of(m->headers[i].name), str_of(name)))
            return m->headers[i].value;
    return (struct str){0};
}

static void add_reject(struct look *l, const struct kafka_message *m)
{
    struct status *s = l->status;
    struct str topic = header_of(m, "__connect.errors.topic"),
               partition = header_of(m, "__connect.errors.partition"),
               offset = header_of(m, "__connect.errors.offset");
    s->rejects[s->reject_count++] = (struct reject_row){
        .offset = m->offset,
        .at_ms = m->time_ms,
        .stage = arena_copy(l->arena, header_of(m, "__connect.errors.stage")),
        .reason = arena_copy(l->arena, header_of(m, "__connect.errors.exception.message")),
        .from = arena_format(l->arena, STR_FMT " partition " STR_FMT " offset " STR_FMT,
                             STR_ARG(topic), STR_ARG(partition), STR_ARG(offset))};
}

static void close_reader(struct kafka_reader **r)
{
    kafka_reader_close(*r);
}

/* Have none come since? Then they need not be read again: each carries a whole page. */
static bool take_rejects_before(struct look *l)
{
    const struct status *before = l->before;
    const struct topic_row *now = &l->status->topics[REJECTS_ROW];
    if (!before || before->topics[REJECTS_ROW].in != now->in)
        return false;
    for (size_t i = 0; i < before->reject_count; i++) {
        struct reject_row row = before->rejects[i];
        row.stage = arena_copy(l->arena, row.stage);
        row.from = arena_copy(l->arena, row.from);
        row.reason = arena_copy(l->arena, row.reason);
        l->status->rejects[i] = row;
    }
    l->status->reject_count = before->reject_count;
    return true;
}

/* The last few of the topic's one partition. */
static bool look_at_rejects(struct look *l, struct err *err)
{
    const struct kafka_settings *kafka = &l->muster->kafka;
    struct kafka_range *range = NULL;
    size_t count = 0;
    if (take_rejects_before(l))
        return true;
    if (!kafka_kept(kafka, "rejects", 0, l->arena, &range, &count, err))
        return false;
    if (range->until - range->from > STATUS_REJECTS)
        range->from = range->until - STATUS_REJECTS;
    if (range->from == range->until)
        return true;
    __attribute__((cleanup(close_reader))) struct kafka_reader *reader =
        kafka_reader_open(kafka, "rejects", range, 1, err);
    while (reader && !kafka_reader_is_done(reader)) {
        struct kafka_message m;
        bool taken = false;
        if (!kafka_reader_take(reader, LOOK_MS, &m, &taken, err))
            return false;
        if (taken && l->status->reject_count < STATUS_REJECTS)
            add_reject(l, &m);
        if (taken)
            kafka_message_free(&m);
    }
    return reader != NULL;
}

static bool look_at_kafka(struct look *l, struct err *err)
{
    const struct common_settings *c = &l->muster->settings.common;
    const struct topic_row rows[STATUS_TOPICS] = {
        [TASKS_ROW] = {.topic = "tasks",
                       .stage = "fetcher",
                       .group = group_of_fetchers(c->topics, l->arena)},
        [PAGES_ROW] = {.topic = "pages",
                       .stage = "serializer",
                       .group = group_of_serializers(c->topics, c->database, l->arena)},
        [REJECTS_ROW] = {.topic = "rejects"},
        [CHANGES_ROW] = {.topic = "changes"}};
    for (size_t i = 0; i < STATUS_TOPICS; i++) {
        l->status->topics[i] = rows[i];
        if (!look_at_topic(l, &l->status->topics[i], err))
            return false;
    }
    l->status->has_changes = l->status->has_changes || l->status->topics[CHANGES_ROW].messages;
    return look_at_rejects(l, err);
}

bool status_look(struct muster *m, const struct status *before, struct arena *arena,
                 struct status *out, struct err *err)
{
    struct status s = {.clock_ms = clock_ms()};
    struct look l = {m, before, arena, &s};
    if (!look_at_mongo(&l, err) || !look_at_kafka(&l, err))
        return false;
    *out = s;
    return true;
}
