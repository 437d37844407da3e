/* SPDX-License-Identifier: MIT */
#include "tests/unit/cases.h"

#include "common/hex.h"
#include "common/link.h"
#include "muster/link_phase.h"

/* --- ids --- */

struct id_case {
    const char *sentence;
    struct {
        const char *name, *value;
    } params[3];
    const char *id;
};

static const struct id_case id_cases[] = {
    {"a link without parameters is its stream", {{NULL, NULL}}, "p/s"},
    {"parameters are sorted by name", {{"b", "2"}, {"a", "1"}}, "p/s?a=1&b=2"},
    {"an empty value is kept", {{"a", ""}}, "p/s?a="},
    {"what would not read back is escaped",
     {{"a&b", "x=y z"}, {"c", "50%#?"}},
     "p/s?a%26b=x%3Dy%20z&c=50%25%23%3F"},
    {"letters of other scripts stay", {{"city", "Zürich"}}, "p/s?city=Zürich"},
};

static void an_id(void **state)
{
    const struct id_case *c = *state;
    arena_auto arena = {0};
    struct link_param params[3];
    size_t count = 0;
    for (; count < 3 && c->params[count].name; count++)
        params[count] =
            (struct link_param){str_of(c->params[count].name), str_of(c->params[count].value)};
    struct str id = link_id(STR("p/s"), params, count, &arena);
    assert_text(id.ptr, id.len, c->id);
}

/* --- phases --- */

struct phase_case {
    const char *sentence;
    int64_t due_ms, gen, closed;
    enum link_phase phase;
    bool gone;
};

static const struct phase_case phase_cases[] = {
    {"a new link is due", 0, 0, 0, LINK_DUE, false},
    {"a link is due from its very time on", 1000, 3, 3, LINK_DUE, false},
    {"a claimed link runs until it is closed", 1001, 4, 3, LINK_RUNNING, false},
    {"a closed link waits", 1001, 4, 4, LINK_WAITING, false},
    {"a link whose lease is over is due again", 999, 4, 3, LINK_DUE, false},
    {"a gone link is gone, due or not", 0, 4, 3, LINK_GONE, true},
};

static void a_phase(void **state)
{
    const struct phase_case *c = *state;
    bson_auto link = BSON_INITIALIZER;
    BSON_APPEND_BOOL(&link, "gone", c->gone);
    BSON_APPEND_DATE_TIME(&link, "due_at", c->due_ms);
    BSON_APPEND_INT64(&link, "gen", c->gen);
    BSON_APPEND_INT64(&link, "closed", c->closed);
    assert_int_equal(link_phase_of(&link, 1000), c->phase);
}

struct time_case {
    const char *sentence;
    int64_t time_ms, now_ms;
    const char *text;
};

static const struct time_case time_cases[] = {
    {"1970 is never", 0, 5000, "never"},
    {"a moment ago", 4000, 5500, "1500 ms ago"},
    {"seconds", 10000, 5000, "in 5 s"},
    {"a minute and a half is 90 seconds", 1, 90001, "90 s ago"},
    {"minutes", 1000, 1000 + 5 * 60000, "5 min ago"},
    {"hours", 3 * 3600000 + 1, 1, "in 3 h"},
    {"days", 1, 10 * 86400000 + 1, "10 d ago"},
};

static void a_time(void **state)
{
    const struct time_case *c = *state;
    arena_auto arena = {0};
    struct str text = time_from_now(c->time_ms, c->now_ms, &arena);
    assert_text(text.ptr, text.len, c->text);
}

/* --- hex --- */

static void bytes_become_hex_and_come_back(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const uint8_t bytes[] = {0, 1, 0x7f, 0x80, 0xff};
    uint8_t back[5];
    struct str text = hex_text(bytes, sizeof bytes, &arena);
    assert_text(text.ptr, text.len, "00017f80ff");
    assert_true(hex_bytes(text, back, sizeof back));
    assert_memory_equal(bytes, back, sizeof bytes);
    assert_true(hex_bytes(STR("AbCd"), back, 2));
    assert_int_equal(back[0], 0xab);
    assert_false(hex_bytes(STR("00017f80f"), back, 5));
    assert_false(hex_bytes(STR("00017f80fg"), back, 5));
    assert_false(hex_bytes(STR("00017f80f`"), back, 5));
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD(&all, an_id, id_cases);
    CASES_ADD(&all, a_phase, phase_cases);
    CASES_ADD(&all, a_time, time_cases);
    CASES_ADD_ONE(&all, bytes_become_hex_and_come_back);
    return cases_run("link", &all);
}
