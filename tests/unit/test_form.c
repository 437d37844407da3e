/* SPDX-License-Identifier: MIT */
/* Places in an entity, and the forms of rows: for machines, and for people. */
#include "tests/unit/cases.h"

#include "muster/form.h"
#include "muster/table.h"

static const char model_text[] =
    "model: thing\n"
    "collection: things\n"
    "about: A thing.\n"
    "fields:\n"
    "  name: {type: string, merge: newest, about: Its name.}\n"
    "  size: {type: int, merge: newest, about: Its size.}\n"
    "  os.name: {type: string, merge: newest, about: Its system.}\n"
    "  os.kernel: {type: string, merge: newest, about: Its kernel.}\n"
    "  tags: {type: [string], merge: union, about: Its tags.}\n"
    "  ports:\n"
    "    type:\n"
    "      - port: {type: int}\n"
    "        protocol: {type: string}\n"
    "    merge: union\n"
    "    about: Its ports.\n"
    "identity:\n"
    "  name: [name]\n";

static const char entity_text[] =
    "{\"_id\": {\"$oid\": \"0123456789abcdef01234567\"}, \"name\": \"a,\\\"b\\\"\\r\\n\\t\\\\\", \"size\": 7,"
    " \"os\": {\"name\": \"Debian\"}, \"tags\": [\"x\", \"y\"],"
    " \"ports\": [{\"port\": 22}, {\"port\": 53, \"protocol\": \"udp\"}],"
    " \"created_at\": {\"$date\": {\"$numberLong\": \"5000\"}},"
    " \"sources\": [{\"stream\": \"a/s\", \"key\": \"1\"}, {\"stream\": \"b/s\", \"key\": \"2\", \"gone\": true}]}";

struct world {
    struct arena arena;
    struct model *model;
    struct document entity;
    struct paths columns;
    struct value *cells;
    struct buf out;
};

static void set_columns(struct world *w, const char *names)
{
    struct err err = {0};
    if (!paths_parse(w->model, str_of(names), &w->arena, &w->columns, &err))
        fail_msg("%s", err.text);
    w->cells = ARENA_ARRAY(&w->arena, struct value, w->columns.count);
    for (size_t i = 0; i < w->columns.count; i++)
        w->cells[i] = path_value(&w->columns.list[i], &w->entity, &w->arena);
}

static void make_world(struct world *w)
{
    struct err err = {0};
    bson_auto doc = BSON_INITIALIZER;
    *w = (struct world){0};
    buf_init(&w->out, 1 << 20);
    w->model = model_parse("thing.yaml", str_of(model_text), &w->arena, &err);
    if (!w->model)
        fail_msg("%s", err.text);
    assert_true(bson_init_from_json(&doc, entity_text, -1, NULL));
    document_read(&doc, w->model, &w->arena, &w->entity);
}

static void drop_world(struct world *w)
{
    buf_done(&w->out);
    arena_done(&w->arena);
}
#define world_auto __attribute__((cleanup(drop_world))) struct world

/* --- columns --- */

static void a_group_stands_for_its_fields(void **state)
{
    (void)state;
    world_auto w;
    struct err err = {0};
    make_world(&w);
    set_columns(&w, "os, size,_id");
    assert_int_equal(w.columns.count, 4);
    assert_text(w.columns.list[0].name.ptr, w.columns.list[0].name.len, "os.name");
    assert_text(w.columns.list[3].name.ptr, w.columns.list[3].name.len, "_id");
    assert_false(paths_parse(w.model, STR("sise"), &w.arena, &w.columns, &err));
    assert_non_null(strstr(err.text, "did you mean size?"));
}

static void of_all_columns_none_is_left_out(void **state)
{
    (void)state;
    world_auto w;
    make_world(&w);
    struct paths all = paths_all(w.model, false, &w.arena);
    assert_int_equal(all.count, w.model->field_count + 4);
    assert_text(all.list[0].name.ptr, all.list[0].name.len, "_id");
    struct paths gone = paths_all(w.model, true, &w.arena);
    assert_int_equal(gone.count, 5);
}

/* --- for machines --- */

struct form_case {
    const char *sentence;
    const char *columns;
    enum form form;
    const char *text; /* of two equal rows */
};

