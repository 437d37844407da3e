/* SPDX-License-Identifier: MIT */
#include "common/model_read.h"

static const char *const names[] = {
    [TYPE_STRING] = "string", [TYPE_HOSTNAME] = "hostname", [TYPE_IP] = "ip",
    [TYPE_MAC] = "mac",       [TYPE_DATETIME] = "datetime", [TYPE_INT] = "int",
    [TYPE_BOOL] = "bool",     [TYPE_ENUM] = "enum",         [TYPE_LIST] = "list",
    [TYPE_OBJECT] = "object",
};

enum { PLAIN_COUNT = TYPE_ENUM }; /* the types that are one word stand before it */

static bool is_not_yet(struct str word)
{
    return str_eq(word, STR("decimal")) || str_eq(word, STR("url")) ||
           str_eq(word, STR("object"));
}

static bool parse_word(const struct yaml *at, struct type *out, struct err *err)
{
    struct str words[PLAIN_COUNT];
    for (size_t i = 0; i < PLAIN_COUNT; i++) {
        words[i] = str_of(names[i]);
        if (str_eq(at->text, words[i])) {
            *out = (struct type){.kind = (enum type_kind)i};
            return true;
        }
    }
    if (is_not_yet(at->text))
        return yaml_error(at, err, "the type \"" STR_FMT "\" is not supported yet",
                          STR_ARG(at->text));
    return yaml_unknown(at, at->text, words, PLAIN_COUNT, err, "unknown type \"" STR_FMT "\"",
                        STR_ARG(at->text));
}

static bool parse_spellings(const struct yaml *at, struct arena *arena, struct word *out,
                            struct err *err)
{
    if (at->kind != YAML_LIST)
        return yaml_error(at, err, "the spellings of \"" STR_FMT "\" must be a list",
                          STR_ARG(out->name));
    struct str *spellings = ARENA_ARRAY(arena, struct str, at->count + 1);
    spellings[0] = out->name;
    for (size_t i = 0; i < at->count; i++) {
        if (at->items[i].kind != YAML_SCALAR)
            return yaml_error(&at->items[i], err, "a spelling must be text");
        spellings[i + 1] = at->items[i].text;
    }
    out->spellings = spellings;
    out->count = at->count + 1;
    return true;
}

static bool parse_enum(const struct yaml *at, struct arena *arena, struct type *out,
                       struct err *err)
{
    if (at->kind != YAML_MAP || at->count == 0)
        return yaml_error(at, err, "an enum must be a map of WORD: [spellings]");
    struct word *words = ARENA_ARRAY(arena, struct word, at->count);
    for (size_t i = 0; i < at->count; i++) {
        words[i].name = at->keys[i].text;
        if (!parse_spellings(&at->items[i], arena, &words[i], err))
            return false;
    }
    *out = (struct type){.kind = TYPE_ENUM, .words = words, .count = at->count};
    return true;
}

/* One value: a word or an enum. */
static bool parse_single(const struct yaml *at, struct arena *arena, struct type *out,
                         struct err *err)
{
    const struct yaml *words = yaml_get(at, STR("enum"));
    if (at->kind == YAML_SCALAR)
        return parse_word(at, out, err);
    if (at->kind == YAML_LIST)
        return yaml_error(at, err, "a list within a list is not supported yet");
    if (!words || at->count != 1)
        return yaml_error(at, err,
                          "a single object is no type: give its members fields of their own "
                          "with dotted names (\"os.name\"), or make it a list of objects");
    return parse_enum(words, arena, out, err);
}

static bool parse_member(const struct yaml *at, struct arena *arena, struct member *out,
                         struct err *err)
{
    const struct str known[] = {STR("type"), STR("volatile"), STR("about")};
    struct member member = {.name = out->name};
    const struct yaml *type = NULL;
    if (!yaml_only(at, "a member", known, 3, err) ||
        !(type = yaml_need(at, "type", "a member", err)) ||
        !parse_single(type, arena, &member.type, err) ||
        !yaml_flag(at, "volatile", &member.is_volatile, err))
        return false;
    *out = member;
    return true;
}

static bool parse_object(const struct yaml *at, struct arena *arena, struct type *out,
                         struct err *err)
{
    if (at->count == 0)
        return yaml_error(at, err, "an object needs members");
    struct member *members = ARENA_ARRAY(arena, struct member, at->count);
    for (size_t i = 0; i < at->count; i++) {
        members[i].name = at->keys[i].text;
        if (!yaml_word(&at->keys[i], "a member", err) ||
            !parse_member(&at->items[i], arena, &members[i], err))
            return false;
    }
    *out = (struct type){.kind = TYPE_OBJECT, .members = members, .count = at->count};
    return true;
}

bool type_parse(const struct yaml *at, struct arena *arena, struct type *out, struct err *err)
{
    if (at->kind != YAML_LIST)
        return parse_single(at, arena, out, err);
    if (at->count != 1)
        return yaml_error(at, err,
                          "a list type has one item, the type of what it holds: [string]");
    const struct yaml *item = &at->items[0];
    struct type *type = ARENA_NEW(arena, struct type);
    bool is_object = item->kind == YAML_MAP && !yaml_get(item, STR("enum"));
    if (!(is_object ? parse_object : parse_single)(item, arena, type, err))
        return false;
    *out = (struct type){.kind = TYPE_LIST, .item = type};
    return true;
}

struct str type_name(const struct type *t, struct arena *arena)
{
    if (t->kind == TYPE_LIST)
        return arena_format(arena, "list of %s", names[t->item->kind]);
    return str_of(names[t->kind]);
}
