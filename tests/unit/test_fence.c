/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "serializer/fence.h"

#include <stdlib.h>

/* The keys a … of a list, hashed and sorted, as marks keep them. */
static int hash_cmp(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static struct key_set keys_of(const char *letters, struct arena *arena)
{
    size_t count = strlen(letters);
    uint64_t *keys = ARENA_ARRAY(arena, uint64_t, count);
    for (size_t i = 0; i < count; i++)
        keys[i] = key_hash((struct str){&letters[i], 1});
    if (count)
        qsort(keys, count, sizeof *keys, hash_cmp);
    return (struct key_set){.keys = keys, .count = count};
}

/* --- the line --- */

static void
the_line_is_the_newest_whole_run_or_the_one_before_where_listings_shift(void **state)
{
    (void)state;
    struct link_state link = {.complete = {.run = 7, .gen = 8}, .before = {.run = 5, .gen = 6}};
    assert_int_equal(fence_line(&link, false).gen, 8);
    assert_int_equal(fence_line(&link, true).gen, 6);
}

/* --- seen: a page counts once --- */

struct seen_case {
    const char *sentence;
    struct mark page, own;
    bool in_listing, in_incremental;
};
static const struct seen_case seen_cases[] = {
    {"a_page_without_a_mark_is_new",
     {.gen = 2, .map = 1, .answer = 5},
     {.gen = 0},
     false,
     false},
    {"the_same_page_again_is_seen",
     {.gen = 2, .map = 1, .answer = 5},
     {.gen = 2, .map = 1, .answer = 5},
     true,
     true},
    {"the_same_answer_of_an_older_claim_is_seen",
     {.gen = 1, .map = 1, .answer = 5},
     {.gen = 2, .map = 1, .answer = 5},
     true,
     true},
    {"the_same_answer_of_a_later_claim_counts_only_in_an_incremental_stream",
     {.gen = 3, .map = 1, .answer = 5},
     {.gen = 2, .map = 1, .answer = 5},
     true,
     false},
    {"another_answer_counts_only_in_an_incremental_stream",
     {.gen = 2, .map = 1, .answer = 6},
     {.gen = 2, .map = 1, .answer = 5},
     true,
     false},
    {"a_greater_map_makes_the_same_answer_again",
     {.gen = 2, .map = 2, .answer = 5},
     {.gen = 2, .map = 1, .answer = 5},
     false,
     false},
    {"a_greater_map_does_not_make_another_answer_the_first",
     {.gen = 2, .map = 2, .answer = 6},
     {.gen = 2, .map = 1, .answer = 5},
     true,
     false},
    {"a_smaller_map_makes_nothing_again",
     {.gen = 2, .map = 1, .answer = 5},
     {.gen = 2, .map = 2, .answer = 5},
     true,
     true},
};

static void is_seen(void **state)
{
    const struct seen_case *c = *state;
    assert_int_equal(fence_is_seen(&c->page, &c->own, false), c->in_listing);
    assert_int_equal(fence_is_seen(&c->page, &c->own, true), c->in_incremental);
}

/* --- late --- */

struct late_case {
    const char *sentence;
    struct whole line;
    struct mark page, own;
    bool is_late;
};
static const struct late_case late_cases[] = {
    {"nothing_is_late_while_there_is_no_line",
     {.gen = 0},
     {.run = 1, .gen = 1},
     {.gen = 0},
     false},
    {"a_page_above_the_line_is_not_late",
     {.run = 1, .gen = 1},
     {.run = 2, .gen = 2},
     {.gen = 0},
     false},
    {"a_page_at_the_line_is_late",
     {.run = 2, .gen = 2},
     {.run = 2, .gen = 2},
     {.gen = 0},
     true},
    {"a_page_below_the_line_is_late",
     {.run = 3, .gen = 3},
     {.run = 2, .gen = 2},
     {.gen = 0},
     true},
    {"a_page_of_a_run_that_was_taken_up_again_above_the_line_is_not_late",
     {.run = 2, .gen = 3},
     {.run = 2, .gen = 4},
     {.gen = 0},
     false},
    {"a_page_of_the_line_s_run_is_late_up_to_the_gen_it_ended_in",
     {.run = 2, .gen = 4},
     {.run = 2, .gen = 3},
     {.gen = 0},
     true},
    {"a_greater_map_makes_a_page_of_the_line_s_run_again",
     {.run = 2, .gen = 2},
     {.run = 2, .gen = 2, .map = 2, .answer = 5},
     {.run = 2, .gen = 2, .map = 1, .answer = 5},
     false},
    {"an_equal_map_does_not",
     {.run = 2, .gen = 2},
     {.run = 2, .gen = 2, .map = 1, .answer = 5},
     {.run = 2, .gen = 2, .map = 1, .answer = 5},
     true},
    {"a_greater_map_does_not_where_the_answer_is_another",
     {.run = 2, .gen = 2},
     {.run = 2, .gen = 2, .map = 2, .answer = 6},
     {.run = 2, .gen = 2, .map = 1, .answer = 5},
     true},
    {"a_greater_map_does_not_where_the_page_was_never_marked",
     {.run = 2, .gen = 2},
     {.run = 2, .gen = 2, .map = 2, .answer = 5},
     {.gen = 0},
     true},
    {"a_greater_map_does_not_make_a_run_below_the_line_again",
     {.run = 3, .gen = 3},
     {.run = 2, .gen = 2, .map = 2, .answer = 5},
     {.run = 2, .gen = 2, .map = 1, .answer = 5},
     true},
};

static void is_late(void **state)
{
    const struct late_case *c = *state;
    assert_int_equal(fence_is_late(&c->line, &c->page, &c->own), c->is_late);
}

/* --- skipping: each condition alone spoils it --- */

struct skip_case {
    const char *sentence;
    struct whole complete;
    struct mark page, own;
    bool may_skip;
};
static const struct skip_case skip_cases[] = {
    {"a_clean_page_directly_after_a_whole_run_may_skip",
     {.run = 3, .gen = 4, .map = 1, .pages = 2},
     {.run = 5, .gen = 5, .map = 1, .page = 1, .clean = true},
     {.gen = 0},
     true},
    {"so_may_one_of_a_run_that_was_taken_up_again",
     {.run = 3, .gen = 4, .map = 1, .pages = 2},
     {.run = 5, .gen = 6, .map = 1, .page = 1, .clean = true},
     {.gen = 0},
     true},
    {"one_that_is_not_clean_may_not",
     {.run = 3, .gen = 4, .map = 1, .pages = 2},
     {.run = 5, .gen = 5, .map = 1, .page = 1},
     {.gen = 0},
     false},
    {"one_that_has_a_mark_may_not",
     {.run = 3, .gen = 4, .map = 1, .pages = 2},
     {.run = 5, .gen = 5, .map = 1, .page = 1, .clean = true},
     {.run = 5, .gen = 5, .map = 1, .page = 1},
     false},
    {"one_of_a_link_that_was_never_whole_may_not",
     {.map = 1, .pages = 1},
     {.run = 1, .gen = 1, .map = 1, .clean = true},
     {.gen = 0},
     false},
    {"one_with_a_run_in_between_may_not",
     {.run = 3, .gen = 3, .map = 1, .pages = 2},
     {.run = 5, .gen = 5, .map = 1, .page = 1, .clean = true},
     {.gen = 0},
     false},
    {"one_of_the_whole_run_itself_may_not",
     {.run = 5, .gen = 5, .map = 1, .pages = 2},
     {.run = 5, .gen = 5, .map = 1, .page = 1, .clean = true},
     {.gen = 0},
     false},
    {"one_of_a_greater_map_may_not",
     {.run = 3, .gen = 4, .map = 1, .pages = 2},
     {.run = 5, .gen = 5, .map = 2, .page = 1, .clean = true},
     {.gen = 0},
     false},
    {"one_of_a_smaller_map_may_not",
     {.run = 3, .gen = 4, .map = 2, .pages = 2},
     {.run = 5, .gen = 5, .map = 1, .page = 1, .clean = true},
     {.gen = 0},
     false},
    {"one_behind_the_end_of_the_whole_run_may_not",
     {.run = 3, .gen = 4, .map = 1, .pages = 2},
     {.run = 5, .gen = 5, .map = 1, .page = 2, .clean = true},
     {.gen = 0},
     false},
    {"one_after_a_run_that_listed_a_key_twice_may_not",
     {.run = 3, .gen = 4, .map = 1, .pages = 2, .twice = true},
     {.run = 5, .gen = 5, .map = 1, .page = 1, .clean = true},
     {.gen = 0},
     false},
};

static void may_skip(void **state)
{
    const struct skip_case *c = *state;
    struct link_state link = {.complete = c->complete};
    assert_int_equal(fence_may_skip(&link, &c->page, &c->own), c->may_skip);
}

static void a_mark_has_its_keys_and_no_others(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct key_set set = keys_of("acegi", &arena);
    struct mark m = {.keys = set.keys, .key_count = set.count};
    struct mark none = {0};
    for (const char *letter = "abcdefghij"; *letter; letter++) {
        uint64_t key = key_hash((struct str){letter, 1});
        assert_int_equal(mark_has(&m, key), strchr("acegi", *letter) != NULL);
        assert_int_equal(key_set_has(&set, key), strchr("acegi", *letter) != NULL);
        assert_false(mark_has(&none, key));
    }
    assert_false(mark_has(&m, 0));
    assert_false(mark_has(&m, UINT64_MAX));
}

struct identical_case {
    const char *sentence;
    const char *listed_before;
    struct source stored, record;
    bool is_stored, is_identical;
};
static const struct identical_case identical_cases[] = {
    {"a_record_of_equal_content_that_this_page_listed_before_is_identical",
     "ab",
     {.hash = {1}},
     {.hash = {1}, .key = {"a", 1}},
     true,
     true},
    {"one_that_is_not_stored_is_not",
     "ab",
     {.hash = {1}},
     {.hash = {1}, .key = {"a", 1}},
     false,
     false},
    {"one_that_is_stored_as_gone_is_not",
     "ab",
     {.hash = {1}, .gone = true},
     {.hash = {1}, .key = {"a", 1}},
     true,
     false},
    {"one_of_other_content_is_not",
     "ab",
     {.hash = {[HASH_BYTES - 1] = 1}},
     {.hash = {[HASH_BYTES - 1] = 2}, .key = {"a", 1}},
     true,
     false},
    {"one_that_another_page_listed_before_is_not",
     "ab",
     {.hash = {1}},
     {.hash = {1}, .key = {"c", 1}},
     true,
     false},
    {"one_whose_page_was_not_there_before_is_not",
     "",
     {.hash = {1}},
     {.hash = {1}, .key = {"a", 1}},
     true,
     false},
};

static void is_identical(void **state)
{
    const struct identical_case *c = *state;
    arena_auto arena = {0};
    struct key_set keys = keys_of(c->listed_before, &arena);
    struct mark before = {.keys = keys.keys, .key_count = keys.count};
    assert_int_equal(fence_is_identical(&before, c->is_stored ? &c->stored : NULL, &c->record),
                     c->is_identical);
}

/* --- the state of a run --- */

enum { PAGES_MAX = 4 };

/* A page that was marked; its keys are letters. NULL: no more. */
struct marked {
    const char *keys;
    int64_t page, gen;
    int32_t map, rejects;
    bool final, clean;
};

struct run_case {
    const char *sentence;
    struct marked marks[PAGES_MAX];
    enum run_state state;
    struct whole whole; /* where the state is not RUN_OPEN */
};
static const struct run_case run_cases[] = {
    {"a_run_without_marks_is_open", {{0}}, RUN_OPEN, {0}},
    {"a_run_without_a_final_page_is_open", {{"a", 0, 5, 1, 0, false, false}}, RUN_OPEN, {0}},
    {"a_run_with_a_gap_is_open",
     {{"a", 0, 5, 1, 0, false, false}, {"c", 2, 5, 1, 0, true, false}},
     RUN_OPEN,
     {0}},
    {"a_run_without_its_first_page_is_open", {{"b", 1, 5, 1, 0, true, false}}, RUN_OPEN, {0}},
    {"a_gap_is_not_filled_by_a_page_behind_the_end",
     {{"a", 0, 5, 1, 0, false, false},
      {"c", 2, 5, 1, 0, true, false},
      {"d", 3, 5, 1, 0, false, false}},
     RUN_OPEN,
     {0}},
    {"one_page_that_is_final_is_a_whole_run",
     {{"a", 0, 5, 1, 0, true, false}},
     RUN_WHOLE,
     {.run = 5, .gen = 5, .map = 1, .pages = 1}},
    {"one_final_page_without_records_is_a_whole_run",
     {{"", 0, 5, 1, 0, true, false}},
     RUN_WHOLE,
     {.run = 5, .gen = 5, .map = 1, .pages = 1}},
    {"all_pages_up_to_the_final_one_are_a_whole_run",
     {{"a", 0, 5, 1, 0, false, false},
      {"b", 1, 5, 1, 0, false, false},
      {"c", 2, 5, 1, 0, true, false}},
     RUN_WHOLE,
     {.run = 5, .gen = 5, .map = 1, .pages = 3}},
    {"a_run_ends_in_the_greatest_gen_of_its_pages",
     {{"a", 0, 5, 1, 0, false, false},
      {"b", 1, 7, 1, 0, false, false},
      {"c", 2, 6, 1, 0, true, false}},
     RUN_WHOLE,
     {.run = 5, .gen = 7, .map = 1, .pages = 3}},
    {"a_run_is_whole_by_the_smallest_map_of_its_pages",
     {{"a", 0, 5, 3, 0, false, false}, {"b", 1, 5, 2, 0, true, false}},
     RUN_WHOLE,
     {.run = 5, .gen = 5, .map = 2, .pages = 2}},
    {"a_page_with_rejects_spoils_the_run",
     {{"a", 0, 5, 1, 0, false, false}, {"b", 1, 5, 1, 1, true, false}},
     RUN_REJECTS,
     {.run = 5, .gen = 5, .map = 1, .pages = 2}},
    {"rejects_behind_the_end_do_not",
     {{"a", 0, 5, 1, 0, true, false}, {"b", 1, 5, 1, 1, false, false}},
     RUN_WHOLE,
     {.run = 5, .gen = 5, .map = 1, .pages = 1}},
    {"a_clean_run_that_lists_a_key_on_two_pages_is_doubtful",
     {{"ab", 0, 5, 1, 0, false, true}, {"bc", 1, 5, 1, 0, true, true}},
     RUN_DOUBTFUL,
     {.run = 5, .gen = 5, .map = 1, .pages = 2, .twice = true}},
    {"one_clean_page_is_enough_for_doubt",
     {{"ab", 0, 5, 1, 0, false, true}, {"bc", 1, 6, 1, 0, true, false}},
     RUN_DOUBTFUL,
     {.run = 5, .gen = 6, .map = 1, .pages = 2, .twice = true}},
    {"a_run_that_skips_nothing_is_whole_though_it_lists_a_key_twice",
     {{"ab", 0, 5, 1, 0, false, false}, {"bc", 1, 5, 1, 0, true, false}},
     RUN_WHOLE,
     {.run = 5, .gen = 5, .map = 1, .pages = 2, .twice = true}},
    {"a_clean_run_that_lists_each_key_once_is_whole",
     {{"ab", 0, 5, 1, 0, false, true}, {"cd", 1, 5, 1, 0, true, true}},
     RUN_WHOLE,
     {.run = 5, .gen = 5, .map = 1, .pages = 2}},
    {"rejects_are_said_before_doubt",
     {{"ab", 0, 5, 1, 2, false, true}, {"bc", 1, 5, 1, 0, true, true}},
     RUN_REJECTS,
     {.run = 5, .gen = 5, .map = 1, .pages = 2, .twice = true}},
    {"a_page_behind_the_end_is_a_stray_that_changes_nothing",
     {{"a", 0, 5, 2, 0, false, true},
      {"b", 1, 5, 2, 0, true, true},
      {"a", 2, 9, 1, 0, false, true}},
     RUN_WHOLE,
     {.run = 5, .gen = 5, .map = 2, .pages = 2}},
    {"of_two_final_pages_the_first_ends_the_run",
     {{"a", 0, 5, 1, 0, true, false}, {"b", 1, 5, 1, 0, true, false}},
     RUN_WHOLE,
     {.run = 5, .gen = 5, .map = 1, .pages = 1}},
    {"a_stray_final_page_does_not_keep_a_run_open",
     {{"a", 0, 5, 1, 0, false, false},
      {"b", 1, 5, 1, 0, true, false},
      {"d", 3, 5, 1, 0, true, false}},
     RUN_WHOLE,
     {.run = 5, .gen = 5, .map = 1, .pages = 2}},
};

static size_t marks_of(const struct marked *marked, struct arena *arena, struct mark *out)
{
    size_t count = 0;
    for (; count < PAGES_MAX && marked[count].keys; count++) {
        const struct marked *m = &marked[count];
        struct key_set keys = keys_of(m->keys, arena);
        out[count] = (struct mark){.run = 5,
                                   .page = m->page,
                                   .gen = m->gen,
                                   .map = m->map,
                                   .final = m->final,
                                   .clean = m->clean,
                                   .rejects = m->rejects,
                                   .keys = keys.keys,
                                   .key_count = keys.count};
    }
    return count;
}

static void reverse(struct mark *marks, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct mark kept = marks[i];
        marks[i] = marks[count - 1 - i];
        marks[count - 1 - i] = kept;
    }
}

