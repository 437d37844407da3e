/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "common/select.h"

#include <stdlib.h>

/* Results as JSON texts, one a line; what is after them in a refusal is its message. The results are those of jq. */
struct run_case {
    const char *sentence, *program, *input, *results;
};

static const struct run_case run_cases[] = {
    {"a_dot_is_the_input", ".", "{\"a\":1}", "{\"a\":1}\n"},
    {"a_path_goes_into_objects", ".a.b.c", "{\"a\":{\"b\":{\"c\":7}}}", "7\n"},
    {"a_missing_member_is_null", ".b", "{\"a\":1}", "null\n"},
    {"a_path_through_null_is_null", ".a.b.c", "{\"a\":null}", "null\n"},
    {"a_quoted_name_may_hold_anything", ".\"$date\".\"a b\"", "{\"$date\":{\"a b\":1}}", "1\n"},
    {"a_name_may_stand_in_brackets", ".[\"a\"][\"b\"]", "{\"a\":{\"b\":1}}", "1\n"},
    {"brackets_may_follow_a_dot", ".a.[\"b\"]", "{\"a\":{\"b\":1}}", "1\n"},
    {"white_space_may_stand_between_steps", " .a . \"b\" [ 0 ] ", "{\"a\":{\"b\":[5]}}", "5\n"},
    {"a_keyword_is_a_name_after_a_dot", ".and.if", "{\"and\":{\"if\":1}}", "1\n"},
    {"an_index_counts_from_zero", ".[1]", "[5,6]", "6\n"},
    {"a_negative_index_counts_from_the_end", ".[-1], .[-2], .[-3]", "[5,6]", "6\n5\nnull\n"},
    {"an_index_past_the_end_is_null", ".[2]", "[5,6]", "null\n"},
    {"an_index_into_null_is_null", ".a[0]", "{}", "null\n"},
    {"iteration_gives_the_items_of_a_list", ".[]", "[1,\"b\",null]", "1\n\"b\"\nnull\n"},
    {"iteration_gives_the_values_of_an_object", ".[]", "{\"a\":1,\"b\":2}", "1\n2\n"},
    {"iteration_over_null_gives_nothing_unlike_in_jq", ".a[].b", "{}", ""},
    {"iterations_nest", ".a[].b[]", "{\"a\":[{\"b\":[1,2]},{\"b\":[3]}]}", "1\n2\n3\n"},
    {"a_key_that_stands_twice_counts_once_the_last_time", ".[], .a",
     "{\"a\":1,\"b\":2,\"a\":3}", "2\n3\n3\n"},
    {"a_pipe_feeds_each_result_on", ".[] | .a", "[{\"a\":1},{\"a\":2}]", "1\n2\n"},
    {"a_comma_binds_tighter_than_a_pipe", ".a, .b | .c", "{\"a\":{\"c\":1},\"b\":{\"c\":2}}",
     "1\n2\n"},
    {"an_alternative_binds_tighter_than_a_comma", ".x // 1, 2", "{}", "1\n2\n"},
    {"an_alternative_is_taken_for_null", ".a // .b", "{\"a\":null,\"b\":2}", "2\n"},
    {"an_alternative_is_taken_for_false", ".a // .b", "{\"a\":false,\"b\":2}", "2\n"},
    {"an_alternative_is_not_taken_for_zero_or_empty_text", "(.a // 1), (.b // 1)",
     "{\"a\":0,\"b\":\"\"}", "0\n\"\"\n"},
    {"an_alternative_is_taken_for_no_results", ".a[] // 5", "{}", "5\n"},
    {"all_good_results_of_the_left_are_kept", ".[] // 5", "[null,1,false,2]", "1\n2\n"},
    {"all_results_of_the_right_are_kept", ".[] // (5, null)", "[null,false]", "5\nnull\n"},
    {"alternatives_are_tried_in_turn", ".a // .b // .c", "{\"c\":null}", "null\n"},
    {"an_alternative_sees_a_missing_branch_of_a_list", ".list[].x.ip // .ip",
     "{\"list\":[{\"x\":{\"ip\":\"1\"}},{\"y\":{}}],\"ip\":\"2\"}", "\"1\"\n"},
    {"parentheses_group", "(.a, .b) | .c", "{\"a\":{\"c\":1},\"b\":{\"c\":2}}", "1\n2\n"},
    {"steps_may_follow_parentheses", "(.a // .b).c[0]", "{\"b\":{\"c\":[4]}}", "4\n"},
    {"empty_is_no_result", ".a // empty | {b: .c}", "{\"a\": null}", ""},
    {"empty_is_not_reached_where_there_is_a_value", ".a // empty", "{\"a\": 7}", "7\n"},
    {"literals_are_results", "\"q\", 1, -3, 2.5, 1e2, true, false, null", "0",
     "\"q\"\n1\n-3\n2.5\n100\ntrue\nfalse\nnull\n"},
    {"a_string_has_the_escapes_of_json", "\"a\\u00e9\\n\\\"\"", "0", "\"a\u00e9\\n\\\"\"\n"},
    {"a_question_mark_drops_what_has_another_shape", ".[].a?", "[1,\"x\",{\"a\":2}]", "2\n"},
    {"a_question_mark_belongs_to_the_step_before_it", ".[]?", "5", ""},
    {"two_question_marks_belong_to_the_whole_term", ".a.b??", "\"s\"", ""},
    {"a_question_mark_keeps_the_results_before_the_error", "(.[] | .a)?",
     "[{\"a\":1},5,{\"a\":2}]", "1\n"},
    {"a_question_mark_may_stand_before_an_alternative", ".x.y? // 9", "{\"x\":\"a\"}", "9\n"},
    {"an_object_is_made_of_names", "{name, \"a b\"}", "{\"name\":1,\"a b\":2,\"c\":3}",
     "{\"name\":1,\"a b\":2}\n"},
    {"a_member_missing_in_the_input_is_null", "{name}", "{}", "{\"name\":null}\n"},
    {"a_member_takes_any_expression", "{id: .x // .y, k: \"v\", n: (.z | .w)}",
     "{\"y\":1,\"z\":{\"w\":2}}", "{\"id\":1,\"k\":\"v\",\"n\":2}\n"},
    {"members_may_follow_parentheses", "{a: (.x | .y), b: {c: 1}, d: 2}", "{\"x\":{\"y\":1}}",
     "{\"a\":1,\"b\":{\"c\":1},\"d\":2}\n"},
    {"a_member_may_be_piped", "{a: .x | .y}", "{\"x\":{\"y\":1}}", "{\"a\":1}\n"},
    {"objects_nest", "{a: {b: .c}}", "{\"c\":[1,2]}", "{\"a\":{\"b\":[1,2]}}\n"},
    {"a_keyword_is_a_key", "{if: 1, null: 2}", "0", "{\"if\":1,\"null\":2}\n"},
    {"an_empty_object_is_made", "{}", "0", "{}\n"},
    {"a_member_without_a_result_leaves_no_object", "{a: .b.c?}, 1", "{\"b\":5}", "1\n"},
    {"a_made_object_can_be_looked_into", "{a: .x} | .a, .b, .[]", "{\"x\":1}", "1\nnull\n1\n"},
    {"one_object_is_made_for_each_item", ".[] | {n: .a}", "[{\"a\":1},{\"a\":2}]",
     "{\"n\":1}\n{\"n\":2}\n"},
    {"the_digits_of_a_long_number_are_kept", ".a", "{\"a\":123456789012345678901234567890.10}",
     "123456789012345678901234567890.10\n"},
};

