/* SPDX-License-Identifier: MIT */
/* Bytes from outside for eyes and for programs. */
#include "tests/unit/cases.h"

#include "muster/payload.h"

static const struct shown {
    const char *sentence, *bytes, *wanted;
} shown[] = {
    {"json_is_laid_out_on_lines", "{\"a\":[1,2],\"b\":{\"c\":null}}",
     "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {\n    \"c\": null\n  }\n}"},
    {"json_that_has_lines_already_gets_ours", "[ 1 ,\r\n\t2 ]\n", "[\n  1,\n  2\n]"},
    {"empty_lists_and_objects_stay_on_their_line", "[{},[ ],{ }]", "[\n  {},\n  [],\n  {}\n]"},
    {"numbers_and_strings_stay_as_they_were_spelled", "[1.50e+2,\"a\\\"\\\\\\u00e9 {,}\"]",
     "[\n  1.50e+2,\n  \"a\\\"\\\\\\u00e9 {,}\"\n]"},
    {"a_value_alone_is_json", "\"x\"", "\"x\""},
    {"a_byte_order_mark_is_left_out", "\xEF\xBB\xBF[]", "[]"},
    {"what_is_cut_stays_as_it_is", "{\"a\":[1,", "{\"a\":[1,"},
    {"a_terminal_gets_no_commands", "<p>\x1b[2Jred\r</p>\x7f", "<p>\\x1b[2Jred\\x0d</p>\\x7f"},
    {"the_second_kind_of_commands_is_none_either",
     "a\xC2\x9B"
     "2J",
     "a\\xc2\\x9b"
     "2J"},
    {"lines_tabs_and_letters_of_any_language_stay", "\xC3\xA4\tb\n", "\xC3\xA4\tb\n"},
    {"what_is_no_utf8_is_shown_by_its_bytes", "a\xff\xC3\xA4", "a\\xff\\xc3\\xa4"},
    {"nothing_is_nothing", "", ""},
};

static void check_shown(void **state)
{
    const struct shown *s = *state;
    arena_auto arena = {0};
    struct str got = payload_shown(str_of(s->bytes), &arena);
    assert_text(got.ptr, got.len, s->wanted);
}

static void a_cut_leaves_whole_characters(void **state)
{
    (void)state;
    struct str text = STR("a\xC3\xA4z");
    assert_int_equal(payload_cut(text, 4).len, 4);
    assert_int_equal(payload_cut(text, 3).len, 3);
    assert_int_equal(payload_cut(text, 2).len, 1);
    assert_int_equal(payload_cut(text, 0).len, 0);
}

static void assert_member(struct str bytes, const char *wanted)
{
    buf_auto text;
    buf_init(&text, 1000);
    struct json_out o = {.buf = &text};
    json_open(&o, '{');
    member_payload(&o, "value", bytes);
    json_close(&o, '}');
    assert_text(text.ptr, text.len, wanted);
}

static void programs_get_text_or_base64_and_so_every_byte(void **state)
{
    (void)state;
    assert_member(STR("a\"b"), "{\"value\":\"a\\\"b\"}");
    assert_member(STR("\x00\xff"), "{\"value_base64\":\"AP8=\"}");
    assert_member(STR(""), "{\"value\":\"\"}");
}

int main(void)
{
    static struct cases all;
    CASES_ADD(&all, check_shown, shown);
    CASES_ADD_ONE(&all, a_cut_leaves_whole_characters);
    CASES_ADD_ONE(&all, programs_get_text_or_base64_and_so_every_byte);
    return cases_run("payload", &all);
}
