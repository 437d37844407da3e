/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "common/yaml.h"

#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

/* A tree on one line: 'quoted' and plain scalars, [lists] and {maps}. */
static void show(const struct yaml *node, struct buf *out)
{
    bool fits = true;
    if (node->kind == YAML_SCALAR) {
        fits = buf_addf(out, node->quoted ? "'" STR_FMT "'" : STR_FMT, STR_ARG(node->text));
    } else {
        bool is_map = node->kind == YAML_MAP;
        fits = buf_addf(out, is_map ? "{" : "[");
        for (size_t i = 0; i < node->count; i++) {
            fits = fits && (i == 0 || buf_addf(out, " "));
            if (is_map)
                fits = fits && buf_addf(out, STR_FMT ":", STR_ARG(node->keys[i].text));
            show(&node->items[i], out);
        }
        fits = fits && buf_addf(out, is_map ? "}" : "]");
    }
    assert_true(fits);
}

struct tree_case {
    const char *sentence, *content, *wanted;
};

static const struct tree_case tree_cases[] = {
    {"a_map_keeps_the_order_of_its_keys", "b: 1\na: 2\n", "{b:1 a:2}"},
    {"lists_and_maps_nest", "a:\n  - b\n  - {c: d, e: [f]}\n", "{a:[b {c:d e:[f]}]}"},
    {"a_scalar_is_text_whatever_it_looks_like", "[no, 1, null, 1.0, 2024-01-01]",
     "[no 1 null 1.0 2024-01-01]"},
    {"quotes_are_noted", "['a', \"b\", c]", "['a' 'b' c]"},
    {"a_block_counts_as_quoted", "a: |\n  b\n  c\n", "{a:'b\nc\n'}"},
    {"an_absent_value_is_empty_text", "a:\nb: ''\n", "{a: b:''}"},
    {"text_may_hold_colons_and_dollars", "url: ${base}/x?y=z:1\n", "{url:${base}/x?y=z:1}"},
    {"an_empty_file_is_an_empty_map", "", "{}"},
    {"comments_alone_are_an_empty_map", "# nothing\n", "{}"},
    {"a_byte_order_mark_is_skipped",
     "\xEF\xBB\xBF"
     "a: b\n",
     "{a:b}"},
};

static void reads_the_tree(void **state)
{
    const struct tree_case *c = *state;
    arena_auto arena = {0};
    struct err err = {0};
    struct yaml root;
    buf_auto got;
    buf_init(&got, 1000);
    if (!yaml_parse("f.yaml", str_of(c->content), &arena, &root, &err))
        fail_msg("%s", err.text);
    show(&root, &got);
    assert_text(got.ptr, got.len, c->wanted);
}

static const struct tree_case fault_cases[] = {
    {"a_key_that_stands_twice_is_refused", "a: 1\nb: 2\na: 3\n",
     "f.yaml:3:1: the key \"a\" stands twice, first in line 1"},
    {"a_tab_that_indents_is_refused", "a:\n\tb: 1\n",
     "f.yaml:2:1: a tab cannot stand here; indent with spaces"},
    {"a_second_document_is_refused", "a: 1\n---\nb: 2\n",
     "f.yaml:2:1: a second document begins here; one file is one document"},
    {"an_alias_is_refused", "a: &x 1\nb: *x\n", "f.yaml:2:4: aliases (*…) are not supported"},
    {"an_alias_to_itself_is_refused", "a: &x [*x]\n",
     "f.yaml:1:8: aliases (*…) are not supported"},
    {"a_tag_is_refused", "a: !!str 1\n", "f.yaml:1:4: tags (!…) are not supported"},
    {"a_tag_on_a_list_is_refused", "a: !x [1]\n", "f.yaml:1:4: tags (!…) are not supported"},
    {"a_list_as_a_key_is_refused", "? [a]\n: b\n",
     "f.yaml:1:3: a key must be a word, not a list or a map"},
    {"an_unclosed_bracket_says_where_it_began", "a: [1, 2\nb: 3\n",
     "f.yaml:2:2: did not find expected ',' or ']' while parsing a flow sequence (line 1)"},
    {"an_unclosed_quote_says_where_it_began", "a: \"b\n",
     "f.yaml:2:1: found unexpected end of stream while scanning a quoted scalar (line 1)"},
    {"bad_indentation_is_refused", "a:\n  b: 1\n c: 2\n",
     "f.yaml:3:2: did not find expected key while parsing a block mapping (line 1)"},
    {"bytes_that_are_not_utf8_are_refused", "a: 1\nb: \xff\n",
     "f.yaml:2:4: invalid leading UTF-8 octet"},
    {"control_characters_are_refused", "a: \x01\n",
     "f.yaml:1:4: control characters are not allowed"},
};

