/* SPDX-License-Identifier: MIT */
#include "muster/diff_report.h"

#include "common/hex.h"
#include "common/index.h"
#include "muster/diff_tally.h"
#include "muster/report.h"
#include "muster/show.h"

#include <stdio.h>

enum { READ_MS = 3600 * 1000, CHUNK = 100, TEXT_MAX_BYTES = 256 << 20, EXAMPLES = 3 };

struct run {
    struct muster *m;
    const struct model *model;
    const struct diff_side *was, *is;
    size_t limit;
    struct arena arena;
    struct diff *diff;
    struct diff_group *groups;
    size_t group_count;
    struct diff_counts counts;
    struct diff_tally tally;
    struct buf text; /* of --json, given out piece by piece */
    struct json_out json;
};

size_t diff_limit(const struct muster *m)
{
    return m->settings.limit ? (size_t)m->settings.limit : EXAMPLES;
}

/* --- reading --- */

typedef void take_entity(struct diff *d, const struct document *entity);

static bool read_all(struct run *r, struct mongo *from, take_entity *take, struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    arena_auto scratch = {0};
    BCON_APPEND(&filter, "merged_into", "{", "$exists", BCON_BOOL(false), "}");
    BCON_APPEND(&opts, "maxTimeMS", BCON_INT32(READ_MS), "projection", "{", "sources.fields",
                BCON_INT32(0), "sources.version", BCON_INT32(0), "sources.page", BCON_INT32(0),
                "identity", BCON_INT32(0), "from", BCON_INT32(0), "}");
    collection_auto *entities =
        mongo_collection(from, arena_text(&r->arena, r->model->collection));
    cursor_auto *cursor = mongoc_collection_find_with_opts(entities, &filter, &opts, NULL);
    const bson_t *doc = NULL, *reply = NULL;
    bson_error_t error = {0};
    while (mongoc_cursor_next(cursor, &doc)) {
        struct document entity;
        arena_reset(&scratch);
        document_read(doc, r->model, &scratch, &entity);
        take(r->diff, &entity);
    }
    return !mongoc_cursor_error_document(cursor, &error, &reply) ||
           mongo_error("read entities", &error, reply, err);
}

/* Whole entities of changed groups, by their ids. */
struct chunk {
    struct arena arena;
    struct index by_id;
    struct document *list;
    size_t count, room;
};

static struct str id_bytes(const struct object_id *id)
{
    return (struct str){(const char *)id->bytes, sizeof id->bytes};
}

static bool read_some(const struct run *r, struct mongo *from, const bson_t *ids,
                      struct chunk *out, struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    bson_t in;
    BSON_APPEND_DOCUMENT_BEGIN(&filter, "_id", &in);
    BSON_APPEND_ARRAY(&in, "$in", ids);
    bson_append_document_end(&filter, &in);
    BSON_APPEND_INT32(&opts, "maxTimeMS", LOOK_MS);
    collection_auto *entities =
        mongo_collection(from, arena_text(&out->arena, r->model->collection));
    cursor_auto *cursor = mongoc_collection_find_with_opts(entities, &filter, &opts, NULL);
    const bson_t *doc = NULL, *reply = NULL;
    bson_error_t error = {0};
    while (mongoc_cursor_next(cursor, &doc)) {
        struct document *entity = ARENA_PUSH(&out->arena, out->list, out->count, out->room);
        document_read(doc, r->model, &out->arena, entity);
        index_put(&out->by_id, arena_copy(&out->arena, id_bytes(&entity->entity.id)),
                  (int64_t)out->count - 1);
    }
    return !mongoc_cursor_error_document(cursor, &error, &reply) ||
           mongo_error("read entities that differ", &error, reply, err);
}

static const struct document *find(const struct chunk *c, const struct object_id *id)
{
    int64_t at = index_get(&c->by_id, id_bytes(id));
    return at < 0 ? NULL : &c->list[at];
}

static void push_id(bson_t *list, uint32_t index, const struct object_id *id)
{
    char number[16];
    const char *key;
    bson_oid_t oid;
    (void)bson_uint32_to_string(index, &key, number, sizeof number);
    memcpy(oid.bytes, id->bytes, sizeof oid.bytes);
    BSON_APPEND_OID(list, key, &oid);
}

/* --- as JSON --- */

static void flush(struct run *r)
{
    (void)fwrite(r->text.ptr, 1, r->text.len, stdout);
    buf_reset(&r->text);
}

static void put_ids(struct run *r, const char *key, const struct object_id *ids, size_t count)
{
    json_key(&r->json, str_of(key));
    json_open(&r->json, '[');
    for (size_t i = 0; i < count; i++)
        json_put_str(&r->json, hex_text(ids[i].bytes, sizeof ids[i].bytes, &r->arena));
    json_close(&r->json, ']');
}