static void assert_whole(struct whole got, struct whole wanted)
{
    assert_int_equal(got.run, wanted.run);
    assert_int_equal(got.gen, wanted.gen);
    assert_int_equal(got.map, wanted.map);
    assert_int_equal(got.pages, wanted.pages);
    assert_int_equal(got.twice, wanted.twice);
}

static void has_state(void **state)
{
    const struct run_case *c = *state;
    arena_auto arena = {0};
    struct mark marks[PAGES_MAX];
    size_t count = marks_of(c->marks, &arena, marks);
    for (int order = 0; order < 2; order++) {
        struct whole whole = {0};
        assert_int_equal(fence_run_state(marks, count, &arena, &whole), c->state);
        assert_whole(whole, c->whole);
        reverse(marks, count);
    }
}

/* --- the keys of a run --- */

struct keys_case {
    const char *sentence;
    struct marked marks[PAGES_MAX];
    const char *keys; /* each once */
    bool has_strays;
};
static const struct keys_case keys_cases[] = {
    {"the_keys_of_all_pages_are_listed",
     {{"ba", 0, 5, 1, 0, false, false}, {"dc", 1, 5, 1, 0, true, false}},
     "abcd",
     false},
    {"a_key_on_two_pages_is_listed_once",
     {{"ab", 0, 5, 1, 0, false, false}, {"bc", 1, 5, 1, 0, true, false}},
     "abc",
     false},
    {"keys_of_a_stray_are_not_listed",
     {{"ab", 0, 5, 1, 0, true, false}, {"cd", 1, 5, 1, 0, false, false}},
     "ab",
     true},
    {"a_stray_without_keys_is_a_stray_all_the_same",
     {{"ab", 0, 5, 1, 0, true, false}, {"", 1, 5, 1, 0, false, false}},
     "ab",
     true},
    {"empty_pages_list_nothing", {{"", 0, 5, 1, 0, true, false}}, "", false},
};

