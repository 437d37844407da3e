/* SPDX-License-Identifier: MIT */
/* What is told of a look at the state of things, and what is advised. */
#include "tests/unit/cases.h"

#include "muster/status.h"

enum { NOW_MS = 100000000, TEXT_MAX_BYTES = 1 << 20 };

/* All is well: a link of each state, nothing waits, one of each stage runs. */
static struct status healthy(struct provider_row *provider, struct model_row *model)
{
    *provider = (struct provider_row){.provider = STR("qualys"), .oldest_ms = INT64_MAX};
    provider->states[LINK_WAITING] = 3;
    *model = (struct model_row){.collection = STR("hosts"), .entities = 5, .redirects = 1};
    return (struct status){.now_ms = NOW_MS,
                           .clock_ms = 1000,
                           .providers = provider,
                           .provider_count = 1,
                           .topics = {{.topic = "tasks",
                                       .stage = "fetcher",
                                       .group = STR("m-fetchers"),
                                       .members = 1},
                                      {.topic = "pages",
                                       .stage = "serializer",
                                       .group = STR("m-serializers"),
                                       .members = 2,
                                       .messages = 40,
                                       .in = 40,
                                       .done = 40},
                                      {.topic = "rejects"},
                                      {.topic = "changes"}},
                           .models = model,
                           .model_count = 1};
}

/* --- advice --- */

struct advice_case {
    const char *sentence;
    int64_t due, oldest_ms, tasks_waiting, fetchers, pages_waiting, serializers;
    bool has_rates, tasks_come;
    const char *says; /* NULL = nothing */
};

static const struct advice_case advice_cases[] = {
    {"all is well", 0, INT64_MAX, 0, 1, 0, 1, false, false, NULL},
    {"nobody is needed when nothing waits", 0, INT64_MAX, 0, 0, 0, 0, false, false, NULL},
    {"tasks wait for nobody", 0, INT64_MAX, 7, 0, 0, 1, false, false,
     "7 tasks wait and no fetcher is in the group m-fetchers: start muster-fetcher"},
    {"pages wait for nobody", 0, INT64_MAX, 0, 1, 8, 0, false, false,
     "8 pages wait and no serializer is in the group m-serializers: start muster-serializer"},
    {"somebody is at it", 0, INT64_MAX, 7, 1, 8, 1, false, false, NULL},
    {"links just came due", 4, NOW_MS - 5000, 0, 1, 0, 1, false, false, NULL},
    {"links are due for long", 4, NOW_MS - 61000, 0, 1, 0, 1, false, false,
     "4 links are due and no task waits: if that lasts, no producer runs: start muster-producer"},
    {"links were never fetched", 4, 0, 0, 1, 0, 1, true, false,
     "4 links are due and no task waits: if that lasts, no producer runs: start muster-producer"},
    {"but tasks wait already", 4, 0, 9, 1, 0, 1, false, false, NULL},
    {"but tasks come", 4, 0, 0, 1, 0, 1, true, true, NULL},
};

static void an_advice(void **state)
{
    const struct advice_case *c = *state;
    arena_auto arena = {0};
    struct provider_row provider;
    struct model_row model;
    struct str *advice = NULL;
    struct status s = healthy(&provider, &model);
    provider.states[LINK_DUE] = c->due;
    provider.oldest_ms = c->oldest_ms;
    s.topics[0].waiting = c->tasks_waiting;
    s.topics[0].members = c->fetchers;
    s.topics[1].waiting = c->pages_waiting;
    s.topics[1].members = c->serializers;
    s.has_rates = c->has_rates;
    s.topics[0].in_tenths = c->tasks_come ? 1 : 0;
    assert_int_equal(status_advise(&s, &arena, &advice), c->says ? 1 : 0);
    if (c->says)
        assert_text(advice[0].ptr, advice[0].len, c->says);
}

static void without_links_init_is_advised(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct str *advice = NULL;
    struct status s = {0};
    assert_int_equal(status_advise(&s, &arena, &advice), 1);
    assert_text(advice[0].ptr, advice[0].len, "there are no links: run muster init");
}

/* --- rates --- */

