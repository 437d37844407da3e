/* SPDX-License-Identifier: MIT */
#include "serializer/map.h"

#include "serializer/type.h"

#include <string.h>

/* A page under work. */
struct mapping {
    const struct stream *stream;
    struct arena *arena;  /* for what is handed over */
    struct arena scratch; /* for one record's selections */
    struct decoded out;
    size_t issue_room;
    struct err fault; /* of one selection; here because it is too big to be made for each */
};

static void note_issue(struct mapping *m, const struct field *field, struct str key,
                       struct str text)
{
    if (m->out.issue_count == ISSUES_MAX) {
        m->out.issues_left_out++;
        return;
    }
    *ARENA_PUSH(m->arena, m->out.issues, m->out.issue_count, m->issue_room) =
        (struct issue){.field = field, .key = key, .text = text};
}

/* People count records from 1. */
static void note_reject(struct mapping *m, size_t index, struct str why)
{
    if (m->out.rejects++ == 0)
        m->out.first_reject =
            arena_format(m->arena, "record %zu: " STR_FMT, index + 1, STR_ARG(why));
}

/* False when the selection or the type had a fault; *out is what could be had all the same. */
static bool read_value(struct mapping *m, const struct select *select, const struct type *type,
                       struct json record, struct value *out, struct str *why)
{
    struct pick *picks;
    size_t count;
    *out = (struct value){0};
    if (!select_run(select, record, &m->scratch, &picks, &count, &m->fault)) {
        *why = arena_copy(m->arena, str_of(m->fault.text));
        return false;
    }
    return type_cast_all(type, picks, count, m->arena, out, why);
}

static bool read_key(struct mapping *m, struct json record, struct str *out, struct str *why)
{
    static const struct type text = {.kind = TYPE_STRING};
    struct value value;
    struct str program = select_text(m->stream->key);
    if (!read_value(m, m->stream->key, &text, record, &value, why)) {
        *why = arena_format(m->arena, "no key at " STR_FMT ": " STR_FMT, STR_ARG(program),
                            STR_ARG(*why));
        return false;
    }
    struct str key = value_str(value);
    const char *fault = key.len == 0                     ? "no key"
                        : key.len > KEY_MAX_BYTES        ? "a key that is too long"
                        : memchr(key.ptr, '\0', key.len) ? "a key with a NUL byte"
                                                         : NULL;
    if (fault)
        *why = arena_format(m->arena, "%s at " STR_FMT, fault, STR_ARG(program));
    *out = key;
    return !fault;
}

static void read_as_of(struct mapping *m, struct json record, struct source *s)
{
    static const struct type datetime = {.kind = TYPE_DATETIME};
    struct value value;
    struct str why;
    if (!m->stream->as_of)
        return;
    if (!read_value(m, m->stream->as_of, &datetime, record, &value, &why))
        note_issue(m, NULL, s->key, why);
    s->has_as_of = value.kind == VALUE_TIME;
    if (s->has_as_of)
        s->as_of_ms = value.number;
}

static void read_fields(struct mapping *m, struct json record, struct source *s)
{
    const struct model *model = m->stream->model;
    struct value *values = ARENA_ARRAY(m->arena, struct value, model->field_count);
    for (size_t i = 0; i < m->stream->field_count; i++) {
        const struct field_map *map = &m->stream->fields[i];
        const struct field *field = &model->fields[map->field];
        struct str why;
        if (!read_value(m, map->select, &field->type, record, &values[map->field], &why))
            note_issue(m, field, s->key, why);
    }
    s->fields = values;
}

/* False, and noted, when it is no record. */
static bool read_record(struct mapping *m, const struct pick *p, size_t index, struct source *s)
{
    struct str why;
    if (p->kind != PICK_JSON || json_kind_of(p->json) != JSON_OBJECT) {
        const char *kind = json_kind_name(pick_kind_of(p));
        note_reject(m, index, arena_format(m->arena, "%s is no object of the page", kind));
        return false;
    }
    if (!read_key(m, p->json, &s->key, &why)) {
        note_reject(m, index, why);
        return false;
    }
    read_as_of(m, p->json, s);
    read_fields(m, p->json, s);
    source_hash(m->stream->model, s);
    return true;
}

static void read_records(struct mapping *m, const struct pick *picks, size_t count,
                         const struct source *common)
{
    m->out.records = ARENA_ARRAY(m->arena, struct source, count);
    for (size_t i = 0; i < count; i++) {
        struct source *record = &m->out.records[m->out.count];
        *record = *common;
        record->version.ordinal = (int32_t)i;
        if (read_record(m, &picks[i], i, record))
            m->out.count++;
        arena_reset(&m->scratch);
    }
}

/* The first eight bytes, big endian. */
static uint64_t answer_of(const uint8_t sha256[static 32])
{
    uint64_t answer = 0;
    for (size_t i = 0; i < 8; i++)
        answer = answer << 8 | sha256[i];
    return answer;
}

static bool has_content(struct str body)
{
    struct str mark = STR("\xEF\xBB\xBF");
    if (str_has_prefix(body, mark))
        body = (struct str){body.ptr + mark.len, body.len - mark.len};
    return str_trim(body).len > 0;
}

static bool read_page(struct mapping *m, struct str body, const struct source *common,
                      struct err *err)
{
    arena_auto picked = {0};
    struct pick *picks;
    size_t count;
    json_auto *doc = json_parse(body, err);
    if (!doc)
        return false;
    if (!select_run(m->stream->records, json_root(doc), &picked, &picks, &count, err))
        return err_wrap(err, "records");
    read_records(m, picks, count, common);
    if (m->out.rejects > count / 2)
        return err_set(err, ERR_REJECT, "%zu of %zu records are no records: " STR_FMT,
                       m->out.rejects, count, STR_ARG(m->out.first_reject));
    return true;
}

bool map_page(const struct stream *stream, const struct page_head *head, struct str body,
              struct coords coords, struct arena *arena, struct decoded *out, struct err *err)
{
    struct mapping m = {.stream = stream, .arena = arena};
    struct source common = {
        .link = head->link,
        .stream = stream->name,
        .version = {.gen = head->gen,
                    .map = head->map,
                    .page = head->page,
                    .answer = answer_of(head->sha256)},
        .page = coords,
    };
    bool fine = !has_content(body) || read_page(&m, body, &common, err);
    arena_done(&m.scratch);
    if (fine)
        *out = m.out;
    return fine;
}
