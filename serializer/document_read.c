/* SPDX-License-Identifier: MIT */
#include "serializer/document.h"

#include <stdlib.h>
#include <string.h>

static struct value read_value(const bson_iter_t *at, const struct type *t,
                               struct arena *arena);

static int cmp(const void *a, const void *b)
{
    return value_cmp(*(const struct value *)a, *(const struct value *)b);
}

static struct value read_list(const bson_iter_t *at, const struct type *item,
                              struct arena *arena)
{
    bson_iter_t child;
    size_t count = 0, room = 0;
    struct value *items = NULL;
    if (!bson_iter_recurse(at, &child))
        return (struct value){0};
    while (bson_iter_next(&child)) {
        struct value v = read_value(&child, item, arena);
        if (v.kind != VALUE_NONE)
            *ARENA_PUSH(arena, items, count, room) = v;
    }
    if (count > 1)
        qsort(items, count, sizeof *items, cmp);
    return value_list(items, count);
}

static struct value read_object(const bson_iter_t *at, const struct type *t,
                                struct arena *arena)
{
    struct value *members = ARENA_ARRAY(arena, struct value, t->count);
    for (size_t i = 0; i < t->count; i++) {
        bson_iter_t child;
        if (bson_iter_recurse(at, &child) &&
            bson_iter_find_w_len(&child, t->members[i].name.ptr, (int)t->members[i].name.len))
            members[i] = read_value(&child, &t->members[i].type, arena);
    }
    return value_object(members, t->count);
}

static struct value read_text(const bson_iter_t *at, struct arena *arena)
{
    uint32_t bytes = 0;
    const char *text = bson_iter_utf8(at, &bytes);
    return value_text(arena_copy(arena, (struct str){text, bytes}));
}

static struct value read_value(const bson_iter_t *at, const struct type *t, struct arena *arena)
{
    switch (t->kind) {
    case TYPE_STRING:
    case TYPE_HOSTNAME:
    case TYPE_IP:
    case TYPE_MAC:
    case TYPE_ENUM:
        return BSON_ITER_HOLDS_UTF8(at) ? read_text(at, arena) : (struct value){0};
    case TYPE_DATETIME:
        return BSON_ITER_HOLDS_DATE_TIME(at) ? value_time(bson_iter_date_time(at))
                                             : (struct value){0};
    case TYPE_INT:
        return BSON_ITER_HOLDS_INT(at) ? value_int(bson_iter_as_int64(at)) : (struct value){0};
    case TYPE_BOOL:
        return BSON_ITER_HOLDS_BOOL(at) ? value_bool(bson_iter_bool(at)) : (struct value){0};
    case TYPE_LIST:
        return BSON_ITER_HOLDS_ARRAY(at) ? read_list(at, t->item, arena) : (struct value){0};
    case TYPE_OBJECT:
        return BSON_ITER_HOLDS_DOCUMENT(at) ? read_object(at, t, arena) : (struct value){0};
    }
    return (struct value){0};
}

const struct value *document_fields(const bson_t *doc, const struct model *m,
                                    struct arena *arena)
{
    struct value *fields = ARENA_ARRAY(arena, struct value, m->field_count);
    for (size_t i = 0; i < m->field_count; i++) {
        bson_iter_t top, at;
        if (bson_iter_init(&top, doc) &&
            bson_iter_find_descendant(&top, arena_text(arena, m->fields[i].name), &at))
            fields[i] = read_value(&at, &m->fields[i].type, arena);
    }
    return fields;
}

static bool read_id(const bson_t *doc, const char *key, struct object_id *out)
{
    bson_iter_t at;
    if (!bson_iter_init_find(&at, doc, key) || !BSON_ITER_HOLDS_OID(&at))
        return false;
    memcpy(out->bytes, bson_iter_oid(&at)->bytes, sizeof out->bytes);
    return true;
}

static struct str copy_str(const bson_t *doc, const char *path, struct arena *arena)
{
    struct str s = {0};
    (void)doc_str(doc, path, &s);
    return arena_copy(arena, s);
}

