/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serializer/map.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NAME(s)      {(s), sizeof(s) - 1}

/* --- a small stream --- */

static const struct type string = {.kind = TYPE_STRING};
static const struct member agent_members[] = {
    {NAME("id"), {.kind = TYPE_STRING}, false},
    {NAME("seen_at"), {.kind = TYPE_DATETIME}, true},
};
static const struct type agent = {.kind = TYPE_OBJECT, .members = agent_members, .count = 2};

static const struct field fields[] = {
    {.name = NAME("hostname"), .type = {.kind = TYPE_HOSTNAME}},
    {.name = NAME("size"), .type = {.kind = TYPE_INT}},
    {.name = NAME("tags"), .type = {.kind = TYPE_LIST, .item = &string}},
    {.name = NAME("agents"), .type = {.kind = TYPE_LIST, .item = &agent}},
};
static const struct model model = {.fields = fields, .field_count = COUNT(fields)};

static const struct select *compiled(const char *program, struct arena *arena)
{
    struct err err = {0};
    const struct select *select = select_compile(str_of(program), arena, &err);
    if (!select)
        fail_msg("%s: %s", program, err.text);
    return select;
}

/* The size is not mapped: a model knows more than a provider does. */
static struct stream make_stream(struct arena *arena)
{
    static const char *const programs[] = {".name // .fqdn", ".size", ".tags[]",
                                           ".agents[] | {id, seen_at: .seen}"};
    struct stream stream = {.name = STR("p/things"), .model = &model};
    stream.records = compiled(".items[]", arena);
    stream.key = compiled(".id", arena);
    stream.as_of = compiled(".at", arena);
    stream.field_count = COUNT(fields);
    stream.fields = ARENA_ARRAY(arena, struct field_map, COUNT(fields));
    for (size_t i = 0; i < COUNT(fields); i++)
        stream.fields[i] =
            (struct field_map){.field = i, .select = compiled(programs[i], arena)};
    return stream;
}

static const struct page_head head = {.link = NAME("link-1"),
                                      .gen = 7,
                                      .map = 3,
                                      .page = 12,
                                      .sha256 = {1, 2, 3, 4, 5, 6, 7, 0xff, 9}};
static const struct coords coords = {.topic = NAME("pages"), .partition = 2, .offset = 99};

/* The body is gone before anything is looked at: records must not point into it. */
static bool mapped(struct str body, struct arena *arena, struct decoded *out, struct err *err)
{
    arena_auto own = {0};
    struct stream stream = make_stream(&own);
    char *bytes = malloc(body.len + 1);
    assert_non_null(bytes);
    if (body.len)
        memcpy(bytes, body.ptr, body.len);
    bool fine =
        map_page(&stream, &head, (struct str){bytes, body.len}, coords, arena, out, err);
    free(bytes);
    return fine;
}

/* --- what came out, as text --- */

static void show(struct value v, struct buf *out)
{
    bool fits = true;
    if (v.kind == VALUE_TEXT)
        fits = buf_add(out, value_str(v));
    else if (v.kind == VALUE_NONE)
        fits = buf_addf(out, "-");
    else if (v.kind != VALUE_LIST && v.kind != VALUE_OBJECT)
        fits = buf_addf(out, "%lld", (long long)v.number);
    else
        for (uint32_t i = 0; i < v.count; i++) {
            fits = fits && buf_addf(out, i ? "," : "");
            show(v.items[i], out);
        }
    assert_true(fits);
}

