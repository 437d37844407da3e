/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "common/str.h"

#include <stdlib.h>

#define BYTES(literal) {"" literal, sizeof(literal) - 1}

struct int_case {
    const char *sentence;
    struct str text;
    bool is_number;
    int64_t number;
};

static const struct int_case int_cases[] = {
    {"digits_are_a_number", BYTES("042"), true, 42},
    {"a_minus_makes_it_negative", BYTES("-7"), true, -7},
    {"the_least_int64_fits", BYTES("-9223372036854775808"), true, INT64_MIN},
    {"the_greatest_int64_fits", BYTES("9223372036854775807"), true, INT64_MAX},
    {"one_more_does_not_fit", BYTES("9223372036854775808"), false, 0},
    {"one_less_does_not_fit", BYTES("-9223372036854775809"), false, 0},
    {"twenty_digits_do_not_fit", BYTES("99999999999999999999"), false, 0},
    {"empty_text_is_no_number", BYTES(""), false, 0},
    {"a_minus_alone_is_no_number", BYTES("-"), false, 0},
    {"a_plus_is_no_number", BYTES("+1"), false, 0},
    {"blanks_are_no_number", BYTES(" 1"), false, 0},
    {"nul_is_no_number", BYTES("1\0"), false, 0},
};

static void reads_the_number(void **state)
{
    const struct int_case *c = *state;
    int64_t number = 77;
    assert_int_equal(str_to_int(c->text, &number), c->is_number);
    assert_true(number == (c->is_number ? c->number : 77));
}

struct utf8_case {
    const char *sentence;
    struct str text;
    bool is_utf8;
};

static const struct utf8_case utf8_cases[] = {
    {"empty_text_is_utf8", BYTES(""), true},
    {"ascii_with_nul_is_utf8", BYTES("a\0b"), true},
    {"sequences_of_all_lengths_are_utf8", BYTES("\u00e9\u20ac\U0001F600"), true},
    {"the_last_code_point_is_utf8", BYTES("\xf4\x8f\xbf\xbf"), true},
    {"past_the_last_code_point_is_not", BYTES("\xf4\x90\x80\x80"), false},
    {"a_surrogate_is_not", BYTES("\xed\xa0\x80"), false},
    {"an_overlong_slash_is_not", BYTES("\xc0\xaf"), false},
    {"an_overlong_form_of_three_bytes_is_not", BYTES("\xe0\x80\xaf"), false},
    {"an_overlong_form_of_four_bytes_is_not", BYTES("\xf0\x80\x80\xaf"), false},
    {"a_cut_sequence_is_not", BYTES("a\xe2\x82"), false},
    {"a_lone_continuation_is_not", BYTES("\x80"), false},
    {"latin1_is_not", BYTES("\xe9t\xe9"), false},
};

static void knows_utf8(void **state)
{
    const struct utf8_case *c = *state;
    assert_int_equal(str_is_utf8(c->text), c->is_utf8);
}

struct nearest_case {
    const char *sentence, *word, *nearest;
};

static const struct nearest_case nearest_cases[] = {
    {"a_swap_of_letters_is_near", "recrods", "records"},
    {"a_missing_letter_is_near", "recods", "records"},
    {"a_letter_too_much_is_near", "keyy", "key"},
    {"the_nearest_of_two_is_taken", "pagess", "pages"},
    {"another_word_is_not_near", "xyzzy", ""},
    {"a_short_word_is_not_near_to_all", "ab", ""},
    {"the_word_itself_is_nearest", "key", "key"},
};

static void finds_the_nearest(void **state)
{
    const struct nearest_case *c = *state;
    const struct str words[] = {STR("page"), STR("pages"), STR("records"), STR("key")};
    struct str got = str_nearest(str_of(c->word), words, 4);
    assert_text(got.ptr, got.len, c->nearest);
}

static void empty_views_are_equal_whatever_they_point_to(void **state)
{
    (void)state;
    assert_true(str_eq((struct str){0}, STR("")));
    assert_true(str_eq(str_of(NULL), str_of("")));
    assert_int_equal(str_cmp((struct str){0}, STR("")), 0);
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
}

static void a_part_is_found_where_it_is(void **state)
{
    (void)state;
    assert_true(str_has(STR("abc"), STR("bc")));
    assert_true(str_has(STR("abc"), STR("")));
    assert_true(str_has((struct str){0}, STR("")));
    assert_false(str_has(STR("abc"), STR("cb")));
    assert_false(str_has((struct str){0}, STR("a")));
    assert_true(str_has_prefix(STR("abc"), STR("ab")));
    assert_false(str_has_prefix(STR("a"), STR("ab")));
}

static void white_space_is_trimmed_at_both_ends(void **state)
{
    (void)state;
    struct str got = str_trim(STR(" \t\r\n a b \v\f"));
    assert_text(got.ptr, got.len, "a b");
    assert_int_equal(str_trim(STR(" \n ")).len, 0);
}

static void cutting_gives_the_pieces_in_turn(void **state)
{
    (void)state;
    struct str rest = STR("a,,b");
    assert_true(str_eq(str_cut(&rest, ','), STR("a")));
    assert_true(str_eq(str_cut(&rest, ','), STR("")));
    assert_true(str_eq(str_cut(&rest, ','), STR("b")));
    assert_int_equal(rest.len, 0);
    assert_int_equal(str_cut(&rest, ',').len, 0);
}

static void a_buffer_grows_to_its_maximum_and_no_further(void **state)
{
    (void)state;
    buf_auto b;
    buf_init(&b, 1000);
    for (int i = 0; i < 100; i++)
        assert_true(buf_add(&b, STR("0123456789")));
    assert_false(buf_add(&b, STR("x")));
    assert_false(buf_addf(&b, "%d", 1));
    assert_int_equal(b.len, 1000);
    assert_true(buf_add(&b, STR("")));
    assert_int_equal(strlen(buf_text(&b)), 1000);
    buf_reset(&b);
    assert_true(buf_addf(&b, "%s-%d", "a", 5));
    assert_text(b.ptr, b.len, "a-5");
}

int main(void)
{
    static struct cases all;
    CASES_ADD(&all, reads_the_number, int_cases);
    CASES_ADD(&all, knows_utf8, utf8_cases);
    CASES_ADD(&all, finds_the_nearest, nearest_cases);
    CASES_ADD_ONE(&all, empty_views_are_equal_whatever_they_point_to);
    CASES_ADD_ONE(&all, a_part_is_found_where_it_is);
    CASES_ADD_ONE(&all, white_space_is_trimmed_at_both_ends);
    CASES_ADD_ONE(&all, cutting_gives_the_pieces_in_turn);
    CASES_ADD_ONE(&all, a_buffer_grows_to_its_maximum_and_no_further);
    return cases_run("str", &all);
}
