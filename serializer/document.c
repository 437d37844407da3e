/* SPDX-License-Identifier: MIT */
#include "serializer/document.h"

#include "serializer/merge.h"

#include <string.h>

static void put_value(bson_t *doc, struct str key, struct value v, const struct type *t);

static void put_scalar(bson_t *doc, struct str key, struct value v)
{
    switch (v.kind) {
    case VALUE_BOOL:
        bson_append_bool(doc, key.ptr, (int)key.len, v.flag);
        break;
    case VALUE_INT:
        bson_append_int64(doc, key.ptr, (int)key.len, v.number);
        break;
    case VALUE_TIME:
        bson_append_date_time(doc, key.ptr, (int)key.len, v.number);
        break;
    case VALUE_TEXT:
        bson_append_utf8(doc, key.ptr, (int)key.len, v.count ? v.text : "", (int)v.count);
        break;
    case VALUE_NONE:
    case VALUE_LIST:
    case VALUE_OBJECT:
        break;
    }
}

static void put_list(bson_t *doc, struct str key, struct value v, const struct type *item)
{
    bson_t list;
    bson_append_array_begin(doc, key.ptr, (int)key.len, &list);
    for (uint32_t i = 0; i < v.count; i++) {
        char number[16];
        const char *index;
        size_t bytes = bson_uint32_to_string(i, &index, number, sizeof number);
        put_value(&list, (struct str){index, bytes}, v.items[i], item);
    }
    bson_append_array_end(doc, &list);
}

static void put_object(bson_t *doc, struct str key, struct value v, const struct type *t)
{
    bson_t object;
    bson_append_document_begin(doc, key.ptr, (int)key.len, &object);
    for (uint32_t i = 0; i < v.count; i++)
        if (v.items[i].kind != VALUE_NONE)
            put_value(&object, t->members[i].name, v.items[i], &t->members[i].type);
    bson_append_document_end(doc, &object);
}

static void put_value(bson_t *doc, struct str key, struct value v, const struct type *t)
{
    if (v.kind == VALUE_LIST)
        put_list(doc, key, v, t->item);
    else if (v.kind == VALUE_OBJECT)
        put_object(doc, key, v, t);
    else
        put_scalar(doc, key, v);
}

/* What a level of nested fields writes for a field: its value, or where it came from. */
typedef void put_leaf(bson_t *doc, struct str key, size_t field, const void *context);

struct levels {
    const struct model *model;
    bool *pending; /* fields that have something to write, and have not written it yet */
    put_leaf *put;
    const void *context;
};

static struct str head_of(struct str name, size_t prefix_len)
{
    struct str rest = {name.ptr + prefix_len, name.len - prefix_len};
    return str_cut(&rest, '.');
}

/* All of the level that begins with `prefix`; none of its fields stands before `first`. */
static void put_level(bson_t *doc, const struct levels *l, struct str prefix, size_t first)
{
    for (size_t i = first; i < l->model->field_count; i++) {
        struct str name = l->model->fields[i].name;
        if (!l->pending[i] || !str_has_prefix(name, prefix))
            continue;
        struct str head = head_of(name, prefix.len);
        struct str path = {name.ptr, prefix.len + head.len};
        if (path.len == name.len) {
            l->put(doc, head, i, l->context);
            l->pending[i] = false;
        } else {
            bson_t sub;
            bson_append_document_begin(doc, head.ptr, (int)head.len, &sub);
            put_level(&sub, l, (struct str){path.ptr, path.len + 1}, i);
            bson_append_document_end(doc, &sub);
        }
    }
}

struct field_values {
    const struct model *model;
    const struct value *fields;
};

static void put_field(bson_t *doc, struct str key, size_t field, const void *context)
{
    const struct field_values *v = context;
    put_value(doc, key, v->fields[field], &v->model->fields[field].type);
}

void document_put_fields(bson_t *doc, const struct model *m, const struct value *fields,
                         struct arena *arena)
{
    bool *pending = ARENA_ARRAY(arena, bool, m->field_count);
    for (size_t i = 0; i < m->field_count; i++)
        pending[i] = fields[i].kind != VALUE_NONE;
    struct field_values values = {m, fields};
    put_level(doc, &(struct levels){m, pending, put_field, &values}, (struct str){0}, 0);
}

