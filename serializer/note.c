/* SPDX-License-Identifier: MIT */
#include "serializer/note.h"

#include <string.h>

static const char *const names[] = {
    [NOTE_NONE] = "",           [NOTE_SAME] = "same",   [NOTE_CREATED] = "created",
    [NOTE_CHANGED] = "changed", [NOTE_SPLIT] = "split", [NOTE_GONE] = "gone",
    [NOTE_MERGED] = "merged"};
enum { NAME_COUNT = sizeof names / sizeof *names };

const char *note_name(enum note_kind kind)
{
    return names[kind];
}

static bool id_eq(const struct object_id *a, const struct object_id *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static struct str trace_of(const struct change *c)
{
    for (size_t i = 0; i < c->update_count; i++)
        if (c->updates[i]->trace.len)
            return c->updates[i]->trace;
    return (struct str){0};
}

/* --- what was, what is --- */

static bool has_item(const struct entity *e, const struct source *s)
{
    for (size_t i = 0; i < e->count; i++)
        if (!e->sources[i].gone && str_eq(e->sources[i].key, s->key) &&
            str_eq(e->sources[i].stream, s->stream))
            return true;
    return false;
}

static bool has_item_now(const struct folded *f, const struct source *s)
{
    for (size_t i = 0; i < f->count; i++)
        if (!f->sources[i]->gone && str_eq(f->sources[i]->key, s->key) &&
            str_eq(f->sources[i]->stream, s->stream))
            return true;
    return false;
}

static bool lives(const struct entity *e)
{
    for (size_t i = 0; i < e->count; i++)
        if (!e->sources[i].gone)
            return true;
    return false;
}

static bool has_same_items(const struct entity *was, const struct folded *is)
{
    for (size_t i = 0; i < was->count; i++)
        if (!was->sources[i].gone && !has_item_now(is, &was->sources[i]))
            return false;
    for (size_t i = 0; i < is->count; i++)
        if (!is->sources[i]->gone && !has_item(was, is->sources[i]))
            return false;
    return true;
}

static void list_fields(const struct model *m, const struct entity *was,
                        const struct folded *is, struct arena *arena, struct note *out)
{
    size_t *fields = ARENA_ARRAY(arena, size_t, m->field_count);
    struct value *values = ARENA_ARRAY(arena, struct value, m->field_count);
    for (size_t i = 0; i < m->field_count; i++) {
        if (m->fields[i].is_volatile ||
            value_is_same(&m->fields[i].type, was->fields[i], is->fields[i]))
            continue;
        values[i] = was->fields[i];
        fields[out->field_count++] = i;
    }
    out->fields = fields;
    out->was = values;
}

/* --- where sources came from, and where they went --- */

/* Did a living source of the entity, by link and key, come to live here? */
static bool gave_to(const struct entity *e, const struct folded *f)
{
    for (size_t i = 0; i < e->count; i++)
        for (size_t k = 0; k < f->count && !e->sources[i].gone; k++)
            if (!f->sources[k]->gone && source_is_same(&e->sources[i], f->sources[k]))
                return true;
    return false;
}

static void list_from(const struct change *c, const struct object_id *self, size_t n,
                      struct arena *arena, struct note *out)
{
    out->from = ARENA_ARRAY(arena, struct object_id, c->old_count);
    for (size_t i = 0; i < c->old_count; i++)
        if (!id_eq(&c->old[i]->id, self) && gave_to(c->old[i], &c->now[n]))
            out->from[out->from_count++] = c->old[i]->id;
}

/* True when one of them is new. */
static bool list_into(const struct change *c, const struct entity *was,
                      const struct object_id *ids, size_t n, struct arena *arena,
                      struct note *out)
{
    bool has_new = false;
    out->into = ARENA_ARRAY(arena, struct object_id, c->now_count);
    for (size_t i = 0; i < c->now_count; i++) {
        if (i == n || !gave_to(was, &c->now[i]))
            continue;
        out->into[out->into_count++] = ids[i];
        has_new |= !id_eq(&c->now[i].id, &ids[i]); /* it had none before this write */
    }
    return has_new;
}

static const struct entity *same_entity(const struct change *c, const struct object_id *id)
{
    for (size_t i = 0; i < c->old_count; i++)
        if (id_eq(&c->old[i]->id, id))
            return c->old[i];
    return NULL;
}

struct note note_of(const struct model *m, const struct change *c, const struct object_id *ids,
                    size_t n, struct arena *arena)
{
    struct note note = {.kind = NOTE_SAME, .trace = trace_of(c)};
    const struct folded *is = &c->now[n];
    const struct entity *was = same_entity(c, &ids[n]);
    bool lived = was && lives(was) && was->fields;
    list_from(c, &ids[n], n, arena, &note);
    bool is_split = was && list_into(c, was, ids, n, arena, &note);
    if (!is->fields) {
        note.kind = lived ? NOTE_GONE : NOTE_SAME;
        return note;
    }
    if (!lived) {
        note.kind = NOTE_CREATED;
        return note;
    }
    list_fields(m, was, is, arena, &note);
    if (is_split)
        note.kind = NOTE_SPLIT;
    else if (note.field_count || !has_same_items(was, is))
        note.kind = NOTE_CHANGED;
    return note;
}

struct note note_of_merged(const struct change *c)
{
    return (struct note){.kind = NOTE_MERGED, .trace = trace_of(c)};
}

/* --- in the document --- */

static void put_ids(bson_t *doc, const char *key, const struct object_id *ids, size_t count)
{
    bson_t list;
    if (!count)
        return;
    BSON_APPEND_ARRAY_BEGIN(doc, key, &list);
    for (size_t i = 0; i < count; i++) {
        char number[16];
        const char *index;
        bson_oid_t oid;
        size_t bytes = bson_uint32_to_string((uint32_t)i, &index, number, sizeof number);
        memcpy(oid.bytes, ids[i].bytes, sizeof oid.bytes);
        bson_append_oid(&list, index, (int)bytes, &oid);
    }
    bson_append_array_end(doc, &list);
}

static void put_fields(bson_t *doc, const struct note *note, const struct model *m,
                       struct arena *arena)
{
    bson_t list, was;
    if (!note->field_count)
        return;
    BSON_APPEND_ARRAY_BEGIN(doc, "fields", &list);
    for (size_t i = 0; i < note->field_count; i++)
        doc_push_str(&list, i, m->fields[note->fields[i]].name);
    bson_append_array_end(doc, &list);
    BSON_APPEND_DOCUMENT_BEGIN(doc, "was", &was);
    document_put_fields(&was, m, note->was, arena);
    bson_append_document_end(doc, &was);
}

void note_write(struct note note, const struct model *m, struct arena *arena, bson_t *out)
{
    bson_t change;
    BSON_APPEND_DOCUMENT_BEGIN(out, "change", &change);
    doc_put_str(&change, "kind", str_of(names[note.kind]));
    if (note.kind != NOTE_SAME) {
        put_fields(&change, &note, m, arena);
        put_ids(&change, "from", note.from, note.from_count);
        put_ids(&change, "into", note.into, note.into_count);
        if (note.trace.len)
            doc_put_str(&change, "trace", note.trace);
    }
    bson_append_document_end(out, &change);
}

static enum note_kind kind_of(struct str name)
{
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (str_eq(name, str_of(names[i])))
            return (enum note_kind)i;
    return NOTE_NONE;
}

static void read_ids(const bson_t *change, const char *key, struct arena *arena,
                     struct object_id **out, size_t *out_count)
{
    bson_t list;
    bson_iter_t at;
    size_t room = 0;
    if (!doc_sub(change, key, &list) || !bson_iter_init(&at, &list))
        return;
    while (bson_iter_next(&at))
        if (BSON_ITER_HOLDS_OID(&at))
            memcpy(ARENA_PUSH(arena, *out, *out_count, room)->bytes, bson_iter_oid(&at)->bytes,
                   sizeof(struct object_id));
}

static bool find_field(const struct model *m, struct str name, size_t *out)
{
    for (*out = 0; *out < m->field_count; ++*out)
        if (str_eq(m->fields[*out].name, name))
            return true;
    return false;
}

static void read_fields(const bson_t *change, const struct model *m, struct arena *arena,
                        struct note *out)
{
    bson_t list, was;
    bson_iter_t at;
    size_t *fields = ARENA_ARRAY(arena, size_t, m->field_count);
    if (!doc_sub(change, "fields", &list) || !doc_sub(change, "was", &was) ||
        !bson_iter_init(&at, &list))
        return;
    while (bson_iter_next(&at) && out->field_count < m->field_count) {
        uint32_t bytes = 0;
        if (!BSON_ITER_HOLDS_UTF8(&at))
            continue;
        const char *name = bson_iter_utf8(&at, &bytes);
        out->field_count += find_field(m, (struct str){name, bytes}, &fields[out->field_count]);
    }
    out->fields = fields;
    out->was = document_fields(&was, m, arena);
}

struct note note_read(const bson_t *doc, const struct model *m, struct arena *arena)
{
    struct note note = {0};
    struct str name = {0};
    bson_t change;
    if (!doc_sub(doc, "change", &change) || !doc_str(&change, "kind", &name))
        return note;
    note.kind = kind_of(name);
    (void)doc_str(&change, "trace", &note.trace);
    note.trace = arena_copy(arena, note.trace);
    read_fields(&change, m, arena, &note);
    read_ids(&change, "from", arena, &note.from, &note.from_count);
    read_ids(&change, "into", arena, &note.into, &note.into_count);
    return note;
}
