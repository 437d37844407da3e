/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Rows of entities for people. The widths are those of the first TABLE_SAMPLE rows, which are held back until they are known; what comes
 * later is cut to them, so that memory stays the same for any number of rows. Pure: the time to write is the caller's.
 */
#include "muster/path.h"

enum { TABLE_SAMPLE = 200, TABLE_CELL_MAX = 40, TABLE_CELL_MIN = 8 };

struct table {
    struct paths columns;
    size_t screen;      /* columns of the screen; 0 = no matter */
    bool may_choose;    /* leave out columns without a value, and those that do not fit */
    struct str *sample; /* rows * columns */
    size_t sampled;
    size_t *widths; /* 0 = left out */
    bool is_laid_out;
    struct arena arena;
};

void table_init(struct table *t, struct paths columns, size_t screen, bool may_choose);
void table_done(struct table *t);
/* `scratch` is forgotten by the caller afterwards. */
void table_row(struct table *t, const struct value *cells, struct arena *scratch,
               struct buf *out);
/* Whatever is held back. */
void table_end(struct table *t, struct buf *out);
