/* SPDX-License-Identifier: MIT */
/* `muster status`: how it goes. Looks through all links, so it takes some seconds when there are millions. */
#include "muster/link_phase.h"
#include "muster/muster.h"
#include "muster/report.h"

#include <stdio.h>

enum { TEXT_MAX_BYTES = 4 << 20, ERRORS_SHOWN = 5 };

struct provider_row {
    struct str provider;
    int64_t states[LINK_PHASES];
    int64_t failing;
    int64_t oldest_ms; /* the earliest due_at of a due link; 0 when it was never fetched */
};

struct topic_row {
    const char *topic, *group; /* without prefix; group NULL = nobody commits */
    int64_t messages, waiting; /* kept; not yet done by the group */
};

struct model_row {
    struct str collection;
    int64_t entities, gone, redirects;
};

struct failure_row {
    struct str link, error;
    int64_t at_ms;
};

struct status {
    int64_t now_ms;
    struct provider_row *providers;
    size_t provider_count, provider_room;
    struct topic_row topics[3];
    struct model_row *models;
    size_t model_count;
    int64_t issues;
    struct failure_row failures[ERRORS_SHOWN];
    size_t failure_count;
};

/* --- MongoDB --- */

typedef bool each_row(struct status *s, struct arena *arena, const bson_t *row);

/*
 * As a command of its own: the driver's call for it refuses every collection in Debian 13's libmongoc 1.30.4-1+deb13u3, where
 * the fix of CVE-2026-81524 takes "database.collection" for the name of a database.
 */
static bool aggregate(struct muster *m, const char *collection, const bson_t *pipeline,
                      each_row *each, struct status *s, struct err *err)
{
    static const char what[] = "look at what is stored";
    bson_auto command = BSON_INITIALIZER;
    bson_t answer;
    BSON_APPEND_UTF8(&command, "aggregate", collection);
    bson_concat(&command, pipeline);
    BCON_APPEND(&command, "cursor", "{", "}", "maxTimeMS", BCON_INT32(LOOK_MS));
    if (!mongo_command(&m->mongo, &command, &answer, what, err))
        return false;
    cursor_auto *cursor =
        mongoc_cursor_new_from_command_reply_with_opts(m->mongo.client, &answer, NULL);
    const bson_t *row = NULL, *reply = NULL;
    bson_error_t error = {0};
    bool ok = true;
    while (ok && mongoc_cursor_next(cursor, &row))
        ok = each(s, &m->arena, row);
    return !mongoc_cursor_error_document(cursor, &error, &reply) ||
           mongo_error(what, &error, reply, err);
}

/* A row for each stream and state becomes a part of its provider's. */
static bool add_stream(struct status *s, struct arena *arena, const bson_t *row)
{
    struct str stream = {0}, state = {0};
    int64_t count = 0, failing = 0, oldest_ms = 0;
    (void)doc_str(row, "_id.stream", &stream);
    (void)doc_str(row, "_id.state", &state);
    (void)doc_int(row, "count", &count);
    (void)doc_int(row, "failing", &failing);
    (void)doc_time(row, "oldest", &oldest_ms);
    struct str provider = str_cut(&stream, '/');

    size_t i = 0;
    while (i < s->provider_count && !str_eq(s->providers[i].provider, provider))
        i++;
    if (i == s->provider_count)
        *ARENA_PUSH(arena, s->providers, s->provider_count, s->provider_room) =
            (struct provider_row){.provider = arena_copy(arena, provider),
                                  .oldest_ms = INT64_MAX};
    struct provider_row *p = &s->providers[i];
    for (size_t k = 0; k < LINK_PHASES; k++)
        if (str_eq(state, str_of(link_phase_name((enum link_phase)k))))
            p->states[k] += count;
    p->failing += failing;
    if (str_eq(state, STR("due")) && oldest_ms < p->oldest_ms)
        p->oldest_ms = oldest_ms;
    return true;
}

/* The states are those of link_phase_of(), told by the server. */
static bool read_links(struct muster *m, struct status *s, struct err *err)
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
    return aggregate(m, "links", &pipeline, add_stream, s, err);
}

static bool add_failure(struct status *s, struct arena *arena, const bson_t *row)
{
    struct failure_row *f = &s->failures[s->failure_count++];
    (void)doc_str(row, "_id", &f->link);
    (void)doc_str(row, "last.error", &f->error);
    (void)doc_time(row, "last.at", &f->at_ms);
    f->link = arena_copy(arena, f->link);
    f->error = arena_copy(arena, f->error);
    return s->failure_count < ERRORS_SHOWN;
}