static void put_field(struct run *r, const struct field_diff *f)
{
    const struct field *field = &r->model->fields[f->field];
    json_key(&r->json, field->name);
    json_open(&r->json, '{');
    json_key(&r->json, STR("was"));
    show_json(&r->json, &field->type, f->was);
    json_key(&r->json, STR("is"));
    show_json(&r->json, &field->type, f->is);
    json_key(&r->json, STR("streams"));
    json_open(&r->json, '[');
    for (size_t i = 0; i < f->stream_count; i++)
        json_put_str(&r->json, f->streams[i]);
    json_close(&r->json, ']');
    json_close(&r->json, '}');
}

static void put_sources(struct run *r, const char *key, const struct entity_diff *d, bool came)
{
    json_key(&r->json, str_of(key));
    json_open(&r->json, '[');
    for (size_t i = 0; i < d->source_count; i++) {
        if (d->sources[i].came != came)
            continue;
        json_open(&r->json, '{');
        member_str(&r->json, "stream", d->sources[i].source->stream);
        member_str(&r->json, "key", d->sources[i].source->key);
        json_close(&r->json, '}');
    }
    json_close(&r->json, ']');
}

static void put_group(struct run *r, const struct diff_group *g, const struct entity_diff *d)
{
    json_open(&r->json, '{');
    member_str(&r->json, "kind", str_of(diff_kind_name(g->kind)));
    member_str(&r->json, "name", g->name);
    put_ids(r, "was", g->was, g->was_count);
    put_ids(r, "is", g->is, g->is_count);
    if (d) {
        json_key(&r->json, STR("fields"));
        json_open(&r->json, '{');
        for (size_t i = 0; i < d->field_count; i++)
            put_field(r, &d->fields[i]);
        json_close(&r->json, '}');
        put_sources(r, "sources_came", d, true);
        put_sources(r, "sources_left", d, false);
    }
    json_close(&r->json, '}');
    flush(r);
}

static void open_json(struct run *r)
{
    r->json = (struct json_out){.buf = &r->text};
    json_open(&r->json, '{');
    member_str(&r->json, "model", r->model->name);
    member_str(&r->json, "was", r->was->database);
    member_str(&r->json, "is", r->is->database);
    json_key(&r->json, STR("entities"));
    json_open(&r->json, '{');
    member_int(&r->json, "was", (int64_t)r->counts.was);
    member_int(&r->json, "is", (int64_t)r->counts.is);
    member_int(&r->json, "equal", (int64_t)r->counts.equal);
    for (int kind = 0; kind < DIFF_KINDS; kind++)
        member_int(&r->json, diff_kind_name(kind), (int64_t)r->counts.groups[kind]);
    json_close(&r->json, '}');
    json_key(&r->json, STR("differences"));
    json_open(&r->json, '[');
}

static void close_json(struct run *r)
{
    json_close(&r->json, ']');
    json_key(&r->json, STR("fields"));
    json_open(&r->json, '{');
    for (size_t i = 0; i < r->model->field_count; i++) {
        const struct field_tally *f = &r->tally.fields[i];
        if (!f->count)
            continue;
        json_key(&r->json, r->model->fields[i].name);
        json_open(&r->json, '{');
        member_int(&r->json, "entities", (int64_t)f->count);
        json_key(&r->json, STR("streams"));
        json_open(&r->json, '{');
        for (size_t s = 0; s < f->stream_count; s++)
            if (f->streams[s].stream.len)
                member_int(&r->json, arena_text(&r->arena, f->streams[s].stream),
                           (int64_t)f->streams[s].count);
        json_close(&r->json, '}');
        json_close(&r->json, '}');
    }
    json_close(&r->json, '}');
    json_close(&r->json, '}');
    flush(r);
    (void)putchar('\n');
}

/* --- as text --- */

static void print_examples(const struct run *r, enum diff_kind kind)
{
    size_t shown = 0;
    for (size_t i = 0; i < r->group_count && shown < r->limit; i++) {
        const struct diff_group *g = &r->groups[i];
        if (g->kind != kind)
            continue;
        shown++;
        (void)printf("      " STR_FMT, STR_ARG(g->name));
        if (g->was_count > 1 || g->is_count > 1)
            (void)printf(": %zu became %zu", g->was_count, g->is_count);
        (void)printf("\n");
    }
    if (shown < r->counts.groups[kind])
        (void)printf("      … and %zu more\n", r->counts.groups[kind] - shown);
}

