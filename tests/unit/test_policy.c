/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "producer/policy.h"

#include <stdio.h>

/* Two providers: a's lane carries a/hosts and a/users, b's carries b/hosts. */
struct world {
    struct lane lanes[2];
    struct share shares[3];
    struct policy policy;
};

static void make_world(struct world *w, int64_t capacity, int64_t batch)
{
    *w = (struct world){.lanes = {{.partition = 0}, {.partition = 1}}};
    w->shares[0] =
        (struct share){.stream = STR("b/hosts"), .lane = &w->lanes[1], .capacity = capacity};
    w->shares[1] =
        (struct share){.stream = STR("a/users"), .lane = &w->lanes[0], .capacity = capacity};
    w->shares[2] =
        (struct share){.stream = STR("a/hosts"), .lane = &w->lanes[0], .capacity = capacity};
    policy_init(&w->policy, w->shares, 3, batch);
}

static struct share *share(struct world *w, const char *stream)
{
    struct share *s = policy_share(&w->policy, str_of(stream));
    assert_non_null(s);
    return s;
}

static bool turn_has(const struct turn *t, const char *stream)
{
    for (size_t i = 0; i < t->stream_count; i++)
        if (str_eq(t->streams[i], str_of(stream)))
            return true;
    for (size_t i = 0; i < t->spot_count; i++)
        if (str_eq(t->spots[i]->stream, str_of(stream)))
            return true;
    return false;
}

/* A claim at `now_ms` that finds `found` links of one stream, due at `due_ms`, `due_ms` + 1, … Returns how many were taken. */
static int64_t claim_at(struct world *w, const char *stream, int64_t found, int64_t due_ms,
                        int64_t now_ms)
{
    struct turn t = policy_turn(&w->policy, now_ms);
    struct findings f = {.found = found, .took_ms = 10};
    int64_t taken = 0;
    for (int64_t i = 0; i < found; i++) {
        f.last = (struct spot){due_ms + i, 7};
        taken += policy_take(share(w, stream), f.last);
    }
    policy_claimed(&w->policy, &t, &f, now_ms);
    return taken;
}

static int64_t claim(struct world *w, const char *stream, int64_t found)
{
    return claim_at(w, stream, found, 1000, 0);
}

static void capacity_is_rate_times_lease(void **state)
{
    (void)state;
    static const struct {
        double rate;
        int64_t lease_ms, capacity;
    } cases[] = {
        {5, 300000, 1500}, {0.5, 1000, 1},   {0.001, 1000, 1},
        {0, 60000, 60000}, {-1, 1000, 1000}, {1e12, 300000, 1000000000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(policy_capacity(cases[i].rate, cases[i].lease_ms), cases[i].capacity);
}

static void a_stream_that_is_not_ours_has_no_share(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 10, 10);
    assert_null(policy_share(&w.policy, STR("a/host")));
    policy_init(&w.policy, NULL, 0, 10);
    assert_null(policy_share(&w.policy, STR("a/hosts")));
    struct turn t = policy_turn(&w.policy, 0);
    assert_true(turn_is_empty(&t));
    assert_true(w.policy.is_idle);
}

static void a_claim_takes_no_more_than_a_lane_has_room_for(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 10, 100);
    w.lanes[0].waiting = 7;
    assert_int_equal(claim(&w, "a/hosts", 50), 3);
    assert_int_equal(w.lanes[0].waiting, 10);
    /* The lane is one account's, so its other stream is full as well. */
    struct turn t = policy_turn(&w.policy, 0);
    assert_false(turn_has(&t, "a/hosts"));
    assert_false(turn_has(&t, "a/users"));
    assert_true(turn_has(&t, "b/hosts"));
    assert_int_equal(t.limit, 10);
}

static void a_claim_is_never_larger_than_a_batch(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 1000, 100);
    assert_int_equal(policy_turn(&w.policy, 0).limit, 100);
}

