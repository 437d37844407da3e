/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * An account of one entity: for each field who won and who said otherwise, and what makes its sources one. Computed from the sources by the same
 * functions that folded them, so it is an account and not a guess. Pure; lives in the arena.
 */
#include "serializer/document.h"
#include "serializer/fold.h"

/* A field with a value. Sources are named by their index in the entity. */
struct field_account {
    size_t field;
    struct value value; /* as stored */
    size_t *winners;    /* those who said it: one, or all whose items are in it under union */
    size_t winner_count;
    size_t *others; /* living ones that said something else */
    size_t other_count;
};

/* A tuple of an identity rule, or a stream and key, and the sources that have it. */
struct tie {
    const struct rule *rule; /* NULL: stream and key */
    struct tuple tuple;
    size_t *sources;
    size_t count; /* 1: it could join others, and joins none here */
};

/* Why a source has no tuple of a rule. */
struct gap {
    size_t source;
    const struct rule *rule;
    const struct field *field; /* the first that is missing or never identifies */
    struct value value;        /* VALUE_NONE when it is missing */
};

struct account {
    struct field_account *fields;
    size_t field_count;
    struct tie *ties; /* shared ones first */
    size_t tie_count, tie_room;
    struct gap *gaps;
    size_t gap_count, gap_room;
};

struct account account_make(const struct model *m, const struct document *s,
                            struct arena *arena);
