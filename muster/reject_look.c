/* SPDX-License-Identifier: MIT */
#include "common/clock.h"
#include "common/group.h"
#include "common/kafka_reader.h"
#include "muster/kept.h"
#include "muster/rejects.h"
#include "muster/replay_range.h"
#include "serializer/mongo_links.h"

#include <stdio.h>

enum { TAKE_MS = 1000, AT_ONCE = 500 };

/* --- Kafka --- */

static bool read_all(struct muster *m, struct kafka_reader *reader, struct rejects *out,
                     struct err *err)
{
    size_t room = 0;
    while (!kafka_reader_is_done(reader)) {
        struct kafka_message message;
        bool taken;
        if (!kafka_reader_take(reader, TAKE_MS, &message, &taken, err))
            return false;
        if (!taken)
            continue;
        struct err ignored = {0}; /* what else lies in the topic is none of ours */
        struct kept_reject r;
        if (kept_reject_make(&message, &m->arena, &r, &ignored))
            *ARENA_PUSH(&m->arena, out->list, out->count, room) = r;
        kafka_message_free(&message);
    }
    return true;
}

static bool read_topic(struct muster *m, struct rejects *out, struct err *err)
{
    struct kafka_range *ranges;
    size_t count;
    int64_t since_ms = 0;
    if (!replay_since(m->settings.since, out->now_ms, &since_ms, err) ||
        !kafka_kept(&m->kafka, "rejects", since_ms, &m->arena, &ranges, &count, err))
        return false;
    struct kafka_reader *reader = kafka_reader_open(&m->kafka, "rejects", ranges, count, err);
    bool ok = reader && read_all(m, reader, out, err);
    kafka_reader_close(reader);
    out->count = out->list ? kept_rejects_settle(out->list, out->count, &m->arena) : 0;
    return ok;
}

/* One that lacks headers is known by its original, while that is kept. */
static bool ask_originals(struct muster *m, struct rejects *out, struct err *err)
{
    for (size_t i = 0; i < out->count; i++) {
        struct kept_reject *r = &out->list[i];
        const struct coords at = {r->what.topic, r->what.partition, r->what.offset};
        struct kafka_message original;
        if (!r->lacks_headers || r->is_replaced)
            continue;
        if (kept_read(m, &at, &original, err)) {
            kept_reject_add_headers(r, original.headers, original.header_count, &m->arena);
            kafka_message_free(&original);
        } else if (err->kind == ERR_REJECT) {
            r->is_lost = true;
            err_clear(err);
        } else {
            return false;
        }
    }
    return true;
}

static bool read_lags(struct muster *m, const char *topic, struct str group,
                      struct kafka_lag **out, int32_t *out_count, struct err *err)
{
    return kafka_partitions(&m->kafka, topic, out_count, err) &&
           kafka_lags(&m->kafka, topic, arena_text(&m->arena, group), *out_count, &m->arena,
                      out, err);
}

/* --- MongoDB --- */

static bool read_links(const struct mongo_store *store, const struct rejects *r,
                       struct reject_facts *facts, struct arena *arena, struct err *err)
{
    struct str *ids = ARENA_ARRAY(arena, struct str, r->count);
    struct index known;
    size_t count = 0;
    index_init(&known, arena, r->count);
    for (size_t i = 0; i < r->count; i++)
        if (r->list[i].link.len &&
            index_put(&known, r->list[i].link, (int64_t)count) == (int64_t)count)
            ids[count++] = r->list[i].link;
    struct link_state *links = ARENA_ARRAY(arena, struct link_state, count);
    for (size_t from = 0; from < count; from += AT_ONCE)
        if (!mongo_links_read((void *)(uintptr_t)store, ids + from,
                              count - from < AT_ONCE ? count - from : AT_ONCE, arena,
                              links + from, err))
            return false;
    for (size_t i = 0; i < r->count; i++)
        if (r->list[i].link.len)
            facts[i].link = links[index_get(&known, r->list[i].link)];
    return true;
}

