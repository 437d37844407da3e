/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The words and marks of a selection program, for select_compile.c alone. What jq knows and Muster does not is named in
 * the refusal, so that nobody looks for a mistake where there is a limit. Failures are ERR_REJECT and begin with the column.
 */
#include "common/select.h"

struct scan {
    struct str text;
    size_t at;
    struct arena *arena;
    struct err *err;
};

/* "column N: ", for the byte `at`, and the message; returns false. */
bool scan_fail(struct scan *s, size_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The byte that stands `ahead` of here; NUL, which no program holds outside of strings, is the end. */
char scan_peek(const struct scan *s, size_t ahead);
void scan_space(struct scan *s);
/* Goes past white space and, when it stands there, the mark. */
bool scan_take(struct scan *s, const char *mark);
bool scan_is_word_start(char c);
struct str scan_word(struct scan *s);
bool scan_at_number(const struct scan *s);
/* At a quote; at a digit or its minus. They give a literal. */
must_check bool scan_string(struct scan *s, struct pick *out);
must_check bool scan_number(struct scan *s, struct pick *out);
/* Refuse a word that has been read, or whatever stands here; return false. */
bool scan_refuse_word(struct scan *s, size_t at, struct str word);
bool scan_refuse(struct scan *s);
