/* SPDX-License-Identifier: MIT */
#include "common/conf.h"
#include "common/provider_read.h"

enum { EVERY_LEAST_MS = 1000 };

static bool parse_model(const struct provider_reader *r, const struct yaml *stream,
                        const struct model **out)
{
    const struct providers *loaded = r->loaded;
    const struct yaml *at = yaml_need(stream, "model", "a stream", r->err);
    if (!at)
        return false;
    *out = providers_model(loaded, at->text);
    if (*out)
        return true;
    struct str *names = ARENA_ARRAY(r->arena, struct str, loaded->model_count);
    for (size_t i = 0; i < loaded->model_count; i++)
        names[i] = loaded->models[i]->name;
    return yaml_unknown(at, at->text, names, loaded->model_count, r->err,
                        "there is no model \"" STR_FMT "\"", STR_ARG(at->text));
}

static bool parse_every(const struct provider_reader *r, const struct yaml *stream,
                        int64_t *out_ms)
{
    const struct yaml *at = yaml_need(stream, "every", "a stream", r->err);
    return at && ((conf_parse_duration(at->text, out_ms) && *out_ms >= EVERY_LEAST_MS) ||
                  yaml_error(at, r->err,
                             "\"every\" must be a time of at least a second, like 30s, 15m, "
                             "1h or 1d"));
}

/* They become part of the link, which is kept and shown: text, and no names. */
static bool parse_params(const struct provider_reader *r, const struct yaml *stream,
                         struct stream *out)
{
    const struct yaml *at = yaml_get(stream, STR("params"));
    if (!at)
        return true;
    if (at->kind != YAML_MAP)
        return yaml_error(at, r->err, "\"params\" must be a map of NAME: value");
    out->params = ARENA_ARRAY(r->arena, struct named_template, at->count);
    for (size_t i = 0; i < at->count; i++) {
        const struct yaml *value = &at->items[i];
        struct template_part *part = ARENA_NEW(r->arena, struct template_part);
        if (!yaml_word(&at->keys[i], "a parameter", r->err))
            return false;
        if (value->kind != YAML_SCALAR || str_has(value->text, STR("${")))
            return yaml_error(value, r->err, "a parameter is fixed text, without ${names}");
        part->text = value->text;
        out->params[i] = (struct named_template){at->keys[i].text, {.parts = part, .count = 1}};
    }
    out->param_count = at->count;
    return true;
}

static const struct select *parse_selection(struct provider_reader *r,
                                            const struct yaml *stream, const char *key)
{
    const struct yaml *at = yaml_need(stream, key, "a stream", r->err);
    return at ? select_parse(r, at) : NULL;
}

static bool find_field(const struct provider_reader *r, const struct yaml *at,
                       const struct model *m, size_t *out)
{
    int found = model_field(m, at->text);
    if (found >= 0) {
        *out = (size_t)found;
        return true;
    }
    struct str *names = ARENA_ARRAY(r->arena, struct str, m->field_count);
    for (size_t i = 0; i < m->field_count; i++)
        names[i] = m->fields[i].name;
    return yaml_unknown(at, at->text, names, m->field_count, r->err,
                        "the model \"" STR_FMT "\" has no field \"" STR_FMT "\"",
                        STR_ARG(m->name), STR_ARG(at->text));
}

static bool parse_fields(struct provider_reader *r, const struct yaml *stream,
                         struct stream *out)
{
    const struct yaml *at = yaml_need(stream, "fields", "a stream", r->err);
    if (!at)
        return false;
    if (at->kind != YAML_MAP || at->count == 0)
        return yaml_error(at, r->err, "\"fields\" must be a map of FIELD: selection");
    out->fields = ARENA_ARRAY(r->arena, struct field_map, at->count);
    for (size_t i = 0; i < at->count; i++) {
        struct field_map *f = &out->fields[i];
        f->line = at->keys[i].line;
        if (!find_field(r, &at->keys[i], out->model, &f->field) ||
            !(f->select = select_parse(r, &at->items[i])))
            return false;
    }
    out->field_count = at->count;
    return true;
}

static bool check_keys(const struct provider_reader *r, const struct yaml *at)
{
    const struct str coming[] = {
        STR("auth"),    STR("steps"),  STR("follow"), STR("incremental"), STR("format"),
        STR("retry"),   STR("errors"), STR("parent"), STR("for_each"),    STR("tests"),
        STR("webhook"), STR("files"),  STR("when"),   STR("events"),      STR("version")};
    const struct str known[] = {STR("about"),   STR("model"), STR("every"),  STR("params"),
                                STR("request"), STR("pages"), STR("limits"), STR("records"),
                                STR("key"),     STR("as_of"), STR("fields")};
    return yaml_not_yet(at, coming, COUNT_OF(coming), r->err) &&
           yaml_only(at, "a stream", known, COUNT_OF(known), r->err);
}

static void make_shape(const struct yaml *at, struct stream *out)
{
    const struct str parts[] = {STR("records"), STR("key"), STR("as_of"), STR("fields")};
    struct str before = {(const char *)out->model->shape, sizeof out->model->shape};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        const struct yaml *part = yaml_get(at, parts[i]);
        if (!part)
            continue;
        yaml_digest(part, before, out->shape);
        before = (struct str){(const char *)out->shape, sizeof out->shape};
    }
}

bool stream_parse(struct provider_reader *r, const struct yaml *key, const struct yaml *at,
                  struct stream *out)
{
    const struct yaml *as_of = yaml_get(at, STR("as_of"));
    if (!yaml_word(key, "a stream", r->err) || !check_keys(r, at))
        return false;
    out->name = arena_format(r->arena, STR_FMT "/" STR_FMT, STR_ARG(r->provider->name),
                             STR_ARG(key->text));
    out->provider = r->provider;
    out->line = key->line;
    r->stream = out;
    if (!parse_model(r, at, &out->model) || !parse_every(r, at, &out->every_ms) ||
        !parse_params(r, at, out) || !pages_parse(r, at, &out->pages) ||
        !request_parse(r, at, &out->request) || !limits_parse(r, at, &out->limits) ||
        !(out->records = parse_selection(r, at, "records")) ||
        !(out->key = parse_selection(r, at, "key")) ||
        (as_of && !(out->as_of = select_parse(r, as_of))) || !parse_fields(r, at, out))
        return false;
    r->stream = NULL;
    const char *model = (const char *)out->model->digest;
    yaml_digest(at, (struct str){model, sizeof out->model->digest}, out->digest);
    make_shape(at, out);
    return true;
}
