/* SPDX-License-Identifier: MIT */
/* What rejects have come to: which of them a retry can help, and which are one. */
#include "tests/unit/cases.h"

#include "muster/standing.h"

enum { GEN = 7, OLD = 1, NEW = 2, RETRIES_MAX = 3 };

static const uint64_t answer = 11;

/* --- standing --- */

/* A reject of page 3 of gen 7, and what is known of it. Numbers that are left out are 0. */
struct world {
    const char *sentence;
    enum reject_of kind;
    int32_t rejected_by;
    int64_t retries;
    bool is_answer, is_lost, is_replaced;
    int64_t complete, link_gen, closed; /* of the link; link_gen 0 = no link */
    int32_t marked_by;                  /* 0 = no mark */
    int32_t mark_rejects;
    bool other_answer, incremental, on_its_way;
    int32_t map; /* now */
    enum standing_kind wanted;
    bool all, one;
};

static const struct world worlds[] = {
    {"a_page_that_an_older_map_rejected_is_open", .rejected_by = OLD, .map = NEW,
     .wanted = STANDING_OPEN, .all = true, .one = true},
    {"a_page_of_unknown_map_is_open", .map = NEW, .wanted = STANDING_OPEN, .all = true,
     .one = true},
    {"the_same_map_would_say_the_same_but_who_insists_may_try", .rejected_by = NEW, .map = NEW,
     .wanted = STANDING_WAITS, .one = true},
    {"a_marked_page_needs_a_greater_map_however_much_one_insists", .rejected_by = NEW,
     .marked_by = NEW, .mark_rejects = 2, .map = NEW, .wanted = STANDING_WAITS},
    {"a_marked_page_is_open_for_a_greater_map", .rejected_by = OLD, .marked_by = OLD,
     .mark_rejects = 2, .map = NEW, .wanted = STANDING_OPEN, .all = true, .one = true},
    {"a_page_whose_mark_has_no_rejects_is_read", .rejected_by = OLD, .marked_by = NEW,
     .map = NEW, .wanted = STANDING_READ},
    {"where_another_answer_stands_a_retry_counts_for_nothing", .rejected_by = OLD,
     .marked_by = OLD, .mark_rejects = 1, .other_answer = true, .map = NEW,
     .wanted = STANDING_LATE},
    {"of_an_incremental_stream_every_answer_counts", .rejected_by = OLD, .marked_by = OLD,
     .other_answer = true, .incremental = true, .complete = GEN + 1, .map = NEW,
     .wanted = STANDING_OPEN, .all = true, .one = true},
    {"a_page_is_late_when_its_link_was_read_whole_since", .rejected_by = OLD,
     .link_gen = GEN + 1, .complete = GEN + 1, .map = NEW, .wanted = STANDING_LATE},
    {"a_whole_run_before_it_makes_nothing_late", .rejected_by = OLD, .link_gen = GEN,
     .complete = GEN - 1, .map = NEW, .wanted = STANDING_OPEN, .all = true, .one = true},
    {"a_newer_run_that_is_not_whole_makes_nothing_late", .rejected_by = OLD,
     .link_gen = GEN + 2, .closed = GEN + 2, .complete = GEN - 1, .map = NEW,
     .wanted = STANDING_OPEN, .all = true, .one = true},
    {"an_answer_that_is_a_failure_has_nothing_to_be_read", .is_answer = true, .map = NEW,
     .wanted = STANDING_ANSWER},
    {"also_a_failure_is_late_some_day", .is_answer = true, .complete = GEN + 1, .map = NEW,
     .wanted = STANDING_LATE},
    {"a_stream_that_no_file_knows_waits_for_one", .map = 0, .wanted = STANDING_WAITS},
    {"after_the_last_retry_only_who_insists_may_try", .rejected_by = OLD,
     .retries = RETRIES_MAX, .map = NEW, .wanted = STANDING_ASIDE, .one = true},
    {"before_the_last_retry_it_is_open", .rejected_by = OLD, .retries = RETRIES_MAX - 1,
     .map = NEW, .wanted = STANDING_OPEN, .all = true, .one = true},
    {"what_is_on_its_way_is_not_sent_again_with_the_others", .rejected_by = OLD,
     .on_its_way = true, .map = NEW, .wanted = STANDING_SENT, .one = true},
    {"what_was_read_is_no_longer_on_its_way", .rejected_by = OLD, .marked_by = NEW,
     .on_its_way = true, .map = NEW, .wanted = STANDING_READ},
    {"a_replaced_one_leaves_it_to_the_later", .rejected_by = OLD, .is_replaced = true,
     .map = NEW, .wanted = STANDING_REPLACED},
    {"without_headers_and_original_nothing_can_be_sent", .is_lost = true, .map = NEW,
     .wanted = STANDING_LOST},
    {"a_task_whose_stream_is_known_now_is_open", .kind = REJECT_OF_TASK, .link_gen = GEN,
     .closed = GEN - 1, .map = NEW, .wanted = STANDING_OPEN, .all = true, .one = true},
    {"a_task_whose_stream_is_not_known_waits", .kind = REJECT_OF_TASK, .link_gen = GEN,
     .wanted = STANDING_WAITS},
    {"a_task_is_late_when_its_link_was_claimed_again", .kind = REJECT_OF_TASK,
     .link_gen = GEN + 1, .map = NEW, .wanted = STANDING_LATE},
    {"a_task_is_late_when_its_gen_is_closed", .kind = REJECT_OF_TASK, .link_gen = GEN,
     .closed = GEN, .map = NEW, .wanted = STANDING_LATE},
    {"what_nobody_can_read_is_sent_by_its_id_only", .kind = REJECT_OF_NOTHING,
     .wanted = STANDING_WAITS, .one = true},
    {"what_nobody_can_read_is_set_aside_too", .kind = REJECT_OF_NOTHING, .retries = RETRIES_MAX,
     .wanted = STANDING_ASIDE, .one = true},
};

