/* SPDX-License-Identifier: MIT */
#include "muster/form.h"

#include "muster/show.h"

#include <stdlib.h>
#include <string.h>

static void put(struct buf *out, struct str s)
{
    if (!buf_add(out, s))
        abort(); /* an entity is 16 MiB at most, and the buffer is emptied after each */
}

/* --- CSV and TSV --- */

static void put_csv_cell(struct buf *out, struct str s)
{
    struct str rest = s;
    bool is_plain = true;
    for (size_t i = 0; i < s.len && is_plain; i++)
        is_plain = !strchr(",\"\r\n", s.ptr[i]);
    if (is_plain) {
        put(out, s);
        return;
    }
    put(out, STR("\""));
    while (str_has(rest, STR("\""))) {
        put(out, str_cut(&rest, '"'));
        put(out, STR("\"\""));
    }
    put(out, rest);
    put(out, STR("\""));
}

static void put_tsv_cell(struct buf *out, struct str s)
{
    static const char marks[] = "\t\n\r\\", letters[] = "tnr\\";
    for (size_t i = 0; i < s.len; i++) {
        const char *mark = s.ptr[i] ? strchr(marks, s.ptr[i]) : NULL;
        if (mark)
            put(out, STR("\\"));
        put(out, (struct str){mark ? &letters[mark - marks] : &s.ptr[i], 1});
    }
}

static void put_cell(enum form form, bool is_first, struct str s, struct buf *out)
{
    if (!is_first)
        put(out, form == FORM_CSV ? STR(",") : STR("\t"));
    if (form == FORM_CSV)
        put_csv_cell(out, s);
    else
        put_tsv_cell(out, s);
}

static void end_line(enum form form, struct buf *out)
{
    put(out, form == FORM_CSV ? STR("\r\n") : STR("\n"));
}

static void put_line(enum form form, const struct paths *columns, const struct value *cells,
                     struct arena *arena, struct buf *out)
{
    for (size_t i = 0; i < columns->count; i++)
        put_cell(form, i == 0, show_whole(columns->list[i].type, cells[i], arena), out);
    /* A line with nothing on it is no row to most readers. */
    if (form == FORM_CSV && columns->count == 1 && cells[0].kind == VALUE_NONE)
        put(out, STR("\"\""));
    end_line(form, out);
}

/* --- JSON --- */

static void put_object(const struct paths *columns, const struct value *cells, struct buf *out)
{
    struct json_out o = {.buf = out};
    json_open(&o, '{');
    for (size_t i = 0; i < columns->count; i++) {
        if (cells[i].kind == VALUE_NONE)
            continue;
        json_key(&o, columns->list[i].name);
        show_json(&o, columns->list[i].type, cells[i]);
    }
    json_close(&o, '}');
}

/* --- any --- */

void form_begin(enum form form, const struct paths *columns, struct buf *out)
{
    if (form == FORM_JSON)
        put(out, STR("["));
    if (form != FORM_CSV && form != FORM_TSV)
        return;
    for (size_t i = 0; i < columns->count; i++)
        put_cell(form, i == 0, columns->list[i].name, out);
    end_line(form, out);
}

void form_row(enum form form, const struct paths *columns, const struct value *cells,
              bool is_first, struct arena *arena, struct buf *out)
{
    if (form == FORM_CSV || form == FORM_TSV) {
        put_line(form, columns, cells, arena, out);
        return;
    }
    if (form == FORM_JSON)
        put(out, is_first ? STR("\n") : STR(",\n"));
    put_object(columns, cells, out);
    if (form == FORM_NDJSON)
        put(out, STR("\n"));
}

void form_end(enum form form, struct buf *out)
{
    if (form == FORM_JSON)
        put(out, STR("\n]\n"));
}
