/* SPDX-License-Identifier: MIT */
#include "common/conf.h"
#include "common/provider_read.h"

#include <sysexits.h>

static const char *const built_in[] = {"plain_http", "private_hosts"};

/* NAME_FILE is where the value of NAME may come from, so no setting is called so. */
static bool check_name(const struct provider_reader *r, const struct yaml *at)
{
    struct str suffix = STR("_file"), name = at->text;
    if (!yaml_word(at, "a setting", r->err))
        return false;
    for (size_t i = 0; i < COUNT_OF(built_in); i++)
        if (str_eq(name, str_of(built_in[i])))
            return yaml_error(at, r->err,
                              "every provider has the setting \"%s\"; it is not declared",
                              built_in[i]);
    bool is_file = name.len > suffix.len &&
                   str_eq((struct str){name.ptr + name.len - suffix.len, suffix.len}, suffix);
    return !is_file ||
           yaml_error(at, r->err, "the name of a setting cannot end with \"_file\"");
}

static bool no_value(const struct provider_reader *r, struct str name)
{
    struct str both =
        arena_format(r->arena, STR_FMT "_" STR_FMT, STR_ARG(r->provider->name), STR_ARG(name));
    char *variable = arena_text(r->arena, both);
    for (char *c = variable; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    return err_stop(r->err, EX_CONFIG,
                    STR_FMT ": setting \"" STR_FMT "\" has no value: set MUSTER_%s, or "
                            "MUSTER_%s_FILE to a file that holds it",
                    STR_ARG(r->provider->name), STR_ARG(name), variable, variable);
}

/* With allow_unset the values are not what the caller came for, so one that cannot be read is one that is not set. */
static bool resolve(const struct provider_reader *r, struct provider_setting *s,
                    const struct yaml *fallback)
{
    if (!conf_provider_setting(r->provider->name, s->name, r->arena, &s->value, &s->has_value,
                               r->err)) {
        if (!r->allow_unset)
            return err_wrap(r->err, STR_FMT, STR_ARG(r->provider->name));
        err_clear(r->err);
        s->has_value = false;
    }
    if (!s->has_value && fallback) {
        s->value = fallback->text;
        s->has_value = true;
    }
    return s->has_value || r->allow_unset || no_value(r, s->name);
}

static bool parse_setting(const struct provider_reader *r, const struct yaml *key,
                          const struct yaml *at, struct provider_setting *s)
{
    const struct str known[] = {STR("about"), STR("secret"), STR("default")};
    const struct yaml *fallback = yaml_get(at, STR("default"));
    s->name = key->text;
    if (!check_name(r, key) || !yaml_only(at, "a setting", known, COUNT_OF(known), r->err) ||
        !yaml_text(at, "about", &s->about, r->err) ||
        !yaml_flag(at, "secret", &s->is_secret, r->err))
        return false;
    if (fallback && fallback->kind != YAML_SCALAR)
        return yaml_error(fallback, r->err, "\"default\" must be text");
    if (fallback && s->is_secret)
        return yaml_error(fallback, r->err, "a secret has no default");
    return resolve(r, s, fallback);
}

static bool read_built_in(const struct provider_reader *r, const char *name, struct str *out)
{
    struct provider_setting setting = {.name = str_of(name)};
    struct yaml none = {.kind = YAML_SCALAR};
    if (!resolve(r, &setting, &none))
        return false;
    *out = str_trim(setting.value);
    return true;
}

static bool parse_built_ins(const struct provider_reader *r)
{
    struct provider *p = r->provider;
    struct str plain_http = {0};
    if (!read_built_in(r, built_in[0], &plain_http) ||
        !read_built_in(r, built_in[1], &p->private_hosts))
        return false;
    const struct str yes[] = {STR("yes"), STR("true"), STR("1")};
    const struct str no[] = {STR("no"), STR("false"), STR("0"), STR("")};
    p->plain_http = yaml_is_among(plain_http, yes, COUNT_OF(yes));
    return p->plain_http || yaml_is_among(plain_http, no, COUNT_OF(no)) ||
           err_stop(r->err, EX_CONFIG,
                    STR_FMT ": setting \"plain_http\" is \"" STR_FMT "\"; it must be yes or no",
                    STR_ARG(p->name), STR_ARG(plain_http));
}

bool settings_parse(struct provider_reader *r, const struct yaml *root)
{
    struct provider *p = r->provider;
    const struct yaml *at = yaml_get(root, STR("settings"));
    if (at && at->kind != YAML_MAP)
        return yaml_error(at, r->err, "\"settings\" must be a map of NAME: {about: …}");
    if (at) {
        p->settings = ARENA_ARRAY(r->arena, struct provider_setting, at->count);
        for (size_t i = 0; i < at->count; i++)
            if (!parse_setting(r, &at->keys[i], &at->items[i], &p->settings[i]))
                return false;
        p->setting_count = at->count;
    }
    return parse_built_ins(r);
}

const struct provider_setting *settings_find(const struct provider *p, struct str name)
{
    for (size_t i = 0; i < p->setting_count; i++)
        if (str_eq(p->settings[i].name, name))
            return &p->settings[i];
    return NULL;
}
