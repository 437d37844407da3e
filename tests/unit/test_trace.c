/* SPDX-License-Identifier: MIT */
#include "tests/unit/cases.h"

#include "common/trace.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"
#define OWN   "0102030405060708090a0b0c0d0e0f10"

static const struct trace_dice dice = {
    .trace = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    .span = {0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0, 1},
};

static void a_new_trace_is_made_of_the_dice_and_sampled(void **state)
{
    char text[TRACE_BYTES];
    (void)state;
    trace_begin(&dice, text);
    assert_string_equal(text, "00-" OWN "-aabbccddeeff0001-01");
}

static void dice_of_zeros_make_no_id_of_zeros(void **state)
{
    const struct trace_dice zeros = {0};
    char text[TRACE_BYTES];
    (void)state;
    trace_begin(&zeros, text);
    assert_string_equal(text, "00-00000000000000000000000000000001-0000000000000001-01");
}

struct parent {
    const char *sentence, *parent, *child;
};

#define CONTINUED(flags) "00-" TRACE "-aabbccddeeff0001-" flags
#define OF_OUR_OWN       "00-" OWN "-aabbccddeeff0001-01"

static const struct parent parents[] = {
    {"the trace stays and the span is new", "00-" TRACE "-" SPAN "-01", CONTINUED("01")},
    {"what is not sampled stays so", "00-" TRACE "-" SPAN "-00", CONTINUED("00")},
    {"flags that nobody knows are not passed on", "00-" TRACE "-" SPAN "-fe", CONTINUED("00")},
    {"the sampled flag among others is", "00-" TRACE "-" SPAN "-0b", CONTINUED("01")},
    {"a later version is read as far as it is known", "01-" TRACE "-" SPAN "-01-what-else",
     CONTINUED("01")},
    {"without a parent a trace begins", "", OF_OUR_OWN},
    {"an id of zeros is none", "00-00000000000000000000000000000000-" SPAN "-01", OF_OUR_OWN},
    {"a span of zeros is none", "00-" TRACE "-0000000000000000-01", OF_OUR_OWN},
    {"capitals are refused", "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", OF_OUR_OWN},
    {"version ff is refused", "ff-" TRACE "-" SPAN "-01", OF_OUR_OWN},
    {"version 00 has nothing behind it", "00-" TRACE "-" SPAN "-01-x", OF_OUR_OWN},
    {"a later version goes on behind a dash", "01-" TRACE "-" SPAN "-01x", OF_OUR_OWN},
    {"one that is cut is refused", "00-" TRACE "-" SPAN "-0", OF_OUR_OWN},
    {"other marks than dashes are refused", "00_" TRACE "_" SPAN "_01", OF_OUR_OWN},
};

static void is_continued(void **state)
{
    const struct parent *c = *state;
    char text[TRACE_BYTES];
    trace_continue(str_of(c->parent), &dice, text);
    assert_string_equal(text, c->child);
}

int main(void)
{
    static struct cases all;
    CASES_ADD_ONE(&all, a_new_trace_is_made_of_the_dice_and_sampled);
    CASES_ADD_ONE(&all, dice_of_zeros_make_no_id_of_zeros);
    CASES_ADD(&all, is_continued, parents);
    return cases_run("trace", &all);
}
