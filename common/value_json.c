/* SPDX-License-Identifier: MIT */
#include "common/value_json.h"

#include "common/clock.h"

static void put_members(struct json_out *o, const struct type *t, struct value v,
                        enum value_json_of which)
{
    json_open(o, '{');
    for (uint32_t i = 0; i < v.count && i < t->count; i++) {
        if (v.items[i].kind == VALUE_NONE ||
            (which == VALUE_JSON_STEADY && t->members[i].is_volatile))
            continue;
        json_key(o, t->members[i].name);
        value_json(o, &t->members[i].type, v.items[i], which);
    }
    json_close(o, '}');
}

static void put_items(struct json_out *o, const struct type *t, struct value v,
                      enum value_json_of which)
{
    json_open(o, '[');
    for (uint32_t i = 0; i < v.count; i++)
        value_json(o, t->item, v.items[i], which);
    json_close(o, ']');
}

void value_json(struct json_out *o, const struct type *t, struct value v,
                enum value_json_of which)
{
    char iso[25];
    switch (v.kind) {
    case VALUE_NONE:
        json_put_null(o);
        return;
    case VALUE_BOOL:
        json_put_bool(o, v.flag);
        return;
    case VALUE_INT:
        json_put_int(o, v.number);
        return;
    case VALUE_TIME:
        clock_iso(v.number, iso);
        json_put_str(o, str_of(iso));
        return;
    case VALUE_TEXT:
        json_put_str(o, value_str(v));
        return;
    case VALUE_LIST:
        put_items(o, t, v, which);
        return;
    case VALUE_OBJECT:
        put_members(o, t, v, which);
        return;
    }
}