static void rates_are_those_since_the_look_before(void **state)
{
    (void)state;
    struct provider_row provider;
    struct model_row model;
    struct status before = healthy(&provider, &model), now = before;
    now.topics[1].in = 65;
    now.topics[1].done = 30; /* retention, or a group that was reset */
    status_rate(&now, &before);
    assert_false(now.has_rates);
    now.clock_ms += 2000;
    status_rate(&now, &before);
    assert_true(now.has_rates);
    assert_int_equal(now.topics[1].in_tenths, 125);
    assert_int_equal(now.topics[1].done_tenths, 0);
}

/* --- telling --- */

static const char quiet_text[] =
    "links                       due    running    waiting    failing       gone\n"
    "  qualys                      0          0          3          0          0\n"
    "topics                 messages    waiting\n"
    "  tasks                       0          0   for m-fetchers, 1 running\n"
    "  pages                      40          0   for m-serializers, 2 running\n"
    "  rejects                     0\n"
    "entities                  alive       gone  redirects\n"
    "  hosts                       5          0          1\n"
    "issues                        0\n";

static void when_all_is_well_little_is_said(void **state)
{
    (void)state;
    arena_auto arena = {0};
    buf_auto text = {0};
    struct provider_row provider;
    struct model_row model;
    struct status s = healthy(&provider, &model);
    buf_init(&text, TEXT_MAX_BYTES);
    status_text(&s, &arena, &text);
    assert_text(text.ptr, text.len, quiet_text);
}

static void the_topic_of_changes_is_shown_to_those_who_use_it(void **state)
{
    (void)state;
    arena_auto arena = {0};
    buf_auto text = {0};
    buf_auto json = {0};
    struct provider_row provider;
    struct model_row model;
    struct status s = healthy(&provider, &model);
    s.has_changes = true;
    s.topics[CHANGES_ROW].messages = 12;
    buf_init(&text, TEXT_MAX_BYTES);
    buf_init(&json, TEXT_MAX_BYTES);
    status_text(&s, &arena, &text);
    status_json(&s, &arena, &json);
    assert_true(str_has(buf_str(&text), STR("  rejects                     0\n"
                                            "  changes                    12\n"
                                            "entities")));
    assert_true(str_has(buf_str(&json), STR("{\"topic\":\"changes\",\"messages\":12}]")));
}

static struct status troubled(struct provider_row *provider, struct model_row *model)
{
    struct status s = healthy(provider, model);
    provider->states[LINK_DUE] = 2;
    provider->failing = 2;
    provider->oldest_ms = NOW_MS - 180000;
    s.has_rates = true;
    s.topics[1].waiting = 1200;
    s.topics[1].in_tenths = 5;
    s.topics[1].done_tenths = 100;
    s.failures[0] = (struct failure_row){
        STR("qualys/hosts"), STR("qualys/hosts?a=1"), STR("503\x1b[2J"), 2, 7, NOW_MS - 3000};
    s.failures[1] = (struct failure_row){
        STR("qualys/hosts"), STR("qualys/hosts?a=2"), STR("404"), 1, 1, NOW_MS - 4000};
    s.failure_count = 2;
    s.rejects[0] =
        (struct reject_row){0, NOW_MS - 9000, STR("fetcher"), STR("m.tasks"), STR("old")};
    s.rejects[1] =
        (struct reject_row){1, NOW_MS - 8000, STR("serializer"), STR("m.pages"), STR("new")};
    s.reject_count = 2;
    return s;
}

static void trouble_is_told(void **state)
{
    (void)state;
    static const char *const wanted[] = {
        "   oldest due 3 min ago\n",
        "waiting       in/s     done/s\n",
        "  pages                      40       1200        0.5         10   for m-serializers, 2 running, done in 2 min\n",
        "last errors\n  qualys/hosts, 2 links, 3 s ago, 7 times in a row: 503 [2J\n"
        "  qualys/hosts?a=2, 4 s ago: 404\n",
        "last rejects\n  serializer, m.pages, 8 s ago: new\n  fetcher, m.tasks, 9 s ago: old\n",
        "what to do\n  2 links are due and no task waits",
    };
    arena_auto arena = {0};
    buf_auto text = {0};
    struct provider_row provider;
    struct model_row model;
    struct status s = troubled(&provider, &model);
    buf_init(&text, TEXT_MAX_BYTES);
    status_text(&s, &arena, &text);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!str_has(buf_str(&text), str_of(wanted[i])))
            fail_msg("this is not in it: \"%s\"\n%s", wanted[i], buf_text(&text));
}