static void gives_results(void **state)
{
    const struct run_case *c = *state;
    arena_auto arena = {0};
    struct err err = {0};
    struct pick *picks = NULL;
    size_t count = 0;
    json_auto *doc = json_parse(str_of(c->input), &err);
    assert_non_null(doc);
    const struct select *program = select_compile(str_of(c->program), &arena, &err);
    if (!program)
        fail_msg("%s", err.text);
    if (!select_run(program, json_root(doc), &arena, &picks, &count, &err))
        fail_msg("%s", err.text);
    buf_auto got;
    buf_init(&got, 10000);
    for (size_t i = 0; i < count; i++) {
        struct str text = pick_text(&picks[i], 1000, &arena);
        assert_true(buf_addf(&got, STR_FMT "\n", STR_ARG(text)));
    }
    assert_text(got.ptr, got.len, c->results);
}

static const struct run_case shape_cases[] = {
    {"a_member_of_a_string_is_an_error_that_says_where", ".a.b.c", "{\"a\":{\"b\":\"s\"}}",
     ".a.b.c: wants an object and found a string"},
    {"a_member_of_a_list_is_an_error", ".a", "[1]", ".a: wants an object and found a list"},
    {"an_index_into_an_object_is_an_error", ".[0]", "{}",
     ".[0]: wants a list and found an object"},
    {"iterating_over_a_number_is_an_error", ".a[].b", "{\"a\":5}",
     ".a[]: wants a list or an object and found a number"},
    {"an_error_on_the_left_of_an_alternative_is_one_as_in_jq", ".x.y // 9", "{\"x\":\"a\"}",
     ".x.y: wants an object and found a string"},
    {"a_question_mark_does_not_catch_what_fails_down_the_pipe", "(.[])? | .b", "[5]",
     ".b: wants an object and found a number"},
    {"a_question_mark_does_not_reach_back", ".a.b?", "\"s\"",
     ".a: wants an object and found a string"},
    {"an_error_inside_an_object_is_one", "{a: .b.c}", "{\"b\":1}",
     ".b.c: wants an object and found a number"},
};