static void are_listed(void **state)
{
    const struct keys_case *c = *state;
    arena_auto arena = {0};
    struct mark marks[PAGES_MAX];
    size_t count = marks_of(c->marks, &arena, marks);
    for (int order = 0; order < 2; order++) {
        struct key_set set = fence_keys(marks, count, &arena);
        struct key_set wanted = keys_of(c->keys, &arena);
        assert_int_equal(set.count, wanted.count);
        if (wanted.count)
            assert_memory_equal(set.keys, wanted.keys, wanted.count * sizeof *wanted.keys);
        assert_int_equal(set.has_strays, c->has_strays);
        reverse(marks, count);
    }
}

struct cover_case {
    const char *sentence;
    const char *set, *part;
    bool is_covered;
};
static const struct cover_case cover_cases[] = {
    {"a_set_covers_itself", "abc", "abc", true},
    {"a_set_covers_a_part_of_it", "abc", "b", true},
    {"a_set_covers_nothing", "abc", "", true},
    {"an_empty_set_covers_nothing_too", "", "", true},
    {"an_empty_set_covers_no_key", "", "a", false},
    {"one_key_more_is_not_covered", "abc", "abcd", false},
    {"another_key_is_not_covered", "abc", "abx", false},
};

static void is_covered(void **state)
{
    const struct cover_case *c = *state;
    arena_auto arena = {0};
    struct key_set set = keys_of(c->set, &arena);
    struct key_set part = keys_of(c->part, &arena);
    assert_int_equal(key_set_covers(&set, &part), c->is_covered);
}