/* "KEY#ORDINAL@AS_OF hostname size tags agents; …", " ! KEY FIELD: why", " x REJECTS FIRST" */
static void show_decoded(const struct decoded *d, struct buf *out)
{
    bool fits = true;
    for (size_t i = 0; i < d->count; i++) {
        const struct source *s = &d->records[i];
        fits = fits && buf_addf(out, "%s" STR_FMT "#%d", i ? "; " : "", STR_ARG(s->key),
                                s->version.ordinal);
        if (s->has_as_of)
            fits = fits && buf_addf(out, "@%lld", (long long)s->as_of_ms);
        for (size_t j = 0; j < COUNT(fields); j++) {
            fits = fits && buf_addf(out, " ");
            show(s->fields[j], out);
        }
    }
    for (size_t i = 0; i < d->issue_count; i++) {
        const struct issue *issue = &d->issues[i];
        struct str name = issue->field ? issue->field->name : STR("as_of");
        fits = fits && buf_addf(out, " ! " STR_FMT " " STR_FMT ": " STR_FMT,
                                STR_ARG(issue->key), STR_ARG(name), STR_ARG(issue->text));
    }
    if (d->rejects)
        fits = fits && buf_addf(out, " x %zu " STR_FMT, d->rejects, STR_ARG(d->first_reject));
    assert_true(fits);
}

struct map_case {
    const char *sentence;
    const char *body;
    const char *records;
};

static const struct map_case page_cases[] = {
    {"a page without records has none", "{\"items\": []}", ""},
    {"a page without the place of records has none", "{}", ""},
    {"an empty body has none", "", ""},
    {"a blank body has none", " \r\n\t", ""},
    {"a byte order mark alone has none", "\xEF\xBB\xBF\n", ""},
    {"a byte order mark is skipped", "\xEF\xBB\xBF{\"items\":[{\"id\":\"a\"}]}", "a#0 - - - -"},
    {"each field gets its value",
     "{\"items\":[{\"id\":\"a\",\"at\":\"1970-01-01T00:00:01Z\",\"name\":\"A.\",\"size\":\"5\","
     "\"tags\":[\"y\",\"x\"],\"agents\":[{\"id\":1,\"seen\":{\"$date\":7}}]}]}",
     "a#0@1000 a 5 x,y 1,7"},
    {"an alternative is taken where the first is null",
     "{\"items\":[{\"id\":\"a\",\"name\":null,\"fqdn\":\"F\"}]}", "a#0 f - - -"},
    {"records keep their places", "{\"items\":[{\"id\":\"a\"},{\"id\":\"b\"}]}",
     "a#0 - - - -; b#1 - - - -"},
    {"a key that comes twice is two records",
     "{\"items\":[{\"id\":\"a\",\"size\":1},{\"id\":\"a\",\"size\":2}]}",
     "a#0 - 1 - -; a#1 - 2 - -"},
    {"a key may be a number", "{\"items\":[{\"id\":305003660}]}", "305003660#0 - - - -"},
    {"a key of 64 bits is exact", "{\"items\":[{\"id\":9007199254740993}]}",
     "9007199254740993#0 - - - -"},
    {"a key may be a boolean", "{\"items\":[{\"id\":false}]}", "false#0 - - - -"},
};

