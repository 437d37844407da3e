/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "common/template.h"

#include <stdlib.h>

static bool lookup(const void *names, struct str name, struct str *out_value, bool *out_secret)
{
    (void)names;
    *out_secret = str_eq(name, STR("token"));
    if (str_eq(name, STR("base")))
        *out_value = STR("https://h");
    else if (str_eq(name, STR("token")))
        *out_value = STR("s\"3\n");
    else if (str_eq(name, STR("empty")))
        *out_value = STR("");
    else
        return false;
    return true;
}

enum how { PLAIN, MASKED, AS_JSON, AS_MASKED_JSON };

struct render_case {
    const char *sentence, *text;
    enum how how;
    const char *wanted;
};

static const struct render_case render_cases[] = {
    {"text_without_names_stays", "a $ { } $b", PLAIN, "a $ { } $b"},
    {"empty_text_stays_empty", "", PLAIN, ""},
    {"a_name_becomes_its_value", "${base}/x?t=${base}", PLAIN, "https://h/x?t=https://h"},
    {"names_may_touch", "${base}${empty}${base}", PLAIN, "https://hhttps://h"},
    {"an_escape_is_a_literal", "a$${base}b$${", PLAIN, "a${base}b${"},
    {"dollars_before_an_escape_stay", "$$${base}", PLAIN, "$${base}"},
    {"a_secret_is_put_in_for_the_wire", "t=${token}", PLAIN, "t=s\"3\n"},
    {"a_secret_stays_a_name_when_masked", "${base}?t=${token}", MASKED, "https://h?t=${token}"},
    {"values_are_escaped_in_json", "{\"t\":\"${token}\",\"u\":\"${base}\"}", AS_JSON,
     "{\"t\":\"s\\\"3\\n\",\"u\":\"https://h\"}"},
    {"masked_json_stays_json", "{\"t\":\"${token}\"}", AS_MASKED_JSON, "{\"t\":\"${token}\"}"},
};

static void renders(void **state)
{
    const struct render_case *c = *state;
    arena_auto arena = {0};
    struct err err = {0};
    struct template t;
    struct str got;
    bool masked = c->how == MASKED || c->how == AS_MASKED_JSON;
    assert_true(template_compile(str_of(c->text), &arena, &t, &err));
    t.is_json = c->how == AS_JSON || c->how == AS_MASKED_JSON;
    assert_true(template_render(&t, lookup, NULL, masked, &arena, &got, &err));
    assert_text(got.ptr, got.len, c->wanted);
}

static const struct render_case refusal_cases[] = {
    {"an_unclosed_name_is_refused", "a${base", PLAIN,
     "\"${\" without its \"}\" (a literal \"${\" is written \"$${\")"},
    {"an_empty_name_is_refused", "${}", PLAIN,
     "\"${}\": a name has letters, digits, \"_\", \".\" and \"-\""},
    {"a_name_with_a_blank_is_refused", "${a b}", PLAIN,
     "\"${a b}\": a name has letters, digits, \"_\", \".\" and \"-\""},
};

static void refuses(void **state)
{
    const struct render_case *c = *state;
    arena_auto arena = {0};
    struct err err = {0};
    struct template t = {.count = 77};
    assert_false(template_compile(str_of(c->text), &arena, &t, &err));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_string_equal(err.text, c->wanted);
    assert_int_equal(t.count, 77);
}

static void a_name_without_a_value_is_fatal(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct template t;
    struct str got = STR("before");
    assert_true(template_compile(STR("${base}${other}"), &arena, &t, &err));
    assert_false(template_render(&t, lookup, NULL, false, &arena, &got, &err));
    assert_int_equal(err.kind, ERR_FATAL);
    assert_string_equal(err.text, "${other} has no value");
    assert_true(str_eq(got, STR("before")));
}

int main(void)
{
    static struct cases all;
    CASES_ADD(&all, renders, render_cases);
    CASES_ADD(&all, refuses, refusal_cases);
    CASES_ADD_ONE(&all, a_name_without_a_value_is_fatal);
    return cases_run("template", &all);
}