static void refuses_the_shape(void **state)
{
    const struct run_case *c = *state;
    arena_auto arena = {0};
    struct err err = {0};
    struct pick *picks = NULL;
    size_t count = 77;
    json_auto *doc = json_parse(str_of(c->input), &err);
    const struct select *program = select_compile(str_of(c->program), &arena, &err);
    assert_non_null(program);
    assert_false(select_run(program, json_root(doc), &arena, &picks, &count, &err));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_string_equal(err.text, c->results);
    assert_int_equal(count, 77);
}

struct refusal_case {
    const char *sentence, *program, *message;
};

static const struct refusal_case refusal_cases[] = {
    {"an_empty_program_is_refused", " ", "column 1: the program ends too early"},
    {"functions_are_named", "map(.a)",
     "column 1: jq's function \"map()\" is not supported yet"},
    {"a_function_in_a_pipe_is_found", ".a | select(.b)",
     "column 6: jq's function \"select()\" is not supported yet"},
    {"a_forgotten_dot_gets_a_hint", "name",
     "column 1: jq's function \"name\" is not supported yet; a member is \".name\""},
    {"conditions_are_named", "if .a then 1 else 2 end",
     "column 1: jq's \"if\" is not supported yet"},
    {"reduce_is_named", "reduce .[] as $x (0; . + $x)",
     "column 1: jq's \"reduce\" is not supported yet"},
    {"words_between_are_named", ".a and .b", "column 4: jq's \"and\" is not supported yet"},
    {"arithmetic_is_named", ".a + 1", "column 4: jq's arithmetic is not supported yet"},
    {"a_name_with_a_dash_gets_a_hint", ".a-b",
     "column 3: jq's arithmetic is not supported yet; a name with a dash is written .\"a-b\""},
    {"division_gets_a_hint", ".a / .b",
     "column 4: jq's arithmetic is not supported yet; the alternative operator is \"//\""},
    {"comparisons_are_named", ".a == 1", "column 4: jq's comparisons are not supported yet"},
    {"assignments_are_named", ".a |= 1", "column 4: jq's assignments are not supported yet"},
    {"assignments_of_alternatives_are_named", ".a //= 1",
     "column 4: jq's assignments are not supported yet"},
    {"variables_are_named", "$x", "column 1: jq's variables ($name) are not supported yet"},
    {"formats_are_named", "@base64", "column 1: jq's formats (@name) are not supported yet"},
    {"recursion_is_named", "..",
     "column 1: jq's \"..\" (all values within) is not supported yet"},
    {"slices_are_named", ".[1:2]", "column 4: jq's slices [a:b] are not supported yet"},
    {"slices_from_the_start_are_named", ".[:2]",
     "column 3: jq's slices [a:b] are not supported yet"},
    {"lists_are_named", "[.a]", "column 1: jq's lists made with [...] are not supported yet"},
    {"interpolation_is_named", "\"a\\(.b)\"",
     "column 3: jq's interpolation \\(…) is not supported yet"},
    {"computed_indexes_are_named", ".[.a]",
     "column 3: only a string or a number can stand in […] so far"},
    {"computed_keys_are_named", "{(.a): 1}",
     "column 2: computed keys in {…} are not supported yet"},
    {"iteration_inside_an_object_is_named", "{a: .b[]}",
     "column 7: iteration inside {…} is not supported yet"},
    {"several_results_inside_an_object_are_named", "{a: (1, 2)}",
     "column 7: several results inside {…} are not supported yet"},
    {"a_key_that_stands_twice_is_refused", "{a: 1, \"a\": 2}",
     "column 8: \"a\" stands twice in {…}"},
    {"the_destructuring_alternative_gets_a_hint", ".a?//.b",
     "column 3: jq's \"?//\" is not supported yet; write \"? //\""},
    {"an_unfinished_path_is_refused", ".a.", "column 3: unexpected \".\""},
    {"an_unfinished_pipe_is_refused", ".a |", "column 5: the program ends too early"},
    {"an_unclosed_parenthesis_is_refused", "(.a", "column 4: the program ends too early"},
    {"an_unclosed_bracket_is_refused", ".[0", "column 4: \"]\" is missing"},
    {"an_unclosed_object_is_refused", "{a: 1", "column 6: the program ends too early"},
    {"an_unclosed_string_is_refused", ".\"ab", "column 2: a string without its closing quote"},
    {"a_bad_escape_is_refused", "\"\\q\"",
     "column 1: \"\"\\q\"\": line 1, column 3: invalid escaped character in string, found 'q'"},
    {"an_index_that_is_not_whole_is_refused", ".[1.5]", "column 3: an index is a whole number"},
    {"a_number_that_is_infinite_is_refused", "1e999", "column 1: the number is too big"},
    {"something_after_the_end_is_refused", ".a )", "column 4: unexpected \")\""},
    {"columns_are_counted_in_characters", "\"\u00e9\u00e9\" | $x",
     "column 8: jq's variables ($name) are not supported yet"},
};

