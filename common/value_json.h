/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A typed value as JSON: times are ISO 8601, an object has the members that have a value,
 * VALUE_NONE is null. Pure.
 */
#include "common/json.h"
#include "common/model.h"

enum value_json_of {
    VALUE_JSON_ALL,
    VALUE_JSON_STEADY, /* without the volatile members of objects */
};

/* The value under construction in *o. */
void value_json(struct json_out *o, const struct type *t, struct value v,
                enum value_json_of which);