/* --- the two newest whole runs of a link --- */

struct complete_case {
    const char *sentence;
    struct whole complete, before, whole;
    bool is_changed;
    struct whole is_complete, is_before;
};
static const struct complete_case complete_cases[] = {
    {"the_first_whole_run_is_the_newest",
     {0},
     {0},
     {.run = 1, .gen = 2, .map = 1},
     true,
     {.run = 1, .gen = 2, .map = 1},
     {0}},
    {"a_newer_one_pushes_the_newest_back",
     {.run = 3, .gen = 3, .map = 1},
     {.run = 1, .gen = 1, .map = 1},
     {.run = 5, .gen = 6, .map = 1},
     true,
     {.run = 5, .gen = 6, .map = 1},
     {.run = 3, .gen = 3, .map = 1}},
    {"one_between_the_two_becomes_the_one_before",
     {.run = 5, .gen = 5, .map = 1},
     {.run = 1, .gen = 1, .map = 1},
     {.run = 3, .gen = 4, .map = 1},
     true,
     {.run = 5, .gen = 5, .map = 1},
     {.run = 3, .gen = 4, .map = 1}},
    {"the_second_to_come_may_be_the_older",
     {.run = 5, .gen = 5, .map = 1},
     {0},
     {.run = 3, .gen = 4, .map = 1},
     true,
     {.run = 5, .gen = 5, .map = 1},
     {.run = 3, .gen = 4, .map = 1}},
    {"one_older_than_both_changes_nothing",
     {.run = 5, .gen = 5, .map = 1},
     {.run = 3, .gen = 3, .map = 1},
     {.run = 1, .gen = 2, .map = 1},
     false,
     {.run = 5, .gen = 5, .map = 1},
     {.run = 3, .gen = 3, .map = 1}},
    {"one_older_than_both_changes_nothing_by_a_greater_map_either",
     {.run = 5, .gen = 5, .map = 1},
     {.run = 3, .gen = 3, .map = 1},
     {.run = 1, .gen = 2, .map = 9},
     false,
     {.run = 5, .gen = 5, .map = 1},
     {.run = 3, .gen = 3, .map = 1}},
    {"the_newest_again_changes_nothing",
     {.run = 5, .gen = 5, .map = 1},
     {.run = 3, .gen = 3, .map = 1},
     {.run = 5, .gen = 5, .map = 1},
     false,
     {.run = 5, .gen = 5, .map = 1},
     {.run = 3, .gen = 3, .map = 1}},
    {"the_newest_made_by_a_greater_map_takes_its_place",
     {.run = 5, .gen = 5, .map = 1},
     {.run = 3, .gen = 3, .map = 1},
     {.run = 5, .gen = 5, .map = 2, .twice = true},
     true,
     {.run = 5, .gen = 5, .map = 2, .twice = true},
     {.run = 3, .gen = 3, .map = 1}},
    {"the_newest_made_by_a_smaller_map_changes_nothing",
     {.run = 5, .gen = 5, .map = 2},
     {.run = 3, .gen = 3, .map = 1},
     {.run = 5, .gen = 5, .map = 1},
     false,
     {.run = 5, .gen = 5, .map = 2},
     {.run = 3, .gen = 3, .map = 1}},
    {"the_one_before_made_by_a_greater_map_takes_its_place",
     {.run = 5, .gen = 5, .map = 1},
     {.run = 3, .gen = 3, .map = 1},
     {.run = 3, .gen = 3, .map = 2},
     true,
     {.run = 5, .gen = 5, .map = 1},
     {.run = 3, .gen = 3, .map = 2}},
    {"the_one_before_again_changes_nothing",
     {.run = 5, .gen = 5, .map = 1},
     {.run = 3, .gen = 3, .map = 1},
     {.run = 3, .gen = 3, .map = 1},
     false,
     {.run = 5, .gen = 5, .map = 1},
     {.run = 3, .gen = 3, .map = 1}},
};

