/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Field selection: the simple part of jq, compiled once and run over a parsed page. It knows `.`, `.a.b`, `."a b"`,
 * `.["a"]`, `.[0]`, `.[]` (of lists and objects), `?`, `a | b`, `a, b`, `a // b`, `empty`, parentheses, literals (strings, numbers,
 * true, false, null) and object construction `{name, id: .x // .y, kind: "y"}`, whose members have one result each.
 *
 * The meaning is jq's, with one exception that suits records: iterating over null gives nothing where jq raises an error. A
 * `?` catches errors of what it stands behind and none from further down the pipe, as in jq 1.7. Everything else of
 * jq is refused at compile time with a message that says so. Recursion is bounded by the program, whose length and
 * nesting are bounded. Pure.
 */
#include "common/json.h"

enum { SELECT_MAX_BYTES = 4096, SELECT_MAX_NESTING = 64 };

struct select;

/* A result: a place in the page, a literal, or an object under construction. */
struct pick {
    enum { PICK_JSON, PICK_LITERAL, PICK_OBJECT } kind;
    enum json_kind
        literal; /* PICK_LITERAL: JSON_NULL, JSON_BOOL, JSON_INT, JSON_REAL or JSON_TEXT */
    union {
        struct json json; /* PICK_JSON */
        bool flag;
        int64_t number;
        double real;
        struct str text;
        struct { /* PICK_OBJECT: count of both */
            const struct str *keys;
            const struct pick *members;
        };
    };
    size_t count;
};

/* A program lives in the arena. On failure the message begins with "column N: ", the column in the program (from 1). */
const struct select *select_compile(struct str program, struct arena *arena, struct err *err);
/*
 * All results in order; what is missing in an object is one null. ERR_REJECT when the data has another shape (a string where
 * `.a` wants an object); says where. The results live as long as the page and the arena.
 */
must_check bool select_run(const struct select *program, struct json input, struct arena *arena,
                           struct pick **out_picks, size_t *out_count, struct err *err);
/* Its source text. */
struct str select_text(const struct select *program);

/* What a pick is, whichever kind it has. */
enum json_kind pick_kind_of(const struct pick *p);
struct str pick_str(const struct pick *p); /* JSON_TEXT, else empty */
int64_t pick_int(const struct pick *p);    /* JSON_INT */
double pick_real(const struct pick *p);    /* JSON_INT or JSON_REAL */
bool pick_flag(const struct pick *p);      /* JSON_BOOL */
/* Member of an object pick of either kind, as a pick; kind JSON_NONE when there is none. */
struct pick pick_member(const struct pick *p, struct str key);
/* As JSON text for messages and string fields; ends at max_bytes with "…" when longer. */
struct str pick_text(const struct pick *p, size_t max_bytes, struct arena *arena);
