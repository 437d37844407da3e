/* SPDX-License-Identifier: MIT */
/* The value of a condition, read by the type of its path. */
#include "muster/filter_read.h"

#include "common/clock.h"
#include "common/conf.h"
#include "common/hex.h"
#include "serializer/type.h"

#include <arpa/inet.h>
#include <string.h>
#include <sysexits.h>

static const int64_t year_0_ms = -62167219200000, year_10000_ms = 253402300800000;

enum { PATTERN_MAX_BYTES = 1000, ID_BYTES = 12, SECOND_MS = 1000, DAY_MS = 86400000 };

static bool is_text(enum type_kind kind)
{
    return kind == TYPE_STRING || kind == TYPE_HOSTNAME || kind == TYPE_IP ||
           kind == TYPE_MAC || kind == TYPE_ENUM;
}

bool filter_bad_value(const struct condition *c, const char *expected)
{
    return err_stop(c->err, EX_USAGE, STR_FMT ": \"" STR_FMT "\": expected is %s",
                    STR_ARG(c->name), STR_ARG(c->value), expected);
}

/* --- texts with * --- */

static bool is_escaped(struct str s, size_t i)
{
    return s.ptr[i] == '\\' && i + 1 < s.len && (s.ptr[i + 1] == '*' || s.ptr[i + 1] == '\\');
}

static bool has_star(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (is_escaped(s, i))
            i++;
        else if (s.ptr[i] == '*')
            return true;
    }
    return false;
}

/* Without the backslashes of \* and \\. */
static struct str unescape(struct str s, struct arena *arena)
{
    char *text = arena_take(arena, s.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        i += is_escaped(s, i);
        text[len++] = s.ptr[i];
    }
    return (struct str){text, len};
}

/* The regular expression of a text: each byte for itself, or, with `stars`, * for `anything`. */
static struct str expression(struct str s, bool stars, const char *anything,
                             struct arena *arena)
{
    char *text = arena_take(arena, s.len * 6 + 1);
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (stars && s.ptr[i] == '*') {
            len += (size_t)(stpcpy(text + len, anything) - (text + len));
            continue;
        }
        i += stars && is_escaped(s, i);
        if (strchr("\\^$.[]|()?*+{}", s.ptr[i]))
            text[len++] = '\\';
        text[len++] = s.ptr[i];
    }
    return (struct str){text, len};
}

static struct str lower(struct str s, struct arena *arena)
{
    char *text = arena_text(arena, s);
    for (size_t i = 0; i < s.len; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] | 0x20);
    return (struct str){text, s.len};
}

static bool set_like(struct condition *c, const char *head, struct str inner, const char *tail)
{
    c->out->test = FILTER_LIKE;
    c->out->pattern = arena_format(c->arena, "%s" STR_FMT "%s", head, STR_ARG(inner), tail);
    return c->value.len <= PATTERN_MAX_BYTES ||
           err_stop(c->err, EX_USAGE, STR_FMT ": a pattern has at most %d bytes",
                    STR_ARG(c->name), PATTERN_MAX_BYTES);
}

static bool parse_holds(struct condition *c)
{
    enum type_kind kind = c->out->path.single->kind;
    if (!is_text(kind))
        return err_stop(c->err, EX_USAGE,
                        STR_FMT ": ~ is for texts; of a " STR_FMT " use =, !=, <, >",
                        STR_ARG(c->name), STR_ARG(type_name(c->out->path.single, c->arena)));
    c->out->ignores_case = true;
    return set_like(c, "", expression(c->value, false, "", c->arena), "");
}

static bool parse_pattern(struct condition *c)
{
    enum type_kind kind = c->out->path.single->kind;
    bool has_case = kind == TYPE_STRING || kind == TYPE_ENUM;
    struct str value = has_case ? c->value : lower(c->value, c->arena);
    return set_like(c, "\\A", expression(value, true, ".*", c->arena), "\\z");
}

/* --- addresses --- */

