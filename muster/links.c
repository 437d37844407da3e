/* SPDX-License-Identifier: MIT */
/* `muster links`: list, add, sync, due. */
#include "muster/link_phase.h"
#include "muster/link_store.h"
#include "muster/muster.h"
#include "muster/report.h"
#include "muster/sync.h"

#include <stdio.h>
#include <sysexits.h>

enum { LINE_MAX_BYTES = 64 << 10 };

static bool check_count(const struct muster *m, size_t min, size_t max, struct err *err)
{
    return (m->word_count >= min && m->word_count <= max) ||
           err_stop(err, EX_USAGE, "links " STR_FMT ": too %s words; see muster links --help",
                    STR_ARG(m->words[0]), m->word_count < min ? "few" : "many");
}

static const struct stream *find_stream(const struct muster *m, struct str name,
                                        struct err *err)
{
    const struct stream *stream = providers_stream(&m->providers, name);
    struct str names[PROVIDER_MAX_FILES];
    size_t count = 0;
    if (stream)
        return stream;
    for (size_t i = 0; i < m->providers.count; i++)
        for (size_t k = 0; k < m->providers.list[i]->stream_count && count < PROVIDER_MAX_FILES;
             k++)
            names[count++] = m->providers.list[i]->streams[k].name;
    struct str nearest = str_nearest(name, names, count);
    err_stop(err, EX_USAGE, STR_FMT ": there is no such stream%s" STR_FMT "%s", STR_ARG(name),
             nearest.len ? "; did you mean " : "", STR_ARG(nearest), nearest.len ? "?" : "");
    return NULL;
}

/* --- list --- */

static void print_text(const bson_t *link, int64_t now_ms)
{
    arena_auto arena = {0};
    struct str id = {0}, outcome = {0}, error = {0};
    int64_t gen = 0, failures = 0, due_ms = 0, checked_ms = 0;
    (void)doc_str(link, "_id", &id);
    (void)doc_str(link, "last.outcome", &outcome);
    (void)doc_str(link, "last.error", &error);
    (void)doc_int(link, "gen", &gen);
    (void)doc_int(link, "failures", &failures);
    (void)doc_time(link, "due_at", &due_ms);
    (void)doc_time(link, "checked_at", &checked_ms);
    struct str checked = time_from_now(checked_ms, now_ms, &arena),
               due = time_from_now(due_ms, now_ms, &arena);
    (void)printf("%-40.*s %-8s gen %-6lld claimed %-12.*s due %-12.*s", STR_ARG(id),
                 link_phase_name(link_phase_of(link, now_ms)), (long long)gen, STR_ARG(checked),
                 STR_ARG(due));
    if (outcome.len)
        (void)printf(" last " STR_FMT, STR_ARG(outcome));
    if (failures)
        (void)printf(", %lld failed: " STR_FMT, (long long)failures, STR_ARG(error));
    (void)printf("\n");
}

static void put_str_member(struct json_out *o, const bson_t *link, const char *path,
                           const char *name)
{
    struct str s;
    if (doc_str(link, path, &s))
        member_str(o, name, s);
}

static void put_int_member(struct json_out *o, const bson_t *link, const char *name)
{
    int64_t number;
    if (doc_int(link, name, &number))
        member_int(o, name, number);
}

static void put_time_member(struct json_out *o, const bson_t *link, const char *name)
{
    int64_t ms;
    if (doc_time(link, name, &ms))
        member_time(o, name, ms);
}

/* One object a line: there may be millions. */
static void print_object(const bson_t *link, int64_t now_ms)
{
    buf_auto text = {0};
    buf_init(&text, LINE_MAX_BYTES);
    struct json_out o = {.buf = &text};
    json_open(&o, '{');
    put_str_member(&o, link, "_id", "link");
    put_str_member(&o, link, "stream", "stream");
    member_str(&o, "state", str_of(link_phase_name(link_phase_of(link, now_ms))));
    put_int_member(&o, link, "gen");
    put_int_member(&o, link, "run");
    put_int_member(&o, link, "closed");
    put_int_member(&o, link, "every_s");
    put_int_member(&o, link, "failures");
    put_time_member(&o, link, "due_at");
    put_time_member(&o, link, "checked_at");
    put_str_member(&o, link, "last.outcome", "outcome");
    put_str_member(&o, link, "last.error", "error");
    json_close(&o, '}');
    print_json(&text);
}