static bool read_failures(struct muster *m, struct status *s, struct err *err)
{
    bson_auto pipeline = BSON_INITIALIZER;
    BCON_APPEND(&pipeline, "pipeline", "[", "{", "$match", "{", "failures", "{", "$gt",
                BCON_INT32(0), "}", "gone", BCON_BOOL(false), "}", "}", "{", "$sort", "{",
                "last.at", BCON_INT32(-1), "}", "}", "{", "$limit", BCON_INT32(ERRORS_SHOWN),
                "}", "]");
    return aggregate(m, "links", &pipeline, add_failure, s, err);
}

static bool add_entities(struct status *s, struct arena *arena, const bson_t *row)
{
    struct model_row *model = &s->models[s->model_count];
    (void)arena;
    (void)doc_int(row, "entities", &model->entities);
    (void)doc_int(row, "gone", &model->gone);
    (void)doc_int(row, "redirects", &model->redirects);
    return true;
}

static bool read_model(struct muster *m, struct status *s, const struct model *model,
                       struct err *err)
{
    bson_auto pipeline = BSON_INITIALIZER;
    BCON_APPEND(&pipeline, "pipeline", "[", "{", "$project", "{",                      //
                "redirect", "{", "$gt", "[", "$merged_into", BCON_NULL, "]", "}",      //
                "gone", "{", "$eq", "[", "$gone", BCON_BOOL(true), "]", "}", "}", "}", //
                "{", "$group", "{", "_id", BCON_NULL,                                  //
                "redirects", "{", "$sum", "{", "$cond", "[", "$redirect", BCON_INT32(1),
                BCON_INT32(0), "]", "}", "}", //
                "gone", "{", "$sum", "{", "$cond", "[", "$gone", BCON_INT32(1), BCON_INT32(0),
                "]", "}", "}", //
                "entities", "{", "$sum", "{", "$cond", "[", "{", "$or", "[", "$gone",
                "$redirect", "]", "}", //
                BCON_INT32(0), BCON_INT32(1), "]", "}", "}", "}", "}", "]");
    s->models[s->model_count] = (struct model_row){.collection = model->collection};
    bool ok =
        aggregate(m, arena_text(&m->arena, model->collection), &pipeline, add_entities, s, err);
    s->model_count++;
    return ok;
}

static bool read_mongo(struct muster *m, struct status *s, struct err *err)
{
    bson_error_t error = {0};
    collection_auto *issues = mongo_collection(&m->mongo, "issues");
    s->models = ARENA_ARRAY(&m->arena, struct model_row, m->providers.model_count);
    if (!muster_server_time(m, &s->now_ms, err) || !read_links(m, s, err) ||
        !read_failures(m, s, err))
        return false;
    for (size_t i = 0; i < m->providers.model_count; i++)
        if (!read_model(m, s, m->providers.models[i], err))
            return false;
    s->issues = mongoc_collection_estimated_document_count(issues, NULL, NULL, NULL, &error);
    return s->issues >= 0 || mongo_error("count issues", &error, NULL, err);
}

/* --- Kafka --- */

static bool read_topic(struct muster *m, struct topic_row *row, struct err *err)
{
    int32_t partitions = 0;
    struct kafka_lag *lags = NULL;
    const char *group = arena_format(&m->arena, STR_FMT "-%s", STR_ARG(m->kafka.topics),
                                     row->group ? row->group : "none")
                            .ptr;
    if (!kafka_partitions(&m->kafka, row->topic, &partitions, err) ||
        !kafka_lags(&m->kafka, row->topic, group, partitions, &m->arena, &lags, err))
        return false;
    for (int32_t i = 0; i < partitions; i++) {
        row->messages += lags[i].next - lags[i].first;
        row->waiting += row->group ? lags[i].lag : 0;
    }
    return true;
}