static void refuses_the_program(void **state)
{
    const struct refusal_case *c = *state;
    arena_auto arena = {0};
    struct err err = {0};
    assert_null(select_compile(str_of(c->program), &arena, &err));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_string_equal(err.text, c->message);
}

static bool compiles(const char *open, const char *inside, const char *close, size_t times)
{
    arena_auto arena = {0};
    struct err err = {0};
    buf_auto text;
    buf_init(&text, 100000);
    for (size_t i = 0; i < times; i++)
        assert_true(buf_addf(&text, "%s", open));
    assert_true(buf_addf(&text, "%s", inside));
    for (size_t i = 0; i < times; i++)
        assert_true(buf_addf(&text, "%s", close));
    return select_compile(buf_str(&text), &arena, &err) != NULL;
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    assert_true(compiles("(", "1", ")", SELECT_MAX_NESTING));
    assert_false(compiles("(", "1", ")", SELECT_MAX_NESTING + 1));
    assert_true(compiles("{a:", "1", "}", SELECT_MAX_NESTING));
    assert_false(compiles("{a:", "1", "}", SELECT_MAX_NESTING + 1));
}

static void length_is_bounded(void **state)
{
    (void)state;
    assert_true(compiles("", ".a", "|.a", (SELECT_MAX_BYTES - 2) / 3));
    assert_false(compiles("", ".a", "|.a", (SELECT_MAX_BYTES - 2) / 3 + 1));
}

static void the_longest_pipe_runs(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    buf_auto text;
    buf_init(&text, SELECT_MAX_BYTES);
    assert_true(buf_addf(&text, "."));
    while (buf_addf(&text, "|."))
        continue;
    json_auto *doc = json_parse(STR("5"), &err);
    const struct select *program = select_compile(buf_str(&text), &arena, &err);
    struct pick *picks = NULL;
    size_t count = 0;
    assert_non_null(program);
    assert_true(select_run(program, json_root(doc), &arena, &picks, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(pick_int(picks), 5);
}

static void picks_of_both_kinds_answer_alike(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct pick *picks = NULL;
    size_t count = 0;
    json_auto *doc = json_parse(STR("{\"i\":5,\"r\":1.5,\"t\":\"x\",\"b\":true}"), &err);
    const struct select *program =
        select_compile(STR("{i, r, t, b}, {i: 5, r: 1.5, t: \"x\", b: true}, ."), &arena, &err);
    assert_non_null(program);
    assert_true(select_run(program, json_root(doc), &arena, &picks, &count, &err));
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++) {
        struct pick whole = pick_member(&picks[i], STR("i")),
                    real = pick_member(&picks[i], STR("r"));
        struct pick text = pick_member(&picks[i], STR("t")),
                    flag = pick_member(&picks[i], STR("b"));
        struct pick none = pick_member(&picks[i], STR("z"));
        assert_int_equal(pick_kind_of(&picks[i]), JSON_OBJECT);
        assert_int_equal(pick_kind_of(&whole), JSON_INT);
        assert_int_equal(pick_int(&whole), 5);
        assert_true(pick_real(&whole) == 5.0);
        assert_int_equal(pick_kind_of(&real), JSON_REAL);
        assert_true(pick_real(&real) == 1.5);
        assert_true(str_eq(pick_str(&text), STR("x")));
        assert_true(pick_flag(&flag));
        assert_int_equal(pick_kind_of(&none), JSON_NONE);
        assert_int_equal(pick_int(&text), 0);
        assert_int_equal(pick_str(&whole).len, 0);
    }
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct pick object = {
        .kind = PICK_OBJECT,
        .keys = &STR("key"),
        .members =
            &(struct pick){.kind = PICK_LITERAL, .literal = JSON_TEXT, .text = STR("value")},
        .count = 1};
    struct str text = pick_text(&object, 8, &arena);
    assert_text(text.ptr, text.len, "{\"key\":\"…");
}

int main(void)
{
    static struct cases all;
    CASES_ADD(&all, gives_results, run_cases);
    CASES_ADD(&all, refuses_the_shape, shape_cases);
    CASES_ADD(&all, refuses_the_program, refusal_cases);
    CASES_ADD_ONE(&all, nesting_is_bounded);
    CASES_ADD_ONE(&all, length_is_bounded);
    CASES_ADD_ONE(&all, the_longest_pipe_runs);
    CASES_ADD_ONE(&all, picks_of_both_kinds_answer_alike);
    CASES_ADD_ONE(&all, long_texts_are_cut);
    return cases_run("select", &all);
}
