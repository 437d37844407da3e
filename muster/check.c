/* SPDX-License-Identifier: MIT */
/* `muster check`: everything that can be said about the files without asking anybody. */
#include "muster/muster.h"
#include "muster/report.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { TEXT_MAX_BYTES = 16 << 20 };

/* --- errors --- */

static void glob_cleanup(glob_t *g)
{
    globfree(g);
}

/*
 * Loading stops at the first error, so after one the providers are read one by one, and each file has its say. Returns how many
 * files have errors of their own; *last is the error of the last.
 */
static size_t print_errors(struct muster *m, struct err *last)
{
    __attribute__((cleanup(glob_cleanup))) glob_t files = {0};
    const char *folder = arena_text(&m->arena, m->settings.common.schemas);
    size_t bad = 0;
    if (glob(arena_format(&m->arena, "%s/providers/*.yaml", folder).ptr, 0, NULL, &files) != 0)
        return 0;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct err err = {0};
        struct providers ignored;
        struct str name = str_of(strrchr(files.gl_pathv[i], '/') + 1);
        name.len -= strlen(".yaml");
        if (providers_load(folder, name, true, &m->arena, &ignored, &err))
            continue;
        bad++;
        if (bad > 1 && strcmp(err.text, last->text) != 0)
            (void)fprintf(stderr, "muster: %s\n", last->text);
        *last = err;
    }
    return bad;
}

/* --- what is in them --- */

static struct str variable_name(struct str provider, struct str setting, struct arena *arena)
{
    struct str name =
        arena_format(arena, "MUSTER_" STR_FMT "_" STR_FMT, STR_ARG(provider), STR_ARG(setting));
    char *text = (char *)(uintptr_t)name.ptr;
    for (size_t i = 0; i < name.len; i++)
        text[i] = isalnum((unsigned char)text[i]) ? (char)toupper((unsigned char)text[i]) : '_';
    return name;
}

static const char *paging_name(enum pages_by by)
{
    static const char *const names[] = {[PAGES_NONE] = "one page",
                                        [PAGES_OFFSET] = "by offset",
                                        [PAGES_NUMBER] = "by page number",
                                        [PAGES_CURSOR] = "by cursor"};
    return names[by];
}

static bool is_filled(const struct providers *p, const struct model *model, size_t field)
{
    for (size_t i = 0; i < p->count; i++) {
        for (size_t k = 0; k < p->list[i]->stream_count; k++) {
            const struct stream *s = &p->list[i]->streams[k];
            for (size_t f = 0; s->model == model && f < s->field_count; f++)
                if (s->fields[f].field == field)
                    return true;
        }
    }
    return false;
}

static struct str unfilled_fields(const struct providers *p, const struct model *model,
                                  struct arena *arena)
{
    struct str names = {0};
    for (size_t i = 0; i < model->field_count; i++)
        if (!is_filled(p, model, i))
            names = arena_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(names),
                                 names.len ? ", " : "", STR_ARG(model->fields[i].name));
    return names;
}

static void print_model(struct muster *m, const struct model *model)
{
    struct str unfilled = unfilled_fields(&m->providers, model, &m->arena);
    (void)printf("model " STR_FMT ": %zu fields, %zu identity rules, collection " STR_FMT "\n",
                 STR_ARG(model->name), model->field_count, model->rule_count,
                 STR_ARG(model->collection));
    if (unfilled.len)
        (void)printf("  filled by no provider: " STR_FMT "\n", STR_ARG(unfilled));
}

static void print_stream(const struct stream *s)
{
    (void)printf("  stream " STR_FMT ": " STR_FMT ", %s", STR_ARG(s->name),
                 STR_ARG(s->model->name), paging_name(s->pages.by));
    if (s->pages.size)
        (void)printf(" of %lld", (long long)s->pages.size);
    (void)printf(", every %lld s, ", (long long)s->every_ms / 1000);
    if (s->limits.per_second > 0)
        (void)printf("%g requests/s, ", s->limits.per_second);
    (void)printf("%d in flight, %zu of %zu fields\n", s->limits.in_flight, s->field_count,
                 s->model->field_count);
}

