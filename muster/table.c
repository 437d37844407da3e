/* SPDX-License-Identifier: MIT */
#include "muster/table.h"

#include "muster/show.h"

#include <stdlib.h>

enum { CELL_MAX_BYTES = 4 * TABLE_CELL_MAX, GAP = 2 };

static void put(struct buf *out, struct str s)
{
    if (!buf_add(out, s))
        abort(); /* the sample is bounded, and the buffer is emptied after each row */
}

void table_init(struct table *t, struct paths columns, size_t screen, bool may_choose)
{
    *t = (struct table){.columns = columns, .screen = screen, .may_choose = may_choose};
    t->sample = ARENA_ARRAY(&t->arena, struct str, columns.count * TABLE_SAMPLE);
    t->widths = ARENA_ARRAY(&t->arena, size_t, columns.count);
}

void table_done(struct table *t)
{
    arena_done(&t->arena);
}

/* --- cells --- */

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

/* Characters stand for columns of the screen; some of East Asia take two. */
static size_t width_of(struct str s)
{
    size_t width = 0;
    for (size_t i = 0; i < s.len; i++)
        width += begins_character(s.ptr[i]);
    return width;
}

static struct str head_of(struct str s, size_t width)
{
    size_t i = 0;
    for (; i < s.len; i++)
        if (begins_character(s.ptr[i]) && width-- == 0)
            break;
    return (struct str){s.ptr, i};
}

static void put_spaces(struct buf *out, size_t count)
{
    while (count-- > 0)
        put(out, STR(" "));
}

static void put_cell(struct buf *out, struct str s, size_t width, bool to_the_right,
                     bool is_last)
{
    size_t has = width_of(s), pad = has < width ? width - has : 0;
    put_spaces(out, to_the_right ? pad : 0);
    if (has > width) {
        put(out, head_of(s, width - 1));
        put(out, STR("…"));
    } else {
        put(out, s);
    }
    put_spaces(out, to_the_right || is_last ? 0 : pad);
}

static void put_row(const struct table *t, const struct str *cells, struct buf *out)
{
    size_t last = t->columns.count;
    bool is_first = true;
    while (last > 0 && (t->widths[last - 1] == 0 || cells[last - 1].len == 0))
        last--; /* no spaces at the end of a line */
    for (size_t i = 0; i < last; i++) {
        if (t->widths[i] == 0)
            continue;
        put_spaces(out, is_first ? 0 : GAP);
        put_cell(out, cells[i], t->widths[i], t->columns.list[i].type->kind == TYPE_INT,
                 i + 1 == last);
        is_first = false;
    }
    put(out, STR("\n"));
}

/* --- widths --- */

static void measure(struct table *t)
{
    for (size_t c = 0; c < t->columns.count; c++) {
        size_t width = 0;
        for (size_t r = 0; r < t->sampled; r++) {
            size_t cell = width_of(t->sample[r * t->columns.count + c]);
            width = cell > width ? cell : width;
        }
        if (width == 0 && t->may_choose)
            continue;
        size_t name = width_of(t->columns.list[c].name);
        width = name > width ? name : width;
        t->widths[c] = width > TABLE_CELL_MAX ? TABLE_CELL_MAX : width;
    }
}

/* In the order of the columns, as many as the screen has room for, but one at least. */
static void choose(struct table *t)
{
    size_t used = 0;
    bool is_full = false;
    for (size_t c = 0; c < t->columns.count; c++) {
        size_t needed = t->widths[c] + (used ? GAP : 0);
        is_full = is_full || (used && used + needed > t->screen);
        if (is_full)
            t->widths[c] = 0;
        used += t->widths[c] ? needed : 0;
    }
}

/* The widest one gives way, again and again. */
static void shrink(struct table *t)
{
    size_t used = 0, widest = 0;
    for (size_t c = 0; c < t->columns.count; c++)
        used += t->widths[c] + (c ? GAP : 0);
    while (used > t->screen) {
        for (size_t c = 0; c < t->columns.count; c++)
            if (t->widths[c] > t->widths[widest])
                widest = c;
        if (t->widths[widest] <= TABLE_CELL_MIN)
            return;
        t->widths[widest]--;
        used--;
    }
}

static void lay_out(struct table *t, struct buf *out)
{
    struct str *names = ARENA_ARRAY(&t->arena, struct str, t->columns.count);
    measure(t);
    if (t->screen && t->may_choose)
        choose(t);
    else if (t->screen)
        shrink(t);
    for (size_t i = 0; i < t->columns.count; i++)
        names[i] = t->columns.list[i].name;
    t->is_laid_out = true;
    if (t->sampled || !t->may_choose)
        put_row(t, names, out);
    for (size_t r = 0; r < t->sampled; r++)
        put_row(t, &t->sample[r * t->columns.count], out);
}

void table_row(struct table *t, const struct value *cells, struct arena *scratch,
               struct buf *out)
{
    bool is_sample = t->sampled < TABLE_SAMPLE;
    struct arena *arena = is_sample ? &t->arena : scratch;
    struct str *row = is_sample ? &t->sample[t->sampled++ * t->columns.count]
                                : ARENA_ARRAY(scratch, struct str, t->columns.count);
    for (size_t i = 0; i < t->columns.count; i++)
        row[i] = show_value(t->columns.list[i].type, cells[i], CELL_MAX_BYTES, arena);
    if (!is_sample && !t->is_laid_out)
        lay_out(t, out);
    if (!is_sample)
        put_row(t, row, out);
}

void table_end(struct table *t, struct buf *out)
{
    if (!t->is_laid_out)
        lay_out(t, out);
}