static const struct form_case form_cases[] = {
    {"csv quotes what needs it", "name,size", FORM_CSV,
     "name,size\r\n\"a,\"\"b\"\"\r\n\t\\\",7\r\n\"a,\"\"b\"\"\r\n\t\\\",7\r\n"},
    {"tsv escapes what would break a line", "name,size", FORM_TSV,
     "name\tsize\na,\"b\"\\r\\n\\t\\\\\t7\na,\"b\"\\r\\n\\t\\\\\t7\n"},
    {"a cell alone with nothing in it is a row still", "os.kernel", FORM_CSV,
     "os.kernel\r\n\"\"\r\n\"\"\r\n"},
    {"lists and objects can be read", "tags,ports", FORM_TSV,
     "tags\tports\nx, y\t{port: 22}, {port: 53, protocol: udp}\n"
     "x, y\t{port: 22}, {port: 53, protocol: udp}\n"},
    {"parts are gathered from all items", "ports.port,ports.protocol", FORM_NDJSON,
     "{\"ports.port\":[22,53],\"ports.protocol\":[\"udp\"]}\n"
     "{\"ports.port\":[22,53],\"ports.protocol\":[\"udp\"]}\n"},
    {"json is one list", "_id,os.name", FORM_JSON,
     "[\n{\"_id\":\"0123456789abcdef01234567\",\"os.name\":\"Debian\"},\n"
     "{\"_id\":\"0123456789abcdef01234567\",\"os.name\":\"Debian\"}\n]\n"},
    {"json leaves out what is not there", "os.kernel,changed_at,merged_into,created_at",
     FORM_NDJSON,
     "{\"created_at\":\"1970-01-01T00:00:05.000Z\"}\n{\"created_at\":\"1970-01-01T00:00:05.000Z\"}\n"},
    {"a source that is gone is none", "sources", FORM_NDJSON,
     "{\"sources\":[{\"provider\":\"a\",\"stream\":\"a/s\",\"key\":\"1\"}]}\n"
     "{\"sources\":[{\"provider\":\"a\",\"stream\":\"a/s\",\"key\":\"1\"}]}\n"},
};

static void a_form(void **state)
{
    const struct form_case *c = *state;
    world_auto w;
    make_world(&w);
    set_columns(&w, c->columns);
    form_begin(c->form, &w.columns, &w.out);
    form_row(c->form, &w.columns, w.cells, true, &w.arena, &w.out);
    form_row(c->form, &w.columns, w.cells, false, &w.arena, &w.out);
    form_end(c->form, &w.out);
    assert_text(w.out.ptr, w.out.len, c->text);
}

static void no_rows_are_an_empty_list(void **state)
{
    (void)state;
    world_auto w;
    make_world(&w);
    set_columns(&w, "name");
    form_begin(FORM_JSON, &w.columns, &w.out);
    form_end(FORM_JSON, &w.out);
    assert_text(w.out.ptr, w.out.len, "[\n]\n");
}

/* --- for people --- */

static void row(struct world *w, struct table *t, const char *name, int64_t size,
                const char *os)
{
    struct value cells[] = {value_text(str_of(name)), value_int(size),
                            os ? value_text(str_of(os)) : (struct value){0}};
    table_row(t, cells, &w->arena, &w->out);
}

struct table_case {
    const char *sentence;
    size_t screen;
    bool may_choose;
    const char *os; /* of the second row */
    const char *text;
};

static const struct table_case table_cases[] = {
    {"columns are as wide as what is in them", 0, false, "Debian",
     "name        size  os.name\na              1\nlong näme  20000  Debian\n"},
    {"one without a value is left out", 0, true, NULL,
     "name        size\na              1\nlong näme  20000\n"},
    {"but not when it was asked for", 0, false, NULL,
     "name        size  os.name\na              1\nlong näme  20000\n"},
    {"what does not fit is left out", 20, true, "Debian",
     "name        size\na              1\nlong näme  20000\n"},
    {"one at least is shown", 3, true, "Debian", "name\na\nlong näme\n"},
    {"what was asked for is cut instead", 24, false, "Debian",
     "name       size  os.name\na             1\nlong nä…  20000  Debian\n"},
};

static void a_table(void **state)
{
    const struct table_case *c = *state;
    world_auto w;
    struct table t;
    make_world(&w);
    set_columns(&w, "name,size,os.name");
    table_init(&t, w.columns, c->screen, c->may_choose);
    row(&w, &t, "a", 1, NULL);
    row(&w, &t, "long n\xc3\xa4me", 20000, c->os);
    assert_int_equal(w.out.len, 0);
    table_end(&t, &w.out);
    table_done(&t);
    assert_text(w.out.ptr, w.out.len, c->text);
}

static void rows_after_the_sample_are_cut_to_its_widths(void **state)
{
    (void)state;
    world_auto w;
    struct table t;
    make_world(&w);
    set_columns(&w, "name,size,os.name");
    table_init(&t, w.columns, 0, true);
    for (size_t i = 0; i < TABLE_SAMPLE; i++)
        row(&w, &t, "short", 10, NULL);
    assert_int_equal(w.out.len, 0);
    row(&w, &t, "longer\n", 7, "Debian");
    table_end(&t, &w.out);
    size_t used = t.arena.used_bytes;
    row(&w, &t, "x", 7, "Debian");
    assert_int_equal(t.arena.used_bytes, used);
    table_done(&t);
    struct str tail = {w.out.ptr + w.out.len - 28, 28};
    assert_text(tail.ptr, tail.len, "short    10\nlong…     7\nx         7\n" + 10);
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD_ONE(&all, a_group_stands_for_its_fields);
    CASES_ADD_ONE(&all, of_all_columns_none_is_left_out);
    CASES_ADD(&all, a_form, form_cases);
    CASES_ADD_ONE(&all, no_rows_are_an_empty_list);
    CASES_ADD(&all, a_table, table_cases);
    CASES_ADD_ONE(&all, rows_after_the_sample_are_cut_to_its_widths);
    return cases_run("form", &all);
}
