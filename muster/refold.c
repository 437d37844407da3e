/* SPDX-License-Identifier: MIT */
/*
 * `muster refold MODEL`: identity and merging once more, by the model file as it is. Every entity is folded by itself; where
 * that gives what is stored already, nothing is done. All others go through the serializer's own way of writing (apply), which
 * finds whom their new tuples join. Whoever is folded later finds those that were folded before by their new tuples, so one
 * look at every entity is enough, in whatever order.
 */
#include "common/clock.h"
#include "common/hex.h"
#include "common/maps.h"
#include "common/signals.h"
#include "muster/muster.h"
#include "muster/progress.h"
#include "muster/report.h"
#include "serializer/apply.h"
#include "serializer/document.h"
#include "serializer/mongo_store.h"

#include <poll.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

enum { CHUNK = 500, RETRY_MS = 500, TEXT_MAX_BYTES = 1 << 20 };

/* Sources of a stream that were made by a map of another shape: only a replay makes them again. */
struct older {
    const struct stream *stream;
    int64_t map;
    int64_t sources;
};

/* What the database knows of a stream's maps. */
struct stream_maps {
    const struct stream *stream;
    bson_t *doc;
};

struct refold {
    struct muster *m;
    const struct model *model;
    struct mongo_store mongo_store;
    struct store store;
    struct stream_maps *maps;
    size_t map_count, map_room;
    struct arena chunk; /* of one chunk of entities */
    struct object_id last;
    bool is_last;
    struct apply apply;
    struct progress progress;
    int64_t seen, written, moves;
    struct older *older;
    size_t older_count, older_room;
    size_t dropped; /* indexes of rules that are no more */
    int signals;
    bool is_stopped;
};

static bool refold_open(struct refold *r, struct err *err);
static bool read_chunk(struct refold *r, struct err *err);
static bool write_chunk(struct refold *r, struct err *err);
static bool drop_indexes(struct refold *r, struct err *err);
static void print_answer(const struct refold *r);
static void refold_close(struct refold *r);

bool refold_run(struct muster *m, struct err *err)
{
    struct refold r = {.m = m, .model = muster_model(m, err), .signals = -1};
    if (!r.model)
        return false;

    bool ok = refold_open(&r, err);
    while (ok && !r.is_last && !r.is_stopped)
        ok = read_chunk(&r, err)      /* entities   -> those whose fold is another now */
             && write_chunk(&r, err); /* their sources -> folded and written, until it stands */
    progress_end(&r.progress, r.seen, -1);
    if (ok && r.is_stopped)
        ok = err_stop(err, EX_TEMPFAIL,
                      "stopped: nothing is half done; the same command goes on");
    else if (ok)
        ok = drop_indexes(&r, err);
    if (ok)
        print_answer(&r);
    refold_close(&r);
    return ok;
}

/* --- opening --- */

static bool read_maps(struct refold *r, const struct stream *stream, struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_error_t error = {0};
    const bson_t *doc = NULL, *reply = NULL;
    int32_t ignored = 0;
    if (!maps_read(&r->m->mongo, stream, &r->m->arena, &ignored, err))
        return false;
    doc_put_str(&filter, "_id", stream->name);
    collection_auto *maps = mongo_collection(&r->m->mongo, "maps");
    cursor_auto *cursor = mongoc_collection_find_with_opts(maps, &filter, NULL, NULL);
    struct stream_maps *row = ARENA_PUSH(&r->m->arena, r->maps, r->map_count, r->map_room);
    row->stream = stream;
    row->doc = mongoc_cursor_next(cursor, &doc) ? bson_copy(doc) : bson_new();
    return !mongoc_cursor_error_document(cursor, &error, &reply) ||
           mongo_error("read what muster init numbered", &error, reply, err);
}

static bool refold_open(struct refold *r, struct err *err)
{
    const struct providers *p = &r->m->providers;
    r->signals = signals_open(err);
    if (r->signals < 0)
        return false;
    for (size_t i = 0; i < p->count; i++)
        for (size_t k = 0; k < p->list[i]->stream_count; k++)
            if (p->list[i]->streams[k].model == r->model &&
                !read_maps(r, &p->list[i]->streams[k], err))
                return false;
    r->mongo_store = (struct mongo_store){&r->m->mongo, clock_unix_ms, r->m->settings.changes};
    r->store = mongo_store(&r->mongo_store);
    bson_error_t error = {0};
    collection_auto *entities =
        mongo_collection(&r->m->mongo, arena_text(&r->m->arena, r->model->collection));
    int64_t total =
        mongoc_collection_estimated_document_count(entities, NULL, NULL, NULL, &error);
    progress_begin(&r->progress, "documents", total, r->m->settings.json);
    return total >= 0 || mongo_error("count entities", &error, NULL, err);
}

