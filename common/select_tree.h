/* SPDX-License-Identifier: MIT */
#pragma once
/* A compiled program as select_compile.c makes it and select.c runs it; nobody else looks inside. */
#include "common/select.h"

struct step {
    enum { STEP_KEY, STEP_INDEX, STEP_EACH } kind;
    bool is_optional; /* `?` behind it: data of another shape gives no result */
    struct str key;
    int64_t index;     /* negative counts from the end */
    struct str so_far; /* the program's text up to here, for messages */
};

struct node {
    enum {
        NODE_PATH,
        NODE_LITERAL,
        NODE_OBJECT,
        NODE_PIPE,
        NODE_COMMA,
        NODE_OR,
        NODE_TRY
    } kind;
    size_t count; /* steps of a path, members of an object, else children */
    union {
        const struct step *steps;    /* NODE_PATH; none is `.` */
        const struct pick *literal;  /* NODE_LITERAL */
        const struct node *children; /* the rest; NODE_TRY has one */
    };
    const struct str *keys; /* NODE_OBJECT */
};

struct select {
    struct str text;
    struct node root;
};
