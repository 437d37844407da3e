/* SPDX-License-Identifier: MIT */
#include "serializer/type.h"

#include "common/clock.h"
#include "serializer/address.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    TEXT_MAX_BYTES = 64 * 1024,
    SHOWN_MAX_BYTES = 80, /* of a bad value in a message */
};

static bool is_blank(const struct pick *p)
{
    switch (pick_kind_of(p)) {
    case JSON_NONE:
    case JSON_NULL:
        return true;
    case JSON_TEXT:
        return str_trim(pick_str(p)).len == 0;
    case JSON_ARRAY:
        return json_size(p->json) == 0;
    case JSON_OBJECT:
        return p->kind == PICK_OBJECT ? p->count == 0 : json_size(p->json) == 0;
    case JSON_BOOL:
    case JSON_INT:
    case JSON_REAL:
        return false;
    }
    return false;
}

/* Text that must not have a NUL byte, because libraries would stop there. */
static bool plain_text(const struct pick *p, struct str *out)
{
    *out = str_trim(pick_str(p));
    return out->len > 0 && !memchr(out->ptr, '\0', out->len);
}

static bool cast_string(const struct pick *p, struct arena *arena, struct value *out)
{
    enum json_kind kind = pick_kind_of(p);
    if (kind == JSON_ARRAY || kind == JSON_OBJECT)
        return false;
    *out = value_text(kind == JSON_TEXT ? arena_copy(arena, str_trim(pick_str(p)))
                                        : pick_text(p, TEXT_MAX_BYTES, arena));
    return true;
}

static bool is_word(struct str s, struct str spelling)
{
    return s.len == spelling.len && strncasecmp(s.ptr, spelling.ptr, s.len) == 0;
}

static bool cast_enum(const struct type *t, const struct pick *p, struct arena *arena,
                      struct value *out)
{
    struct str s;
    if (!plain_text(p, &s))
        return false;
    for (size_t i = 0; i < t->count; i++) {
        for (size_t j = 0; j < t->words[i].count; j++) {
            if (is_word(s, t->words[i].spellings[j])) {
                *out = value_text(arena_copy(arena, t->words[i].name));
                return true;
            }
        }
    }
    return false;
}

/* Beyond 2^53 doubles skip whole numbers: the one that was meant may be another. */
static bool whole_real(double real, int64_t *out)
{
    if (!(fabs(real) <= 0x1p53) || real != floor(real))
        return false;
    *out = (int64_t)real;
    return true;
}

static bool whole_number(const struct pick *p, int64_t *out)
{
    enum json_kind kind = pick_kind_of(p);
    if (kind == JSON_INT) {
        *out = pick_int(p);
        return true;
    }
    return kind == JSON_REAL && whole_real(pick_real(p), out);
}

static bool number_or_digits(const struct pick *p, int64_t *out)
{
    return whole_number(p, out) || str_to_int(str_trim(pick_str(p)), out);
}

/* MongoDB's Extended JSON wraps 64 bits: {"$numberLong": "9007199254740993"} */
static bool extended_int(const struct pick *p, int64_t *out)
{
    if (pick_kind_of(p) != JSON_OBJECT)
        return number_or_digits(p, out);
    struct pick inner = pick_member(p, STR("$numberLong"));
    if (pick_kind_of(&inner) == JSON_NONE)
        inner = pick_member(p, STR("$numberInt"));
    return number_or_digits(&inner, out);
}

static bool cast_int(const struct pick *p, struct value *out)
{
    int64_t number;
    if (!extended_int(p, &number))
        return false;
    *out = value_int(number);
    return true;
}

static bool cast_bool(const struct pick *p, struct value *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "0", "1"};
    if (pick_kind_of(p) == JSON_BOOL) {
        *out = value_bool(pick_flag(p));
        return true;
    }
    int64_t number;
    if (whole_number(p, &number)) {
        *out = value_bool(number == 1);
        return number == 0 || number == 1;
    }
    struct str text = str_trim(pick_str(p));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (is_word(text, str_of(words[i]))) {
            *out = value_bool(i % 2 == 1);
            return true;
        }
    }
    return false;
}

/* Below are seconds (until the year 5138), above are milliseconds (from the spring of 1973). */
static const int64_t seconds_below = 100000000000;

static bool epoch_ms(const struct pick *p, int64_t *out)
{
    if (pick_kind_of(p) == JSON_REAL && fabs(pick_real(p)) < (double)seconds_below) {
        *out = llround(pick_real(p) * 1000);
        return true;
    }
    if (!whole_number(p, out))
        return false;
    if (*out > -seconds_below && *out < seconds_below)
        *out *= 1000;
    return true;
}

static bool time_of(const struct pick *p, int64_t *out)
{
    if (pick_kind_of(p) != JSON_OBJECT)
        return clock_parse_iso(str_trim(pick_str(p)), out) || epoch_ms(p, out);
    struct pick date = pick_member(p, STR("$date"));
    if (pick_kind_of(&date) == JSON_TEXT)
        return clock_parse_iso(str_trim(pick_str(&date)), out);
    return extended_int(&date, out);
}

static bool cast_datetime(const struct pick *p, struct value *out)
{
    static const int64_t year_0_ms = -62167219200000, year_10000_ms = 253402300800000;
    int64_t ms;
    if (!time_of(p, &ms) || ms < year_0_ms || ms >= year_10000_ms)
        return false;
    *out = value_time(ms);
    return true;
}