static bool parse_network(struct condition *c)
{
    struct str rest = c->value;
    struct str address = str_cut(&rest, '/');
    struct network *n = &c->out->network;
    int64_t bits = -1;
    const char *text = arena_text(c->arena, address);
    n->is_ipv6 = inet_pton(AF_INET6, text, n->bytes) == 1;
    if ((!n->is_ipv6 && inet_pton(AF_INET, text, n->bytes) != 1) || !str_to_int(rest, &bits) ||
        bits < 0 || bits > (n->is_ipv6 ? 128 : 32))
        return filter_bad_value(c, "an address or a network like 10.0.0.0/8 or 2001:db8::/32");
    n->bits = (unsigned)bits;
    c->out->test = FILTER_NETWORK;
    return !path_is_part(&c->out->path) ||
           err_stop(c->err, EX_USAGE,
                    STR_FMT ": a network can be asked of a field, not of a part of a list",
                    STR_ARG(c->name));
}

/* --- numbers and times --- */

/* A value that stands for all from first to last: of `2024-05-01`, the day. */
static void set_between(struct filter *f, enum relation relation, int64_t first, int64_t last)
{
    f->test = FILTER_BETWEEN;
    f->min = relation == AT_LEAST || relation == IS || relation == IS_NOT ? first : INT64_MIN;
    f->max = relation == AT_MOST || relation == IS || relation == IS_NOT ? last : INT64_MAX;
    if ((relation == LESS && first == INT64_MIN) || (relation == MORE && last == INT64_MAX)) {
        f->min = 1; /* nothing is */
        f->max = 0;
    } else if (relation == LESS) {
        f->max = first - 1;
    } else if (relation == MORE) {
        f->min = last + 1;
    }
}

static bool parse_int(struct condition *c)
{
    int64_t number = 0;
    if (!str_to_int(str_trim(c->value), &number))
        return filter_bad_value(c, "a whole number");
    set_between(c->out, c->relation, number, number);
    return true;
}

/* "-7d" is seven days ago, "+1h" in an hour. A bare "7d" could mean either side of it, so it is none. */
static bool parse_relative(struct condition *c, int64_t *out_ms)
{
    struct str s = c->value;
    bool has_sign = s.len && (s.ptr[0] == '-' || s.ptr[0] == '+');
    int64_t apart_ms = 0;
    if (!conf_parse_duration((struct str){s.ptr + has_sign, s.len - has_sign}, &apart_ms))
        return filter_bad_value(c, "a time like 2024-05-01, 2024-05-01T10:00:00Z or -7d");
    if (!has_sign)
        return err_stop(c->err, EX_USAGE,
                        STR_FMT ": seven days ago is -7d: '" STR_FMT ">-" STR_FMT
                                "' is later than that, '" STR_FMT "<-" STR_FMT "' before",
                        STR_ARG(c->name), STR_ARG(c->name), STR_ARG(s), STR_ARG(c->name),
                        STR_ARG(s));
    bool is_too_far = s.ptr[0] == '-' ? __builtin_sub_overflow(c->now_ms, apart_ms, out_ms)
                                      : __builtin_add_overflow(c->now_ms, apart_ms, out_ms);
    return (!is_too_far && *out_ms >= year_0_ms && *out_ms < year_10000_ms) ||
           filter_bad_value(c, "a time of the years 0 to 9999");
}

static bool parse_time(struct condition *c)
{
    struct str s = str_trim(c->value);
    int64_t first = 0, width = 1;
    if (clock_parse_iso(s, &first)) {
        enum { DATE_BYTES = 10 };
        width = s.len == DATE_BYTES ? DAY_MS : str_has(s, STR(".")) ? 1 : SECOND_MS;
    } else if (!parse_relative(c, &first)) {
        return false;
    }
    set_between(c->out, c->relation, first, first + width - 1);
    return true;
}

/* --- sources --- */

static bool unknown_source(const struct condition *c, const char *what, const struct str *names,
                           size_t count)
{
    struct str nearest = str_nearest(c->value, names, count);
    if (nearest.len)
        return err_stop(c->err, EX_USAGE,
                        STR_FMT ": there is no %s " STR_FMT "; did you mean " STR_FMT "?",
                        STR_ARG(c->name), what, STR_ARG(c->value), STR_ARG(nearest));
    return err_stop(c->err, EX_USAGE, STR_FMT ": there is no %s " STR_FMT " in the files",
                    STR_ARG(c->name), what, STR_ARG(c->value));
}

/* A name that is not in the files would be true of nothing, or with != of all. */
static bool check_source(const struct condition *c, bool is_stream)
{
    struct str *names = NULL;
    size_t count = 0, room = 0;
    for (size_t i = 0; i < c->known->count; i++) {
        const struct provider *p = c->known->list[i];
        for (size_t k = 0; k < p->stream_count && is_stream; k++)
            *ARENA_PUSH(c->arena, names, count, room) = p->streams[k].name;
        if (!is_stream)
            *ARENA_PUSH(c->arena, names, count, room) = p->name;
    }
    for (size_t i = 0; i < count; i++)
        if (str_eq(names[i], c->value))
            return true;
    return unknown_source(c, is_stream ? "stream" : "provider", names, count);
}