static void every_stream_has_its_turn_before_any_has_a_second(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 1000000, 10);
    assert_int_equal(claim(&w, "a/hosts", 10), 10); /* and many more wait */
    struct turn t = policy_turn(&w.policy, 0);
    assert_false(turn_has(&t, "a/hosts"));
    assert_true(turn_has(&t, "a/users"));
    assert_true(turn_has(&t, "b/hosts"));
    claim(&w, "b/hosts", 1); /* fewer than the limit: a/users has nothing */
    assert_false(w.policy.is_idle);
    t = policy_turn(&w.policy, 0);
    assert_int_equal(t.stream_count + t.spot_count, 3);
}

static void it_is_idle_when_a_round_has_found_all_that_is_due(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 1000, 10);
    claim(&w, "a/hosts", 0);
    assert_true(w.policy.is_idle);
    claim(&w, "a/hosts", 9);
    assert_true(w.policy.is_idle);
    claim(&w, "a/hosts", 10);
    assert_false(w.policy.is_idle);
}

static void it_is_idle_when_no_lane_has_room(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 10, 10);
    w.lanes[0].waiting = w.lanes[1].waiting = 10;
    struct turn t = policy_turn(&w.policy, 0);
    assert_true(turn_is_empty(&t));
    assert_true(w.policy.is_idle);
    assert_true(policy_must_measure(&w.policy));
    w.lanes[0].waiting = 9;
    t = policy_turn(&w.policy, 0);
    assert_true(turn_has(&t, "a/hosts") && turn_has(&t, "a/users") && !turn_has(&t, "b/hosts"));
}

static void more_streams_than_one_query_takes_have_turns_of_their_own(void **state)
{
    (void)state;
    enum { MANY = POLICY_STREAMS_MAX * 2 + 1 };
    static char names[MANY][8];
    static struct share shares[MANY];
    struct lane lane = {0};
    struct policy p;
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof names[i], "s%zu", i);
        shares[i] = (struct share){.stream = str_of(names[i]), .lane = &lane, .capacity = 1000};
    }
    policy_init(&p, shares, MANY, 10);
    size_t expected[] = {POLICY_STREAMS_MAX, POLICY_STREAMS_MAX, 1};
    for (size_t i = 0; i < 3; i++) {
        struct turn t = policy_turn(&p, 0);
        assert_int_equal(t.stream_count, expected[i]);
        policy_claimed(&p, &t, &(struct findings){0}, 0);
        assert_int_equal(p.is_idle, i == 2);
    }
}

static void what_a_failed_claim_took_is_given_back(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 10, 10);
    struct turn t = policy_turn(&w.policy, 0);
    assert_true(policy_take(share(&w, "b/hosts"), (struct spot){0}));
    policy_failed(&w.policy, &t, &(struct findings){0}, false, 0, 0);
    assert_int_equal(w.lanes[1].taken + w.lanes[1].waiting, 0);
    assert_int_equal(w.policy.window_width, POLICY_BUCKETS);
}

static void collisions_narrow_the_window_and_an_empty_one_widens_it(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 1000, 10);
    struct turn t = policy_turn(&w.policy, 0);
    for (uint32_t dice = 0; dice < 5000; dice += 77) {
        policy_failed(&w.policy, &t, &(struct findings){0}, true, dice, 0);
        assert_true(w.policy.window_width >= POLICY_NARROWEST);
        assert_int_equal(w.policy.window_first % w.policy.window_width, 0);
        assert_true(w.policy.window_first + w.policy.window_width <= POLICY_BUCKETS);
    }
    policy_failed(&w.policy, &t, &(struct findings){0}, true, 31,
                  0); /* the last part: aligned at no wider width */
    assert_int_equal(w.policy.window_width, POLICY_NARROWEST);
    claim(&w, "a/hosts", 10); /* there is more in it */
    assert_int_equal(w.policy.window_width, POLICY_NARROWEST);
    for (uint32_t width = POLICY_NARROWEST; width < POLICY_BUCKETS; width *= 2) {
        assert_int_equal(w.policy.window_width, width);
        claim(&w, "a/hosts", 0);
        assert_false(w.policy.is_idle);
        assert_int_equal(w.policy.window_first % w.policy.window_width, 0);
    }
    claim(&w, "a/hosts", 0);
    assert_true(w.policy.is_idle);
}

