/* SPDX-License-Identifier: MIT */
#include "muster/explain.h"

#include "common/hex.h"
#include "muster/report.h"
#include "muster/show.h"

enum { TEXT_MAX_BYTES = 256 << 20 };

static void open_list(struct json_out *o, const char *key)
{
    json_key(o, str_of(key));
    json_open(o, '[');
}

static void put_id(struct json_out *o, const struct object_id *id, struct arena *arena)
{
    json_put_str(o, hex_text(id->bytes, sizeof id->bytes, arena));
}

/* Sources are numbered from 1, as in the text. */
static void put_numbers(struct json_out *o, const char *key, const size_t *places, size_t count)
{
    open_list(o, key);
    for (size_t i = 0; i < count; i++)
        json_put_int(o, (int64_t)places[i] + 1);
    json_close(o, ']');
}

static void put_field(struct json_out *o, const struct model *m, const struct document *s,
                      const struct field_account *f)
{
    const struct field *field = &m->fields[f->field];
    json_key(o, field->name);
    json_open(o, '{');
    json_key(o, STR("value"));
    show_json(o, &field->type, f->value);
    put_numbers(o, "from", f->winners, f->winner_count);
    open_list(o, "others");
    for (size_t i = 0; i < f->other_count; i++) {
        json_open(o, '{');
        member_int(o, "source", (int64_t)f->others[i] + 1);
        json_key(o, STR("value"));
        show_json(o, &field->type, s->entity.sources[f->others[i]].fields[f->field]);
        json_close(o, '}');
    }
    json_close(o, ']');
    json_close(o, '}');
}

static void put_tie(struct json_out *o, const struct model *m, const struct tie *tie)
{
    json_open(o, '{');
    member_str(o, "rule", tie->rule ? tie->rule->name : STR("stream and key"));
    if (tie->rule) {
        json_key(o, STR("values"));
        json_open(o, '{');
        for (size_t i = 0; i < tie->rule->count; i++) {
            json_key(o, m->fields[tie->rule->fields[i]].name);
            show_json(o, &m->fields[tie->rule->fields[i]].type, tie->tuple.values[i]);
        }
        json_close(o, '}');
    }
    put_numbers(o, "sources", tie->sources, tie->count);
    json_close(o, '}');
}

static void put_gap(struct json_out *o, const struct gap *gap)
{
    json_open(o, '{');
    member_int(o, "source", (int64_t)gap->source + 1);
    member_str(o, "rule", gap->rule->name);
    member_str(o, "field", gap->field->name);
    json_key(o, STR("value"));
    show_json(o, &gap->field->type, gap->value);
    json_close(o, '}');
}

static void put_source(struct json_out *o, const struct source *s)
{
    json_open(o, '{');
    member_str(o, "stream", s->stream);
    member_str(o, "key", s->key);
    member_str(o, "link", s->link);
    json_key(o, STR("gone"));
    json_put_bool(o, s->gone);
    member_int(o, "gen", s->version.gen);
    member_int(o, "page", s->version.page);
    member_int(o, "record", s->version.ordinal);
    member_int(o, "map", s->version.map);
    if (s->has_as_of)
        member_time(o, "as_of", s->as_of_ms);
    json_key(o, STR("raw_page"));
    json_open(o, '{');
    member_str(o, "topic", s->page.topic);
    member_int(o, "partition", s->page.partition);
    member_int(o, "offset", s->page.offset);
    json_close(o, '}');
    json_close(o, '}');
}

static void put_head(struct json_out *o, const struct model *m, const struct found *found,
                     struct arena *arena)
{
    const struct document *s = &found->list[0];
    member_str(o, "model", m->name);
    json_key(o, STR("id"));
    put_id(o, &s->entity.id, arena);
    open_list(o, "redirects");
    for (size_t i = 0; i < found->redirect_count; i++)
        put_id(o, &found->redirects[i], arena);
    json_close(o, ']');
    open_list(o, "others_that_match");
    for (size_t i = 1; i < found->count; i++)
        put_id(o, &found->list[i].entity.id, arena);
    json_close(o, ']');
    member_time(o, "created_at", s->entity.created_at_ms);
    member_time(o, "changed_at", s->changed_at_ms);
    json_key(o, STR("crowded_out"));
    json_put_bool(o, s->entity.crowded_out);
}

void explain_print_json(const struct model *m, const struct found *found,
                        const struct account *a, struct arena *arena)
{
    const struct document *s = &found->list[0];
    buf_auto text = {0};
    buf_init(&text, TEXT_MAX_BYTES);
    struct json_out o = {.buf = &text};
    json_open(&o, '{');
    put_head(&o, m, found, arena);
    json_key(&o, STR("fields"));
    json_open(&o, '{');
    for (size_t i = 0; i < a->field_count; i++)
        put_field(&o, m, s, &a->fields[i]);
    json_close(&o, '}');
    open_list(&o, "ties");
    for (size_t i = 0; i < a->tie_count; i++)
        put_tie(&o, m, &a->ties[i]);
    json_close(&o, ']');
    open_list(&o, "gaps");
    for (size_t i = 0; i < a->gap_count; i++)
        put_gap(&o, &a->gaps[i]);
    json_close(&o, ']');
    open_list(&o, "sources");
    for (size_t i = 0; i < s->entity.count; i++)
        put_source(&o, &s->entity.sources[i]);
    json_close(&o, ']');
    json_close(&o, '}');
    print_json(&text);
}
