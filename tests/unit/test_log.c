/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is written to stderr, without the newline at its end. */
static struct str written_by(char out[static 20000], void (*run)(void))
{
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);
    if (!file || kept < 0 || dup2(fileno(file), STDERR_FILENO) < 0)
        abort();
    run();
    if (dup2(kept, STDERR_FILENO) < 0)
        abort();
    (void)close(kept);
    ssize_t got = pread(fileno(file), out, 20000, 0);
    size_t len = got < 0 ? 0 : (size_t)got;
    (void)fclose(file);
    if (len) {
        assert_int_equal(out[len - 1], '\n');
        assert_null(memchr(out, '\n', len - 1));
    }
    return (struct str){out, len ? len - 1 : 0};
}

static struct {
    enum log_level level;
    const struct log_pair *pairs;
    size_t count;
} tried;

static void try_it(void)
{
    log_line(tried.level, "tried", tried.pairs, tried.count);
}

static struct str line_of(char out[static 20000], enum log_level level,
                          const struct log_pair *pairs, size_t count)
{
    tried.level = level;
    tried.pairs = pairs;
    tried.count = count;
    return written_by(out, try_it);
}

struct quoting {
    const char *sentence;
    struct str value;
    const char *written;
};

static const struct quoting quotings[] = {
    {"a word stands as it is", {"hosts", 5}, " k=hosts"},
    {"a URL stands as it is", {"https://a/b?c", 13}, " k=https://a/b?c"},
    {"a space needs quotes", {"a b", 3}, " k=\"a b\""},
    {"nothing needs quotes", {"", 0}, " k=\"\""},
    {"an equals sign needs quotes", {"a=b", 3}, " k=\"a=b\""},
    {"quotes and backslashes are escaped", {"a\"\\", 3}, " k=\"a\\\"\\\\\""},
    {"a newline cannot start a line of its own", {"a\nb", 3}, " k=\"a\\nb\""},
    {"an escape sequence does not reach the terminal", {"\x1b[31m", 5}, " k=\"\\x1b[31m\""},
    {"a NUL does not end the line", {"a\0b", 3}, " k=\"a\\x00b\""},
    {"UTF-8 stays", {"\xc3\xa9", 2}, " k=\xc3\xa9"},
    {"what is no UTF-8 is shown by its bytes", {"\xff", 1}, " k=\"\\xff\""},
};

static void test_values_are_quoted_where_they_need_it(void **state)
{
    char text[20000];
    (void)state;
    log_open("tests", false, LOG_INFO_LEVEL);
    for (size_t i = 0; i < sizeof quotings / sizeof *quotings; i++) {
        struct log_pair pair = {"k", quotings[i].value, false};
        struct str line = line_of(text, LOG_INFO_LEVEL, &pair, 1);
        struct str end = str_of(quotings[i].written);
        if (line.len < end.len ||
            !str_eq((struct str){line.ptr + line.len - end.len, end.len}, end))
            fail_msg("%s: " STR_FMT, quotings[i].sentence, STR_ARG(line));
    }
}

static void test_a_line_begins_with_the_fixed_keys(void **state)
{
    char text[20000];
    int64_t when = 0;
    (void)state;
    log_open("tests", false, LOG_INFO_LEVEL);
    struct str rest = line_of(text, LOG_WARN_LEVEL, LOG_PAIRS(LOG_INT("n", -5)));
    struct str time = str_cut(&rest, ' ');
    assert_true(str_has_prefix(time, STR("time=")));
    assert_true(clock_parse_iso((struct str){time.ptr + 5, time.len - 5}, &when));
    assert_true(clock_unix_ms() - when < 60000);
    assert_true(str_eq(rest, STR("level=warn stage=tests event=tried n=-5")));
}

static void test_json_is_one_object_that_reads_back(void **state)
{
    char text[20000];
    struct err err = {0};
    (void)state;
    log_open("tests", true, LOG_INFO_LEVEL);
    struct str line = line_of(text, LOG_INFO_LEVEL,
                              LOG_PAIRS(LOG_STR("s", STR("a\"\n\xff")), LOG_INT("n", 7)));
    json_auto *doc = json_parse(line, &err);
    assert_non_null(doc);
    struct json root = json_root(doc);
    assert_true(str_eq(json_str(json_member(root, STR("level"))), STR("info")));
    assert_true(str_eq(json_str(json_member(root, STR("event"))), STR("tried")));
    assert_true(str_eq(json_str(json_member(root, STR("s"))), STR("a\"\n\xef\xbf\xbd")));
    assert_int_equal(json_int(json_member(root, STR("n"))), 7);
}

static void test_lower_levels_are_left_out(void **state)
{
    char text[20000];
    (void)state;
    log_open("tests", false, LOG_WARN_LEVEL);
    assert_int_equal(line_of(text, LOG_INFO_LEVEL, LOG_PAIRS(LOG_INT("n", 1))).len, 0);
    assert_int_not_equal(line_of(text, LOG_WARN_LEVEL, LOG_PAIRS(LOG_INT("n", 1))).len, 0);
}

static void test_a_huge_value_is_cut(void **state)
{
    static char huge[100000];
    char text[20000];
    (void)state;
    memset(huge, 'x', sizeof huge);
    log_open("tests", false, LOG_INFO_LEVEL);
    struct str line = line_of(text, LOG_INFO_LEVEL,
                              LOG_PAIRS(LOG_STR("k", ((struct str){huge, sizeof huge}))));
    assert_true(line.len > 4000 && line.len < 5000);
}

static void test_a_warning_that_repeats_is_counted_and_told_at_the_end(void **state)
{
    char text[20000];
    (void)state;
    log_open("tests", false, LOG_INFO_LEVEL);
    int64_t before = log_count(LOG_WARN_LEVEL);
    assert_int_not_equal(
        line_of(text, LOG_WARN_LEVEL, LOG_PAIRS(LOG_TEXT("link", "x"), LOG_INT("page", 1))).len,
        0);
    for (int i = 2; i <= 4; i++)
        assert_int_equal(
            line_of(text, LOG_WARN_LEVEL, LOG_PAIRS(LOG_TEXT("link", "x"), LOG_INT("page", i)))
                .len,
            0);
    for (int i = 0; i < 3; i++) /* errors, and what is rare by design, are never hidden */
        assert_int_not_equal(
            line_of(text, LOG_ERROR_LEVEL, LOG_PAIRS(LOG_TEXT("link", "x"))).len, 0);
    assert_int_equal(log_count(LOG_WARN_LEVEL) - before, 4);
    struct str told = written_by(text, log_close);
    assert_true(str_has(told, STR("level=warn stage=tests event=tried link=x repeated=3")));
    assert_int_equal(written_by(text, log_close).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_quoted_where_they_need_it),
        cmocka_unit_test(test_a_line_begins_with_the_fixed_keys),
        cmocka_unit_test(test_json_is_one_object_that_reads_back),
        cmocka_unit_test(test_lower_levels_are_left_out),
        cmocka_unit_test(test_a_huge_value_is_cut),
        cmocka_unit_test(test_a_warning_that_repeats_is_counted_and_told_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
