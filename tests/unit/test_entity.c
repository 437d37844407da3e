/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serializer/entity.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

/* --- order --- */

static const struct {
    const char *sentence;
    struct version a, b;
    int order;
} version_cases[] = {
    {"equal versions are equal", {1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}, 0},
    {"a later claim wins over everything", {2, 1, 1, 1, 1}, {1, 9, 9, 9, 9}, 1},
    {"a mended file wins within a claim", {1, 2, 1, 1, 1}, {1, 1, 9, 9, 9}, 1},
    {"a later page wins within a map", {1, 1, 2, 1, 1}, {1, 1, 1, 9, 9}, 1},
    {"two answers to one page have an order", {1, 1, 1, 2, 1}, {1, 1, 1, 1, 9}, 1},
    {"an answer is compared without a sign", {1, 1, 1, UINT64_MAX, 1}, {1, 1, 1, 1, 9}, 1},
    {"the last of two records of a page wins", {1, 1, 1, 1, 2}, {1, 1, 1, 1, 1}, 1},
};

static void test_versions_are_compared_member_by_member(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(version_cases); i++) {
        int there = sign(version_cmp(&version_cases[i].a, &version_cases[i].b));
        int back = sign(version_cmp(&version_cases[i].b, &version_cases[i].a));
        if (there != version_cases[i].order || back != -there)
            fail_msg("%s: %d, and %d the other way", version_cases[i].sentence, there, back);
    }
}

static struct source named(const char *stream, const char *key, const char *link)
{
    return (struct source){.stream = str_of(stream), .key = str_of(key), .link = str_of(link)};
}

static const struct {
    const char *sentence;
    const char *a[3], *b[3]; /* stream, key, link */
    int order;
    bool same;
} source_cases[] = {
    {"a source is the same as itself", {"s", "k", "l"}, {"s", "k", "l"}, 0, true},
    {"the stream comes first", {"b", "a", "a"}, {"a", "b", "b"}, 1, false},
    {"then the key", {"s", "b", "a"}, {"s", "a", "b"}, 1, false},
    {"then the link", {"s", "k", "b"}, {"s", "k", "a"}, 1, false},
    {"a key is less than a longer one", {"s", "k", "l"}, {"s", "kk", "l"}, -1, false},
    {"bytes above 127 are greater", {"s", "\xC3\xA9", "l"}, {"s", "z", "l"}, 1, false},
};

static void test_sources_have_one_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(source_cases); i++) {
        const char *const *x = source_cases[i].a, *const *y = source_cases[i].b;
        struct source a = named(x[0], x[1], x[2]), b = named(y[0], y[1], y[2]);
        if (sign(source_cmp(&a, &b)) != source_cases[i].order ||
            sign(source_cmp(&b, &a)) != -source_cases[i].order ||
            source_is_same(&a, &b) != source_cases[i].same)
            fail_msg("%s", source_cases[i].sentence);
    }
}

/* --- hash --- */

#define TEXT(s) {.kind = VALUE_TEXT, .count = sizeof(s) - 1, .text = (s)}
#define INT(n)  {.kind = VALUE_INT, .number = (n)}
#define TIME(n) {.kind = VALUE_TIME, .number = (n)}
#define BOOL(b) {.kind = VALUE_BOOL, .flag = (b)}
#define NOTHING {.kind = VALUE_NONE}
#define MANY(k, ...)                                                        \
    {                                                                       \
        .kind = (k), .count = COUNT(((const struct value[]){__VA_ARGS__})), \
        .items = (const struct value[])                                     \
        {                                                                   \
            __VA_ARGS__                                                     \
        }                                                                   \
    }
#define LIST(...)   MANY(VALUE_LIST, __VA_ARGS__)
#define OBJECT(...) MANY(VALUE_OBJECT, __VA_ARGS__)

#define NAME(s) {(s), sizeof(s) - 1}

static const struct type string_type = {.kind = TYPE_STRING};

/* The volatile member stands first, so that it decides the order of a list. */
static const struct member agent_members[] = {
    {NAME("seen_at"), {.kind = TYPE_DATETIME}, true},
    {NAME("id"), {.kind = TYPE_STRING}, false},
    {NAME("flags"), {.kind = TYPE_LIST, .item = &string_type}, false},
};
static const struct type agent_type = {
    .kind = TYPE_OBJECT, .members = agent_members, .count = 3};

/* Nothing in it is volatile but what is in its list. */
static const struct member group_members[] = {
    {NAME("agents"), {.kind = TYPE_LIST, .item = &agent_type}, false},
};
static const struct type group_type = {
    .kind = TYPE_OBJECT, .members = group_members, .count = 1};