static void takes_its_place(void **state)
{
    const struct complete_case *c = *state;
    struct link_state link = {.gen = 9,
                              .closed = 4,
                              .complete = c->complete,
                              .before = c->before,
                              .swept = {.gen = 1}};
    assert_int_equal(fence_complete(&link, &c->whole), c->is_changed);
    assert_whole(link.complete, c->is_complete);
    assert_whole(link.before, c->is_before);
    assert_int_equal(link.gen, 9);
    assert_int_equal(link.closed, 4);
    assert_int_equal(link.swept.gen, 1);
}

static void whole_runs_end_the_same_in_every_order(void **state)
{
    (void)state;
    const struct whole runs[] = {{.run = 1, .gen = 2, .map = 1},
                                 {.run = 3, .gen = 3, .map = 2},
                                 {.run = 4, .gen = 6, .map = 1},
                                 {.run = 7, .gen = 7, .map = 1}};
    enum { RUNS = sizeof runs / sizeof *runs };
    for (size_t order = 0; order < (size_t)RUNS * RUNS * RUNS * RUNS; order++) {
        struct link_state link = {0};
        bool came[RUNS] = {false};
        for (size_t i = 0, rest = order; i < RUNS; i++, rest /= RUNS)
            came[rest % RUNS] = true;
        if (!(came[0] && came[1] && came[2] && came[3]))
            continue;
        for (size_t i = 0, rest = order; i < RUNS; i++, rest /= RUNS)
            (void)!fence_complete(&link, &runs[rest % RUNS]);
        assert_whole(link.complete, runs[3]);
        assert_whole(link.before, runs[2]);
    }
}