static int32_t small_int(const bson_t *doc, const char *path)
{
    int64_t number = 0;
    (void)doc_int(doc, path, &number);
    return (int32_t)number;
}

static void read_version(const bson_t *source, struct version *out)
{
    int64_t answer = 0;
    (void)doc_int(source, "version.gen", &out->gen);
    (void)doc_int(source, "version.page", &out->page);
    (void)doc_int(source, "version.answer", &answer);
    out->answer = (uint64_t)answer;
    out->map = small_int(source, "version.map");
    out->ordinal = small_int(source, "version.ordinal");
}

static void read_hash(const bson_t *source, uint8_t *out)
{
    bson_iter_t at;
    bson_subtype_t subtype;
    uint32_t bytes = 0;
    const uint8_t *data = NULL;
    if (!bson_iter_init_find(&at, source, "hash") || !BSON_ITER_HOLDS_BINARY(&at))
        return;
    bson_iter_binary(&at, &subtype, &bytes, &data);
    if (bytes == HASH_BYTES)
        memcpy(out, data, HASH_BYTES);
}

static void read_source(const bson_t *doc, const struct model *m, struct arena *arena,
                        struct source *out)
{
    bson_t fields;
    out->link = copy_str(doc, "link", arena);
    out->stream = copy_str(doc, "stream", arena);
    out->key = copy_str(doc, "key", arena);
    out->page.topic = copy_str(doc, "page.topic", arena);
    out->page.partition = small_int(doc, "page.partition");
    (void)doc_int(doc, "page.offset", &out->page.offset);
    (void)doc_bool(doc, "gone", &out->gone);
    out->has_as_of = doc_time(doc, "as_of", &out->as_of_ms);
    read_version(doc, &out->version);
    read_hash(doc, out->hash);
    if (!out->gone && doc_sub(doc, "fields", &fields))
        out->fields = document_fields(&fields, m, arena);
}

static void read_sources(const bson_t *list, const struct model *m, struct arena *arena,
                         struct entity *out)
{
    bson_iter_t at;
    size_t room = 0;
    if (!bson_iter_init(&at, list))
        return;
    while (bson_iter_next(&at)) {
        uint32_t bytes = 0;
        const uint8_t *data = NULL;
        bson_t source;
        if (!BSON_ITER_HOLDS_DOCUMENT(&at))
            continue;
        bson_iter_document(&at, &bytes, &data);
        if (bson_init_static(&source, data, bytes))
            read_source(&source, m, arena, ARENA_PUSH(arena, out->sources, out->count, room));
    }
}

static bool is_nothing(const bson_t *doc)
{
    return bson_has_field(doc, "gone") || bson_has_field(doc, "merged_into");
}

const struct value *document_merged(const bson_t *doc, const struct model *m,
                                    struct arena *arena)
{
    return is_nothing(doc) ? NULL : document_fields(doc, m, arena);
}

void document_entity(const bson_t *doc, const struct model *m, struct arena *arena,
                     struct entity *out)
{
    bson_t sources;
    *out = (struct entity){0};
    (void)read_id(doc, "_id", &out->id);
    (void)read_id(doc, "rev", &out->rev);
    (void)doc_time(doc, "created_at", &out->created_at_ms);
    out->crowded_out = bson_has_field(doc, "crowd");
    if (doc_sub(doc, "sources", &sources))
        read_sources(&sources, m, arena, out);
}

void document_read(const bson_t *doc, const struct model *m, struct arena *arena,
                   struct document *out)
{
    *out = (struct document){0};
    document_entity(doc, m, arena, &out->entity);
    out->is_redirect = read_id(doc, "merged_into", &out->merged_into);
    (void)doc_time(doc, "changed_at", &out->changed_at_ms);
    out->fields = document_fields(doc, m, arena);
    out->entity.fields = is_nothing(doc) ? NULL : out->fields;
}
