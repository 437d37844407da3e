/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What `muster show` is asked for: one word a condition, all of which must hold. A value is read by the model's type, in any spelling
 * that a provider may use, so that it is compared as it is stored.
 *
 *   PATH=VALUE     is it, or for a list: one of its items is. In texts * stands for anything, \* for a star itself. An ip takes a network
 *                  too, 10.0.0.0/8; a datetime a day or a second as a whole
 *   PATH!=VALUE    is not, or for a list: no item is; also true where there is nothing
 *   PATH=  PATH!=  there is nothing; there is something
 *   PATH~VALUE     texts: holds it, without case
 *   PATH<VALUE     and <=, >, >=: numbers and times. A time is RFC 3339, or -7d: seven days ago
 *
 * Conditions on parts of one list (`software.name=… software.version=…`) are of one item; a part named again with = or ~ begins
 * another item. With != they speak of all items. Pure; what is made lives in the arena.
 */
#include "common/provider.h"
#include "muster/path.h"

enum filter_test {
    FILTER_PRESENT, /* there is a value */
    FILTER_EQUAL,   /* .value */
    FILTER_BETWEEN, /* .min to .max, both included: numbers, or milliseconds */
    FILTER_LIKE,    /* .pattern, a regular expression (PCRE) */
    FILTER_NETWORK, /* .network */
};

struct network {
    uint8_t bytes[16];
    unsigned bits; /* of the prefix */
    bool is_ipv6;
};

struct filter {
    struct path path;
    enum filter_test test;
    bool negated; /* no value there passes the test */
    struct value value;
    int64_t min, max;
    struct str pattern;
    bool ignores_case;
    struct network network;
    bool begins_item; /* a part of a list: of another item than the conditions before it */
};

struct filters {
    struct filter *list;
    size_t count;
    bool gone; /* what is gone, instead of what is there */
};

/*
 * Exit code 64 with the reason when a word is no condition. `known` are the providers and streams that sources may be asked
 * for; now_unix_ms is what -7d is counted from.
 */
must_check bool filters_parse(const struct model *m, const struct providers *known,
                              const struct str *words, size_t count, bool gone,
                              int64_t now_unix_ms, struct arena *arena, struct filters *out,
                              struct err *err);

/* As a query for MongoDB, which lets through all that passes, and of networks more than that. */
void filters_query(const struct filters *f, struct arena *arena, bson_t *out);
/* The rest: is each address in its network? */
bool filters_pass(const struct filters *f, const struct document *entity, struct arena *arena);
/* Must filters_pass() be asked? */
bool filters_need_look(const struct filters *f);