static bool read_some_marks(const struct mongo_store *store, const struct kept_reject *list,
                            struct reject_facts *facts, size_t count, struct err *err)
{
    arena_auto scratch = {0}; /* a mark has the keys of its page */
    struct mark marks[AT_ONCE];
    for (size_t i = 0; i < count; i++)
        marks[i] = (struct mark){
            .link = list[i].link, .run = list[i].mark.run, .page = list[i].mark.page};
    if (!mongo_marks_read((void *)(uintptr_t)store, marks, count, &scratch, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        facts[i].mark = marks[i];
        facts[i].mark.keys = NULL;
        facts[i].mark.link = list[i].link;
    }
    return true;
}

static bool read_marks(const struct mongo_store *store, const struct rejects *r,
                       struct reject_facts *facts, struct err *err)
{
    for (size_t from = 0; from < r->count; from += AT_ONCE)
        if (!read_some_marks(store, r->list + from, facts + from,
                             r->count - from < AT_ONCE ? r->count - from : AT_ONCE, err))
            return false;
    return true;
}

typedef void each_doc(void *context, const bson_t *doc);

static bool read_docs(struct muster *m, const char *from, each_doc *each, void *context,
                      struct err *err)
{
    bson_auto query = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    BSON_APPEND_INT32(&opts, "maxTimeMS", LOOK_MS);
    collection_auto *collection = mongo_collection(&m->mongo, from);
    cursor_auto *cursor = mongoc_collection_find_with_opts(collection, &query, &opts, NULL);
    const bson_t *doc = NULL, *reply = NULL;
    bson_error_t error = {0};
    while (mongoc_cursor_next(cursor, &doc))
        each(context, doc);
    return !mongoc_cursor_error_document(cursor, &error, &reply) ||
           mongo_error("look at what is stored", &error, reply, err);
}

struct look {
    struct muster *m;
    struct rejects *rejects;
    struct reject_facts *facts;
    struct kafka_lag *pages, *tasks;
    int32_t page_partitions, lanes;
};

static void add_map(void *context, const bson_t *doc)
{
    struct look *l = context;
    struct str name = {0};
    int64_t map = 0;
    (void)doc_str(doc, "_id", &name);
    (void)doc_int(doc, "map", &map);
    const struct stream *stream = providers_stream(&l->m->providers, name);
    for (size_t i = 0; stream && i < l->rejects->count; i++)
        if (str_eq(l->rejects->list[i].stream, name)) {
            l->facts[i].map = (int32_t)map;
            l->facts[i].incremental = stream->incremental;
        }
}

/* What the group has done of a partition; -1 when it has never said. */
static int64_t done_of(const struct kafka_lag *lags, int32_t count, int64_t partition)
{
    return partition >= 0 && partition < count ? lags[partition].committed : -1;
}

static void add_note(void *context, const bson_t *doc)
{
    struct look *l = context;
    struct str id = {0}, topic = {0};
    int64_t partition = -1, until = 0;
    (void)doc_str(doc, "_id", &id);
    (void)doc_str(doc, "topic", &topic);
    (void)doc_int(doc, "partition", &partition);
    (void)doc_int(doc, "until", &until);
    int64_t at = index_get(&l->rejects->by_id, id);
    int64_t done = str_eq(topic, STR("pages"))
                       ? done_of(l->pages, l->page_partitions, partition)
                       : done_of(l->tasks, l->lanes, partition);
    if (at >= 0)
        l->facts[at].is_on_its_way = done >= 0 && done < until;
}

static bool read_facts(struct look *l, struct err *err)
{
    struct muster *m = l->m;
    struct rejects *r = l->rejects;
    struct str pages =
        group_of_serializers(m->kafka.topics, m->settings.common.database, &m->arena);
    struct str tasks = group_of_fetchers(m->kafka.topics, &m->arena);
    const struct mongo_store store = {.mongo = &m->mongo, .now_ms = clock_unix_ms};
    for (size_t i = 0; i < r->count; i++)
        l->facts[i].retries_max = m->settings.max_retries;
    return read_lags(m, "pages", pages, &l->pages, &l->page_partitions, err) &&
           read_lags(m, "tasks", tasks, &l->tasks, &l->lanes, err) &&
           read_links(&store, r, l->facts, &m->arena, err) &&
           read_marks(&store, r, l->facts, err) && read_docs(m, "maps", add_map, l, err) &&
           read_docs(m, "rejects", add_note, l, err);
}

/* --- together --- */

static bool is_asked_for(const struct muster *m, const struct kept_reject *r)
{
    const struct muster_settings *s = &m->settings;
    return (!s->stream.len || str_eq(s->stream, r->stream)) &&
           (!s->reason.len || str_has(r->what.reason, s->reason));
}

bool rejects_look(struct muster *m, struct rejects *out, struct err *err)
{
    *out = (struct rejects){.now_ms = clock_unix_ms()};
    if (!read_topic(m, out, err) || !ask_originals(m, out, err))
        return false;
    index_init(&out->by_id, &m->arena, out->count);
    for (size_t i = 0; i < out->count; i++)
        (void)index_put(&out->by_id, reject_id_text(out->list[i].id, &m->arena), (int64_t)i);
    out->standings = ARENA_ARRAY(&m->arena, struct standing, out->count);
    out->take = ARENA_ARRAY(&m->arena, bool, out->count);
    struct look look = {.m = m,
                        .rejects = out,
                        .facts = ARENA_ARRAY(&m->arena, struct reject_facts, out->count)};
    if (!read_facts(&look, err))
        return false;
    for (size_t i = 0; i < out->count; i++) {
        out->standings[i] = standing_of(&out->list[i], &look.facts[i], &m->arena);
        out->take[i] = is_asked_for(m, &out->list[i]);
    }
    return true;
}

int64_t rejects_find(const struct rejects *r, struct reject_id id)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%d:%lld", (int)id.partition, (long long)id.offset);
    return index_get(&r->by_id, (struct str){text, (size_t)len});
}

