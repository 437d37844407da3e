/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"

struct reading {
    const char *sentence;
    const char *text;
    bool is_time;
    int64_t unix_ms;
};

static const struct reading readings[] = {
    {"the epoch is zero", "1970-01-01T00:00:00Z", true, 0},
    {"milliseconds are kept", "2024-01-02T03:04:05.678Z", true, 1704164645678},
    {"finer digits are cut", "2024-01-02T03:04:05.678999999Z", true, 1704164645678},
    {"one digit is a tenth", "2024-01-02T03:04:05.6Z", true, 1704164645600},
    {"a date alone is its midnight", "2024-01-02", true, 1704153600000},
    {"a space may stand for T", "2024-01-02 03:04:05", true, 1704164645000},
    {"no zone is UTC", "2024-01-02T03:04:05", true, 1704164645000},
    {"east of Greenwich is earlier", "2024-01-02T03:04:05+02:00", true, 1704157445000},
    {"a zone without colon", "2024-01-02T03:04:05-0130", true, 1704170045000},
    {"before the epoch is negative", "1969-12-31T23:59:59.999Z", true, -1},
    {"29 February of a leap year", "2024-02-29", true, 1709164800000},
    {"a leap second is the next second", "2016-12-31T23:59:60Z", true, 1483228800000},
    {"year 0", "0000-01-01", true, -62167219200000},
    {"year 0 has a leap day", "0000-02-29", true, -62162121600000},
    {"2000 has a leap day", "2000-02-29T12:00:00Z", true, 951825600000},
    {"1900 has none", "1900-03-01", true, -2203891200000},
    {"29 February of 1900 is no day", "1900-02-29", false, 0},
    {"the last day of all", "9999-12-31", true, 253402214400000},
    {"29 February of another year is no day", "2023-02-29", false, 0},
    {"31 April is no day", "2024-04-31", false, 0},
    {"month 13 is none", "2024-13-01", false, 0},
    {"day 0 is none", "2024-01-00", false, 0},
    {"hour 24 is none", "2024-01-01T24:00:00Z", false, 0},
    {"ten digits of a second are too many", "2024-01-01T00:00:00.1234567890Z", false, 0},
    {"something after the time is no time", "2024-01-01T00:00:00Zz", false, 0},
    {"a zone of 24 hours is none", "2024-01-01T00:00:00+24:00", false, 0},
    {"a T needs a time", "2024-01-01T", false, 0},
    {"a cut time is none", "2024-01-01T00:00", false, 0},
    {"a number is no time", "1704164645", false, 0},
    {"nothing is no time", "", false, 0},
};

static void test_times_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
        const struct reading *r = &readings[i];
        int64_t got = -77;
        bool is_time = clock_parse_iso(str_of(r->text), &got);
        if (is_time != r->is_time || got != (r->is_time ? r->unix_ms : -77))
            fail_msg("%s: \"%s\" gave %d, %lld", r->sentence, r->text, is_time, (long long)got);
    }
}

struct writing {
    const char *sentence;
    int64_t unix_ms;
    const char *text;
};

static const struct writing writings[] = {
    {"the epoch", 0, "1970-01-01T00:00:00.000Z"},
    {"milliseconds have three digits", 1704164645007, "2024-01-02T03:04:05.007Z"},
    {"before the epoch the fraction still counts forwards", -1, "1969-12-31T23:59:59.999Z"},
    {"before year 0 is clamped", INT64_MIN, "0000-01-01T00:00:00.000Z"},
    {"after year 9999 is clamped", INT64_MAX, "9999-12-31T23:59:59.999Z"},
};

static void test_times_are_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof writings / sizeof *writings; i++) {
        char got[25];
        clock_iso(writings[i].unix_ms, got);
        if (!str_eq(str_of(got), str_of(writings[i].text)))
            fail_msg("%s: %s", writings[i].sentence, got);
    }
}

static void test_dice_stay_below_their_limit_and_differ(void **state)
{
    uint32_t seen = 0;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint32_t face = clock_dice(6);
        assert_true(face < 6);
        seen |= 1u << face;
    }
    assert_int_equal(seen, 63);
    assert_int_equal(clock_dice(1), 0);
}

static void test_the_steady_clock_never_goes_back(void **state)
{
    (void)state;
    int64_t before = clock_ms();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_ms();
        assert_true(now >= before);
        before = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_are_read),
        cmocka_unit_test(test_times_are_written),
        cmocka_unit_test(test_dice_stay_below_their_limit_and_differ),
        cmocka_unit_test(test_the_steady_clock_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