/* --- reading --- */

/* False when the map that made the source gave it other fields than the files do now, or when nobody knows. */
static bool has_shape(const struct refold *r, const struct source *s,
                      const struct stream **out_stream)
{
    *out_stream = NULL;
    for (size_t i = 0; i < r->map_count; i++) {
        const struct stream_maps *maps = &r->maps[i];
        char path[32], ours[2 * sizeof maps->stream->shape + 1];
        struct str shape = {0};
        arena_auto scratch = {0};
        if (!str_eq(maps->stream->name, s->stream))
            continue;
        *out_stream = maps->stream;
        (void)snprintf(path, sizeof path, "shapes.%d", (int)s->version.map);
        struct str wanted = hex_text(maps->stream->shape, sizeof maps->stream->shape, &scratch);
        (void)snprintf(ours, sizeof ours, STR_FMT, STR_ARG(wanted));
        return doc_str(maps->doc, path, &shape) && str_eq(shape, str_of(ours));
    }
    return true; /* of a stream that is no longer in the files: nothing can make it again */
}

static void count_older(struct refold *r, const struct source *s)
{
    const struct stream *stream;
    if (has_shape(r, s, &stream))
        return;
    for (size_t i = 0; i < r->older_count; i++)
        if (r->older[i].stream == stream && r->older[i].map == s->version.map) {
            r->older[i].sources++;
            return;
        }
    *ARENA_PUSH(&r->m->arena, r->older, r->older_count, r->older_room) =
        (struct older){stream, s->version.map, 1};
}

/* Does the entity, folded by itself, look as it is stored? */
static bool is_settled(struct refold *r, const bson_t *doc, struct document *stored,
                       struct source *living, size_t count)
{
    bson_auto now = BSON_INITIALIZER;
    bson_auto before = BSON_INITIALIZER;
    struct entity *e = &stored->entity;
    struct change *changes;
    size_t changed = fold_again(r->model, e, 1, living, count, &r->chunk, &changes);
    if (changed != 1 || changes[0].now_count != 1 || changes[0].old_count != 1)
        return false;
    struct folded *f = &changes[0].now[0];
    if (e->crowded_out) { /* by itself nobody crowds it out */
        f->crowded_out = true;
        f->tuple_count = 0;
    }
    document_write(r->model, f, &e->id, &e->rev, stored->changed_at_ms, &r->chunk, &now);
    bson_copy_to_excluding_noinit(doc, &before, "change",
                                  (char *)NULL); /* a note of its last write */
    return bson_equal(&before, &now);
}

static void look_at(struct refold *r, const bson_t *doc)
{
    struct document stored;
    size_t count = 0;
    document_read(doc, r->model, &r->chunk, &stored);
    r->last = stored.entity.id;
    r->seen++;
    struct source *living = ARENA_ARRAY(&r->chunk, struct source, stored.entity.count);
    for (size_t i = 0; i < stored.entity.count; i++) {
        struct source *s = &stored.entity.sources[i];
        if (s->gone)
            continue;
        count_older(r, s);
        living[count++] = *s;
    }
    if (stored.is_redirect || !count || is_settled(r, doc, &stored, living, count))
        return;
    for (size_t i = 0; i < count; i++)
        apply_add(&r->apply, &living[i]);
}

static bool try_chunk(struct refold *r, struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    const bson_t *doc = NULL, *reply = NULL;
    bson_error_t error = {0};
    bson_oid_t last;
    int64_t count = 0;
    memcpy(last.bytes, r->last.bytes, sizeof last.bytes);
    BCON_APPEND(&filter, "_id", "{", "$gt", BCON_OID(&last), "}");
    BCON_APPEND(&opts, "sort", "{", "_id", BCON_INT32(1), "}", "limit", BCON_INT64(CHUNK),
                "maxTimeMS", BCON_INT32(LOOK_MS));
    collection_auto *entities =
        mongo_collection(&r->m->mongo, arena_text(&r->chunk, r->model->collection));
    cursor_auto *cursor = mongoc_collection_find_with_opts(entities, &filter, &opts, NULL);
    for (; mongoc_cursor_next(cursor, &doc); count++)
        look_at(r, doc);
    r->is_last = count < CHUNK;
    return !mongoc_cursor_error_document(cursor, &error, &reply) ||
           mongo_error("read entities", &error, reply, err);
}

/* The database is away: wait a moment, or give up. */
static bool try_again(struct refold *r, int64_t *failing_since_ms, struct err *err)
{
    struct pollfd fd = {.fd = r->signals, .events = POLLIN};
    if (err->kind != ERR_RETRY)
        return false;
    if (!*failing_since_ms)
        *failing_since_ms = clock_ms();
    if (clock_ms() - *failing_since_ms > r->m->settings.common.wait_ms)
        return false;
    err_clear(err);
    (void)poll(&fd, 1, RETRY_MS);
    r->is_stopped = signals_came(r->signals);
    return !r->is_stopped;
}