/* --- spots --- */

static const struct share *spot_in(const struct turn *t, const char *stream)
{
    for (size_t i = 0; i < t->spot_count; i++)
        if (str_eq(t->spots[i]->stream, str_of(stream)))
            return t->spots[i];
    return NULL;
}

static void a_stream_with_more_goes_on_after_its_last_link(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 1000000, 10);
    claim_at(&w, "a/hosts", 10, 1000, 0); /* a look: the next one is due after 200 ms */
    claim_at(&w, "a/users", 3, 5, 1);     /* drains the other two */
    struct turn t = policy_turn(&w.policy, 2);
    assert_non_null(spot_in(&t, "a/hosts"));
    assert_int_equal(spot_in(&t, "a/hosts")->spot.due_ms, 1009);
    assert_int_equal(spot_in(&t, "a/hosts")->spot.bucket, 7);
    assert_null(spot_in(&t, "a/users"));
    assert_null(spot_in(&t, "b/hosts"));
}

static void a_stream_goes_on_at_the_first_link_that_found_no_room(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 4, 10);
    assert_int_equal(claim_at(&w, "b/hosts", 7, 1000, 0), 4);
    w.lanes[1].waiting = 0; /* as measured again */
    struct turn t = policy_turn(&w.policy, 1);
    assert_non_null(spot_in(&t, "b/hosts"));
    assert_int_equal(spot_in(&t, "b/hosts")->spot.due_ms, 1004);
}

static void the_floor_is_what_was_seen_before_the_round(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 1000, 10);
    claim_at(&w, "a/hosts", 3, 1000, 0);
    claim_at(&w, "a/hosts", 3, 2000, 1);
    struct turn t = policy_turn(&w.policy, 2);
    assert_int_equal(t.floor_ms,
                     1002); /* what became due while the second round ran may be below 2002 */
    policy_claimed(&w.policy, &t, &(struct findings){0}, 2);
    t = policy_turn(&w.policy, 3);
    assert_int_equal(t.floor_ms, 2002);
}

static void a_stream_without_room_is_not_lost_below_the_floor(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 1000, 10);
    w.lanes[1].waiting = 1000;
    for (int64_t now = 0; now < 5; now++)
        claim_at(&w, "a/hosts", 3, 1000 + 10 * now, now);
    w.lanes[1].waiting = 0;
    struct turn t = policy_turn(&w.policy, 5);
    assert_true(t.floor_ms > 1000);
    assert_non_null(spot_in(&t, "b/hosts"));
    assert_true(spot_in(&t, "b/hosts")->spot.due_ms == POLICY_START);
}

static void looks_from_the_start_take_a_twentieth_of_the_time(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 1000000, 10);
    for (int64_t now = 0; now < 1000; now++) {
        struct turn t = policy_turn(&w.policy, now);
        assert_int_equal(t.is_look, now % 200 == 0);
        if (t.is_look)
            assert_true(t.floor_ms == POLICY_START && t.spot_count == 0);
        claim_at(&w, "a/hosts", 10, 1000 + now, now);
    }
}

static void a_look_comes_after_five_seconds_however_long_the_last_one_took(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 1000, 10);
    struct turn t = policy_turn(&w.policy, 0);
    assert_true(t.is_look);
    policy_claimed(&w.policy, &t, &(struct findings){.took_ms = 3000}, 0);
    assert_false(policy_turn(&w.policy, 4999).is_look);
    assert_true(policy_turn(&w.policy, 5000).is_look);
}

static void a_look_that_fails_makes_way_for_other_turns(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 1000000, 10);
    claim_at(&w, "a/hosts", 10, 1000, 0);
    struct turn t = policy_turn(&w.policy, 300);
    assert_true(t.is_look);
    policy_failed(&w.policy, &t, &(struct findings){0}, false, 0, 300);
    t = policy_turn(&w.policy, 301);
    assert_false(t.is_look);
    claim_at(&w, "a/users", 0, 0, 302);
    t = policy_turn(&w.policy, 303);
    assert_non_null(spot_in(&t, "a/hosts"));
}

