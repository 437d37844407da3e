/* SPDX-License-Identifier: MIT */
#include "common/value.h"

struct value value_text(struct str s)
{
    return (struct value){.kind = VALUE_TEXT, .count = (uint32_t)s.len, .text = s.ptr};
}

struct value value_int(int64_t number)
{
    return (struct value){.kind = VALUE_INT, .number = number};
}

struct value value_time(int64_t unix_ms)
{
    return (struct value){.kind = VALUE_TIME, .number = unix_ms};
}

struct value value_bool(bool flag)
{
    return (struct value){.kind = VALUE_BOOL, .flag = flag};
}

struct value value_list(const struct value *items, size_t count)
{
    return (struct value){.kind = VALUE_LIST, .count = (uint32_t)count, .items = items};
}

struct value value_object(const struct value *members, size_t count)
{
    return (struct value){.kind = VALUE_OBJECT, .count = (uint32_t)count, .items = members};
}

struct str value_str(struct value v)
{
    return v.kind == VALUE_TEXT ? (struct str){v.text, v.count} : (struct str){0};
}

static int items_cmp(struct value a, struct value b)
{
    uint32_t shared = a.count < b.count ? a.count : b.count;
    for (uint32_t i = 0; i < shared; i++) {
        int order = value_cmp(a.items[i], b.items[i]);
        if (order)
            return order;
    }
    return (a.count > b.count) - (a.count < b.count);
}

int value_cmp(struct value a, struct value b)
{
    if (a.kind != b.kind)
        return a.kind < b.kind ? -1 : 1;
    switch (a.kind) {
    case VALUE_NONE:
        return 0;
    case VALUE_BOOL:
        return (int)a.flag - (int)b.flag;
    case VALUE_INT:
    case VALUE_TIME:
        return (a.number > b.number) - (a.number < b.number);
    case VALUE_TEXT:
        return str_cmp(value_str(a), value_str(b));
    case VALUE_LIST:
    case VALUE_OBJECT:
        return items_cmp(a, b);
    }
    return 0;
}
