/* SPDX-License-Identifier: MIT */
/* The two small languages in a provider file, templates and selections, and where in the file they are wrong. */
#include "common/provider_read.h"

/* Names that templates may use here. */

enum { PAGE_NAMES_MAX = 2 };

static size_t page_names(const struct stream *s, struct str out[static PAGE_NAMES_MAX])
{
    static const char *const position[] = {[PAGES_OFFSET] = "page.offset",
                                           [PAGES_NUMBER] = "page.number",
                                           [PAGES_CURSOR] = "page.cursor"};
    if (!s || s->pages.by == PAGES_NONE)
        return 0;
    out[0] = str_of(position[s->pages.by]);
    out[1] = STR("page.size");
    return s->pages.has_size ? 2 : 1;
}

static struct str *known_names(const struct provider_reader *r, size_t *out_count)
{
    const struct provider *p = r->provider;
    const struct stream *s = r->stream;
    size_t param_count = s ? s->param_count : 0, count = 0;
    struct str *names =
        ARENA_ARRAY(r->arena, struct str, p->setting_count + param_count + PAGE_NAMES_MAX);
    for (size_t i = 0; i < p->setting_count; i++)
        names[count++] = p->settings[i].name;
    for (size_t i = 0; i < param_count; i++)
        names[count++] = arena_format(r->arena, "params." STR_FMT, STR_ARG(s->params[i].name));
    *out_count = count + page_names(s, names + count);
    return names;
}

static bool check_names(const struct provider_reader *r, const struct yaml *at,
                        const struct template *t)
{
    size_t count = 0;
    struct str *names = known_names(r, &count);
    for (size_t i = 0; i < t->count; i++) {
        struct str name = t->parts[i].text;
        if (!t->parts[i].is_name || yaml_is_among(name, names, count))
            continue;
        if (count == 0)
            return yaml_error(at, r->err, "${" STR_FMT "}: there are no names to use here",
                              STR_ARG(name));
        return yaml_unknown(at, name, names, count, r->err, "unknown name ${" STR_FMT "}",
                            STR_ARG(name));
    }
    return true;
}

bool template_parse(struct provider_reader *r, const struct yaml *at, struct template *out)
{
    struct err fault = {0};
    if (at->kind != YAML_SCALAR)
        return yaml_error(at, r->err, "this must be text");
    if (!template_compile(at->text, r->arena, out, &fault))
        return yaml_error(at, r->err, "%s", fault.text);
    return check_names(r, at, out);
}

static bool find_value(const void *names, struct str name, struct str *out_value,
                       bool *out_secret)
{
    const struct provider_setting *setting = settings_find(names, name);
    if (!setting || !setting->has_value)
        return false;
    *out_value = setting->value;
    *out_secret = setting->is_secret;
    return true;
}

bool template_expand(struct provider_reader *r, const struct yaml *at, struct str *out,
                     bool *out_known)
{
    struct provider_reader settings_only = *r;
    struct template text = {0};
    settings_only.stream = NULL;
    if (!template_parse(&settings_only, at, &text))
        return false;
    *out_known = true;
    for (size_t i = 0; i < text.count; i++)
        if (text.parts[i].is_name && !settings_find(r->provider, text.parts[i].text)->has_value)
            *out_known = false;
    return !*out_known ||
           template_render(&text, find_value, r->provider, true, r->arena, out, r->err);
}

/* "column N: WHAT" as a complaint about the place in the file, which is known of a program without quotes on one line. */
static void complain(const struct provider_reader *r, const struct yaml *at, const char *fault)
{
    struct str what = str_of(fault), column = str_cut(&what, ':');
    struct yaml place = *at;
    int64_t number = 0;
    (void)str_cut(&column, ' ');
    what = str_trim(what);
    if (at->quoted || !str_to_int(column, &number)) {
        (void)yaml_error(at, r->err, "in the selection, %s", fault);
        return;
    }
    place.column += (unsigned)number - 1;
    (void)yaml_error(&place, r->err, STR_FMT, STR_ARG(what));
}

const struct select *select_parse(struct provider_reader *r, const struct yaml *at)
{
    struct err fault = {0};
    if (at->kind != YAML_SCALAR) {
        (void)yaml_error(at, r->err, "a selection must be text, such as .name");
        return NULL;
    }
    const struct select *program = select_compile(at->text, r->arena, &fault);
    if (!program)
        complain(r, at, fault.text);
    return program;
}
