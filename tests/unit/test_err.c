/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "common/err.h"

#include <sysexits.h>

enum { TEXT_MAX = sizeof(((struct err *)0)->text) - 1 };

struct kind_case {
    const char *sentence;
    enum err_kind kind;
    int exit_code;
};
static const struct kind_case kind_cases[] = {
    {"a_retry_has_no_exit_code", ERR_RETRY, 0},
    {"a_reject_has_no_exit_code", ERR_REJECT, 0},
    {"a_fatal_error_exits_as_a_fault_of_the_software", ERR_FATAL, EX_SOFTWARE},
};

static void an_error_is_set(void **state)
{
    const struct kind_case *c = *state;
    struct err err;
    memset(&err, 0x5a, sizeof err);
    assert_false(err_set(&err, c->kind, "%s answered %d", "a", 429));
    assert_int_equal(err.kind, c->kind);
    assert_int_equal(err.exit_code, c->exit_code);
    assert_string_equal(err.text, "a answered 429");
}

static void a_stop_says_how_to_exit(void **state)
{
    (void)state;
    struct err err = {0};
    assert_false(err_stop(&err, EX_CONFIG, "%s: no such setting", "tokn"));
    assert_int_equal(err.kind, ERR_FATAL);
    assert_int_equal(err.exit_code, EX_CONFIG);
    assert_string_equal(err.text, "tokn: no such setting");
}

static void a_later_error_takes_the_place_of_the_first(void **state)
{
    (void)state;
    struct err err = {0};
    err_stop(&err, EX_CONFIG, "a long text of the first");
    err_set(&err, ERR_RETRY, "later");
    assert_int_equal(err.kind, ERR_RETRY);
    assert_int_equal(err.exit_code, 0);
    assert_string_equal(err.text, "later");
}

static void text_grows_outwards_and_the_kind_stays(void **state)
{
    (void)state;
    struct err err = {0};
    err_set(&err, ERR_RETRY, "retry after %d s", 30);
    assert_false(err_wrap(&err, "%d", 429));
    assert_false(err_wrap(&err, "fetch %s page %d", "qualys/hosts", 3));
    assert_string_equal(err.text, "fetch qualys/hosts page 3: 429: retry after 30 s");
    assert_int_equal(err.kind, ERR_RETRY);
    err_stop(&err, EX_CONFIG, "no");
    err_wrap(&err, "why");
    assert_int_equal(err.exit_code, EX_CONFIG);
}

static void an_error_may_be_made_of_its_own_text(void **state)
{
    (void)state;
    struct err err = {0};
    err_set(&err, ERR_RETRY, "gone");
    err_set(&err, ERR_REJECT, "for good: %s", err.text);
    assert_string_equal(err.text, "for good: gone");
    err_wrap(&err, "<%s>", err.text);
    assert_string_equal(err.text, "<for good: gone>: for good: gone");
}

static void a_long_text_is_cut_and_terminated(void **state)
{
    (void)state;
    struct err err;
    memset(&err, 0x5a, sizeof err);
    err_set(&err, ERR_REJECT, "%0*d", TEXT_MAX + 1, 7);
    assert_int_equal(strnlen(err.text, sizeof err.text), TEXT_MAX);
    err_set(&err, ERR_REJECT, "%0*d", TEXT_MAX, 7);
    assert_int_equal(strnlen(err.text, sizeof err.text), TEXT_MAX);
    assert_int_equal(err.text[TEXT_MAX - 1], '7');
}

struct wrap_case {
    const char *sentence;
    int prefix, cause;           /* characters */
    int kept_prefix, kept_cause; /* of each at least; all = exactly */
};
static const struct wrap_case wrap_cases[] = {
    {"a_prefix_and_a_cause_that_fit_are_whole", 400, 600, 400, 600},
    {"a_long_cause_keeps_the_whole_of_a_short_prefix", 20, TEXT_MAX, 20, 900},
    {"of_a_long_prefix_half_the_room_is_left_to_the_cause", TEXT_MAX, TEXT_MAX, 1,
     TEXT_MAX / 2 - 2},
    {"a_prefix_longer_than_all_the_room_leaves_the_cause", 5000, 100, 1, 100},
    {"an_empty_cause_stays_empty", 10, 0, 10, 0},
};

static int run_of(const char *text, char c)
{
    int length = 0;
    while (text[length] == c)
        length++;
    return length;
}

static void a_wrap_that_is_too_long_is_cut(void **state)
{
    const struct wrap_case *c = *state;
    struct err err = {0};
    char prefix[5001] = {0};
    char cause[TEXT_MAX + 1] = {0};
    memset(prefix, 'p', (size_t)c->prefix);
    memset(cause, 'c', (size_t)c->cause);
    err_set(&err, ERR_RETRY, "%s", cause);
    err_wrap(&err, "%s", prefix);
    int kept_prefix = run_of(err.text, 'p');
    assert_true(kept_prefix >= c->kept_prefix && kept_prefix <= c->prefix);
    assert_memory_equal(err.text + kept_prefix, ": ", 2);
    int kept_cause = run_of(err.text + kept_prefix + 2, 'c');
    assert_true(kept_cause >= c->kept_cause && kept_cause <= c->cause);
    assert_int_equal(strnlen(err.text, sizeof err.text), kept_prefix + 2 + kept_cause);
}

static void a_cleared_error_is_none(void **state)
{
    (void)state;
    struct err err = {0};
    err_stop(&err, EX_CONFIG, "no");
    err_clear(&err);
    assert_int_equal(err.kind, ERR_NONE);
    assert_int_equal(err.exit_code, 0);
    assert_string_equal(err.text, "");
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD(&all, an_error_is_set, kind_cases);
    CASES_ADD_ONE(&all, a_stop_says_how_to_exit);
    CASES_ADD_ONE(&all, a_later_error_takes_the_place_of_the_first);
    CASES_ADD_ONE(&all, text_grows_outwards_and_the_kind_stays);
    CASES_ADD_ONE(&all, an_error_may_be_made_of_its_own_text);
    CASES_ADD_ONE(&all, a_long_text_is_cut_and_terminated);
    CASES_ADD(&all, a_wrap_that_is_too_long_is_cut, wrap_cases);
    CASES_ADD_ONE(&all, a_cleared_error_is_none);
    return cases_run("err", &all);
}