enum { HOSTNAME, TAGS, AGENTS, GROUPS, MEMORY, ACTIVE, SEEN, FIELDS };

static const struct field fields[FIELDS] = {
    [HOSTNAME] = {.name = NAME("hostname"), .type = {.kind = TYPE_HOSTNAME}},
    [TAGS] = {.name = NAME("tags"), .type = {.kind = TYPE_LIST, .item = &string_type}},
    [AGENTS] = {.name = NAME("agents"), .type = {.kind = TYPE_LIST, .item = &agent_type}},
    [GROUPS] = {.name = NAME("groups"), .type = {.kind = TYPE_LIST, .item = &group_type}},
    [MEMORY] = {.name = NAME("memory_mb"), .type = {.kind = TYPE_INT}},
    [ACTIVE] = {.name = NAME("active"), .type = {.kind = TYPE_BOOL}},
    [SEEN] = {.name = NAME("seen_at"), .type = {.kind = TYPE_DATETIME}, .is_volatile = true},
};
static const struct model model = {.fields = fields, .field_count = FIELDS};

struct content {
    bool has_as_of;
    int64_t as_of_ms;
    struct value fields[FIELDS];
};

static const struct {
    const char *sentence;
    struct content a, b;
    bool equal;
} hash_cases[] = {
    {"equal content has one hash",
     {true, 5, {[HOSTNAME] = TEXT("a"), [MEMORY] = INT(1)}},
     {true, 5, {[HOSTNAME] = TEXT("a"), [MEMORY] = INT(1)}},
     true},
    {"another value is another hash", {.fields = {TEXT("a")}}, {.fields = {TEXT("b")}}, false},
    {"an absent field is not an empty one",
     {.fields = {TEXT("")}},
     {.fields = {NOTHING}},
     false},
    {"another kind of value is another hash",
     {.fields = {[MEMORY] = INT(1)}},
     {.fields = {[MEMORY] = TIME(1)}},
     false},
    {"true is not false",
     {.fields = {[ACTIVE] = BOOL(true)}},
     {.fields = {[ACTIVE] = BOOL(false)}},
     false},
    {"as_of is part of it", {true, 5, {TEXT("a")}}, {true, 6, {TEXT("a")}}, false},
    {"no as_of is not an as_of of zero",
     {true, 0, {TEXT("a")}},
     {.fields = {TEXT("a")}},
     false},
    {"a volatile field is not part of it",
     {.fields = {[HOSTNAME] = TEXT("a"), [SEEN] = TIME(1)}},
     {.fields = {[HOSTNAME] = TEXT("a"), [SEEN] = TIME(2)}},
     true},
    {"items do not run into each other",
     {.fields = {[TAGS] = LIST(TEXT("ab"), TEXT("c"))}},
     {.fields = {[TAGS] = LIST(TEXT("a"), TEXT("bc"))}},
     false},
    {"text with a NUL byte is whole",
     {.fields = {[TAGS] = LIST(TEXT("a\0b"))}},
     {.fields = {[TAGS] = LIST(TEXT("a\0c"))}},
     false},
    {"a volatile member is not part of it",
     {.fields = {[AGENTS] = LIST(OBJECT(TIME(1), TEXT("x"), NOTHING))}},
     {.fields = {[AGENTS] = LIST(OBJECT(TIME(2), TEXT("x"), NOTHING))}},
     true},
    {"a volatile member does not order a list",
     {.fields = {[AGENTS] = LIST(OBJECT(TIME(1), TEXT("x"), NOTHING),
                                 OBJECT(TIME(2), TEXT("y"), NOTHING))}},
     {.fields = {[AGENTS] = LIST(OBJECT(TIME(3), TEXT("y"), NOTHING),
                                 OBJECT(TIME(4), TEXT("x"), NOTHING))}},
     true},
    {"items that differ in volatile members alone count once",
     {.fields = {[AGENTS] = LIST(OBJECT(TIME(1), TEXT("x"), NOTHING),
                                 OBJECT(TIME(2), TEXT("x"), NOTHING))}},
     {.fields = {[AGENTS] = LIST(OBJECT(TIME(3), TEXT("x"), NOTHING))}},
     true},
    {"an item of volatile members alone is not there",
     {.fields = {[HOSTNAME] = TEXT("a"), [AGENTS] = LIST(OBJECT(TIME(1), NOTHING, NOTHING))}},
     {.fields = {[HOSTNAME] = TEXT("a")}},
     true},
    {"several such items are not there either",
     {.fields = {[AGENTS] = LIST(OBJECT(TIME(1), NOTHING, NOTHING),
                                 OBJECT(TIME(2), NOTHING, NOTHING))}},
     {.fields = {NOTHING}},
     true},
    {"a volatile member further down does not order a list either",
     {.fields = {[GROUPS] = LIST(OBJECT(LIST(OBJECT(TIME(1), TEXT("x"), NOTHING))),
                                 OBJECT(LIST(OBJECT(TIME(2), TEXT("y"), NOTHING))))}},
     {.fields = {[GROUPS] = LIST(OBJECT(LIST(OBJECT(TIME(3), TEXT("y"), NOTHING))),
                                 OBJECT(LIST(OBJECT(TIME(4), TEXT("x"), NOTHING))))}},
     true},
    {"one more item is another hash",
     {.fields = {[AGENTS] = LIST(OBJECT(NOTHING, TEXT("x"), NOTHING))}},
     {.fields = {[AGENTS] = LIST(OBJECT(NOTHING, TEXT("x"), NOTHING),
                                 OBJECT(NOTHING, TEXT("y"), NOTHING))}},
     false},
    {"a list in an object is part of it",
     {.fields = {[AGENTS] = LIST(OBJECT(NOTHING, TEXT("x"), LIST(TEXT("a"))))}},
     {.fields = {[AGENTS] = LIST(OBJECT(NOTHING, TEXT("x"), LIST(TEXT("b"))))}},
     false},
};