/* --- what is gone --- */

struct sweep_case {
    const char *sentence;
    struct whole complete, before, swept;
    bool without_shifting, with_shifting;
};
static const struct sweep_case sweep_cases[] = {
    {"a_link_that_was_never_whole_has_nothing_to_sweep", {0}, {0}, {0}, false, false},
    {"the_first_whole_run_is_swept_unless_listings_shift",
     {.run = 1, .gen = 1, .map = 1},
     {0},
     {0},
     true,
     false},
    {"where_listings_shift_the_run_before_is_swept",
     {.run = 2, .gen = 2, .map = 1},
     {.run = 1, .gen = 1, .map = 1},
     {.run = 2, .gen = 2, .map = 1},
     false,
     true},
    {"a_line_that_was_swept_is_not_swept_again",
     {.run = 2, .gen = 2, .map = 1},
     {.run = 1, .gen = 1, .map = 1},
     {.run = 1, .gen = 1, .map = 1},
     true,
     false},
    {"a_line_that_was_made_again_by_a_greater_map_is_swept_again",
     {.run = 2, .gen = 2, .map = 2},
     {.run = 1, .gen = 1, .map = 1},
     {.run = 2, .gen = 2, .map = 1},
     true,
     true},
};

static void must_be_swept(void **state)
{
    const struct sweep_case *c = *state;
    struct link_state link = {.complete = c->complete, .before = c->before, .swept = c->swept};
    assert_int_equal(fence_must_sweep(&link, false), c->without_shifting);
    assert_int_equal(fence_must_sweep(&link, true), c->with_shifting);
}

