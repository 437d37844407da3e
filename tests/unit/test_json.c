/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "common/json.h"

#include <stdlib.h>

/* Reading. */

struct text_case {
    const char *sentence, *text, *wanted;
};

static const struct text_case kind_cases[] = {
    {"null_is_null", "null", "null"},
    {"true_is_a_flag", "true", "true or false"},
    {"a_string_is_a_string", "\"\"", "a string"},
    {"a_list_is_a_list", "[]", "a list"},
    {"an_object_is_an_object", "{}", "an object"},
    {"a_number_is_a_number", "-1.5e3", "a number"},
    {"white_space_around_is_skipped", " \r\n\t[ ]\n", "a list"},
    {"a_byte_order_mark_is_skipped", "\xEF\xBB\xBF{}", "an object"},
};

static void has_the_kind(void **state)
{
    const struct text_case *c = *state;
    struct err err = {0};
    json_auto *doc = json_parse(str_of(c->text), &err);
    if (!doc)
        fail_msg("%s", err.text);
    assert_string_equal(json_kind_name(json_kind_of(json_root(doc))), c->wanted);
}

static const struct text_case fault_cases[] = {
    {"an_empty_text_says_so", "", "line 1, column 1: there is no data"},
    {"blanks_alone_say_so", " \n ", "line 1, column 1: there is no data"},
    {"a_cut_object_says_where", "{\n \"a\": 1,\n \"b\"",
     "line 3, column 5: unexpected end of data (the body is cut?)"},
    {"a_cut_string_says_where", "[\"ab",
     "line 1, column 5: unexpected end of data (the body is cut?)"},
    {"a_cut_number_says_where", "[-",
     "line 1, column 3: unexpected end of data (the body is cut?)"},
    {"html_says_what_was_found", "<html>",
     "line 1, column 1: unexpected character, expected a valid root value, found '<'"},
    {"columns_are_characters", "[\"\u00e9\u00e9\", x]",
     "line 1, column 8: unexpected character, expected a valid JSON value, found 'x'"},
    {"a_trailing_comma_is_refused", "[1,]",
     "line 1, column 3: trailing comma is not allowed, found ','"},
    {"a_comment_is_refused", "[1] // x",
     "line 1, column 5: unexpected content after document, found '/'"},
    {"a_second_value_is_refused", "{}{}",
     "line 1, column 3: unexpected content after document, found '{'"},
    {"a_line_break_in_a_string_is_refused", "\"a\nb\"",
     "line 1, column 3: unexpected control character in string, found byte 0x0a"},
    {"bytes_that_are_not_utf8_are_refused", "[\"a\xff\"]",
     "line 1, column 4: invalid UTF-8 encoding in string, found byte 0xff"},
    {"a_cut_character_is_refused", "[\"\xc3\"]",
     "line 1, column 3: invalid UTF-8 encoding in string, found byte 0xc3"},
    {"a_surrogate_in_utf8_is_refused", "[\"\xed\xa0\x80\"]",
     "line 1, column 3: invalid UTF-8 encoding in string, found byte 0xed"},
    {"half_a_surrogate_pair_is_refused", "[\"\\ud800\"]",
     "line 1, column 9: no low surrogate in string, found '\"'"},
    {"infinity_is_refused", "[NaN]",
     "line 1, column 2: unexpected character, expected a valid JSON value, found 'N'"},
};

static void names_the_fault(void **state)
{
    const struct text_case *c = *state;
    struct err err = {0};
    assert_null(json_parse(str_of(c->text), &err));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_string_equal(err.text, c->wanted);
}

static struct json_doc *nested(size_t depth, const char *open, const char *close,
                               struct err *err)
{
    buf_auto text;
    buf_init(&text, 10000);
    for (size_t i = 0; i < depth; i++)
        assert_true(buf_addf(&text, "%s", open));
    assert_true(buf_addf(&text, "0"));
    for (size_t i = 0; i < depth; i++)
        assert_true(buf_addf(&text, "%s", close));
    return json_parse(buf_str(&text), err);
}

static void nesting_up_to_the_limit_is_read(void **state)
{
    (void)state;
    struct err err = {0};
    json_auto *lists = nested(JSON_MAX_DEPTH, "[", "]", &err);
    assert_non_null(lists);
    json_auto *mixed = nested(JSON_MAX_DEPTH / 2, "[0,[],{\"a\":", "},\"[\"]", &err);
    assert_non_null(mixed);
}

static void nesting_past_the_limit_says_where(void **state)
{
    (void)state;
    struct err err = {0};
    assert_null(nested(JSON_MAX_DEPTH + 1, "[\"\\\"[[\",", "]", &err));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_string_equal(err.text, "line 1, column 513: nested deeper than 64 levels");
}

