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
    return false;
}

/* A claim that finds `found` links of one stream. Returns how many were taken. */
static int64_t claim(struct world *w, const char *stream, int64_t found)
{
    struct turn t = policy_turn(&w->policy);
    int64_t taken = 0;
    for (int64_t i = 0; i < found; i++)
        taken += policy_take(share(w, stream));
    policy_claimed(&w->policy, &t, found);
    return taken;
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
    assert_int_equal(policy_turn(&w.policy).stream_count, 0);
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
    struct turn t = policy_turn(&w.policy);
    assert_int_equal(t.stream_count, 1);
    assert_true(turn_has(&t, "b/hosts"));
    assert_int_equal(t.limit, 10);
}

static void a_claim_is_never_larger_than_a_batch(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 1000, 100);
    assert_int_equal(policy_turn(&w.policy).limit, 100);
}

static void every_stream_has_its_turn_before_any_has_a_second(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 1000000, 10);
    assert_int_equal(claim(&w, "a/hosts", 10), 10); /* and many more wait */
    struct turn t = policy_turn(&w.policy);
    assert_false(turn_has(&t, "a/hosts"));
    assert_true(turn_has(&t, "a/users"));
    assert_true(turn_has(&t, "b/hosts"));
    claim(&w, "b/hosts", 1); /* fewer than the limit: a/users has nothing */
    assert_false(w.policy.is_idle);
    t = policy_turn(&w.policy);
    assert_int_equal(t.stream_count, 3);
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
    assert_int_equal(policy_turn(&w.policy).stream_count, 0);
    assert_true(w.policy.is_idle);
    assert_true(policy_must_measure(&w.policy));
    w.lanes[0].waiting = 9;
    assert_int_equal(policy_turn(&w.policy).stream_count, 2);
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
        struct turn t = policy_turn(&p);
        assert_int_equal(t.stream_count, expected[i]);
        policy_claimed(&p, &t, 0);
        assert_int_equal(p.is_idle, i == 2);
    }
}

static void what_a_failed_claim_took_is_given_back(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 10, 10);
    (void)policy_turn(&w.policy);
    assert_true(policy_take(share(&w, "b/hosts")));
    policy_failed(&w.policy, false, 0);
    assert_int_equal(w.lanes[1].taken + w.lanes[1].waiting, 0);
    assert_int_equal(w.policy.window_width, POLICY_BUCKETS);
}

static void collisions_narrow_the_window_and_an_empty_one_widens_it(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, 1000, 10);
    for (uint32_t dice = 0; dice < 5000; dice += 77) {
        policy_failed(&w.policy, true, dice);
        assert_true(w.policy.window_width >= POLICY_NARROWEST);
        assert_int_equal(w.policy.window_first % w.policy.window_width, 0);
        assert_true(w.policy.window_first + w.policy.window_width <= POLICY_BUCKETS);
    }
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
        cmocka_unit_test(lanes_are_measured_when_they_may_be_half_full),
        cmocka_unit_test(pauses_double_up_to_a_second_and_keep_at_least_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
