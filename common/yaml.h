/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A YAML file as a tree of nodes that know where they stand, so that every complaint names
 * file, line and column. A scalar is text, whatever its quotes: what it means is said by
 * whoever reads it. A key that stands twice, an alias, a tag, a tab that indents, more than one
 * document, more than 32 levels, or a file over 1 MiB is refused. The only file that knows
 * libyaml. Reading a file blocks on the disk.
 */
#include "common/arena.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
    enum yaml_kind kind;
    bool quoted; /* of a scalar: 'a', "a", | or > */
    const char *file;
    unsigned line, column; /* from 1 */
    struct str text;       /* of a scalar */
    size_t count;          /* items, or pairs */
    struct yaml *keys;     /* of a map: count scalars */
    struct yaml *items;    /* of a list, or the values of a map */
};

/*
 * Errors stop with 78, 66 when there is no such file, and read "FILE:LINE:COLUMN: …". A file without content is an empty
 * map.
 */
must_check bool yaml_load(const char *file, struct arena *arena, struct yaml *out_root,
                          struct err *err);
must_check bool yaml_parse(const char *file, struct str content, struct arena *arena,
                           struct yaml *out_root, struct err *err);
/* For the lists of words below. */
#define COUNT_OF(list) (sizeof(list) / sizeof *(list))
/* The value of a key, or NULL. */
const struct yaml *yaml_get(const struct yaml *map, struct str key);
/* "FILE:LINE:COLUMN: " and the message, exit code 78; returns false. */
bool yaml_error(const struct yaml *at, struct err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * The same for a word that is none of `words`: the message, then "; did you mean "NEAREST"?",
 * or all of them when none is near.
 */
bool yaml_unknown(const struct yaml *at, struct str word, const struct str *words, size_t count,
                  struct err *err, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/*
 * Fails when it is no map, and on the first key that is not among `words`. `what` reads like "a
 * stream".
 */
must_check bool yaml_only(const struct yaml *map, const char *what, const struct str *words,
                          size_t count, struct err *err);
/* Is the word one of these? */
bool yaml_is_among(struct str word, const struct str *words, size_t count);
/*
 * Is the scalar a name as files have them: a-z, 0-9 and '_', beginning with a letter? `what`
 * reads like "a field".
 */
must_check bool yaml_word(const struct yaml *at, const char *what, struct err *err);
/* The value of a key that must be there, or NULL. */
const struct yaml *yaml_need(const struct yaml *map, const char *key, const char *what,
                             struct err *err);
/* What an optional key says; the output is untouched when it is not there. */
must_check bool yaml_text(const struct yaml *map, const char *key, struct str *out,
                          struct err *err);
must_check bool yaml_flag(const struct yaml *map, const char *key, bool *out, struct err *err);
must_check bool yaml_whole(const struct yaml *map, const char *key, int64_t least, int64_t most,
                           int64_t *out, struct err *err);
/* Fails on the first key of a map that is among `words`, which later versions will know. */
must_check bool yaml_not_yet(const struct yaml *map, const struct str *words, size_t count,
                             struct err *err);
/*
 * SHA-256 of `before` and of what a node says: keys in their order, without comments and
 * positions.
 */
void yaml_digest(const struct yaml *node, struct str before, uint8_t out[static 32]);

const char *yaml_library_version(void);
