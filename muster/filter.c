/* SPDX-License-Identifier: MIT */
#include "muster/filter.h"

#include "muster/filter_read.h"

#include <arpa/inet.h>
#include <string.h>
#include <sysexits.h>

static const struct {
    struct str sign; /* the longer ones first */
    enum relation relation;
} signs[] = {{{"!=", 2}, IS_NOT}, {{"<=", 2}, AT_MOST}, {{">=", 2}, AT_LEAST}, {{"=", 1}, IS},
             {{"~", 1}, HOLDS},   {{"<", 1}, LESS},     {{">", 1}, MORE}};

/* --- the word --- */

static bool split(struct condition *c, struct str word)
{
    size_t at = 0;
    while (at < word.len && !strchr("=!<>~", word.ptr[at]))
        at++;
    struct str rest = {word.ptr + at, word.len - at};
    c->name = (struct str){word.ptr, at};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (!str_has_prefix(rest, signs[i].sign))
            continue;
        c->relation = signs[i].relation;
        c->value = (struct str){rest.ptr + signs[i].sign.len, rest.len - signs[i].sign.len};
        if (str_has_prefix(c->value, STR("=")))
            return err_stop(c->err, EX_USAGE, STR_FMT ": one = is enough", STR_ARG(word));
        return true;
    }
    return err_stop(
        c->err, EX_USAGE,
        STR_FMT
        ": PATH=VALUE is expected, or !=, ~, <, <=, >, >=; put one with < or > in quotes, or the shell "
        "takes it for a file: '" STR_FMT ">8'",
        STR_ARG(word), STR_ARG(word));
}

static bool parse_word(struct condition *c, struct str word, bool gone)
{
    struct filter *f = c->out;
    if (!split(c, word) || !path_parse(c->model, c->name, c->arena, &f->path, c->err))
        return false;
    if (gone && f->path.root == PATH_FIELD)
        return err_stop(
            c->err, EX_USAGE,
            STR_FMT
            ": what is gone has no fields; it can be asked for by _id, merged_into, sources.key, "
            "created_at, …",
            STR_ARG(c->name));
    if (!str_is_utf8(c->value))
        return filter_bad_value(c, "text in UTF-8");
    f->negated = c->relation == IS_NOT;
    if (c->value.len)
        return filter_read_value(c);
    f->test = FILTER_PRESENT;
    f->negated = c->relation == IS;
    return c->relation == IS || c->relation == IS_NOT || filter_bad_value(c, "a value");
}

/* `ports.port<1024` narrows what was said of the item before; `ports.port=22` says it anew. */
static bool is_open(const struct filter *f)
{
    return f->test == FILTER_BETWEEN && (f->min == INT64_MIN || f->max == INT64_MAX);
}

/* A part that was asked for with = or ~ of the item at hand already. */
static bool begins_item(const struct filter *list, size_t at)
{
    const struct filter *f = &list[at];
    if (!path_is_part(&f->path) || f->negated || is_open(f))
        return false;
    for (size_t i = at; i-- > 0;) {
        const struct filter *other = &list[i];
        if (other->negated || !str_eq(other->path.root_name, f->path.root_name))
            continue;
        if (str_eq(other->path.name, f->path.name))
            return true;
        if (other->begins_item)
            return false;
    }
    return false;
}

bool filters_parse(const struct model *m, const struct providers *known,
                   const struct str *words, size_t count, bool gone, int64_t now_unix_ms,
                   struct arena *arena, struct filters *out, struct err *err)
{
    struct filters f = {.gone = gone, .count = count};
    f.list = ARENA_ARRAY(arena, struct filter, count);
    for (size_t i = 0; i < count; i++) {
        struct condition c = {.model = m,
                              .known = known,
                              .now_ms = now_unix_ms,
                              .arena = arena,
                              .out = &f.list[i],
                              .err = err};
        if (!parse_word(&c, words[i], gone))
            return false;
        f.list[i].begins_item = begins_item(f.list, i);
    }
    *out = f;
    return true;
}

/* --- what MongoDB does not know --- */

static bool is_in(const struct network *n, struct str address, struct arena *arena)
{
    uint8_t bytes[16];
    if (inet_pton(n->is_ipv6 ? AF_INET6 : AF_INET, arena_text(arena, address), bytes) != 1)
        return false;
    unsigned whole = n->bits / 8, rest = n->bits % 8;
    return memcmp(bytes, n->bytes, whole) == 0 &&
           (rest == 0 || (bytes[whole] ^ n->bytes[whole]) >> (8 - rest) == 0);
}

static bool has_one_in(const struct filter *f, struct value v, struct arena *arena)
{
    bool found = v.kind == VALUE_TEXT && is_in(&f->network, value_str(v), arena);
    for (uint32_t i = 0; v.kind == VALUE_LIST && i < v.count; i++)
        found = found || has_one_in(f, v.items[i], arena);
    return found;
}

bool filters_need_look(const struct filters *f)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->list[i].test == FILTER_NETWORK)
            return true;
    return false;
}

bool filters_pass(const struct filters *f, const struct document *entity, struct arena *arena)
{
    for (size_t i = 0; i < f->count; i++) {
        const struct filter *each = &f->list[i];
        if (each->test == FILTER_NETWORK &&
            has_one_in(each, path_value(&each->path, entity, arena), arena) == each->negated)
            return false;
    }
    return true;
}