static void names_the_fault(void **state)
{
    const struct tree_case *c = *state;
    arena_auto arena = {0};
    struct err err = {0};
    struct yaml root = {.line = 77};
    assert_false(yaml_parse("f.yaml", str_of(c->content), &arena, &root, &err));
    assert_string_equal(err.text, c->wanted);
    assert_int_equal(err.kind, ERR_FATAL);
    assert_int_equal(err.exit_code, EX_CONFIG);
    assert_int_equal(root.line, 77);
}

static void nodes_know_where_they_stand(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct yaml root;
    assert_true(
        yaml_parse("f.yaml", STR("# c\na: {b: c}\nlist:\n  - 'd'\n"), &arena, &root, &err));
    const struct yaml *inner = yaml_get(yaml_get(&root, STR("a")), STR("b"));
    assert_int_equal(inner->line, 2);
    assert_int_equal(inner->column, 8);
    const struct yaml *item = &yaml_get(&root, STR("list"))->items[0];
    assert_int_equal(item->line, 4);
    assert_int_equal(item->column, 5);
    assert_int_equal(root.keys[1].line, 3);
    assert_string_equal(item->file, "f.yaml");
    assert_null(yaml_get(&root, STR("c")));
    assert_null(yaml_get(item, STR("c")));
}

static bool parses(size_t depth, struct err *err)
{
    arena_auto arena = {0};
    struct yaml root;
    buf_auto text;
    buf_init(&text, 1000);
    for (size_t i = 0; i < depth; i++)
        assert_true(buf_add(&text, STR("[")));
    for (size_t i = 0; i < depth; i++)
        assert_true(buf_add(&text, STR("]")));
    return yaml_parse("f.yaml", buf_str(&text), &arena, &root, err);
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    struct err err = {0};
    assert_true(parses(32, &err));
    assert_false(parses(33, &err));
    assert_string_equal(err.text, "f.yaml:1:33: nested too deep");
}

static void a_file_over_1_mib_is_refused(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct yaml root;
    struct str content = {arena_take(&arena, (1 << 20) + 1), (1 << 20) + 1};
    memset((char *)(uintptr_t)content.ptr, '\n', content.len);
    assert_false(yaml_parse("f.yaml", content, &arena, &root, &err));
    assert_string_equal(err.text, "f.yaml:1:1: the file is larger than 1 MiB");
}

static void a_missing_file_stops_with_66(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct yaml root;
    assert_false(yaml_load("/nonexistent/f.yaml", &arena, &root, &err));
    assert_string_equal(err.text, "/nonexistent/f.yaml: No such file or directory");
    assert_int_equal(err.exit_code, EX_NOINPUT);
}