static bool read_chunk(struct refold *r, struct err *err)
{
    int64_t failing_since_ms = 0;
    arena_reset(&r->chunk);
    r->is_stopped = signals_came(r->signals);
    r->apply = (struct apply){
        .store = &r->store, .arena = &r->chunk, .model = r->model, .again = true};
    while (!r->is_stopped && !try_chunk(r, err)) /* goes on behind the last one that was read */
        if (!try_again(r, &failing_since_ms, err))
            return r->is_stopped;
    return true;
}

/* --- writing --- */

static bool write_chunk(struct refold *r, struct err *err)
{
    int64_t failing_since_ms = 0;
    while (!r->is_stopped && !apply_is_done(&r->apply)) {
        if (apply_step(&r->apply, err))
            failing_since_ms = 0;
        else if (!try_again(r, &failing_since_ms, err))
            return r->is_stopped;
    }
    r->written += r->apply.written;
    r->moves += r->apply.moves;
    progress_tell(&r->progress, r->seen, -1);
    return true;
}

/* --- the end --- */

static bool is_rule(const struct model *m, struct str index)
{
    struct str rule = index;
    if (!str_has_prefix(index, STR("identity.")))
        return true; /* none of ours to drop */
    (void)str_cut(&rule, '.');
    for (size_t i = 0; i < m->rule_count; i++)
        if (str_eq(m->rules[i].name, rule))
            return true;
    return str_eq(rule, STR(DOCUMENT_ITEM_RULE));
}

/* Rules that are no more: nothing stands in their indexes now. */
static bool drop_indexes(struct refold *r, struct err *err)
{
    const bson_t *doc = NULL;
    bson_error_t error = {0};
    struct str names[64];
    size_t count = 0;
    struct str name = {0};
    collection_auto *entities =
        mongo_collection(&r->m->mongo, arena_text(&r->m->arena, r->model->collection));
    cursor_auto *cursor = mongoc_collection_find_indexes_with_opts(entities, NULL);
    while (mongoc_cursor_next(cursor, &doc) && count < sizeof names / sizeof *names)
        if (doc_str(doc, "name", &name) && !is_rule(r->model, name))
            names[count++] = arena_copy(&r->m->arena, name);
    if (mongoc_cursor_error(cursor, &error))
        return mongo_error("list indexes", &error, NULL, err);
    for (size_t i = 0; i < count; i++, r->dropped++)
        if (!mongoc_collection_drop_index(entities, arena_text(&r->m->arena, names[i]), &error))
            return mongo_error("drop the index of an old rule", &error, NULL, err);
    return true;
}

static void print_json_answer(const struct refold *r)
{
    buf_auto text = {0};
    buf_init(&text, TEXT_MAX_BYTES);
    struct json_out o = {.buf = &text};
    json_open(&o, '{');
    member_str(&o, "model", r->model->name);
    member_int(&o, "documents", r->seen);
    member_int(&o, "entities_written", r->written);
    member_int(&o, "merged_or_split", r->moves);
    member_int(&o, "indexes_dropped", (int64_t)r->dropped);
    json_key(&o, STR("need_replay"));
    json_open(&o, '[');
    for (size_t i = 0; i < r->older_count; i++) {
        json_open(&o, '{');
        member_str(&o, "stream", r->older[i].stream->name);
        member_int(&o, "map", r->older[i].map);
        member_int(&o, "sources", r->older[i].sources);
        json_close(&o, '}');
    }
    json_close(&o, ']');
    json_close(&o, '}');
    print_json(&text);
}

static void print_answer(const struct refold *r)
{
    if (r->m->settings.json) {
        print_json_answer(r);
        return;
    }
    (void)printf(STR_FMT ": %lld entities written, in %lld places merged or split\n",
                 STR_ARG(r->model->name), (long long)r->written, (long long)r->moves);
    if (r->dropped)
        (void)printf("  indexes of rules that are no more, dropped: %zu\n", r->dropped);
    for (size_t i = 0; i < r->older_count; i++)
        (void)printf("  %lld sources of " STR_FMT
                     " were made by map %lld, whose fields were others or are not known: "
                     "muster replay " STR_FMT " makes them again\n",
                     (long long)r->older[i].sources, STR_ARG(r->older[i].stream->name),
                     (long long)r->older[i].map, STR_ARG(r->older[i].stream->name));
}

static void refold_close(struct refold *r)
{
    for (size_t i = 0; i < r->map_count; i++)
        bson_destroy(r->maps[i].doc);
    arena_done(&r->chunk);
    if (r->signals >= 0)
        (void)close(r->signals);
}