struct gone_case {
    const char *sentence;
    struct source stored;
    bool is_gone;
};
static const struct gone_case gone_cases[] = {
    {"what_the_line_s_run_did_not_list_is_gone",
     {.key = {"x", 1}, .version = {.gen = 2}},
     true},
    {"also_when_a_page_of_that_very_gen_said_it",
     {.key = {"x", 1}, .version = {.gen = 4}},
     true},
    {"what_a_later_page_lists_is_not", {.key = {"x", 1}, .version = {.gen = 5}}, false},
    {"what_the_line_s_run_listed_is_not", {.key = {"a", 1}, .version = {.gen = 2}}, false},
    {"what_is_gone_already_is_not_gone_again",
     {.key = {"x", 1}, .version = {.gen = 2}, .gone = true},
     false},
};

static void is_gone(void **state)
{
    const struct gone_case *c = *state;
    arena_auto arena = {0};
    struct whole line = {.run = 3, .gen = 4, .map = 1};
    struct key_set listed = keys_of("abc", &arena);
    assert_int_equal(fence_is_gone(&line, &listed, &c->stored), c->is_gone);
}

/* A line whose run began in gen 5 and ended in gen 7, by map 2. */
static const struct whole line_of_5 = {.run = 5, .gen = 7, .map = 2};