struct winners {
    const struct folded *folded;
    struct str *names; /* of its sources, once needed */
    struct arena *arena;
};

static struct str winner_name(const struct winners *w, int32_t from)
{
    if (from < 0)
        return STR("union");
    const struct source *s = w->folded->sources[from];
    const struct str parts[] = {s->stream, STR(" "), s->key};
    if (!w->names[from].len)
        w->names[from] = arena_join(w->arena, parts, sizeof parts / sizeof *parts);
    return w->names[from];
}

static void put_winner(bson_t *doc, struct str key, size_t field, const void *context)
{
    const struct winners *w = context;
    struct str text = winner_name(w, w->folded->from[field]);
    bson_append_utf8(doc, key.ptr, (int)key.len, text.ptr, (int)text.len);
}

static void put_from(bson_t *doc, const struct model *m, const struct folded *f,
                     struct arena *arena)
{
    bson_t from;
    bool *pending = ARENA_ARRAY(arena, bool, m->field_count);
    for (size_t i = 0; i < m->field_count; i++)
        pending[i] = f->from[i] != FROM_NONE;
    struct winners winners = {f, ARENA_ARRAY(arena, struct str, f->count), arena};
    BSON_APPEND_DOCUMENT_BEGIN(doc, "from", &from);
    put_level(&from, &(struct levels){m, pending, put_winner, &winners}, (struct str){0}, 0);
    bson_append_document_end(doc, &from);
}

static void put_rule(bson_t *identity, const struct model *m, const struct folded *f, size_t r)
{
    const struct rule *rule = &m->rules[r];
    bson_t list, object;
    uint32_t used = 0;
    bson_append_array_begin(identity, rule->name.ptr, (int)rule->name.len, &list);
    for (size_t t = 0; t < f->tuple_count; t++) {
        if (f->tuples[t].rule != r)
            continue;
        char number[16];
        const char *index;
        size_t bytes = bson_uint32_to_string(used++, &index, number, sizeof number);
        bson_append_document_begin(&list, index, (int)bytes, &object);
        for (size_t i = 0; i < rule->count; i++)
            put_scalar(&object, rule->keys[i], f->tuples[t].values[i]);
        bson_append_document_end(&list, &object);
    }
    bson_append_array_end(identity, &list);
}

static bool is_repeated_item(const struct folded *f, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (str_eq(f->sources[i]->stream, f->sources[j]->stream) &&
            str_eq(f->sources[i]->key, f->sources[j]->key))
            return true;
    return false;
}

static void put_items(bson_t *identity, const struct folded *f)
{
    bson_t list, object;
    uint32_t used = 0;
    BSON_APPEND_ARRAY_BEGIN(identity, DOCUMENT_ITEM_RULE, &list);
    for (size_t i = 0; i < f->count; i++) {
        if (f->sources[i]->gone || is_repeated_item(f, i))
            continue;
        char number[16];
        const char *index;
        size_t bytes = bson_uint32_to_string(used++, &index, number, sizeof number);
        bson_append_document_begin(&list, index, (int)bytes, &object);
        doc_put_str(&object, "stream", f->sources[i]->stream);
        doc_put_str(&object, "key", f->sources[i]->key);
        bson_append_document_end(&list, &object);
    }
    bson_append_array_end(identity, &list);
}

/* An empty array would be indexed as null, and collide with every other one. */
static void put_identity(bson_t *doc, const struct model *m, const struct folded *f)
{
    bson_t identity;
    BSON_APPEND_DOCUMENT_BEGIN(doc, "identity", &identity);
    for (size_t r = 0; r < m->rule_count; r++) {
        bool has_tuple = false;
        for (size_t t = 0; t < f->tuple_count; t++)
            has_tuple |= f->tuples[t].rule == r;
        if (has_tuple)
            put_rule(&identity, m, f, r);
    }
    put_items(&identity, f);
    bson_append_document_end(doc, &identity);
}

