/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Typed values for people and for machines. Pure.
 */
#include "common/json.h"
#include "common/model.h"

/*
 * "web-1", "2024-01-02T03:04:05.678Z", "a, b, c", "{port: 22, protocol: tcp}". Cut at max_bytes with "…"; of a list that is cut, also
 * says how many items it has.
 */
struct str show_value(const struct type *t, struct value v, size_t max_bytes,
                      struct arena *arena);
/* The same, whole and as it is, control characters too: for files. */
struct str show_whole(const struct type *t, struct value v, struct arena *arena);
/* The value under construction in *o; VALUE_NONE is null, times are ISO 8601. */
void show_json(struct json_out *o, const struct type *t, struct value v);