static bool list_links(struct muster *m, struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    int64_t now_ms = 0;
    if (!check_count(m, 0, 2, err) ||
        (m->word_count == 2 && !find_stream(m, m->words[1], err)) ||
        !muster_server_time(m, &now_ms, err))
        return false;
    if (m->word_count == 2)
        doc_put_str(&filter, "stream", m->words[1]);
    if (m->settings.due)
        BCON_APPEND(&filter, "gone", BCON_BOOL(false), "due_at", "{", "$lte",
                    BCON_DATE_TIME(now_ms), "}");
    BCON_APPEND(&opts, "sort", "{", "_id", BCON_INT32(1), "}", "maxTimeMS",
                BCON_INT32(LOOK_MS));

    collection_auto *links = mongo_collection(&m->mongo, "links");
    cursor_auto *cursor = mongoc_collection_find_with_opts(links, &filter, &opts, NULL);
    const bson_t *link = NULL, *reply = NULL;
    bson_error_t error = {0};
    while (mongoc_cursor_next(cursor, &link)) {
        if (m->settings.json)
            print_object(link, now_ms);
        else
            print_text(link, now_ms);
    }
    return !mongoc_cursor_error_document(cursor, &error, &reply) ||
           mongo_error("list links", &error, reply, err);
}

/* --- add --- */

static bool add_link(struct muster *m, struct err *err)
{
    const struct stream *stream =
        check_count(m, 2, WORDS_MAX, err) ? find_stream(m, m->words[1], err) : NULL;
    struct link_param params[WORDS_MAX];
    size_t count = 0;
    if (!stream)
        return false;
    for (size_t i = 2; i < m->word_count; i++) {
        struct str rest = m->words[i];
        if (!str_has(rest, STR("=")))
            return err_stop(err, EX_USAGE, STR_FMT ": NAME=VALUE is expected", STR_ARG(rest));
        params[count].name = str_cut(&rest, '=');
        params[count++].value = rest;
    }
    struct new_link link = {.stream = stream->name, .params = params, .param_count = count};
    link.id = link_id(stream->name, params, count, &m->arena);
    link.every_ms = m->settings.every_ms ? m->settings.every_ms : stream->every_ms;

    report_auto report;
    enum link_put put = LINK_KEPT;
    report_init(&report, m->settings.json);
    if (!link_put(&m->mongo, &link, &put, err))
        return false;
    if (put != LINK_KEPT)
        report_line(&report, "link " STR_FMT ": %s, every %lld s", STR_ARG(link.id),
                    put == LINK_ADDED ? "added" : "changed", (long long)link.every_ms / 1000);
    report_end(&report, "nothing to do: the link is there");
    return true;
}

/* --- sync --- */

static bool sync_links(struct muster *m, struct err *err)
{
    report_auto report;
    report_init(&report, m->settings.json);
    if (!check_count(m, 1, 1, err) || !links_sync(m, &report, err))
        return false;
    report_end(&report, "nothing to do: the links are those of the files");
    return true;
}

/* --- due --- */

static bool make_due(struct muster *m, struct err *err)
{
    report_auto report;
    bson_auto filter = BSON_INITIALIZER;
    int64_t count = 0;
    report_init(&report, m->settings.json);
    if (m->settings.all ? !check_count(m, 1, 1, err) : !check_count(m, 2, 2, err))
        return false;
    BSON_APPEND_BOOL(&filter, "gone", false);
    if (!m->settings.all)
        doc_put_str(&filter, providers_stream(&m->providers, m->words[1]) ? "stream" : "_id",
                    m->words[1]);
    if (!links_make_due(&m->mongo, &filter, &count, err))
        return false;
    if (count)
        report_line(&report, "links: %lld made due", (long long)count);
    report_end(&report, "nothing to do: no such link, or it is due already");
    return true;
}

bool links_run(struct muster *m, struct err *err)
{
    static const struct {
        const char *name;
        command_run *run;
    } verbs[] = {
        {"list", list_links}, {"add", add_link}, {"sync", sync_links}, {"due", make_due}};
    if (m->word_count == 0)
        return list_links(m, err);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (str_eq(m->words[0], str_of(verbs[i].name)))
            return verbs[i].run(m, err);
    return err_stop(err, EX_USAGE,
                    "links " STR_FMT
                    ": list, add, sync or due is expected; see muster links --help",
                    STR_ARG(m->words[0]));
}
