/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/ledger.h"
#include "common/str.h"

#include <string.h>

/* A script: t5 takes offset 5, d5 marks it done, ?6 expects the mark 6, ?- expects none, a and r assign and revoke. */
struct script {
    const char *sentence;
    const char *steps;
};

static const struct script scripts[] = {
    {"a message that is taken and not done moves nothing", "t0 ?-"},
    {"the mark is the first offset not done", "t0 t1 d0 ?1 ?-"},
    {"an end out of order waits for the gap", "t0 t1 t2 d2 ?- d1 ?- d0 ?3"},
    {"a gap in the middle holds what is behind it", "t0 t1 t2 d0 d2 ?1 d1 ?3"},
    {"holes in the offsets are no gaps", "t10 t20 t30 d10 ?11 d30 ?- d20 ?31"},
    {"done twice is done once", "t0 t1 d0 d0 ?1 d0 ?- d1 ?2"},
    {"an offset never taken is ignored", "t0 d7 ?- d0 ?1"},
    {"an offset below the mark is ignored", "t5 d5 ?6 d4 ?-"},
    {"after a revoke late ends are ignored", "t0 t1 r d0 d1 ?-"},
    {"a partition that comes back starts afresh", "t0 t1 d1 r a t0 d0 ?1"},
    {"assigned twice forgets what was open", "t0 a d0 ?- t9 d9 ?10"},
    {"nothing is taken of a partition that is not ours", "r t0 d0 ?-"},
};

static bool play_step(struct ledger *l, char verb, int64_t number)
{
    int32_t partition;
    int64_t mark = -1;
    switch (verb) {
    case 'a':
        ledger_add_partition(l, 3);
        return true;
    case 'r':
        ledger_drop_partition(l, 3);
        return true;
    case 't':
        ledger_take(l, 3, number);
        return true;
    case 'd':
        ledger_mark_done(l, 3, number);
        return true;
    default:
        return ledger_next_mark(l, &partition, &mark) ? partition == 3 && mark == number
                                                      : number == -1;
    }
}

static void test_the_mark_never_passes_a_gap(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct ledger l;
        struct str rest = {scripts[i].steps, strlen(scripts[i].steps)};
        ledger_init(&l);
        ledger_add_partition(&l, 3);
        while (rest.len) {
            int64_t number = -1;
            struct str step = str_cut(&rest, ' ');
            if (step.len > 1 && step.ptr[1] != '-')
                assert_true(str_to_int((struct str){step.ptr + 1, step.len - 1}, &number));
            if (!play_step(&l, step.ptr[0], number))
                fail_msg("%s: at " STR_FMT, scripts[i].sentence, STR_ARG(step));
        }
        ledger_done(&l);
    }
}

static void test_partitions_do_not_touch_each_other(void **state)
{
    struct ledger l;
    int32_t partition;
    int64_t mark;
    (void)state;
    ledger_init(&l);
    for (int32_t p = 0; p < 20; p++) {
        ledger_add_partition(&l, p);
        ledger_take(&l, p, 100 + p);
    }
    ledger_mark_done(&l, 7, 107);
    ledger_drop_partition(&l, 0);
    assert_true(ledger_next_mark(&l, &partition, &mark));
    assert_int_equal(partition, 7);
    assert_int_equal(mark, 108);
    assert_false(ledger_next_mark(&l, &partition, &mark));
    assert_int_equal(ledger_open_count(&l, 7), 0);
    assert_int_equal(ledger_open_count(&l, 8), 1);
    assert_int_equal(ledger_open_count(&l, 0), 0);
    assert_int_equal(ledger_open_total(&l), 18);
    assert_false(ledger_has_partition(&l, 0));
    assert_true(ledger_has_partition(&l, 19));
    ledger_done(&l);
}

static void test_done_twice_counts_once(void **state)
{
    struct ledger l;
    (void)state;
    ledger_init(&l);
    ledger_add_partition(&l, 0);
    ledger_take(&l, 0, 1);
    ledger_take(&l, 0, 2);
    ledger_mark_done(&l, 0, 2);
    ledger_mark_done(&l, 0, 2);
    assert_int_equal(ledger_open_count(&l, 0), 1);
    ledger_done(&l);
}

static void test_a_long_life_keeps_the_count_right(void **state)
{
    struct ledger l;
    int32_t partition;
    int64_t mark = 0;
    (void)state;
    ledger_init(&l);
    ledger_add_partition(&l, 0);
    /* A window of 1,000 that slides over 100,000 offsets; within it, the ends come backwards. */
    for (int64_t start = 0; start < 100000; start += 1000) {
        for (int64_t i = 0; i < 1000; i++)
            ledger_take(&l, 0, start + i);
        assert_int_equal(ledger_open_count(&l, 0), 1000);
        for (int64_t i = 999; i > 0; i--)
            ledger_mark_done(&l, 0, start + i);
        assert_false(ledger_next_mark(&l, &partition, &mark));
        ledger_mark_done(&l, 0, start);
        assert_true(ledger_next_mark(&l, &partition, &mark));
        assert_int_equal(mark, start + 1000);
    }
    assert_int_equal(ledger_open_total(&l), 0);
    ledger_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_mark_never_passes_a_gap),
        cmocka_unit_test(test_partitions_do_not_touch_each_other),
        cmocka_unit_test(test_done_twice_counts_once),
        cmocka_unit_test(test_a_long_life_keeps_the_count_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
