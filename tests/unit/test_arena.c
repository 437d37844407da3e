/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "common/arena.h"

enum { BIG_BYTES = 1024 * 1024 };

static bool is_zero(const void *piece, size_t bytes)
{
    const unsigned char *at = piece;
    for (size_t i = 0; i < bytes; i++)
        if (at[i])
            return false;
    return true;
}

/* Sizes around the alignment, the block and the share of a block from which a piece is big. */
static const size_t sizes[] = {1,     7,     8,     15,    16,    17,    100,   1000,
                               16383, 16384, 16385, 65519, 65520, 65535, 65536, 65537};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void every_piece_is_aligned_for_any_type(void **state)
{
    (void)state;
    arena_auto arena = {0};
    for (size_t round = 0; round < 4; round++)
        for (size_t i = 0; i < SIZES; i++)
            assert_int_equal((uintptr_t)arena_take(&arena, sizes[i]) % _Alignof(max_align_t),
                             0);
}

static void pieces_do_not_overlap(void **state)
{
    (void)state;
    arena_auto arena = {0};
    enum { PIECES = SIZES * 8 };
    unsigned char *pieces[PIECES];
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = arena_take(&arena, sizes[i % SIZES]);
        assert_true(is_zero(pieces[i], sizes[i % SIZES]));
        memset(pieces[i], (int)i + 1, sizes[i % SIZES]);
    }
    for (size_t i = 0; i < PIECES; i++)
        for (size_t j = 0; j < sizes[i % SIZES]; j++)
            assert_int_equal(pieces[i][j], i + 1);
}

static void memory_is_zeroed_again_after_a_reset(void **state)
{
    (void)state;
    arena_auto arena = {0};
    for (size_t round = 0; round < 5; round++) {
        for (size_t i = 0; i < (size_t)SIZES * 4; i++) {
            void *piece = arena_take(&arena, sizes[i % SIZES]);
            assert_true(is_zero(piece, sizes[i % SIZES]));
            memset(piece, 0xff, sizes[i % SIZES]);
        }
        arena_reset(&arena);
    }
}

static void a_reset_keeps_a_block_for_the_next_round(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const void *first = arena_take(&arena, 10);
    arena_take(&arena, BIG_BYTES);
    arena_reset(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_ptr_equal(arena_take(&arena, 10), first);
}

static void a_big_piece_leaves_the_block_to_small_ones(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const char *before = arena_take(&arena, 16);
    char *big = arena_take(&arena, BIG_BYTES);
    memset(big, 0xff, BIG_BYTES);
    const char *after = arena_take(&arena, 16);
    assert_ptr_equal(after, before + 16);
    assert_true(is_zero(after, 16));
}

static void an_arena_may_begin_with_a_big_piece(void **state)
{
    (void)state;
    arena_auto arena = {0};
    memset(arena_take(&arena, BIG_BYTES), 0xff, BIG_BYTES);
    assert_true(is_zero(arena_take(&arena, 16), 16));
    arena_reset(&arena);
    assert_true(is_zero(arena_take(&arena, BIG_BYTES), BIG_BYTES));
}

static void used_bytes_count_what_was_handed_out(void **state)
{
    (void)state;
    arena_auto arena = {0};
    assert_int_equal(arena.used_bytes, 0);
    arena_take(&arena, 1);
    size_t one = arena.used_bytes;
    assert_true(one >= 1 && one <= _Alignof(max_align_t));
    arena_take(&arena, BIG_BYTES);
    assert_int_equal(arena.used_bytes, one + BIG_BYTES);
    arena_done(&arena);
    assert_int_equal(arena.used_bytes, 0);
}

static void a_piece_of_nothing_is_no_null(void **state)
{
    (void)state;
    arena_auto arena = {0};
    assert_non_null(arena_take(&arena, 0));
    assert_non_null(ARENA_ARRAY(&arena, uint64_t, 0));
}

static void a_done_arena_can_be_used_again(void **state)
{
    (void)state;
    arena_auto arena = {0};
    arena_done(&arena);
    arena_take(&arena, 1);
    arena_done(&arena);
    arena_done(&arena);
    assert_true(is_zero(arena_take(&arena, 100), 100));
}

static void copies_are_their_own_and_terminated(void **state)
{
    (void)state;
    arena_auto arena = {0};
    char text[] = "a\0b";
    struct str copy = arena_copy(&arena, (struct str){text, 3});
    char *terminated = arena_text(&arena, (struct str){text, 1});
    text[0] = 'x';
    assert_true(str_eq(copy, STR("a\0b")));
    assert_int_equal(copy.ptr[3], '\0');
    assert_string_equal(terminated, "a");
    struct str nothing = arena_copy(&arena, (struct str){0});
    assert_int_equal(nothing.len, 0);
    assert_string_equal(nothing.ptr, "");
}

static void a_format_of_any_length_is_whole(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct str text = arena_format(&arena, "%d:%*s", 7, 100000, "end");
    assert_int_equal(text.len, 100002);
    assert_memory_equal(text.ptr, "7:   ", 5);
    assert_string_equal(text.ptr + text.len - 3, "end");
}

static void a_growing_array_keeps_its_elements_and_zeroes_new_ones(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct {
        uint32_t number;
        uint32_t untouched;
    } *list = NULL;
    size_t count = 0;
    size_t room = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        size_t at = count;
        ARENA_PUSH(&arena, list, count, room)->number = i;
        assert_int_equal(list[at].untouched, 0);
        arena_take(&arena, i % 50);
    }
    assert_int_equal(count, 1000);
    assert_true(room >= count);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(list[i].number, i);
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD_ONE(&all, every_piece_is_aligned_for_any_type);
    CASES_ADD_ONE(&all, pieces_do_not_overlap);
    CASES_ADD_ONE(&all, memory_is_zeroed_again_after_a_reset);
    CASES_ADD_ONE(&all, a_reset_keeps_a_block_for_the_next_round);
    CASES_ADD_ONE(&all, a_big_piece_leaves_the_block_to_small_ones);
    CASES_ADD_ONE(&all, an_arena_may_begin_with_a_big_piece);
    CASES_ADD_ONE(&all, used_bytes_count_what_was_handed_out);
    CASES_ADD_ONE(&all, a_piece_of_nothing_is_no_null);
    CASES_ADD_ONE(&all, a_done_arena_can_be_used_again);
    CASES_ADD_ONE(&all, copies_are_their_own_and_terminated);
    CASES_ADD_ONE(&all, a_format_of_any_length_is_whole);
    CASES_ADD_ONE(&all, a_growing_array_keeps_its_elements_and_zeroes_new_ones);
    return cases_run("arena", &all);
}
