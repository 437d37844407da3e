/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Text: `struct str` is a view (pointer and length, not terminated, NUL is a legal byte, owns
 * nothing); `struct buf` owns its bytes and is born with a maximum. NUL-terminated text exists
 * only at the borders of libraries. Running out of memory aborts the process: offsets are
 * stored after acknowledgement, so a restart loses nothing. Never blocks.
 */
#include "common/err.h"

#include <stddef.h>
#include <stdint.h>

struct str {
    const char *ptr; /* never NULL when len > 0 */
    size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_FMT      "%.*s"
#define STR_ARG(s)   (int)(s).len, (s).ptr

/* A view of NUL-terminated text; NULL gives an empty view. */
struct str str_of(const char *text);
bool str_eq(struct str a, struct str b);
/* Byte order, then length: <0, 0 or >0. */
int str_cmp(struct str a, struct str b);
bool str_has_prefix(struct str s, struct str prefix);
bool str_has(struct str s, struct str part);
/* Without ASCII white space at both ends. */
struct str str_trim(struct str s);
/*
 * Cut off and return what stands before the first `mark`; *rest becomes what follows it, or
 * empty when there is none.
 */
struct str str_cut(struct str *rest, char mark);
/*
 * A whole number in base 10 with an optional '-', nothing before or after it. False when it is
 * none or does not fit.
 */
bool str_to_int(struct str s, int64_t *out_number);
/* Is this valid UTF-8 (RFC 3629)? */
bool str_is_utf8(struct str s);
/*
 * The word of a list that is nearest to `word` (edit distance at most a third of its length),
 * or an empty view.
 */
struct str str_nearest(struct str word, const struct str *words, size_t count);

struct buf {
    char *ptr;
    size_t len;
    size_t room;
    size_t max_bytes; /* over this, buf_add() fails */
};

#define buf_auto __attribute__((cleanup(buf_done))) struct buf

void buf_init(struct buf *b, size_t max_bytes);
void buf_done(struct buf *b);
/* Forget the content, keep the memory. */
void buf_reset(struct buf *b);
/* False when the buffer would grow over its maximum; it is then unchanged. */
must_check bool buf_add(struct buf *b, struct str s);
must_check bool buf_addf(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct str buf_str(const struct buf *b);
/* The content as NUL-terminated text, valid until the next change. */
const char *buf_text(struct buf *b);
