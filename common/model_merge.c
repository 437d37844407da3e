/* SPDX-License-Identifier: MIT */
#include "common/model_read.h"

static bool parse_providers(struct model_reader *r, const struct yaml *at, struct merge *out)
{
    if (at->kind != YAML_LIST || at->count == 0)
        return yaml_error(at, r->err, "\"first\" wants a list of providers: {first: [a, b]}");
    struct str *providers = ARENA_ARRAY(r->arena, struct str, at->count);
    for (size_t i = 0; i < at->count; i++) {
        if (!yaml_word(&at->items[i], "a provider", r->err))
            return false;
        if (yaml_is_among(at->items[i].text, providers, i))
            return yaml_error(&at->items[i], r->err, "this provider stands twice");
        providers[i] = at->items[i].text;
    }
    *out = (struct merge){
        .kind = MERGE_FIRST, .providers = providers, .provider_count = at->count};
    return true;
}

static bool find_member(struct model_reader *r, const struct type *object,
                        const struct yaml *at, size_t *out)
{
    struct str *words = ARENA_ARRAY(r->arena, struct str, object->count);
    for (size_t i = 0; i < object->count; i++) {
        words[i] = object->members[i].name;
        *out = i;
        if (!str_eq(words[i], at->text))
            continue;
        return !object->members[i].is_volatile ||
               yaml_error(at, r->err, "a volatile member cannot tell items apart");
    }
    return yaml_unknown(at, at->text, words, object->count, r->err,
                        "the object has no member \"" STR_FMT "\"", STR_ARG(at->text));
}

static bool parse_union_key(struct model_reader *r, const struct yaml *at,
                            const struct type *type, struct merge *out)
{
    if (type->kind != TYPE_LIST || type->item->kind != TYPE_OBJECT)
        return yaml_error(at, r->err, "only a list of objects is united by members");
    if (at->kind != YAML_LIST || at->count == 0)
        return yaml_error(at, r->err, "\"union\" wants a list of members: {union: [a, b]}");
    size_t *key = ARENA_ARRAY(r->arena, size_t, at->count);
    for (size_t i = 0; i < at->count; i++) {
        if (!find_member(r, type->item, &at->items[i], &key[i]))
            return false;
        for (size_t j = 0; j < i; j++)
            if (key[j] == key[i])
                return yaml_error(&at->items[i], r->err, "this member stands twice");
    }
    *out = (struct merge){.kind = MERGE_UNION, .key = key, .key_count = at->count};
    return true;
}

static bool parse_merge_word(struct model_reader *r, const struct yaml *at, struct merge *out)
{
    const struct str words[] = {
        [MERGE_NEWEST] = STR("newest"), [MERGE_FIRST] = STR("first"),
        [MERGE_UNION] = STR("union"),   [MERGE_MIN] = STR("min"),
        [MERGE_MAX] = STR("max"),
    };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (i != MERGE_FIRST && str_eq(at->text, words[i])) {
            *out = (struct merge){.kind = (enum merge_kind)i};
            return true;
        }
    if (str_eq(at->text, words[MERGE_FIRST]))
        return yaml_error(at, r->err, "\"first\" wants a list of providers: {first: [a, b]}");
    return yaml_unknown(at, at->text, words, COUNT_OF(words), r->err,
                        "unknown merge rule \"" STR_FMT "\"", STR_ARG(at->text));
}

static bool parse_rule(struct model_reader *r, const struct yaml *at, const struct type *type,
                       struct merge *out)
{
    const struct str words[] = {STR("first"), STR("union")};
    if (at->kind == YAML_SCALAR)
        return parse_merge_word(r, at, out);
    if (!yaml_only(at, "a merge rule", words, COUNT_OF(words), r->err))
        return false;
    if (at->count != 1)
        return yaml_error(at, r->err, "a merge rule is one of {first: […]} and {union: […]}");
    if (str_eq(at->keys[0].text, words[0]))
        return parse_providers(r, &at->items[0], out);
    return parse_union_key(r, &at->items[0], type, out);
}

static bool check_merge(struct model_reader *r, const struct yaml *at, const struct field *f)
{
    bool is_list = f->type.kind == TYPE_LIST;
    bool has_order = f->type.kind == TYPE_INT || f->type.kind == TYPE_DATETIME;
    enum merge_kind kind = f->merge.kind;
    if (is_list && kind != MERGE_UNION)
        return yaml_error(at, r->err, "a list is merged by \"union\"");
    if (!is_list && kind == MERGE_UNION)
        return yaml_error(at, r->err, "\"union\" is for lists, and \"" STR_FMT "\" is none",
                          STR_ARG(f->name));
    if (!has_order && (kind == MERGE_MIN || kind == MERGE_MAX))
        return yaml_error(at, r->err, "\"min\" and \"max\" are for int and datetime");
    return true;
}

bool merge_parse(struct model_reader *r, const struct yaml *at, struct field *f)
{
    return parse_rule(r, at, &f->type, &f->merge) && check_merge(r, at, f);
}
