/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/health.h"

enum { NOON = 1767268800 }; /* 2026-01-01T12:00:00Z */
static const int64_t noon_ms = NOON * 1000LL;

static void assert_renders(const struct health *h, const char *expected)
{
    buf_auto text;
    buf_init(&text, 4096);
    assert_true(health_render(h, &text));
    assert_string_equal(buf_text(&text), expected);
}

static void nothing_said_is_not_ready(void **state)
{
    (void)state;
    const struct health h = {0};
    assert_false(health_is_ready(&h));
    assert_renders(&h, "");
}

static void one_check_that_waits_is_enough_to_be_not_ready(void **state)
{
    (void)state;
    struct health h = {0};
    health_say(&h, CHECK_KAFKA, CHECK_OK, STR(""), noon_ms);
    assert_true(health_is_ready(&h));
    health_say(&h, CHECK_MONGO, CHECK_WAITS, STR("no primary"), noon_ms);
    assert_false(health_is_ready(&h));
    assert_renders(&h, "kafka ok\nmongo waits since 2026-01-01T12:00:00.000Z: no primary\n");
    health_say(&h, CHECK_MONGO, CHECK_OK, STR(""), noon_ms);
    assert_true(health_is_ready(&h));
    assert_renders(&h, "kafka ok\nmongo ok\n");
}

static void what_warns_is_shown_and_stays_ready(void **state)
{
    (void)state;
    struct health h = {0};
    health_say(&h, CHECK_FILES, CHECK_WARNS, STR("a.yaml:3:1: no"), noon_ms);
    assert_true(health_is_ready(&h));
    assert_renders(&h, "files warns since 2026-01-01T12:00:00.000Z: a.yaml:3:1: no\n");
}

static void the_time_is_that_of_the_state_and_not_of_its_last_text(void **state)
{
    (void)state;
    struct health h = {0};
    health_say(&h, CHECK_MONGO, CHECK_WAITS, STR("one"), noon_ms);
    health_say(&h, CHECK_MONGO, CHECK_WAITS, STR("two"), noon_ms + 5000);
    assert_renders(&h, "mongo waits since 2026-01-01T12:00:00.000Z: two\n");
    health_say(&h, CHECK_MONGO, CHECK_OK, STR(""), noon_ms + 6000);
    health_say(&h, CHECK_MONGO, CHECK_WAITS, STR("three"), noon_ms + 7000);
    assert_renders(&h, "mongo waits since 2026-01-01T12:00:07.000Z: three\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_is_not_ready),
        cmocka_unit_test(one_check_that_waits_is_enough_to_be_not_ready),
        cmocka_unit_test(what_warns_is_shown_and_stays_ready),
        cmocka_unit_test(the_time_is_that_of_the_state_and_not_of_its_last_text),
    };
    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
