/* SPDX-License-Identifier: MIT */
#include "muster/show.h"

#include "common/clock.h"
#include "common/value_json.h"

#include <stdlib.h>

enum { TEXT_MAX_BYTES = 64 << 20 };

struct out {
    struct buf *buf;
    bool is_file;
};

static void put(struct out *out, struct str s)
{
    if (!buf_add(out->buf, s))
        abort(); /* a document is 16 MiB at most */
}

static void put_value(struct out *out, const struct type *t, struct value v);

static void put_items(struct out *out, const struct type *item, struct value list)
{
    for (uint32_t i = 0; i < list.count; i++) {
        if (i)
            put(out, STR(", "));
        put_value(out, item, list.items[i]);
    }
}

static void put_members(struct out *out, const struct type *t, struct value object)
{
    bool is_first = true;
    put(out, STR("{"));
    for (uint32_t i = 0; i < object.count && i < t->count; i++) {
        if (object.items[i].kind == VALUE_NONE)
            continue;
        put(out, is_first ? STR("") : STR(", "));
        put(out, t->members[i].name);
        put(out, STR(": "));
        put_value(out, &t->members[i].type, object.items[i]);
        is_first = false;
    }
    put(out, STR("}"));
}

/* What comes from a provider must not steer a terminal; in a file it stands as it came. */
static void put_text(struct out *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        bool is_control = !out->is_file && ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f);
        put(out, is_control ? STR(" ") : (struct str){s.ptr + i, 1});
    }
}

static void put_number(struct out *out, int64_t number)
{
    if (!buf_addf(out->buf, "%lld", (long long)number))
        abort();
}

static void put_value(struct out *out, const struct type *t, struct value v)
{
    char iso[25];
    switch (v.kind) {
    case VALUE_NONE:
        return;
    case VALUE_BOOL:
        put(out, v.flag ? STR("true") : STR("false"));
        return;
    case VALUE_INT:
        put_number(out, v.number);
        return;
    case VALUE_TIME:
        clock_iso(v.number, iso);
        put(out, str_of(iso));
        return;
    case VALUE_TEXT:
        put_text(out, value_str(v));
        return;
    case VALUE_LIST:
        put_items(out, t->item, v);
        return;
    case VALUE_OBJECT:
        put_members(out, t, v);
        return;
    }
}

/* Not in the middle of a character. */
static struct str cut(struct str s, size_t max_bytes)
{
    while (max_bytes > 0 && ((unsigned char)s.ptr[max_bytes] & 0xc0) == 0x80)
        max_bytes--;
    return (struct str){s.ptr, max_bytes};
}

struct str show_value(const struct type *t, struct value v, size_t max_bytes,
                      struct arena *arena)
{
    buf_auto text = {0};
    buf_init(&text, TEXT_MAX_BYTES);
    put_value(&(struct out){&text, false}, t, v);
    struct str whole = buf_str(&text);
    if (whole.len <= max_bytes)
        return arena_copy(arena, whole);
    struct str head = cut(whole, max_bytes);
    if (v.kind == VALUE_LIST)
        return arena_format(arena, STR_FMT "… (%u in all)", STR_ARG(head), v.count);
    return arena_format(arena, STR_FMT "…", STR_ARG(head));
}

struct str show_whole(const struct type *t, struct value v, struct arena *arena)
{
    buf_auto text = {0};
    buf_init(&text, TEXT_MAX_BYTES);
    put_value(&(struct out){&text, true}, t, v);
    return arena_copy(arena, buf_str(&text));
}

void show_json(struct json_out *o, const struct type *t, struct value v)
{
    value_json(o, t, v, VALUE_JSON_ALL);
}