static void an_unknown_key_gets_the_nearest_word_or_all(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct yaml root;
    const struct str words[] = {STR("records"), STR("key")};
    assert_true(yaml_parse("f.yaml", STR("key: 1\nrecrods: 2\n"), &arena, &root, &err));
    assert_false(yaml_only(&root, "a stream", words, 2, &err));
    assert_string_equal(
        err.text, "f.yaml:2:1: unknown key \"recrods\" in a stream; did you mean \"records\"?");
    assert_true(yaml_parse("f.yaml", STR("xyzzy: 1\n"), &arena, &root, &err));
    assert_false(yaml_only(&root, "a stream", words, 2, &err));
    assert_string_equal(
        err.text, "f.yaml:1:1: unknown key \"xyzzy\" in a stream; known are records, key");
    assert_true(yaml_parse("f.yaml", STR("[]"), &arena, &root, &err));
    assert_false(yaml_only(&root, "a stream", words, 2, &err));
    assert_string_equal(err.text, "f.yaml:1:1: a stream must be a map of key: value");
}

static void values_are_read_as_what_is_asked_for(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct yaml root;
    struct str text = STR("before");
    bool flag = false;
    int64_t whole = 7;
    assert_true(
        yaml_parse("f.yaml", STR("t: x\nf: yes\nn: 12\nbad: [1]\n"), &arena, &root, &err));
    assert_true(yaml_text(&root, "none", &text, &err));
    assert_true(str_eq(text, STR("before")));
    assert_true(yaml_text(&root, "t", &text, &err));
    assert_true(str_eq(text, STR("x")));
    assert_true(yaml_flag(&root, "f", &flag, &err));
    assert_true(flag);
    assert_true(yaml_whole(&root, "n", 0, 12, &whole, &err));
    assert_int_equal(whole, 12);
    assert_false(yaml_whole(&root, "n", 0, 11, &whole, &err));
    assert_string_equal(err.text, "f.yaml:3:4: \"n\" must be a whole number from 0 to 11");
    assert_false(yaml_text(&root, "bad", &text, &err));
    assert_false(yaml_flag(&root, "t", &flag, &err));
    assert_string_equal(err.text, "f.yaml:1:4: \"t\" must be true or false");
    assert_null(yaml_need(&root, "none", "a stream", &err));
    assert_string_equal(err.text, "f.yaml:1:1: \"none\" is missing in a stream");
}

static bool same_digest(const char *a, const char *b)
{
    arena_auto arena = {0};
    struct err err = {0};
    struct yaml left, right;
    uint8_t one[32], other[32];
    assert_true(yaml_parse("f.yaml", str_of(a), &arena, &left, &err));
    assert_true(yaml_parse("g.yaml", str_of(b), &arena, &right, &err));
    yaml_digest(&left, STR("x"), one);
    yaml_digest(&right, STR("x"), other);
    return memcmp(one, other, sizeof one) == 0;
}

static void a_digest_sees_content_and_no_layout(void **state)
{
    (void)state;
    assert_true(same_digest("a: [b, c] # x\n", "\n\na:\n  - b\n  - c\n"));
    assert_false(same_digest("a: [b, c]", "a: [c, b]"));
    assert_false(same_digest("a: [b, c]", "a: [[b, c]]"));
    assert_false(same_digest("a: [b, c]", "a: [bc]"));
    assert_false(same_digest("{a: b, c: d}", "{c: d, a: b}"));
    assert_false(same_digest("a: 1", "a: '1'"));
}

int main(void)
{
    static struct cases all;
    CASES_ADD(&all, reads_the_tree, tree_cases);
    CASES_ADD(&all, names_the_fault, fault_cases);
    CASES_ADD_ONE(&all, nodes_know_where_they_stand);
    CASES_ADD_ONE(&all, nesting_is_bounded);
    CASES_ADD_ONE(&all, a_file_over_1_mib_is_refused);
    CASES_ADD_ONE(&all, a_missing_file_stops_with_66);
    CASES_ADD_ONE(&all, an_unknown_key_gets_the_nearest_word_or_all);
    CASES_ADD_ONE(&all, values_are_read_as_what_is_asked_for);
    CASES_ADD_ONE(&all, a_digest_sees_content_and_no_layout);
    return cases_run("yaml", &all);
}
