/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/pages.h"

#include <string.h>

/* One way of paging, and what a page makes of it. */
enum way {
    WAY_NONE,
    WAY_OFFSET,
    WAY_OFFSET_STATUS,
    WAY_OFFSET_SHORT,
    WAY_NUMBER_TOTAL,
    WAY_CURSOR,
    WAY_CURSOR_EMPTY,
    WAYS
};

static const struct pages ways[WAYS] = {
    [WAY_NONE] = {.by = PAGES_NONE, .max_pages = 100},
    [WAY_OFFSET] = {.by = PAGES_OFFSET,
                    .size = 2,
                    .max_pages = 100,
                    .end_when = {.no_records = true}},
    [WAY_OFFSET_STATUS] = {.by = PAGES_OFFSET,
                           .size = 2,
                           .max_pages = 100,
                           .end_when = {.status = 500, .body_has = {"number of hosts", 15}}},
    [WAY_OFFSET_SHORT] = {.by = PAGES_OFFSET,
                          .size = 2,
                          .max_pages = 100,
                          .end_when = {.short_page = true}},
    [WAY_NUMBER_TOTAL] = {.by = PAGES_NUMBER, .size = 2, .first = 1, .max_pages = 100},
    [WAY_CURSOR] = {.by = PAGES_CURSOR, .size = 2, .max_pages = 100},
    [WAY_CURSOR_EMPTY] = {.by = PAGES_CURSOR,
                          .size = 2,
                          .max_pages = 100,
                          .end_when = {.no_records = true}},
};

static struct arena arena;

static const struct select *compiled(const char *program)
{
    struct err err = {0};
    const struct select *select = select_compile(str_of(program), &arena, &err);
    assert_non_null(select);
    return select;
}

static struct stream stream_of(enum way way)
{
    struct stream s = {.pages = ways[way], .records = compiled(".items[]")};
    if (way == WAY_NUMBER_TOTAL)
        s.pages.end_when.total = compiled(".total");
    if (s.pages.by == PAGES_CURSOR)
        s.pages.cursor = compiled(".next");
    return s;
}

enum move { ON, END, BROKEN };

struct turn {
    const char *sentence;
    enum way way;
    enum move move;
    struct position at;
    const char *body;
    const char *says; /* ON: the next cursor; BROKEN: part of the error */
};

static const struct turn turns[] = {
    {"what is not paged ends with its one page", WAY_NONE, END, {0, 0, {0}}, "rubbish", ""},
    {"a page with records goes on", WAY_OFFSET, ON, {0, 0, {0}}, "{\"items\":[1]}", ""},
    {"a page without records ends", WAY_OFFSET, END, {7, 9, {0}}, "{\"items\":[]}", ""},
    {"null for records is no records", WAY_OFFSET, END, {7, 9, {0}}, "{\"items\":null}", ""},
    {"a full page goes on", WAY_OFFSET_SHORT, ON, {0, 0, {0}}, "{\"items\":[1,2]}", ""},
    {"a short page ends", WAY_OFFSET_SHORT, END, {0, 0, {0}}, "{\"items\":[1]}", ""},
    {"an empty page is short", WAY_OFFSET_SHORT, END, {0, 0, {0}}, "{\"items\":[]}", ""},
    {"fewer than the total goes on",
     WAY_NUMBER_TOTAL,
     ON,
     {1, 2, {0}},
     "{\"items\":[1,2],\"total\":5}",
     ""},
    {"as many as the total ends",
     WAY_NUMBER_TOTAL,
     END,
     {2, 4, {0}},
     "{\"items\":[1],\"total\":5}",
     ""},
    {"more than the total ends too",
     WAY_NUMBER_TOTAL,
     END,
     {2, 4, {0}},
     "{\"items\":[1,2],\"total\":5}",
     ""},
    {"a total of nothing ends at once",
     WAY_NUMBER_TOTAL,
     END,
     {0, 0, {0}},
     "{\"items\":[],\"total\":0}",
     ""},
    {"a missing total is said",
     WAY_NUMBER_TOTAL,
     BROKEN,
     {0, 0, {0}},
     "{\"items\":[1]}",
     "total"},
    {"a total in words is said",
     WAY_NUMBER_TOTAL,
     BROKEN,
     {0, 0, {0}},
     "{\"items\":[1],\"total\":\"5\"}",
     "total"},
    {"the next cursor goes on",
     WAY_CURSOR,
     ON,
     {0, 0, {0}},
     "{\"items\":[1],\"next\":\"abc\"}",
     "abc"},
    {"a number may be a cursor",
     WAY_CURSOR,
     ON,
     {0, 0, {0}},
     "{\"items\":[1],\"next\":42}",
     "42"},
    {"no cursor ends", WAY_CURSOR, END, {0, 0, {0}}, "{\"items\":[1]}", ""},
    {"a null cursor ends", WAY_CURSOR, END, {0, 0, {0}}, "{\"items\":[1],\"next\":null}", ""},
    {"an empty cursor ends", WAY_CURSOR, END, {0, 0, {0}}, "{\"items\":[1],\"next\":\"\"}", ""},
    {"an empty page with a cursor goes on",
     WAY_CURSOR,
     ON,
     {0, 0, {0}},
     "{\"items\":[],\"next\":\"a\"}",
     "a"},
    {"unless no records end it",
     WAY_CURSOR_EMPTY,
     END,
     {0, 0, {0}},
     "{\"items\":[],\"next\":\"a\"}",
     ""},
    {"a list is no cursor",
     WAY_CURSOR,
     BROKEN,
     {0, 0, {0}},
     "{\"items\":[1],\"next\":[]}",
     "cursor"},
    {"the same cursor again is a circle",
     WAY_CURSOR,
     BROKEN,
     {3, 6, {"abc", 3}},
     "{\"items\":[1],\"next\":\"abc\"}",
     "circle"},
    {"the last page that may be is not the end",
     WAY_OFFSET,
     BROKEN,
     {99, 0, {0}},
     "{\"items\":[1]}",
     "100 pages"},
    {"but may be it", WAY_OFFSET, END, {99, 0, {0}}, "{\"items\":[]}", ""},
    {"what is no JSON is said", WAY_OFFSET, BROKEN, {0, 0, {0}}, "<html>", "line 1"},
    {"what is cut is said", WAY_OFFSET, BROKEN, {0, 0, {0}}, "{\"items\":[1", "line 1"},
    {"records of another shape are said",
     WAY_OFFSET,
     BROKEN,
     {0, 0, {0}},
     "{\"items\":\"x\"}",
     "records"},
    {"a body that need not be read may be anything",
     WAY_OFFSET_STATUS,
     ON,
     {0, 0, {0}},
     "<html>",
     ""},
};