static void what_another_producer_holds_is_gone_around(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 1000000, 10);
    struct turn t = policy_turn(&w.policy, 0);
    for (int64_t i = 0; i < 10; i++)
        assert_true(policy_take(share(&w, "a/hosts"), (struct spot){100 + i, 7}));
    policy_failed(&w.policy, &t,
                  &(struct findings){.found = 10, .last = {109, 7}, .took_ms = 10}, true, 3, 0);
    assert_int_equal(w.lanes[0].waiting + w.lanes[0].taken, 0);
    assert_true(share(&w, "a/hosts")->has_spot);
    assert_int_equal(share(&w, "a/hosts")->spot.due_ms, 109);
    claim_at(&w, "a/users", 0, 0, 1); /* ends the round */
    t = policy_turn(&w.policy, 2);
    assert_false(t.is_look);
    t = policy_turn(&w.policy, 200);
    assert_true(t.is_look); /* and sees whether they are free again */
}

static void a_look_goes_on_from_what_it_found_in_the_past(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 1000000, 10);
    claim_at(&w, "a/hosts", 10, 5000, 0);
    claim_at(&w, "a/users", 0, 0, 1);
    assert_int_equal(claim_at(&w, "a/hosts", 10, 100, 300),
                     10); /* a look, and many were made due */
    claim_at(&w, "a/users", 0, 0, 301);
    struct turn t = policy_turn(&w.policy, 302);
    assert_int_equal(spot_in(&t, "a/hosts")->spot.due_ms, 109);
}

static void lanes_are_measured_when_they_may_be_half_full(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 100, 10);
    assert_false(policy_must_measure(&w.policy));
    w.lanes[1].waiting = 50;
    assert_true(policy_must_measure(&w.policy));
}

static void pauses_double_up_to_a_second_and_keep_at_least_half(void **state)
{
    (void)state;
    int64_t longest = 4;
    for (int failures = 1; failures < 20; failures++) {
        for (uint32_t dice = 0; dice < 3000; dice += 7) {
            int64_t pause = policy_pause_ms(failures, dice);
            assert_true(pause <= longest && pause >= longest / 2);
        }
        longest = longest * 2 > 1000 ? 1000 : longest * 2;
    }
    assert_int_equal(policy_pause_ms(1000000, 0), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capacity_is_rate_times_lease),
        cmocka_unit_test(a_stream_that_is_not_ours_has_no_share),
        cmocka_unit_test(a_claim_takes_no_more_than_a_lane_has_room_for),
        cmocka_unit_test(a_claim_is_never_larger_than_a_batch),
        cmocka_unit_test(every_stream_has_its_turn_before_any_has_a_second),
        cmocka_unit_test(it_is_idle_when_a_round_has_found_all_that_is_due),
        cmocka_unit_test(it_is_idle_when_no_lane_has_room),
        cmocka_unit_test(more_streams_than_one_query_takes_have_turns_of_their_own),
        cmocka_unit_test(what_a_failed_claim_took_is_given_back),
        cmocka_unit_test(collisions_narrow_the_window_and_an_empty_one_widens_it),
        cmocka_unit_test(a_stream_with_more_goes_on_after_its_last_link),
        cmocka_unit_test(a_stream_goes_on_at_the_first_link_that_found_no_room),
        cmocka_unit_test(the_floor_is_what_was_seen_before_the_round),
        cmocka_unit_test(a_stream_without_room_is_not_lost_below_the_floor),
        cmocka_unit_test(looks_from_the_start_take_a_twentieth_of_the_time),
        cmocka_unit_test(a_look_comes_after_five_seconds_however_long_the_last_one_took),
        cmocka_unit_test(a_look_that_fails_makes_way_for_other_turns),
        cmocka_unit_test(what_another_producer_holds_is_gone_around),
        cmocka_unit_test(a_look_goes_on_from_what_it_found_in_the_past),
        cmocka_unit_test(lanes_are_measured_when_they_may_be_half_full),
        cmocka_unit_test(pauses_double_up_to_a_second_and_keep_at_least_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
