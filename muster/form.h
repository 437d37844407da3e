/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Rows of entities for machines, one at a time into a buffer that the caller empties. Pure.
 *
 *   json    one list, an object a line; ndjson the objects alone. Keys are the columns' names ("os.name"), what has no value is left out
 *   csv     RFC 4180: a header, CRLF, quotes where a cell needs them. tsv: a header, LF, and \t \n \r \\ for what would break a line
 *
 * In cells a list is "a, b", an object "{port: 22, protocol: tcp}". Texts stand as they are stored: a spreadsheet may take one that begins
 * with = for a formula.
 */
#include "muster/path.h"

enum form { FORM_TABLE, FORM_JSON, FORM_NDJSON, FORM_CSV, FORM_TSV };

void form_begin(enum form form, const struct paths *columns, struct buf *out);
/* A cell for each column. */
void form_row(enum form form, const struct paths *columns, const struct value *cells,
              bool is_first, struct arena *arena, struct buf *out);
void form_end(enum form form, struct buf *out);
