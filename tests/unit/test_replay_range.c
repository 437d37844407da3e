/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "muster/progress.h"
#include "muster/replay_range.h"

#include <sysexits.h>

static const int64_t NOW_MS = 1714557600000; /* 2024-05-01T10:00:00Z */

static const struct {
    const char *sentence, *text;
    int64_t expected_ms; /* -1: refused */
    const char *said;
} times[] = {
    {"nothing is from the first page on", "", 0, NULL},
    {"an instant", "2024-05-01T06:00:00Z", 1714543200000, NULL},
    {"a day is its beginning", "2024-05-01", 1714521600000, NULL},
    {"so long ago", "36h", 1714557600000 - 36LL * 3600 * 1000, NULL},
    {"longer ago than 1970 is from the first page on", "40000d", 0, NULL},
    {"a word is refused", "yesterday", -1, "a time is expected"},
    {"a bare number is refused", "5", -1, "a time is expected"},
    {"the future is refused", "2024-05-02", -1, "in the future"},
};

static void since(void **state)
{
    const __typeof__(*times) *c = *state;
    struct err err = {0};
    int64_t since_ms = -1;
    bool ok = replay_since(str_of(c->text), NOW_MS, &since_ms, &err);
    assert_int_equal(since_ms, c->expected_ms);
    assert_int_equal(ok, c->expected_ms >= 0);
    if (ok)
        return;
    assert_int_equal(err.exit_code, EX_USAGE);
    assert_non_null(strstr(err.text, c->said));
}

/* Three partitions: 0 keeps 0 to 10, 1 keeps 5 to 20, 2 is empty at 7. */
static const struct {
    const char *sentence, *text, *expected; /* "FROM-UNTIL …", or what is said */
} places[] = {
    {"nothing is all that is kept", "", "0-10 5-20 7-7 "},
    {"one partition, and the others not at all", "1:8", "10-10 8-20 7-7 "},
    {"several with commas and spaces", "1:8, 0:3", "3-10 8-20 7-7 "},
    {"an offset that is no longer kept is the first that is", "1:0", "10-10 5-20 7-7 "},
    {"the end is nothing", "0:10", "10-10 20-20 7-7 "},
    {"of two for one partition the last counts", "0:3,0:5", "5-10 20-20 7-7 "},
    {"behind the end is refused", "0:11", "ends at offset 10"},
    {"a partition that is not there is refused", "3:0", "partitions 0 to 2"},
    {"a partition alone is refused", "1", "PARTITION:OFFSET"},
    {"an offset alone is refused", ":1", "PARTITION:OFFSET"},
    {"a word is refused", "1:8,x:1", "PARTITION:OFFSET"},
    {"a negative offset is refused", "1:-1", "PARTITION:OFFSET"},
    {"an empty place is refused", "1:8,,0:1", "PARTITION:OFFSET"},
};

static void from(void **state)
{
    const __typeof__(*places) *c = *state;
    arena_auto arena = {0};
    struct err err = {0};
    struct kafka_range ranges[] = {{0, 0, 10}, {1, 5, 20}, {2, 7, 7}};
    if (!replay_from(str_of(c->text), ranges, 3, &err)) {
        assert_int_equal(err.exit_code, EX_USAGE);
        assert_non_null(strstr(err.text, c->expected));
        assert_int_equal(ranges[0].from + ranges[1].from, 5);
        return;
    }
    struct str text = {0};
    for (size_t i = 0; i < 3; i++)
        text = arena_format(&arena, STR_FMT "%lld-%lld ", STR_ARG(text),
                            (long long)ranges[i].from, (long long)ranges[i].until);
    assert_text(text.ptr, text.len, c->expected);
}

static const struct {
    const char *sentence;
    int64_t done, total, records, elapsed_ms;
    const char *expected;
} progresses[] = {
    {"at the beginning nobody knows how long", 0, 200, 0, 0,
     "  0%  ░░░░░░░░░░░░░░░░░░░░  0 of 200 pages  0 records  0 records/s"},
    {"half of it takes as long again", 100, 200, 500, 10000,
     " 50%  ██████████░░░░░░░░░░  100 of 200 pages  500 records  50 records/s  10 s left"},
    {"minutes", 1, 61, 10, 10000,
     "  1%  ░░░░░░░░░░░░░░░░░░░░  1 of 61 pages  10 records  1 records/s  10 min left"},
    {"hours", 1, 1001, 10, 10000,
     "  0%  ░░░░░░░░░░░░░░░░░░░░  1 of 1001 pages  10 records  1 records/s  2 h 46 min left"},
    {"at the end nothing is left", 200, 200, 1000, 20000,
     "100%  ████████████████████  200 of 200 pages  1000 records  50 records/s"},
    {"nothing to do is done", 0, 0, 0, 0,
     "100%  ████████████████████  0 of 0 pages  0 records  0 records/s"},
};

static void progress(void **state)
{
    const __typeof__(*progresses) *c = *state;
    arena_auto arena = {0};
    struct str line =
        progress_line("pages", c->done, c->total, c->records, c->elapsed_ms, &arena);
    assert_text(line.ptr, line.len, c->expected);
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD(&all, since, times);
    CASES_ADD(&all, from, places);
    CASES_ADD(&all, progress, progresses);
    return cases_run("replay_range", &all);
}
