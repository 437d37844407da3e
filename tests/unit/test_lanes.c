/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/lanes.h"

/* Bring all lanes to where they should be; how many had to change. */
static int settle(struct lanes *l)
{
    int changes = 0;
    while (lanes_change(l))
        changes++;
    return changes;
}

static const struct lane *lane_of(const struct lanes *l, int32_t partition)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->list[i].partition == partition)
            return &l->list[i];
    return NULL;
}

static void test_a_new_lane_is_resumed_whatever_it_was(void **state)
{
    struct lanes l = {0};
    (void)state;
    lanes_add(&l, 5);
    const struct lane *change = lanes_change(&l);
    assert_non_null(change);
    assert_int_equal(change->partition, 5);
    assert_false(change->is_paused);
    assert_null(lanes_change(&l));
    lanes_done(&l);
}

static void test_a_lane_is_paused_when_full_and_resumed_below_half(void **state)
{
    struct lanes l = {0};
    (void)state;
    lanes_add(&l, 1);
    lanes_add(&l, 2);
    (void)settle(&l);
    for (int i = 0; i < 7; i++)
        lanes_taken(&l, 1, 2);
    assert_int_equal(settle(&l), 0);
    lanes_taken(&l, 1, 2); /* 8 = four times two in flight */
    assert_int_equal(settle(&l), 1);
    assert_true(lane_of(&l, 1)->is_paused);
    assert_false(lane_of(&l, 2)->is_paused);
    for (int i = 0; i < 4; i++)
        lanes_ended(&l, 1);
    assert_int_equal(settle(&l), 0); /* half is not below half */
    lanes_ended(&l, 1);
    assert_int_equal(settle(&l), 1);
    assert_false(lane_of(&l, 1)->is_paused);
    lanes_done(&l);
}

static void test_a_lane_that_went_is_forgotten(void **state)
{
    struct lanes l = {0};
    (void)state;
    lanes_add(&l, 1);
    for (int i = 0; i < 4; i++)
        lanes_taken(&l, 1, 1);
    lanes_remove(&l, 1);
    lanes_ended(&l, 1);
    assert_null(lanes_change(&l));
    lanes_add(&l, 1);
    assert_int_equal(lane_of(&l, 1)->open, 0);
    lanes_done(&l);
}

static void test_a_window_that_stays_full_holds_all_lanes(void **state)
{
    struct lanes l = {0};
    (void)state;
    lanes_add(&l, 1);
    lanes_add(&l, 2);
    (void)settle(&l);
    lanes_hold(&l, false, 10, 10, 1000);
    lanes_hold(&l, false, 10, 10, 1500);
    assert_int_equal(settle(&l), 0); /* room mostly comes sooner */
    lanes_hold(&l, false, 9, 10, 1501);
    lanes_hold(&l, false, 10, 10, 1600);
    lanes_hold(&l, false, 10, 10, 2100);
    assert_int_equal(settle(&l), 0); /* there was room between */
    lanes_hold(&l, false, 10, 10, 2101);
    assert_int_equal(settle(&l), 2);
    lanes_hold(&l, false, 6, 10, 2200);
    assert_int_equal(settle(&l), 0);
    lanes_hold(&l, false, 5, 10, 2300);
    assert_int_equal(settle(&l), 2);
    lanes_done(&l);
}

static void test_draining_holds_all_lanes_for_good(void **state)
{
    struct lanes l = {0};
    (void)state;
    lanes_add(&l, 1);
    (void)settle(&l);
    lanes_hold(&l, true, 0, 10, 1000);
    assert_int_equal(settle(&l), 1);
    lanes_add(&l, 2); /* comes while we drain */
    lanes_hold(&l, true, 0, 10, 1001);
    assert_int_equal(settle(&l), 0);
    assert_true(lane_of(&l, 2)->is_paused);
    lanes_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_lane_is_resumed_whatever_it_was),
        cmocka_unit_test(test_a_lane_is_paused_when_full_and_resumed_below_half),
        cmocka_unit_test(test_a_lane_that_went_is_forgotten),
        cmocka_unit_test(test_a_window_that_stays_full_holds_all_lanes),
        cmocka_unit_test(test_draining_holds_all_lanes_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