static void machines_get_the_same(void **state)
{
    (void)state;
    arena_auto arena = {0};
    buf_auto text = {0};
    struct provider_row provider;
    struct model_row model;
    struct status s = troubled(&provider, &model);
    buf_init(&text, TEXT_MAX_BYTES);
    status_json(&s, &arena, &text);
    assert_text(
        text.ptr, text.len,
        "{\"at\":\"1970-01-02T03:46:40.000Z\",\"links\":[{\"provider\":\"qualys\",\"gone\":0,\"due\":2,\"running\":0,"
        "\"waiting\":3,\"failing\":2,\"oldest_due_at\":\"1970-01-02T03:43:40.000Z\"}],"
        "\"topics\":[{\"topic\":\"tasks\",\"messages\":0,\"group\":\"m-fetchers\",\"members\":1,\"waiting\":0,"
        "\"in_per_s\":0.0,\"done_per_s\":0.0},"
        "{\"topic\":\"pages\",\"messages\":40,\"group\":\"m-serializers\",\"members\":2,\"waiting\":1200,"
        "\"in_per_s\":0.5,\"done_per_s\":10.0},{\"topic\":\"rejects\",\"messages\":0,\"in_per_s\":0.0}],"
        "\"entities\":[{\"collection\":\"hosts\",\"alive\":5,\"gone\":0,\"redirects\":1}],\"issues\":0,"
        "\"errors\":[{\"stream\":\"qualys/hosts\",\"link\":\"qualys/hosts?a=1\",\"links\":2,\"times\":7,"
        "\"at\":\"1970-01-02T03:46:37.000Z\",\"error\":\"503\\u001b[2J\"},"
        "{\"stream\":\"qualys/hosts\",\"link\":\"qualys/hosts?a=2\",\"links\":1,\"times\":1,"
        "\"at\":\"1970-01-02T03:46:36.000Z\",\"error\":\"404\"}],"
        "\"rejects\":[{\"offset\":0,\"at\":\"1970-01-02T03:46:31.000Z\",\"stage\":\"fetcher\",\"from\":\"m.tasks\","
        "\"reason\":\"old\"},{\"offset\":1,\"at\":\"1970-01-02T03:46:32.000Z\",\"stage\":\"serializer\","
        "\"from\":\"m.pages\",\"reason\":\"new\"}],"
        "\"advice\":[\"2 links are due and no task waits: if that lasts, no producer runs: start muster-producer\"]}");
}

/* --- on a terminal --- */

struct screen_case {
    const char *sentence;
    const char *text;
    size_t columns, rows;
    const char *screen;
};

static const struct screen_case screen_cases[] = {
    {"what fits is drawn over what was there", "a\nb\n", 10, 5,
     "\033[Ha\033[K\nb\033[K\n\033[J"},
    {"lines are cut, between characters", "\xc3\xa4\xc3\xb6\xc3\xbc\n", 2, 5,
     "\033[H\xc3\xa4\xc3\xb6\033[K\n\033[J"},
    {"what is too high says so", "a\nb\nc\n", 10, 3,
     "\033[Ha\033[K\nb\033[K\n… (a higher window shows more)\033[K\033[J"},
    {"a screen of unknown size gets all", "abc\nd\n", 0, 0, "\033[Habc\033[K\nd\033[K\n\033[J"},
};

static void a_screen(void **state)
{
    const struct screen_case *c = *state;
    buf_auto screen = {0};
    buf_init(&screen, TEXT_MAX_BYTES);
    status_screen(str_of(c->text), c->columns, c->rows, &screen);
    assert_text(screen.ptr, screen.len, c->screen);
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD(&all, an_advice, advice_cases);
    CASES_ADD_ONE(&all, without_links_init_is_advised);
    CASES_ADD_ONE(&all, rates_are_those_since_the_look_before);
    CASES_ADD_ONE(&all, when_all_is_well_little_is_said);
    CASES_ADD_ONE(&all, the_topic_of_changes_is_shown_to_those_who_use_it);
    CASES_ADD_ONE(&all, trouble_is_told);
    CASES_ADD_ONE(&all, machines_get_the_same);
    CASES_ADD(&all, a_screen, screen_cases);
    return cases_run("status", &all);
}
