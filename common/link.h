/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The name of a link: its stream, and its parameters when it has some. "qualys/hosts", "catalog/files?format=csv&id=7". Equal streams and
 * parameters give equal names, whatever the order they are given in. Pure.
 */
#include "common/arena.h"

struct link_param {
    struct str name, value;
};

/* Sorts params by name. Bytes that would not read back (%, &, =, ?, #, spaces, controls) become %XX. */
struct str link_id(struct str stream, struct link_param *params, size_t count,
                   struct arena *arena);
