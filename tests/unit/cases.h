/* SPDX-License-Identifier: MIT */
#pragma once
/* Tables of cases for cmocka: each row is a test of its own, and the sentence it begins with is the test's name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { CASES_MAX = 400 };

struct cases {
    struct CMUnitTest tests[CASES_MAX];
    size_t count;
};

static inline void cases_add(struct cases *all, CMUnitTestFunction run, const void *rows,
                             size_t count, size_t bytes_each)
{
    for (size_t i = 0; i < count; i++) {
        const char *const *row = (const void *)((const char *)rows + i * bytes_each);
        assert_true(all->count < CASES_MAX);
        all->tests[all->count++] = (struct CMUnitTest){
            .name = *row, .test_func = run, .initial_state = (void *)(uintptr_t)row};
    }
}
/* A table whose rows are structs that begin with `const char *sentence`. */
#define CASES_ADD(all, run, table) \
    cases_add((all), (run), (table), sizeof(table) / sizeof *(table), sizeof *(table))
/* A test without a table; the function's name is its sentence. */
#define CASES_ADD_ONE(all, run) \
    ((all)->tests[(all)->count++] = (struct CMUnitTest)cmocka_unit_test(run))

static inline int cases_run(const char *name, const struct cases *all)
{
    return _cmocka_run_group_tests(name, all->tests, all->count, NULL, NULL);
}

static inline void assert_text(const char *got, size_t len, const char *wanted)
{
    if (len != strlen(wanted) || (len && memcmp(got, wanted, len) != 0))
        fail_msg("got \"%.*s\", wanted \"%s\"", (int)len, got, wanted);
}