typedef bool address_form(struct str s, struct arena *arena, struct str *out);

static bool cast_address(address_form *form, const struct pick *p, struct arena *arena,
                         struct value *out)
{
    struct str text;
    if (!plain_text(p, &text) || !form(text, arena, &text))
        return false;
    *out = value_text(text);
    return true;
}

static bool cast_leaf(const struct type *t, const struct pick *p, struct arena *arena,
                      struct value *out)
{
    switch (t->kind) {
    case TYPE_STRING:
        return cast_string(p, arena, out);
    case TYPE_HOSTNAME:
        return cast_address(address_hostname, p, arena, out);
    case TYPE_IP:
        return cast_address(address_ip, p, arena, out);
    case TYPE_MAC:
        return cast_address(address_mac, p, arena, out);
    case TYPE_ENUM:
        return cast_enum(t, p, arena, out);
    case TYPE_DATETIME:
        return cast_datetime(p, out);
    case TYPE_INT:
        return cast_int(p, out);
    case TYPE_BOOL:
        return cast_bool(p, out);
    case TYPE_LIST:
    case TYPE_OBJECT:
        return false;
    }
    return false;
}

static bool cast_object(const struct type *t, const struct pick *p, struct arena *arena,
                        struct value *out, struct str *why)
{
    struct value *members = ARENA_ARRAY(arena, struct value, t->count);
    bool fine = true, filled = false;
    for (size_t i = 0; i < t->count; i++) {
        struct pick member = pick_member(p, t->members[i].name);
        struct str fault;
        if (!type_cast_all(&t->members[i].type, &member, 1, arena, &members[i], &fault) &&
            fine) {
            *why = arena_format(arena, STR_FMT ": " STR_FMT, STR_ARG(t->members[i].name),
                                STR_ARG(fault));
            fine = false;
        }
        filled = filled || members[i].kind != VALUE_NONE;
    }
    if (filled)
        *out = value_object(members, t->count);
    return fine;
}

bool type_cast(const struct type *t, const struct pick *p, struct arena *arena,
               struct value *out, struct str *why)
{
    *out = (struct value){0};
    if (is_blank(p))
        return true;
    size_t len = str_trim(pick_str(p)).len;
    if (len > TEXT_MAX_BYTES) {
        *why =
            arena_format(arena, "a text of %zu bytes is longer than %d", len, TEXT_MAX_BYTES);
        return false;
    }
    if (t->kind == TYPE_OBJECT && pick_kind_of(p) == JSON_OBJECT)
        return cast_object(t, p, arena, out, why);
    if (cast_leaf(t, p, arena, out))
        return true;
    *out = (struct value){0};
    *why = arena_format(arena, STR_FMT " is no " STR_FMT,
                        STR_ARG(pick_text(p, SHOWN_MAX_BYTES, arena)),
                        STR_ARG(type_name(t, arena)));
    return false;
}

/* A list under construction. */
struct items {
    const struct type *type;
    struct arena *arena;
    struct value *list;
    size_t count;
    bool has_fault;
    struct str fault; /* the first */
};

static void add_item(struct items *items, const struct pick *p)
{
    struct str fault;
    struct value *item = &items->list[items->count];
    if (!type_cast(items->type, p, items->arena, item, &fault) && !items->has_fault) {
        items->has_fault = true;
        items->fault = fault;
    }
    items->count += item->kind != VALUE_NONE;
}

static int item_cmp(const void *a, const void *b)
{
    return value_cmp(*(const struct value *)a, *(const struct value *)b);
}

/* Sort, and drop what stands there twice. */
static size_t make_set(struct value *list, size_t count)
{
    if (count < 2)
        return count;
    qsort(list, count, sizeof *list, item_cmp);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++)
        if (value_cmp(list[i], list[kept - 1]) != 0)
            list[kept++] = list[i];
    return kept;
}

static bool is_json_array(const struct pick *p)
{
    return p->kind == PICK_JSON && json_kind_of(p->json) == JSON_ARRAY;
}

static size_t count_items(const struct pick *picks, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += is_json_array(&picks[i]) ? json_size(picks[i].json) : 1;
    return total;
}

static bool cast_list(const struct type *t, const struct pick *picks, size_t count,
                      struct arena *arena, struct value *out, struct str *why)
{
    struct items items = {.type = t->item, .arena = arena};
    items.list = ARENA_ARRAY(arena, struct value, count_items(picks, count));
    for (size_t i = 0; i < count; i++) {
        if (!is_json_array(&picks[i])) {
            add_item(&items, &picks[i]);
            continue;
        }
        for (struct json_walk w = json_walk(picks[i].json); json_next(&w);)
            add_item(&items, &(struct pick){.kind = PICK_JSON, .json = w.value});
    }
    size_t kept = make_set(items.list, items.count);
    if (kept)
        *out = value_list(items.list, kept);
    if (items.has_fault)
        *why = items.fault;
    return !items.has_fault;
}

bool type_cast_all(const struct type *t, const struct pick *picks, size_t count,
                   struct arena *arena, struct value *out, struct str *why)
{
    bool fine = true;
    *out = (struct value){0};
    if (t->kind == TYPE_LIST)
        return cast_list(t, picks, count, arena, out, why);
    for (size_t i = 0; i < count && out->kind == VALUE_NONE; i++) {
        struct str fault;
        if (!type_cast(t, &picks[i], arena, out, &fault) && fine) {
            *why = fault;
            fine = false;
        }
    }
    return fine;
}