struct stone_case {
    const char *sentence;
    struct version stored;
    struct version above, below; /* the tombstone's is between these */
};
static const struct stone_case stone_cases[] = {
    {"a_tombstone_beats_all_that_older_runs_said",
     {1, 1, 3, 9, 2},
     {4, INT32_MAX, INT64_MAX, UINT64_MAX, INT32_MAX},
     {5, 2, 0, 0, 0}},
    {"it_does_not_beat_a_page_of_its_own_run",
     {4, 9, 3, 9, 2},
     {4, 9, 3, 9, 2},
     {5, 2, 0, 0, 0}},
    {"it_does_not_beat_its_own_run_made_again_by_a_greater_map",
     {1, 1, 3, 9, 2},
     {4, 1, 0, 0, 0},
     {5, 3, 0, 0, 0}},
    {"what_the_run_itself_left_is_just_beaten",
     {5, 2, 3, 9, 2},
     {5, 2, 3, 9, INT32_MAX - 1},
     {5, 2, 3, 10, 0}},
    {"what_a_later_stretch_of_the_run_left_is_just_beaten",
     {6, 1, 3, 9, 2},
     {6, 1, 3, 9, INT32_MAX - 1},
     {6, 2, 0, 0, 0}},
};

static void is_between(void **state)
{
    const struct stone_case *c = *state;
    struct source stored = {.version = c->stored};
    struct source stone = fence_tombstone(&line_of_5, &stored);
    assert_true(version_cmp(&stone.version, &c->stored) > 0);
    assert_true(version_cmp(&stone.version, &c->above) > 0);
    assert_true(version_cmp(&stone.version, &c->below) < 0);
}

static void a_tombstone_keeps_who_it_was_and_forgets_what_it_said(void **state)
{
    (void)state;
    static const struct value fields[1] = {{.kind = VALUE_INT}};
    static const uint8_t no_hash[HASH_BYTES];
    struct source stored = {.link = STR("l"),
                            .stream = STR("s/a"),
                            .key = STR("k"),
                            .version = {.gen = 1},
                            .hash = {1, 2, 3},
                            .has_as_of = true,
                            .as_of_ms = 77,
                            .page = {STR("pages"), 3, 4},
                            .fields = fields};
    struct source stone = fence_tombstone(&line_of_5, &stored);
    assert_true(source_is_same(&stone, &stored));
    assert_true(str_eq(stone.stream, STR("s/a")));
    assert_true(stone.gone);
    assert_false(stone.has_as_of);
    assert_int_equal(stone.as_of_ms, 0);
    assert_null(stone.fields);
    assert_memory_equal(stone.hash, no_hash, HASH_BYTES);
    assert_false(stored.gone);
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD_ONE(&all,
                  the_line_is_the_newest_whole_run_or_the_one_before_where_listings_shift);
    CASES_ADD(&all, is_seen, seen_cases);
    CASES_ADD(&all, is_late, late_cases);
    CASES_ADD(&all, may_skip, skip_cases);
    CASES_ADD_ONE(&all, a_mark_has_its_keys_and_no_others);
    CASES_ADD(&all, is_identical, identical_cases);
    CASES_ADD(&all, has_state, run_cases);
    CASES_ADD(&all, are_listed, keys_cases);
    CASES_ADD(&all, is_covered, cover_cases);
    CASES_ADD(&all, takes_its_place, complete_cases);
    CASES_ADD_ONE(&all, whole_runs_end_the_same_in_every_order);
    CASES_ADD(&all, must_be_swept, sweep_cases);
    CASES_ADD(&all, is_gone, gone_cases);
    CASES_ADD(&all, is_between, stone_cases);
    CASES_ADD_ONE(&all, a_tombstone_keeps_who_it_was_and_forgets_what_it_said);
    return cases_run("fence", &all);
}