bool rejects_note_retry(struct muster *m, struct reject_id id, const char *topic,
                        int32_t partition, int64_t until, struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto update = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    bson_auto reply = BSON_INITIALIZER;
    bson_error_t error = {0};
    doc_put_str(&filter, "_id", reject_id_text(id, &m->arena));
    BCON_APPEND(&update, "$set", "{", "topic", BCON_UTF8(topic), "partition",
                BCON_INT32(partition), "until", BCON_INT64(until), "}", "$currentDate", "{",
                "at", BCON_BOOL(true), "}");
    BSON_APPEND_BOOL(&opts, "upsert", true);
    collection_auto *notes = mongo_collection(&m->mongo, "rejects");
    return mongoc_collection_update_one(notes, &filter, &update, &opts, &reply, &error) ||
           mongo_error("note a retry", &error, &reply, err);
}

/* --- once more, with payloads --- */

/* From the first that is taken to the last, in each partition. */
static size_t ranges_of(const struct rejects *r, struct kafka_range *ranges)
{
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++) {
        struct reject_id id = r->list[i].id;
        size_t at = 0;
        if (!r->take[i])
            continue;
        while (at < count && ranges[at].partition != id.partition)
            at++;
        if (at == count)
            ranges[count++] = (struct kafka_range){id.partition, id.offset, id.offset};
        if (id.offset < ranges[at].from)
            ranges[at].from = id.offset;
        if (id.offset >= ranges[at].until)
            ranges[at].until = id.offset + 1;
    }
    return count;
}

static bool pass_on(const struct rejects *r, const struct kafka_message *m, each_reject *each,
                    void *context, struct err *err)
{
    struct header headers[HEADERS_MAX];
    struct reject reject;
    int64_t at = rejects_find(r, (struct reject_id){m->partition, m->offset});
    if (at < 0 || !r->take[at])
        return true;
    return reject_read(m, headers, &reject, err) && each(context, (size_t)at, &reject, err);
}

bool rejects_each(struct muster *m, const struct rejects *r, each_reject *each, void *context,
                  struct err *err)
{
    struct kafka_range *ranges = ARENA_ARRAY(&m->arena, struct kafka_range, r->count);
    size_t count = ranges_of(r, ranges);
    struct kafka_reader *reader = kafka_reader_open(&m->kafka, "rejects", ranges, count, err);
    bool ok = reader != NULL;
    while (ok && !kafka_reader_is_done(reader)) {
        struct kafka_message message;
        bool taken = false;
        ok = kafka_reader_take(reader, TAKE_MS, &message, &taken, err);
        if (!ok || !taken)
            continue;
        ok = pass_on(r, &message, each, context, err);
        kafka_message_free(&message);
    }
    kafka_reader_close(reader);
    return ok;
}
