/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "common/index.h"

enum { MANY = 5000 };

/* Each key is a text of its own in the arena, because the index keeps views. */
static struct str key_of(struct arena *arena, size_t i)
{
    return arena_format(arena, "key %zu", i);
}

static void a_key_that_is_not_there_has_no_number(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct index x;
    index_init(&x, &arena, 4);
    assert_int_equal(index_get(&x, STR("a")), -1);
    index_put(&x, STR("a"), 1);
    assert_int_equal(index_get(&x, STR("b")), -1);
    assert_int_equal(index_get(&x, STR("")), -1);
}

static void the_first_number_of_a_key_stands(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct index x;
    index_init(&x, &arena, 4);
    assert_int_equal(index_put(&x, STR("a"), 7), 7);
    assert_int_equal(index_put(&x, STR("a"), 8), 7);
    assert_int_equal(index_get(&x, STR("a")), 7);
    assert_int_equal(x.count, 1);
}

struct twin {
    const char *sentence;
    struct str a, b;
    bool is_same;
};
static const struct twin twins[] = {
    {"equal_bytes_at_two_places_are_one_key",
     {"one", 3},
     {"ones" /* its first three */, 3},
     true},
    {"a_prefix_is_another_key", {"one", 3}, {"ones", 4}, false},
    {"keys_go_on_after_nul", {"a\0b", 3}, {"a\0c", 3}, false},
    {"the_empty_key_is_a_key", {"", 0}, {NULL, 0}, true},
    {"case_tells_keys_apart", {"a", 1}, {"A", 1}, false},
};

static void keys_are_compared_by_their_bytes(void **state)
{
    const struct twin *t = *state;
    arena_auto arena = {0};
    struct index x;
    index_init(&x, &arena, 2);
    assert_int_equal(index_put(&x, t->a, 1), 1);
    assert_int_equal(index_get(&x, t->b), t->is_same ? 1 : -1);
    assert_int_equal(index_put(&x, t->b, 2), t->is_same ? 1 : 2);
    assert_int_equal(x.count, t->is_same ? 1 : 2);
}

static void an_index_keeps_all_keys_when_there_are_more_than_expected(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct index x;
    index_init(&x, &arena, 0);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(index_put(&x, key_of(&arena, i), (int64_t)i), (int64_t)i);
    assert_int_equal(x.count, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(index_get(&x, key_of(&arena, i)), (int64_t)i);
    assert_int_equal(index_get(&x, key_of(&arena, MANY)), -1);
}

static void an_index_of_the_right_size_does_not_grow(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct index x;
    index_init(&x, &arena, 1000);
    size_t room = x.room;
    for (size_t i = 0; i < 1000; i++)
        index_put(&x, key_of(&arena, i), (int64_t)i);
    assert_int_equal(x.room, room);
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD_ONE(&all, a_key_that_is_not_there_has_no_number);
    CASES_ADD_ONE(&all, the_first_number_of_a_key_stands);
    CASES_ADD(&all, keys_are_compared_by_their_bytes, twins);
    CASES_ADD_ONE(&all, an_index_keeps_all_keys_when_there_are_more_than_expected);
    CASES_ADD_ONE(&all, an_index_of_the_right_size_does_not_grow);
    return cases_run("index", &all);
}