/* The provider of a source is the first part of its stream. */
static bool parse_provider(struct condition *c)
{
    bool is_pattern = has_star(c->value), holds = c->relation == HOLDS;
    c->out->ignores_case = holds;
    return (is_pattern || holds || check_source(c, false)) &&
           set_like(c, holds ? "\\A[^/]*" : "\\A",
                    expression(c->value, !holds, "[^/]*", c->arena), holds ? "[^/]*/" : "/");
}

enum source_part { OF_PROVIDER, OF_STREAM, OF_KEY };

static bool is_source_part(const struct path *p, enum source_part part)
{
    return p->root == PATH_SOURCES && p->depth == 1 && p->members[0] == part;
}

/* --- by type --- */

static struct str words_of(const struct type *t, struct arena *arena)
{
    struct str all = {0};
    for (size_t i = 0; i < t->count; i++)
        all = arena_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(all), i ? ", " : "",
                           STR_ARG(t->words[i].name));
    return all;
}

static bool parse_equal(struct condition *c)
{
    const struct type *t = c->out->path.single;
    struct str text = is_text(t->kind) ? unescape(c->value, c->arena) : c->value, why = {0};
    struct pick pick = {.kind = PICK_LITERAL, .literal = JSON_TEXT, .text = text};
    c->out->test = FILTER_EQUAL;
    if (type_cast(t, &pick, c->arena, &c->out->value, &why) && c->out->value.kind != VALUE_NONE)
        return true;
    if (t->kind == TYPE_ENUM)
        return filter_bad_value(
            c, arena_format(c->arena, "one of " STR_FMT, STR_ARG(words_of(t, c->arena))).ptr);
    if (t->kind == TYPE_BOOL)
        return filter_bad_value(c, "true or false");
    return filter_bad_value(
        c, arena_format(c->arena, "a value of type " STR_FMT, STR_ARG(type_name(t, c->arena)))
               .ptr);
}

static bool parse_id(struct condition *c)
{
    uint8_t bytes[ID_BYTES];
    if (c->relation != IS && c->relation != IS_NOT)
        return err_stop(c->err, EX_USAGE, STR_FMT ": an id takes = and != only",
                        STR_ARG(c->name));
    if (!hex_bytes(c->value, bytes, sizeof bytes))
        return filter_bad_value(c, "an id of 24 hexadecimal digits");
    c->out->test = FILTER_EQUAL;
    c->out->value = value_text(c->value);
    return true;
}

static bool whole_objects(const struct condition *c)
{
    const struct type *t = c->out->path.single;
    struct str example = t->count ? t->members[0].name : STR("…");
    return err_stop(c->err, EX_USAGE,
                    STR_FMT ": it holds objects; name a part of them, like " STR_FMT
                            "." STR_FMT,
                    STR_ARG(c->name), STR_ARG(c->name), STR_ARG(example));
}

bool filter_read_value(struct condition *c)
{
    const struct path *p = &c->out->path;
    enum type_kind kind = p->single->kind;
    if (kind == TYPE_OBJECT)
        return whole_objects(c);
    if (p->root == PATH_ID || p->root == PATH_MERGED_INTO)
        return parse_id(c);
    if (kind == TYPE_INT && c->relation != HOLDS)
        return parse_int(c);
    if (kind == TYPE_DATETIME && c->relation != HOLDS)
        return parse_time(c);
    if (c->relation > HOLDS)
        return err_stop(c->err, EX_USAGE,
                        STR_FMT ": a " STR_FMT " has no order; <, > are for numbers and times",
                        STR_ARG(c->name), STR_ARG(type_name(p->single, c->arena)));
    if (is_source_part(p, OF_PROVIDER))
        return parse_provider(c);
    if (c->relation == HOLDS)
        return parse_holds(c);
    if (kind == TYPE_IP && str_has(c->value, STR("/")))
        return parse_network(c);
    if (is_text(kind) && has_star(c->value))
        return parse_pattern(c);
    if (is_source_part(p, OF_STREAM) && !check_source(c, true))
        return false;
    return parse_equal(c);
}
