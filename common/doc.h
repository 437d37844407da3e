/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * BSON documents, read and written by our own kinds of text and number. Views point into the document. Pure.
 */
#include "common/arena.h"

#include <bson/bson.h>

#define bson_auto \
    __attribute__((cleanup(bson_destroy))) bson_t /* bson_auto query = BSON_INITIALIZER; */

/* Read from a document by dotted path; false when missing or of another type (integers of both widths and whole doubles count as int). */
bool doc_int(const bson_t *doc, const char *path, int64_t *out);
bool doc_time(const bson_t *doc, const char *path, int64_t *out_unix_ms);
bool doc_str(const bson_t *doc, const char *path,
             struct str *out); /* a view into the document */
bool doc_bool(const bson_t *doc, const char *path, bool *out);
bool doc_sub(const bson_t *doc, const char *path,
             bson_t *out); /* a static view: document or array; do not destroy */

/* Write a view; bson_append_utf8() would make null of an empty one. */
void doc_put_str(bson_t *doc, const char *key, struct str s);
/* As an item of a list under construction. */
void doc_push_str(bson_t *list, size_t index, struct str s);
