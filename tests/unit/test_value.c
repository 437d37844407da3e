/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "common/value.h"

#include <stdlib.h>

static const struct value one[] = {{.kind = VALUE_INT, .number = 1}};
static const struct value one_two[] = {{.kind = VALUE_INT, .number = 1},
                                       {.kind = VALUE_INT, .number = 2}};
static const struct value two[] = {{.kind = VALUE_INT, .number = 2}};

struct order_case {
    const char *sentence;
    struct value less, more; /* equal when both are the same */
    bool is_equal;
};

#define TEXT(s) {.kind = VALUE_TEXT, .count = sizeof(s) - 1, .text = (s)}
#define LIST(items_) \
    {.kind = VALUE_LIST, .count = sizeof(items_) / sizeof *(items_), .items = (items_)}

static const struct order_case order_cases[] = {
    {"nothing_equals_nothing", {.kind = VALUE_NONE}, {.kind = VALUE_NONE}, true},
    {"nothing_comes_before_everything", {.kind = VALUE_NONE}, {.kind = VALUE_BOOL}, false},
    {"false_comes_before_true",
     {.kind = VALUE_BOOL},
     {.kind = VALUE_BOOL, .flag = true},
     false},
    {"numbers_compare_by_size",
     {.kind = VALUE_INT, .number = INT64_MIN},
     {.kind = VALUE_INT, .number = INT64_MAX},
     false},
    {"equal_numbers_are_equal",
     {.kind = VALUE_INT, .number = 5},
     {.kind = VALUE_INT, .number = 5},
     true},
    {"a_number_and_a_time_differ",
     {.kind = VALUE_INT, .number = 9},
     {.kind = VALUE_TIME, .number = 5},
     false},
    {"times_compare_by_size",
     {.kind = VALUE_TIME, .number = -1},
     {.kind = VALUE_TIME, .number = 0},
     false},
    {"texts_compare_by_bytes", TEXT("B"), TEXT("a"), false},
    {"bytes_are_unsigned", TEXT("z"), TEXT("\xc3\xa9"), false},
    {"a_prefix_comes_first", TEXT("ab"), TEXT("abc"), false},
    {"texts_go_on_after_nul", TEXT("a\0b"), TEXT("a\0c"), false},
    {"equal_texts_are_equal", TEXT("a\0b"), TEXT("a\0b"), true},
    {"lists_compare_item_by_item", LIST(one_two), LIST(two), false},
    {"a_shorter_list_comes_first", LIST(one), LIST(one_two), false},
    {"equal_lists_are_equal", LIST(one_two), LIST(one_two), true},
};

static void are_in_order(void **state)
{
    const struct order_case *c = *state;
    if (c->is_equal) {
        assert_int_equal(value_cmp(c->less, c->more), 0);
        assert_int_equal(value_cmp(c->more, c->less), 0);
    } else {
        assert_true(value_cmp(c->less, c->more) < 0);
        assert_true(value_cmp(c->more, c->less) > 0);
    }
}

static void makers_fill_what_they_make(void **state)
{
    (void)state;
    assert_true(str_eq(value_str(value_text(STR("a\0b"))), STR("a\0b")));
    assert_int_equal(value_str(value_int(5)).len, 0);
    assert_int_equal(value_time(-5).number, -5);
    assert_true(value_bool(true).flag);
    assert_int_equal(value_list(one_two, 2).count, 2);
    assert_int_equal(value_object(one_two, 2).kind, VALUE_OBJECT);
}

int main(void)
{
    static struct cases all;
    CASES_ADD(&all, are_in_order, order_cases);
    CASES_ADD_ONE(&all, makers_fill_what_they_make);
    return cases_run("value", &all);
}