static void print_field(const struct run *r, size_t field)
{
    const struct field_tally *f = &r->tally.fields[field];
    (void)printf("      %-22.*s %7zu  ", STR_ARG(r->model->fields[field].name), f->count);
    for (size_t i = 0; i < f->stream_count; i++) {
        struct str stream = f->streams[i].stream;
        (void)printf("%s" STR_FMT " %zu", i ? ", " : "",
                     STR_ARG(stream.len ? stream : STR("merged otherwise")),
                     f->streams[i].count);
    }
    (void)printf("\n");
    for (size_t i = 0; i < f->example_count; i++)
        (void)printf("          " STR_FMT "\n", STR_ARG(f->examples[i]));
}

static void print_text(const struct run *r)
{
    (void)printf(STR_FMT ": %zu in " STR_FMT ", %zu in " STR_FMT ", %zu equal\n",
                 STR_ARG(r->model->name), r->counts.was, STR_ARG(r->was->database),
                 r->counts.is, STR_ARG(r->is->database), r->counts.equal);
    if (!r->group_count)
        (void)printf("  no difference\n");
    for (int kind = 0; kind < DIFF_KINDS; kind++) {
        if (!r->counts.groups[kind])
            continue;
        (void)printf("  %-10s %zu\n", diff_kind_name(kind), r->counts.groups[kind]);
        if (kind != DIFF_CHANGED)
            print_examples(r, kind);
    }
    for (size_t i = 0; i < r->model->field_count; i++)
        if (r->tally.fields[i].count)
            print_field(r, i);
    if (r->tally.came || r->tally.left)
        (void)printf("      sources of changed ones: %zu came, %zu left\n", r->tally.came,
                     r->tally.left);
}

/* --- groups --- */

static void tell_group(struct run *r, const struct diff_group *g, const struct chunk *was,
                       const struct chunk *is)
{
    const struct document *before = NULL, *after = NULL;
    if (g->kind == DIFF_CHANGED) {
        before = find(was, g->was);
        after = find(is, g->is);
    }
    if (!before || !after) { /* not a changed one, or another writer has moved it meanwhile */
        if (r->m->settings.json)
            put_group(r, g, NULL);
        return;
    }
    arena_auto scratch = {0};
    struct entity_diff d = diff_entity(r->model, before, after, &scratch);
    diff_tally_add(&r->tally, g->name, &d);
    if (r->m->settings.json)
        put_group(r, g, &d);
}

static bool tell_chunk(struct run *r, size_t first, size_t end, struct chunk *was,
                       struct chunk *is, struct err *err)
{
    bson_auto was_ids = BSON_INITIALIZER;
    bson_auto is_ids = BSON_INITIALIZER;
    uint32_t count = 0;
    index_init(&was->by_id, &was->arena, end - first);
    index_init(&is->by_id, &is->arena, end - first);
    for (size_t i = first; i < end; i++) {
        if (r->groups[i].kind != DIFF_CHANGED)
            continue;
        push_id(&was_ids, count, r->groups[i].was);
        push_id(&is_ids, count++, r->groups[i].is);
    }
    if (count && (!read_some(r, r->was->mongo, &was_ids, was, err) ||
                  !read_some(r, r->is->mongo, &is_ids, is, err)))
        return false;
    for (size_t i = first; i < end; i++)
        tell_group(r, &r->groups[i], was, is);
    return true;
}

static bool tell_groups(struct run *r, struct err *err)
{
    bool ok = true;
    for (size_t i = 0; i < r->group_count && ok; i += CHUNK) {
        struct chunk was = {0}, is = {0};
        size_t end = i + CHUNK < r->group_count ? i + CHUNK : r->group_count;
        ok = tell_chunk(r, i, end, &was, &is, err);
        arena_done(&was.arena);
        arena_done(&is.arena);
    }
    return ok;
}

static bool compare(struct run *r, struct err *err)
{
    r->diff = diff_new(r->model, &r->arena);
    r->tally = diff_tally_new(r->model, r->limit, &r->arena);
    if (!read_all(r, r->was->mongo, diff_was, err) || !read_all(r, r->is->mongo, diff_is, err))
        return false;
    r->group_count = diff_groups(r->diff, &r->groups, &r->counts);
    if (r->m->settings.json)
        open_json(r);
    if (!tell_groups(r, err))
        return false;
    if (r->m->settings.json)
        close_json(r);
    else
        print_text(r);
    return true;
}

bool diff_report(struct muster *m, const struct model *model, const struct diff_side *was,
                 const struct diff_side *is, size_t limit, struct err *err)
{
    struct run r = {.m = m, .model = model, .was = was, .is = is, .limit = limit};
    buf_init(&r.text, TEXT_MAX_BYTES);
    bool ok = compare(&r, err);
    buf_done(&r.text);
    arena_done(&r.arena);
    return ok;
}