static const struct map_case fault_cases[] = {
    {"a bad field is an issue and costs itself",
     "{\"items\":[{\"id\":\"a\",\"size\":\"lots\",\"name\":\"n\"}]}",
     "a#0 n - - - ! a size: \"lots\" is no int"},
    {"a bad item is an issue and costs itself",
     "{\"items\":[{\"id\":\"a\",\"tags\":[\"x\",{\"y\":1},\"z\"]}]}",
     "a#0 - - x,z - ! a tags: {\"y\":1} is no string"},
    {"a bad member is an issue and costs itself",
     "{\"items\":[{\"id\":\"a\",\"agents\":[{\"id\":\"g\",\"seen\":\"?\"}]}]}",
     "a#0 - - - g,- ! a agents: seen_at: \"?\" is no datetime"},
    {"a field of another shape is an issue",
     "{\"items\":[{\"id\":\"a\",\"tags\":\"x\",\"size\":1}]}",
     "a#0 - 1 - - ! a tags: .tags[]: wants a list or an object and found a string"},
    {"an as_of that is none is an issue",
     "{\"items\":[{\"id\":\"a\",\"at\":\"soon\",\"size\":1}]}",
     "a#0 - 1 - - ! a as_of: \"soon\" is no datetime"},
    {"no as_of is no issue", "{\"items\":[{\"id\":\"a\",\"at\":null}]}", "a#0 - - - -"},
    {"a record without a key costs itself",
     "{\"items\":[{\"id\":\"a\"},{\"size\":1},{\"id\":\"b\"}]}",
     "a#0 - - - -; b#2 - - - - x 1 record 2: no key at .id"},
    {"a null key is none", "{\"items\":[{\"id\":null},{\"id\":\"a\"}]}",
     "a#1 - - - - x 1 record 1: no key at .id"},
    {"a blank key is none", "{\"items\":[{\"id\":\" \"},{\"id\":\"a\"}]}",
     "a#1 - - - - x 1 record 1: no key at .id"},
    {"an object is no key", "{\"items\":[{\"id\":\"a\"},{\"id\":{\"x\":1}}]}",
     "a#0 - - - - x 1 record 2: no key at .id: {\"x\":1} is no string"},
    {"a key has no NUL byte", "{\"items\":[{\"id\":\"a\"},{\"id\":\"a\\u0000\"}]}",
     "a#0 - - - - x 1 record 2: a key with a NUL byte at .id"},
    {"text is no record", "{\"items\":[{\"id\":\"a\"},\"b\"]}",
     "a#0 - - - - x 1 record 2: a string is no object of the page"},
    {"a list is no record", "{\"items\":[{\"id\":\"a\"},[{\"id\":\"b\"}]]}",
     "a#0 - - - - x 1 record 2: a list is no object of the page"},
    {"the first of several rejects is told",
     "{\"items\":[{\"id\":\"a\"},7,{\"id\":\"b\"},{\"id\":null}]}",
     "a#0 - - - -; b#2 - - - - x 2 record 2: a number is no object of the page"},
    {"half of a page may be rejects", "{\"items\":[{},{\"id\":\"b\"}]}",
     "b#1 - - - - x 1 record 1: no key at .id"},
};

static void check_all(const struct map_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        arena_auto arena = {0};
        buf_auto shown = {.max_bytes = 100000};
        struct decoded decoded;
        struct err err = {0};
        if (!mapped(str_of(cases[i].body), &arena, &decoded, &err))
            fail_msg("%s: %s", cases[i].sentence, err.text);
        show_decoded(&decoded, &shown);
        if (strcmp(buf_text(&shown), cases[i].records) != 0)
            fail_msg("%s: got %s, not %s", cases[i].sentence, buf_text(&shown),
                     cases[i].records);
    }
}

static void test_a_page_becomes_records(void **state)
{
    (void)state;
    check_all(page_cases, COUNT(page_cases));
}

static void test_a_fault_costs_no_more_than_itself(void **state)
{
    (void)state;
    check_all(fault_cases, COUNT(fault_cases));
}

static const struct {
    const char *sentence, *body, *text;
} reject_cases[] = {
    {"a page that is cut is a reject", "{\"items\":[{\"id\":", "line 1"},
    {"so is a page that is no JSON", "<html>", "line 1"},
    {"so is a page of another shape", "{\"items\": 5}", "records: .items[]: "},
    {"so is one of which most records are", "{\"items\":[{},{\"id\":\"b\"},7]}",
     "2 of 3 records are no records: record 1: no key at .id"},
    {"so is one of a single bad record", "{\"items\":[7]}", "1 of 1 records are no records: "},
};

static void test_a_page_that_cannot_be_read_is_a_reject(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(reject_cases); i++) {
        arena_auto arena = {0};
        struct decoded decoded = {.count = 77};
        struct err err = {0};
        bool fine = mapped(str_of(reject_cases[i].body), &arena, &decoded, &err);
        if (fine || err.kind != ERR_REJECT || !strstr(err.text, reject_cases[i].text))
            fail_msg("%s: %s", reject_cases[i].sentence, err.text);
        assert_int_equal(decoded.count, 77);
    }
}