static struct source hashed(const struct model *m, const struct content *c)
{
    struct source s = {.has_as_of = c->has_as_of, .as_of_ms = c->as_of_ms, .fields = c->fields};
    source_hash(m, &s);
    return s;
}

static void test_hash_is_of_the_content(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(hash_cases); i++) {
        struct source a = hashed(&model, &hash_cases[i].a),
                      b = hashed(&model, &hash_cases[i].b);
        if ((memcmp(a.hash, b.hash, HASH_BYTES) == 0) != hash_cases[i].equal)
            fail_msg("%s", hash_cases[i].sentence);
    }
}

static void test_hash_does_not_depend_on_the_places_of_fields(void **state)
{
    (void)state;
    struct field turned[FIELDS];
    struct content before = {.fields = {[HOSTNAME] = TEXT("a")}}, after = {0};
    for (size_t i = 0; i < FIELDS; i++)
        turned[i] = fields[FIELDS - 1 - i];
    after.fields[FIELDS - 1 - HOSTNAME] = before.fields[HOSTNAME];
    struct source a = hashed(&model, &before);
    struct source b = hashed(&(struct model){.fields = turned, .field_count = FIELDS}, &after);
    assert_memory_equal(a.hash, b.hash, HASH_BYTES);
}

static void test_hash_of_a_gone_source_is_zero(void **state)
{
    (void)state;
    struct source s = {.gone = true, .hash = {1}, .has_as_of = true};
    source_hash(&model, &s);
    assert_memory_equal(s.hash, (uint8_t[HASH_BYTES]){0}, HASH_BYTES);
}

/* Its sum was made by another program from what entity.c describes. It never changes. */
static const struct content golden = {
    true,
    1700000000000,
    {[HOSTNAME] = TEXT("web-1"),
     [TAGS] = LIST(TEXT("a"), TEXT("b")),
     [AGENTS] =
         LIST(OBJECT(TIME(1), TEXT("x"), LIST(TEXT("f"))), OBJECT(TIME(2), TEXT("w"), NOTHING)),
     [MEMORY] = INT(-2),
     [ACTIVE] = BOOL(true),
     [SEEN] = TIME(3)}};

static void test_hashes_are_the_same_for_ever(void **state)
{
    (void)state;
    struct source s = hashed(&model, &golden);
    char hex[2 * HASH_BYTES + 1];
    for (size_t i = 0; i < HASH_BYTES; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", s.hash[i]);
    assert_string_equal(hex, "2259ef20c047f09fbf9a35f76e2cbcef");
    assert_true(key_hash(STR("")) == 0xcbf29ce484222325);
    assert_true(key_hash(STR("a")) == 0xaf63dc4c8601ec8c);
    assert_true(key_hash(STR("foobar")) == 0x85944171f73967e8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions_are_compared_member_by_member),
        cmocka_unit_test(test_sources_have_one_order),
        cmocka_unit_test(test_hash_is_of_the_content),
        cmocka_unit_test(test_hash_does_not_depend_on_the_places_of_fields),
        cmocka_unit_test(test_hash_of_a_gone_source_is_zero),
        cmocka_unit_test(test_hashes_are_the_same_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