static void put_crowd(bson_t *doc, const struct model *m, const struct folded *f,
                      struct arena *arena)
{
    bson_t list;
    size_t used = 0;
    BSON_APPEND_ARRAY_BEGIN(doc, "crowd", &list);
    for (size_t i = 0; i < f->count; i++) {
        struct str names[MODEL_MAX_RULES + 1];
        size_t count = f->sources[i]->gone ? 0 : fold_identity(m, f->sources[i], arena, names);
        for (size_t n = 0; n < count; n++)
            doc_push_str(&list, used++, names[n]);
    }
    bson_append_array_end(doc, &list);
}

static void put_version(bson_t *doc, const struct version *v)
{
    bson_t version;
    BSON_APPEND_DOCUMENT_BEGIN(doc, "version", &version);
    BSON_APPEND_INT64(&version, "gen", v->gen);
    BSON_APPEND_INT32(&version, "map", v->map);
    BSON_APPEND_INT64(&version, "page", v->page);
    BSON_APPEND_INT64(&version, "answer", (int64_t)v->answer);
    BSON_APPEND_INT32(&version, "ordinal", v->ordinal);
    bson_append_document_end(doc, &version);
}

static void put_source(bson_t *doc, const struct model *m, const struct source *s,
                       struct arena *arena)
{
    bson_t page, fields;
    doc_put_str(doc, "link", s->link);
    doc_put_str(doc, "stream", s->stream);
    doc_put_str(doc, "key", s->key);
    put_version(doc, &s->version);
    BSON_APPEND_DOCUMENT_BEGIN(doc, "page", &page);
    doc_put_str(&page, "topic", s->page.topic);
    BSON_APPEND_INT32(&page, "partition", s->page.partition);
    BSON_APPEND_INT64(&page, "offset", s->page.offset);
    bson_append_document_end(doc, &page);
    if (s->gone) {
        BSON_APPEND_BOOL(doc, "gone", true);
        return;
    }
    BSON_APPEND_BINARY(doc, "hash", BSON_SUBTYPE_BINARY, s->hash, sizeof s->hash);
    if (s->has_as_of)
        BSON_APPEND_DATE_TIME(doc, "as_of", s->as_of_ms);
    BSON_APPEND_DOCUMENT_BEGIN(doc, "fields", &fields);
    document_put_fields(&fields, m, s->fields, arena);
    bson_append_document_end(doc, &fields);
}

static void put_sources(bson_t *doc, const struct model *m, const struct folded *f,
                        struct arena *arena)
{
    bson_t list, source;
    BSON_APPEND_ARRAY_BEGIN(doc, "sources", &list);
    for (size_t i = 0; i < f->count; i++) {
        char number[16];
        const char *index;
        size_t bytes = bson_uint32_to_string((uint32_t)i, &index, number, sizeof number);
        bson_append_document_begin(&list, index, (int)bytes, &source);
        put_source(&source, m, f->sources[i], arena);
        bson_append_document_end(&list, &source);
    }
    bson_append_array_end(doc, &list);
}

static void put_id(bson_t *doc, const char *key, const struct object_id *id)
{
    bson_oid_t oid;
    memcpy(oid.bytes, id->bytes, sizeof oid.bytes);
    BSON_APPEND_OID(doc, key, &oid);
}

void document_write(const struct model *m, const struct folded *f, const struct object_id *id,
                    const struct object_id *rev, int64_t now_ms, struct arena *arena,
                    bson_t *out)
{
    put_id(out, "_id", id);
    put_id(out, "rev", rev);
    if (!f->fields) {
        BSON_APPEND_BOOL(out, "gone", true);
    } else {
        document_put_fields(out, m, f->fields, arena);
        if (f->crowded_out)
            put_crowd(out, m, f, arena);
        else
            put_identity(out, m, f);
        put_from(out, m, f, arena);
    }
    put_sources(out, m, f, arena);
    BSON_APPEND_DATE_TIME(out, "created_at", f->created_at_ms ? f->created_at_ms : now_ms);
    BSON_APPEND_DATE_TIME(out, "changed_at", now_ms);
}