static struct decoded must_map(const char *body, struct arena *arena)
{
    struct decoded decoded;
    struct err err = {0};
    if (!mapped(str_of(body), arena, &decoded, &err))
        fail_msg("%s", err.text);
    return decoded;
}

static void test_a_record_knows_where_it_comes_from(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct decoded d = must_map("{\"items\":[{\"id\":\"a\"},{\"id\":\"b\"}]}", &arena);
    const struct version version = {7, 3, 12, 0x01020304050607ff, 1};
    const struct source *s = &d.records[1];
    assert_int_equal(version_cmp(&s->version, &version), 0);
    assert_true(str_eq(s->link, head.link) && str_eq(s->stream, STR("p/things")));
    assert_true(str_eq(s->page.topic, coords.topic));
    assert_true(s->page.partition == 2 && s->page.offset == 99 && !s->gone);
}

static void test_equal_records_have_equal_hashes(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct decoded d = must_map("{\"items\":[{\"id\":\"a\",\"tags\":[\"x\",\"y\"]},"
                                "{\"tags\":[\"y\",\"x\",\"y\"],\"unknown\":1,\"id\":\"b\"},"
                                "{\"id\":\"c\",\"tags\":[\"z\"]}]}",
                                &arena);
    assert_memory_equal(d.records[0].hash, d.records[1].hash, HASH_BYTES);
    assert_memory_not_equal(d.records[0].hash, d.records[2].hash, HASH_BYTES);
}

static void test_a_key_has_a_greatest_length(void **state)
{
    (void)state;
    arena_auto arena = {0};
    buf_auto body = {.max_bytes = 10000};
    char key[KEY_MAX_BYTES + 1];
    memset(key, 'k', sizeof key);
    assert_true(buf_addf(&body, "{\"items\":[{\"id\":\"%.*s\"},{\"id\":\"%.*s\"}]}",
                         KEY_MAX_BYTES, key, KEY_MAX_BYTES + 1, key));
    struct decoded d = must_map(buf_text(&body), &arena);
    assert_int_equal(d.count, 1);
    assert_int_equal(d.records[0].key.len, KEY_MAX_BYTES);
    assert_true(str_eq(d.first_reject, STR("record 2: a key that is too long at .id")));
}

static void test_issues_beyond_a_number_are_counted(void **state)
{
    (void)state;
    arena_auto arena = {0};
    buf_auto body = {.max_bytes = 1000000};
    assert_true(buf_addf(&body, "{\"items\":[{\"id\":0}"));
    for (int i = 1; i <= ISSUES_MAX + 5; i++)
        assert_true(buf_addf(&body, ",{\"id\":%d,\"size\":\"x\"}", i));
    assert_true(buf_addf(&body, "]}"));
    struct decoded d = must_map(buf_text(&body), &arena);
    assert_int_equal(d.count, ISSUES_MAX + 6);
    assert_int_equal(d.issue_count, ISSUES_MAX);
    assert_int_equal(d.issues_left_out, 5);
    assert_true(str_eq(d.issues[ISSUES_MAX - 1].key, STR("1000")));
}

static void test_a_stream_may_have_no_as_of(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct stream stream = make_stream(&arena);
    struct decoded d;
    struct err err = {0};
    stream.as_of = NULL;
    assert_true(map_page(&stream, &head, STR("{\"items\":[{\"id\":1,\"at\":5}]}"), coords,
                         &arena, &d, &err));
    assert_true(d.count == 1 && !d.records[0].has_as_of && d.issue_count == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_becomes_records),
        cmocka_unit_test(test_a_fault_costs_no_more_than_itself),
        cmocka_unit_test(test_a_page_that_cannot_be_read_is_a_reject),
        cmocka_unit_test(test_a_record_knows_where_it_comes_from),
        cmocka_unit_test(test_equal_records_have_equal_hashes),
        cmocka_unit_test(test_a_key_has_a_greatest_length),
        cmocka_unit_test(test_issues_beyond_a_number_are_counted),
        cmocka_unit_test(test_a_stream_may_have_no_as_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
