/* SPDX-License-Identifier: MIT */
#pragma once
/* What filter.c and filter_value.c share: a word of the command line on its way to a filter. Pure. */
#include "muster/filter.h"

enum relation { IS, IS_NOT, HOLDS, LESS, AT_MOST, MORE, AT_LEAST };

struct condition {
    const struct model *model;
    const struct providers *known;
    int64_t now_ms;
    struct arena *arena;
    struct str name, value;
    enum relation relation;
    struct filter *out; /* has its path */
    struct err *err;
};

/* Test and value of *c->out, as the type of the path reads them. */
must_check bool filter_read_value(struct condition *c);
/* False, with what was expected. */
bool filter_bad_value(const struct condition *c, const char *expected);
