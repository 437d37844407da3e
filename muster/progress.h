/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * How far something long has come, on stderr: on a terminal one line that is drawn again in its place, otherwise a line every
 * 10 s. Never fails.
 */
#include "common/arena.h"

struct progress {
    const char *what; /* "pages" */
    bool is_quiet, is_terminal;
    int64_t total;
    int64_t began_ms, drawn_ms;
};

/* Quiet: nothing is ever drawn. */
void progress_begin(struct progress *p, const char *what, int64_t total, bool is_quiet);
/* records: -1 when there are none to speak of. */
void progress_tell(struct progress *p, int64_t done, int64_t records);
/* The last line, and the cursor below it. */
void progress_end(struct progress *p, int64_t done, int64_t records);

/* " 41%  ████████░░░░░░░░░░░░  908 of 2200 pages  1811 records  350 records/s  12 s left". Pure. */
struct str progress_line(const char *what, int64_t done, int64_t total, int64_t records,
                         int64_t elapsed_ms, struct arena *arena);