static void check_standing(void **state)
{
    const struct world *w = *state;
    arena_auto arena = {0};
    struct kept_reject r = {.kind = w->kind,
                            .gen = GEN,
                            .retries = w->retries,
                            .stream = STR("p/s"),
                            .is_answer = w->is_answer,
                            .is_lost = w->is_lost,
                            .is_replaced = w->is_replaced,
                            .mark = {.run = GEN, .gen = GEN, .page = 3, .answer = answer}};
    struct reject_facts f = {.link = {.exists = w->link_gen > 0,
                                      .gen = w->link_gen,
                                      .closed = w->closed,
                                      .complete = {.run = w->complete, .gen = w->complete}},
                             .map = w->map,
                             .incremental = w->incremental,
                             .is_on_its_way = w->on_its_way,
                             .retries_max = RETRIES_MAX};
    r.what.map = w->rejected_by;
    if (w->marked_by)
        f.mark = (struct mark){.run = GEN,
                               .gen = GEN,
                               .page = 3,
                               .map = w->marked_by,
                               .answer = answer + w->other_answer,
                               .rejects = w->mark_rejects};
    struct standing s = standing_of(&r, &f, &arena);
    if (s.kind != w->wanted)
        fail_msg("it is %s, not %s: " STR_FMT, standing_name(s.kind), standing_name(w->wanted),
                 STR_ARG(s.why));
    assert_int_equal(s.can_retry_all, w->all);
    assert_int_equal(s.can_retry_one, w->one);
    assert_true(s.why.len > 0);
}

/* --- one of each --- */

static struct kept_reject reject_at(int64_t id, int64_t place, const char *reason)
{
    return (struct kept_reject){
        .id = {0, id},
        .at_ms = id * 1000,
        .what = {.topic = STR("t.pages"), .offset = place, .reason = str_of(reason)}};
}

static struct kept_reject retry_of(int64_t id, int64_t place, const char *reason, int64_t of,
                                   int64_t retries)
{
    struct kept_reject r = reject_at(id, place, reason);
    r.of = (struct reject_id){0, of};
    r.retries = retries;
    return r;
}

/* The ids that are left, those that are replaced in brackets. */
static void assert_settled(struct kept_reject *list, size_t count, const char *wanted)
{
    arena_auto arena = {0};
    struct str got = {0};
    count = kept_rejects_settle(list, count, &arena);
    for (size_t i = 0; i < count; i++)
        got = arena_format(&arena, list[i].is_replaced ? STR_FMT "%s[%lld]" : STR_FMT "%s%lld",
                           STR_ARG(got), i ? " " : "", (long long)list[i].id.offset);
    assert_text(got.ptr, got.len, wanted);
}