static void siblings_do_not_add_up_to_depth(void **state)
{
    (void)state;
    struct err err = {0};
    buf_auto text;
    buf_init(&text, 10000);
    assert_true(buf_addf(&text, "[0"));
    for (int i = 0; i < 200; i++)
        assert_true(buf_addf(&text, ",[{\"a\":[]},{}]"));
    assert_true(buf_addf(&text, "]"));
    json_auto *doc = json_parse(buf_str(&text), &err);
    assert_non_null(doc);
}

struct number_case {
    const char *sentence, *text;
    enum json_kind kind;
    int64_t whole;
    double real;
};

static const struct number_case number_cases[] = {
    {"a_small_number_is_whole", "42", JSON_INT, 42, 42},
    {"the_greatest_int64_is_exact", "9223372036854775807", JSON_INT, INT64_MAX, 0x1p63},
    {"the_least_int64_is_exact", "-9223372036854775808", JSON_INT, INT64_MIN, -0x1p63},
    {"beyond_int64_it_is_real", "9223372036854775808", JSON_REAL, 0, 0x1p63},
    {"beyond_53_bits_it_is_exact", "11730616285000001", JSON_INT, 11730616285000001,
     11730616285000001.0},
    {"a_point_makes_it_real", "1.0", JSON_REAL, 0, 1},
    {"an_exponent_makes_it_real", "1e3", JSON_REAL, 0, 1000},
    {"minus_zero_is_zero", "-0", JSON_INT, 0, 0},
};

static void reads_the_number(void **state)
{
    const struct number_case *c = *state;
    arena_auto arena = {0};
    struct err err = {0};
    json_auto *doc = json_parse(str_of(c->text), &err);
    struct json root = json_root(doc);
    assert_int_equal(json_kind_of(root), c->kind);
    assert_true(json_int(root) == c->whole);
    assert_true(json_real(root) == c->real);
    struct str text = json_text(root, 100, &arena);
    assert_text(text.ptr, text.len, c->text);
}

static void a_string_may_hold_nul(void **state)
{
    (void)state;
    struct err err = {0};
    json_auto *doc = json_parse(STR("{\"a\\u0000b\":\"x\\u0000y\"}"), &err);
    struct str text = json_str(json_member(json_root(doc), STR("a\0b")));
    assert_int_equal(text.len, 3);
    assert_memory_equal(text.ptr, "x\0y", 3);
}

static void of_a_key_that_stands_twice_the_last_counts(void **state)
{
    (void)state;
    struct err err = {0};
    json_auto *doc = json_parse(STR("{\"a\":1,\"b\":2,\"a\":3,\"a\":{\"a\":4}}"), &err);
    struct json root = json_root(doc);
    assert_int_equal(json_int(json_member(json_member(root, STR("a")), STR("a"))), 4);

    struct json_walk w = json_walk(root);
    assert_true(json_next(&w));
    assert_true(str_eq(w.key, STR("b")));
    assert_true(json_next(&w));
    assert_true(str_eq(w.key, STR("a")));
    assert_int_equal(json_kind_of(w.value), JSON_OBJECT);
    assert_false(json_next(&w));
}

static void a_walk_gives_items_in_order(void **state)
{
    (void)state;
    struct err err = {0};
    json_auto *doc = json_parse(STR("[10,[11,12],13]"), &err);
    struct json root = json_root(doc);
    struct json_walk w = json_walk(root);
    assert_int_equal(json_size(root), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(json_next(&w));
        assert_ptr_equal(w.value.place, json_item(root, i).place);
    }
    assert_false(json_next(&w));
    assert_null(json_item(root, 3).place);
}

static void nothing_is_asked_of_nothing(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct json none = {0};
    assert_int_equal(json_kind_of(none), JSON_NONE);
    assert_int_equal(json_kind_of(json_member(none, STR("a"))), JSON_NONE);
    assert_int_equal(json_kind_of(json_item(none, 0)), JSON_NONE);
    assert_int_equal(json_size(none), 0);
    assert_int_equal(json_str(none).len, 0);
    assert_int_equal(json_int(none), 0);
    assert_false(json_flag(none));
    assert_int_equal(json_text(none, 10, &arena).len, 0);
    struct json_walk w = json_walk(none);
    assert_false(json_next(&w));
}

static void text_is_cut_between_characters(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    json_auto *doc = json_parse(STR("[ \"\u00e9\u00e9\" ]"), &err);
    struct str whole = json_text(json_root(doc), 8, &arena);
    assert_text(whole.ptr, whole.len, "[\"\u00e9\u00e9\"]");
    struct str cut = json_text(json_root(doc), 5, &arena);
    assert_text(cut.ptr, cut.len, "[\"\u00e9…");
}