static enum move take_turn(const struct stream *s, const struct turn *t, struct position *next,
                           struct err *err)
{
    struct page_facts facts;
    bool needed = pages_need_body(&s->pages), final = false;
    if (needed && !pages_read(s, str_of(t->body), &arena, &facts, err))
        return BROKEN;
    if (!pages_next(&s->pages, needed ? &facts : NULL, &t->at, next, &final, err))
        return BROKEN;
    return final ? END : ON;
}

static void test_how_a_listing_goes_on_and_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        const struct turn *t = &turns[i];
        struct stream s = stream_of(t->way);
        struct position next = {.page = -1};
        struct err err = {0};
        enum move got = take_turn(&s, t, &next, &err);
        bool right = got == t->move;
        if (got == ON)
            right =
                right && next.page == t->at.page + 1 && str_eq(next.cursor, str_of(t->says));
        if (got == BROKEN)
            right =
                right && err.kind == ERR_REJECT && strstr(err.text, t->says) && next.page == -1;
        if (!right)
            fail_msg("%s: %d, page %lld, %s", t->sentence, got, (long long)next.page, err.text);
        arena_reset(&arena);
    }
}

static void test_seen_counts_the_records_of_all_pages(void **state)
{
    struct position at = {0}, next;
    struct page_facts facts = {.records = 2, .total = 100};
    bool final;
    struct err err = {0};
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_true(pages_next(&ways[WAY_NUMBER_TOTAL], &facts, &at, &next, &final, &err));
        at = next;
    }
    assert_int_equal(at.seen, 20);
    assert_int_equal(at.page, 10);
}

struct answer {
    const char *sentence;
    enum way way;
    int status;
    const char *body;
    bool is_end;
};

static const struct answer answers[] = {
    {"the odd end is an end", WAY_OFFSET_STATUS, 500, "error: >number of hosts", true},
    {"the same status with other words is a failure", WAY_OFFSET_STATUS, 500, "out of memory",
     false},
    {"the words with another status are not the end", WAY_OFFSET_STATUS, 200, "number of hosts",
     false},
    {"a listing without an odd end has none", WAY_OFFSET, 500, "number of hosts", false},
    {"status 0 is no answer", WAY_OFFSET, 0, "", false},
};

static void test_the_odd_end_of_a_listing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (pages_is_end(&ways[answers[i].way], answers[i].status, str_of(answers[i].body)) !=
            answers[i].is_end)
            fail_msg("%s", answers[i].sentence);
}

static void test_offset_and_number_follow_the_page(void **state)
{
    struct pages p = {.by = PAGES_NUMBER, .size = 50, .first = 1};
    (void)state;
    assert_int_equal(pages_offset(&p, 0), 0);
    assert_int_equal(pages_offset(&p, 3), 150);
    assert_int_equal(pages_number(&p, 0), 1);
    assert_int_equal(pages_number(&p, 3), 4);
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_how_a_listing_goes_on_and_ends),
        cmocka_unit_test(test_seen_counts_the_records_of_all_pages),
        cmocka_unit_test(test_the_odd_end_of_a_listing),
        cmocka_unit_test(test_offset_and_number_follow_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