static void what_was_sent_twice_stands_once(void **state)
{
    (void)state;
    struct kept_reject list[] = {reject_at(1, 41, "no key"), reject_at(2, 42, "no key"),
                                 reject_at(3, 41, "no key"), reject_at(4, 41, "no key")};
    assert_settled(list, 4, "1 2");
}

static void another_reason_for_one_message_replaces_the_first(void **state)
{
    (void)state;
    struct kept_reject list[] = {reject_at(1, 41, "no key"), reject_at(2, 41, "no list"),
                                 reject_at(3, 41, "no list")};
    assert_settled(list, 3, "[1] 2");
}

static void a_retry_that_is_rejected_replaces_what_was_retried(void **state)
{
    (void)state;
    struct kept_reject list[] = {reject_at(1, 41, "no key"), retry_of(2, 90, "no key", 1, 1),
                                 retry_of(3, 95, "no key", 2, 2), reject_at(4, 42, "no key")};
    assert_settled(list, 4, "[1] [2] 3 4");
}

static void a_reject_that_was_retried_twice_has_one_successor(void **state)
{
    (void)state;
    struct kept_reject list[] = {reject_at(1, 41, "no key"), retry_of(2, 90, "no key", 1, 1),
                                 retry_of(3, 91, "no key", 1, 1)};
    assert_settled(list, 3, "[1] 2");
}

static void a_message_that_comes_again_after_its_retry_changes_nothing(void **state)
{
    (void)state;
    struct kept_reject list[] = {reject_at(1, 41, "no key"), retry_of(2, 90, "no list", 1, 1),
                                 reject_at(3, 41, "no key")};
    assert_settled(list, 3, "[1] 2");
}

static void retries_of_what_is_no_longer_kept_are_one_too(void **state)
{
    (void)state;
    struct kept_reject list[] = {retry_of(7, 90, "no key", 1, 1),
                                 retry_of(8, 91, "no key", 1, 1)};
    assert_settled(list, 2, "7");
}

/* --- kinds --- */

static void rejects_that_differ_in_numbers_are_of_one_kind(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct kept_reject list[] = {reject_at(1, 41, "no list"),
                                 reject_at(2, 42, "record 3: no key at .id"),
                                 reject_at(3, 43, "record 12: no key at .id"),
                                 reject_at(4, 44, "record 9: no key at .id"),
                                 reject_at(5, 45, "record 9: no key at .id")};
    const bool take[] = {true, true, true, true, false};
    size_t count;
    struct reject_group *groups = reject_groups(list, take, 5, &arena, &count);
    assert_int_equal(count, 2);
    assert_text(groups[0].reason.ptr, groups[0].reason.len, "record #: no key at .id");
    assert_int_equal(groups[0].count, 3);
    assert_int_equal(groups[0].first_ms, 2000);
    assert_int_equal(groups[0].last_ms, 4000);
    assert_int_equal(groups[1].count, 1);
}

static void rejects_of_different_streams_are_of_different_kinds(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct kept_reject list[] = {reject_at(1, 41, "no key"), reject_at(2, 42, "no key")};
    const bool take[] = {true, true};
    size_t count;
    list[1].stream = STR("p/s");
    (void)reject_groups(list, take, 2, &arena, &count);
    assert_int_equal(count, 2);
}

int main(void)
{
    static struct cases all;
    CASES_ADD(&all, check_standing, worlds);
    CASES_ADD_ONE(&all, what_was_sent_twice_stands_once);
    CASES_ADD_ONE(&all, another_reason_for_one_message_replaces_the_first);
    CASES_ADD_ONE(&all, a_retry_that_is_rejected_replaces_what_was_retried);
    CASES_ADD_ONE(&all, a_reject_that_was_retried_twice_has_one_successor);
    CASES_ADD_ONE(&all, a_message_that_comes_again_after_its_retry_changes_nothing);
    CASES_ADD_ONE(&all, retries_of_what_is_no_longer_kept_are_one_too);
    CASES_ADD_ONE(&all, rejects_that_differ_in_numbers_are_of_one_kind);
    CASES_ADD_ONE(&all, rejects_of_different_streams_are_of_different_kinds);
    return cases_run("standing", &all);
}