static void a_body_of_40_mib_is_read(void **state)
{
    (void)state;
    struct err err = {0};
    buf_auto text;
    buf_init(&text, 48 << 20);
    assert_true(buf_addf(&text, "[0"));
    while (text.len < 40 << 20)
        assert_true(
            buf_add(&text, STR(",{\"name\":\"a host of some length\",\"list\":[1,2,3]}")));
    assert_true(buf_addf(&text, "]"));
    json_auto *doc = json_parse(buf_str(&text), &err);
    assert_non_null(doc);
    assert_true(json_size(json_root(doc)) > 800000);
}

/* Writing. */

static void written_text_is_compact_json(void **state)
{
    (void)state;
    buf_auto text;
    buf_init(&text, 1000);
    struct json_out out = {.buf = &text};
    json_open(&out, '{');
    json_key(&out, STR("a"));
    json_open(&out, '[');
    json_put_int(&out, INT64_MIN);
    json_put_bool(&out, true);
    json_put_null(&out);
    json_open(&out, '{');
    json_close(&out, '}');
    json_close(&out, ']');
    json_key(&out, STR("b"));
    json_put_json(&out, STR("1.50"));
    json_key(&out, STR("c"));
    json_put_str(&out, STR("d"));
    json_close(&out, '}');
    assert_false(out.failed);
    assert_text(text.ptr, text.len,
                "{\"a\":[-9223372036854775808,true,null,{}],\"b\":1.50,\"c\":\"d\"}");
}

struct escape_case {
    const char *sentence;
    struct str text;
    const char *wanted;
};

#define BYTES(literal) {"" literal, sizeof(literal) - 1}

static const struct escape_case escape_cases[] = {
    {"plain_text_is_written_as_it_is", BYTES("a \u00e9 \U0001F600"), "\"a \u00e9 \U0001F600\""},
    {"empty_text_is_written", BYTES(""), "\"\""},
    {"quotes_and_backslashes_are_escaped", BYTES("\"\\/"), "\"\\\"\\\\/\""},
    {"control_characters_are_escaped", BYTES("\b\f\n\r\t\x01\x1f"),
     "\"\\b\\f\\n\\r\\t\\u0001\\u001f\""},
    {"nul_is_escaped", BYTES("a\0b"), "\"a\\u0000b\""},
    {"bytes_that_are_no_text_are_replaced", BYTES("a\xff\xc3z\xe2\x82"),
     "\"a\uFFFD\uFFFDz\uFFFD\uFFFD\""},
    {"an_overlong_form_is_replaced", BYTES("\xc0\x80"), "\"\uFFFD\uFFFD\""},
};

static void writes_the_string(void **state)
{
    const struct escape_case *c = *state;
    struct err err = {0};
    buf_auto text;
    buf_init(&text, 1000);
    struct json_out out = {.buf = &text};
    json_put_str(&out, c->text);
    assert_false(out.failed);
    assert_text(text.ptr, text.len, c->wanted);
    json_auto *doc = json_parse(buf_str(&text), &err);
    assert_non_null(doc);
}

static void a_full_buffer_is_a_failure_that_stays(void **state)
{
    (void)state;
    buf_auto text;
    buf_init(&text, 5);
    struct json_out out = {.buf = &text};
    json_put_str(&out, STR("abcdef"));
    assert_true(out.failed);
    json_put_int(&out, 1);
    assert_true(out.failed);
}

int main(void)
{
    static struct cases all;
    CASES_ADD(&all, has_the_kind, kind_cases);
    CASES_ADD(&all, names_the_fault, fault_cases);
    CASES_ADD(&all, reads_the_number, number_cases);
    CASES_ADD(&all, writes_the_string, escape_cases);
    CASES_ADD_ONE(&all, nesting_up_to_the_limit_is_read);
    CASES_ADD_ONE(&all, nesting_past_the_limit_says_where);
    CASES_ADD_ONE(&all, siblings_do_not_add_up_to_depth);
    CASES_ADD_ONE(&all, a_string_may_hold_nul);
    CASES_ADD_ONE(&all, of_a_key_that_stands_twice_the_last_counts);
    CASES_ADD_ONE(&all, a_walk_gives_items_in_order);
    CASES_ADD_ONE(&all, nothing_is_asked_of_nothing);
    CASES_ADD_ONE(&all, text_is_cut_between_characters);
    CASES_ADD_ONE(&all, a_body_of_40_mib_is_read);
    CASES_ADD_ONE(&all, written_text_is_compact_json);
    CASES_ADD_ONE(&all, a_full_buffer_is_a_failure_that_stays);
    return cases_run("json", &all);
}
