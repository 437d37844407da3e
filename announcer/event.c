/* SPDX-License-Identifier: MIT */
#include "announcer/event.h"

#include "common/clock.h"
#include "common/hex.h"
#include "common/value_json.h"

#include <stdlib.h>

enum { VALUE_MAX_BYTES = 64 << 20 }; /* a document has 16 MiB at most */

/* What stands after "muster.entity." when no write says why. */
#define STATE "state"

const char *const event_changes[EVENT_CHANGES] = {"created", "changed", "split",
                                                  "merged",  "gone",    STATE};

static const char *name_of(const struct change_seen *seen, const struct document *d,
                           const struct note *note)
{
    if (d->is_redirect)
        return note_name(NOTE_MERGED);
    if (!d->entity.fields)
        return note_name(NOTE_GONE);
    return seen->is_survey || note->kind == NOTE_NONE ? STATE : note_name(note->kind);
}

static struct str id_text(const struct object_id *id, struct arena *arena)
{
    return hex_text(id->bytes, sizeof id->bytes, arena);
}

static struct str iso(int64_t unix_ms, struct arena *arena)
{
    char text[25];
    clock_iso(unix_ms, text);
    return arena_copy(arena, str_of(text));
}

/* --- the value --- */

static void member_str(struct json_out *o, const char *key, struct str value)
{
    json_key(o, str_of(key));
    json_put_str(o, value);
}

static void put_ids(struct json_out *o, const char *key, const struct object_id *ids,
                    size_t count, struct arena *arena)
{
    if (!count)
        return;
    json_key(o, str_of(key));
    json_open(o, '[');
    for (size_t i = 0; i < count; i++)
        json_put_str(o, id_text(&ids[i], arena));
    json_close(o, ']');
}

static void put_changed(struct json_out *o, const struct model *m, const struct note *note,
                        const struct value *is)
{
    json_key(o, STR("changed"));
    json_open(o, '{');
    for (size_t i = 0; i < note->field_count; i++) {
        const struct field *field = &m->fields[note->fields[i]];
        json_key(o, field->name);
        json_open(o, '{');
        json_key(o, STR("was"));
        value_json(o, &field->type, note->was[note->fields[i]], VALUE_JSON_STEADY);
        json_key(o, STR("is"));
        value_json(o, &field->type, is[note->fields[i]], VALUE_JSON_STEADY);
        json_close(o, '}');
    }
    json_close(o, '}');
}

static void put_fields(struct json_out *o, const struct model *m, const struct value *fields)
{
    json_key(o, STR("fields"));
    json_open(o, '{');
    for (size_t i = 0; i < m->field_count; i++) {
        if (m->fields[i].is_volatile || fields[i].kind == VALUE_NONE)
            continue;
        json_key(o, m->fields[i].name);
        value_json(o, &m->fields[i].type, fields[i], VALUE_JSON_STEADY);
    }
    json_close(o, '}');
}

/* Two links may list one item; it is one. Sources stand in the order of stream and key. */
static bool is_repeated(const struct entity *e, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (!e->sources[k].gone && str_eq(e->sources[k].key, e->sources[i].key) &&
            str_eq(e->sources[k].stream, e->sources[i].stream))
            return true;
    return false;
}

static void put_sources(struct json_out *o, const struct entity *e)
{
    json_key(o, STR("sources"));
    json_open(o, '[');
    for (size_t i = 0; i < e->count; i++) {
        if (e->sources[i].gone || is_repeated(e, i))
            continue;
        json_open(o, '{');
        member_str(o, "stream", e->sources[i].stream);
        member_str(o, "key", e->sources[i].key);
        json_close(o, '}');
    }
    json_close(o, ']');
}

static void put_entity(struct json_out *o, const struct model *m, const struct document *d,
                       struct arena *arena)
{
    json_key(o, STR("entity"));
    if (!d->entity.fields) {
        json_put_null(o);
        return;
    }
    json_open(o, '{');
    put_fields(o, m, d->entity.fields);
    put_sources(o, &d->entity);
    member_str(o, "created_at", iso(d->entity.created_at_ms, arena));
    member_str(o, "changed_at", iso(d->changed_at_ms, arena));
    json_close(o, '}');
}

static struct str value_of(const struct model *m, const struct document *d, const char *name,
                           const struct note *note, struct arena *arena)
{
    buf_auto text = {0};
    buf_init(&text, VALUE_MAX_BYTES);
    struct json_out o = {.buf = &text};
    bool is_cause = str_eq(str_of(name), str_of(note_name(note->kind)));
    json_open(&o, '{');
    member_str(&o, "model", m->name);
    member_str(&o, "id", id_text(&d->entity.id, arena));
    member_str(&o, "rev", id_text(&d->entity.rev, arena));
    member_str(&o, "change", str_of(name));
    if (is_cause && (note->kind == NOTE_CHANGED || note->kind == NOTE_SPLIT))
        put_changed(&o, m, note, d->entity.fields);
    if (is_cause)
        put_ids(&o, "from", note->from, note->from_count, arena);
    if (d->is_redirect)
        put_ids(&o, "into", &d->merged_into, 1, arena);
    else if (is_cause)
        put_ids(&o, "into", note->into, note->into_count, arena);
    put_entity(&o, m, d, arena);
    json_close(&o, '}');
    if (o.failed)
        abort(); /* as when memory ends: nothing of it was sent, and it is read again */
    return arena_copy(arena, buf_str(&text));
}

/* --- the headers --- */

static void add(struct event *e, const char *name, struct str value)
{
    e->headers[e->header_count++] = (struct header){name, value};
}

static struct str join(struct arena *arena, struct str a, struct str b, struct str c)
{
    const struct str parts[] = {a, b, c};
    return arena_join(arena, parts, 3);
}

bool event_of(const struct change_seen *seen, struct arena *arena, struct event *out)
{
    struct document d;
    document_read(seen->doc, seen->model, arena, &d);
    struct note note = note_read(seen->doc, seen->model, arena);
    if (!seen->is_survey && note.kind == NOTE_SAME)
        return false;
    const char *name = name_of(seen, &d, &note);
    struct str rev = id_text(&d.entity.rev, arena);
    *out = (struct event){
        .change = name, .changed_at_ms = d.changed_at_ms, .key = id_text(&d.entity.id, arena)};
    out->value = value_of(seen->model, &d, name, &note, arena);
    add(out, "ce_specversion", STR("1.0"));
    add(out, "ce_id", join(arena, out->key, STR(":"), rev));
    add(out, "ce_source", join(arena, STR("/muster/"), seen->model->name, STR("")));
    add(out, "ce_type", join(arena, STR("muster.entity."), str_of(name), STR("")));
    add(out, "ce_subject", out->key);
    add(out, "ce_time", iso(d.changed_at_ms, arena));
    add(out, "ce_sequence",
        arena_format(arena, "%010u.%010u", (unsigned)seen->seconds, (unsigned)seen->increment));
    add(out, "content-type", STR("application/json"));
    if (note.trace.len && !seen->is_survey)
        add(out, "traceparent", note.trace);
    return true;
}
