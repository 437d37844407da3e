/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A typed value of a model field, in memory. What an item of a list or a member of an object
 * means is said by the model's type and not by the value: an object is the array of its members
 * in the order of its type, an absent member is VALUE_NONE. Values are immutable views: the
 * bytes belong to an arena. Pure.
 */
#include "common/arena.h"

enum value_kind {
    VALUE_NONE,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_TIME,
    VALUE_TEXT,
    VALUE_LIST,
    VALUE_OBJECT
};

struct value {
    enum value_kind kind;
    uint32_t count; /* bytes of a text, items of a list, members of an object */
    union {
        bool flag;
        int64_t number; /* VALUE_INT; VALUE_TIME: milliseconds since 1970-01-01 UTC */
        const char *text;
        const struct value *items;
    };
};

struct value value_text(struct str s);
struct value value_int(int64_t number);
struct value value_time(int64_t unix_ms);
struct value value_bool(bool flag);
struct value value_list(const struct value *items, size_t count);
struct value value_object(const struct value *members, size_t count);
/* The text of a VALUE_TEXT; empty for every other kind. */
struct str value_str(struct value v);

/* A total order: kind, then content, texts by bytes. 0 means equal. */
int value_cmp(struct value a, struct value b);