static size_t print_provider(struct muster *m, const struct provider *p)
{
    size_t unset = 0;
    (void)printf("provider " STR_FMT " (%s)\n", STR_ARG(p->name), p->file);
    for (size_t i = 0; i < p->stream_count; i++)
        print_stream(&p->streams[i]);
    for (size_t i = 0; i < p->setting_count; i++) {
        const struct provider_setting *s = &p->settings[i];
        struct str variable = variable_name(p->name, s->name, &m->arena);
        if (s->has_value)
            continue;
        unset++;
        (void)printf("  warning: " STR_FMT " is not set: " STR_FMT " or " STR_FMT "_FILE\n",
                     STR_ARG(s->name), STR_ARG(variable), STR_ARG(variable));
    }
    return unset;
}

static void print_text(struct muster *m)
{
    size_t unset = 0;
    for (size_t i = 0; i < m->providers.model_count; i++)
        print_model(m, m->providers.models[i]);
    for (size_t i = 0; i < m->providers.count; i++)
        unset += print_provider(m, m->providers.list[i]);
    (void)printf("the files are right%s\n",
                 unset ? "; the settings above have no value yet" : "");
}

/* --- as JSON --- */

static void put_model(struct muster *m, struct json_out *o, const struct model *model)
{
    json_open(o, '{');
    member_str(o, "model", model->name);
    member_str(o, "collection", model->collection);
    member_int(o, "fields", (int64_t)model->field_count);
    json_key(o, STR("unfilled"));
    json_open(o, '[');
    for (size_t i = 0; i < model->field_count; i++)
        if (!is_filled(&m->providers, model, i))
            json_put_str(o, model->fields[i].name);
    json_close(o, ']');
    json_close(o, '}');
}

static void put_stream(struct json_out *o, const struct stream *s)
{
    json_open(o, '{');
    member_str(o, "stream", s->name);
    member_str(o, "model", s->model->name);
    member_str(o, "pages", str_of(paging_name(s->pages.by)));
    member_int(o, "page_size", s->pages.size);
    member_int(o, "every_s", s->every_ms / 1000);
    member_int(o, "in_flight", s->limits.in_flight);
    member_int(o, "fields", (int64_t)s->field_count);
    json_close(o, '}');
}

static void put_unset(struct muster *m, struct json_out *o, const struct provider *p)
{
    for (size_t i = 0; i < p->setting_count; i++)
        if (!p->settings[i].has_value)
            json_put_str(o, variable_name(p->name, p->settings[i].name, &m->arena));
}

static void print_as_json(struct muster *m)
{
    buf_auto text = {0};
    buf_init(&text, TEXT_MAX_BYTES);
    struct json_out o = {.buf = &text};
    const struct providers *p = &m->providers;
    json_open(&o, '{');
    json_key(&o, STR("models"));
    json_open(&o, '[');
    for (size_t i = 0; i < p->model_count; i++)
        put_model(m, &o, p->models[i]);
    json_close(&o, ']');
    json_key(&o, STR("streams"));
    json_open(&o, '[');
    for (size_t i = 0; i < p->count; i++)
        for (size_t k = 0; k < p->list[i]->stream_count; k++)
            put_stream(&o, &p->list[i]->streams[k]);
    json_close(&o, ']');
    json_key(&o, STR("unset"));
    json_open(&o, '[');
    for (size_t i = 0; i < p->count; i++)
        put_unset(m, &o, p->list[i]);
    json_close(&o, ']');
    json_close(&o, '}');
    print_json(&text);
}

bool check_run(struct muster *m, struct err *err)
{
    const struct common_settings *c = &m->settings.common;
    if (!providers_load(arena_text(&m->arena, c->schemas), c->providers, true, &m->arena,
                        &m->providers, err)) {
        if (!c->providers.len)
            (void)print_errors(m, err);
        return false;
    }
    if (m->settings.json)
        print_as_json(m);
    else
        print_text(m);
    return true;
}