static bool read_kafka(struct muster *m, struct status *s, struct err *err)
{
    const struct topic_row rows[] = {
        {"tasks", "fetchers", 0, 0}, {"pages", "serializers", 0, 0}, {"rejects", NULL, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        s->topics[i] = rows[i];
        if (!read_topic(m, &s->topics[i], err))
            return false;
    }
    return true;
}

/* --- answers --- */

static void print_links(struct muster *m, const struct status *s)
{
    (void)printf("%-20s %10s %10s %10s %10s %10s\n", "links", "due", "running", "waiting",
                 "failing", "gone");
    for (size_t i = 0; i < s->provider_count; i++) {
        const struct provider_row *p = &s->providers[i];
        (void)printf("  %-18.*s %10lld %10lld %10lld %10lld %10lld", STR_ARG(p->provider),
                     (long long)p->states[LINK_DUE], (long long)p->states[LINK_RUNNING],
                     (long long)p->states[LINK_WAITING], (long long)p->failing,
                     (long long)p->states[LINK_GONE]);
        if (p->states[LINK_DUE] && p->oldest_ms)
            (void)printf("   oldest due " STR_FMT,
                         STR_ARG(time_from_now(p->oldest_ms, s->now_ms, &m->arena)));
        else if (p->states[LINK_DUE])
            (void)printf("   some are due at once");
        (void)printf("\n");
    }
    if (!s->provider_count)
        (void)printf("  none: run muster init\n");
}

static void print_text(struct muster *m, const struct status *s)
{
    print_links(m, s);
    (void)printf("%-20s %10s %10s\n", "topics", "messages", "waiting");
    for (size_t i = 0; i < 3; i++) {
        (void)printf("  %-18s %10lld", s->topics[i].topic, (long long)s->topics[i].messages);
        if (s->topics[i].group)
            (void)printf(" %10lld for " STR_FMT "-%s", (long long)s->topics[i].waiting,
                         STR_ARG(m->kafka.topics), s->topics[i].group);
        (void)printf("\n");
    }
    (void)printf("%-20s %10s %10s %10s\n", "entities", "alive", "gone", "redirects");
    for (size_t i = 0; i < s->model_count; i++)
        (void)printf("  %-18.*s %10lld %10lld %10lld\n", STR_ARG(s->models[i].collection),
                     (long long)s->models[i].entities, (long long)s->models[i].gone,
                     (long long)s->models[i].redirects);
    (void)printf("issues               %10lld\n", (long long)s->issues);
    if (s->failure_count)
        (void)printf("last errors\n");
    for (size_t i = 0; i < s->failure_count; i++)
        (void)printf("  " STR_FMT ", " STR_FMT ": " STR_FMT "\n", STR_ARG(s->failures[i].link),
                     STR_ARG(time_from_now(s->failures[i].at_ms, s->now_ms, &m->arena)),
                     STR_ARG(s->failures[i].error));
}

static void put_provider(struct json_out *o, const struct provider_row *p)
{
    json_open(o, '{');
    member_str(o, "provider", p->provider);
    for (size_t k = 0; k < LINK_PHASES; k++)
        member_int(o, link_phase_name((enum link_phase)k), p->states[k]);
    member_int(o, "failing", p->failing);
    if (p->states[LINK_DUE])
        member_time(o, "oldest_due_at", p->oldest_ms);
    json_close(o, '}');
}

static void put_topic(struct json_out *o, const struct topic_row *t)
{
    json_open(o, '{');
    member_str(o, "topic", str_of(t->topic));
    member_int(o, "messages", t->messages);
    if (t->group) {
        member_str(o, "group", str_of(t->group));
        member_int(o, "waiting", t->waiting);
    }
    json_close(o, '}');
}

static void put_model(struct json_out *o, const struct model_row *row)
{
    json_open(o, '{');
    member_str(o, "collection", row->collection);
    member_int(o, "alive", row->entities);
    member_int(o, "gone", row->gone);
    member_int(o, "redirects", row->redirects);
    json_close(o, '}');
}

static void put_failure(struct json_out *o, const struct failure_row *f)
{
    json_open(o, '{');
    member_str(o, "link", f->link);
    member_time(o, "at", f->at_ms);
    member_str(o, "error", f->error);
    json_close(o, '}');
}

static void open_list(struct json_out *o, const char *key)
{
    json_key(o, str_of(key));
    json_open(o, '[');
}

static void print_as_json(const struct status *s)
{
    buf_auto text = {0};
    buf_init(&text, TEXT_MAX_BYTES);
    struct json_out o = {.buf = &text};
    json_open(&o, '{');
    member_time(&o, "at", s->now_ms);
    open_list(&o, "links");
    for (size_t i = 0; i < s->provider_count; i++)
        put_provider(&o, &s->providers[i]);
    json_close(&o, ']');
    open_list(&o, "topics");
    for (size_t i = 0; i < 3; i++)
        put_topic(&o, &s->topics[i]);
    json_close(&o, ']');
    open_list(&o, "entities");
    for (size_t i = 0; i < s->model_count; i++)
        put_model(&o, &s->models[i]);
    json_close(&o, ']');
    member_int(&o, "issues", s->issues);
    open_list(&o, "errors");
    for (size_t i = 0; i < s->failure_count; i++)
        put_failure(&o, &s->failures[i]);
    json_close(&o, ']');
    json_close(&o, '}');
    print_json(&text);
}

bool status_run(struct muster *m, struct err *err)
{
    struct status s = {0};
    if (!read_mongo(m, &s, err) || !read_kafka(m, &s, err))
        return false;
    if (m->settings.json)
        print_as_json(&s);
    else
        print_text(m, &s);
    return true;
}
