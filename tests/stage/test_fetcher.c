/* SPDX-License-Identifier: MIT */
/*
 * The real fetcher, as a process, between a mock broker and a server that misbehaves: tasks in, pages out. The program is
 * looked for beside the tests (MUSTER_FETCHER names another).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/stage/mock_kafka.h"
#include "tests/stage/odd_server.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { RECORDS = 7, PAGES = 4, TURN_MS = 30000 };

static char big_body[100 * 1024];

static const struct oddity oddities[] = {
    {"busy", 2, ODD_ANSWER, 500, "", "oops"},
    {"down", ODD_FOR_EVER, ODD_ANSWER, 503, "", "down for \x01 maintenance"},
    {"limited", 1, ODD_ANSWER, 429, "Retry-After: 1\r\n", "slow down"},
    {"later", ODD_FOR_EVER, ODD_ANSWER, 429, "Retry-After: 3600\r\n", "slow down"},
    {"later-date", ODD_FOR_EVER, ODD_ANSWER, 503,
     "Retry-After: Fri, 31 Dec 2100 23:59:59 GMT\r\n", ""},
    {"locked", ODD_FOR_EVER, ODD_ANSWER, 401, "", "no such token: s3cret-token"},
    {"missing", ODD_FOR_EVER, ODD_ANSWER, 404, "", ""},
    {"cut", 1, ODD_CUT, 200, "", "{\"items\":[{\"id\":\"thing-0\"},{\"id\":\"thing-1\"}]}"},
    {"stall", 1, ODD_STALL, 0, "", ""},
    {"html", ODD_FOR_EVER, ODD_ANSWER, 200, "Content-Type: text/html; charset=utf-8\r\n",
     "<html>please log in</html>"},
    {"big", ODD_FOR_EVER, ODD_ANSWER, 200, "", big_body},
    {"moved", 1, ODD_ANSWER, 302, "Location: /moved?skip=0\r\n", ""},
    {"away", ODD_FOR_EVER, ODD_ANSWER, 302, "Location: http://127.0.0.1:1/x\r\n", ""},
    {"circle", ODD_FOR_EVER, ODD_ANSWER, 302, "Location: /circle\r\n", ""},
    {"broken", ODD_FOR_EVER, ODD_ANSWER, 200, "Content-Type: application/json\r\n",
     "{\"items\":[{\"id\":1}"},
    {"again", ODD_FOR_EVER, ODD_ANSWER, 200, "",
     "{\"items\":[{\"id\":\"x\"}],\"next\":\"s3cret-token\"}"},
    {"slow", ODD_FOR_EVER, ODD_SLOW, 0, "", ""},
    {"slower", ODD_FOR_EVER, ODD_SLOW, 0, "", ""},
    {NULL, 0, ODD_ANSWER, 0, NULL, NULL},
};

/* --- the world of the fetcher --- */

static struct world {
    struct mock_kafka *kafka;
    struct odd_server *server;
    pid_t fetcher;
    char folder[64];
    char program[4096];
    int gen; /* a new one for each task, so that pages of an earlier one are known */
} world;

static void write_file(const char *name, const char *content)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", world.folder, name);
    FILE *file = fopen(path, "w");
    if (!file || fputs(content, file) < 0 || fclose(file) != 0)
        abort();
}

static void write_schemas(void)
{
    char path[128];
    (void)snprintf(world.folder, sizeof world.folder, "/tmp/muster-test-fetcher-XXXXXX");
    if (!mkdtemp(world.folder))
        abort();
    for (const char *const *sub = (const char *const[]){"models", "providers", NULL}; *sub;
         sub++) {
        (void)snprintf(path, sizeof path, "%s/%s", world.folder, *sub);
        if (mkdir(path, 0700) != 0)
            abort();
    }
    write_file("models/thing.yaml",
               "model: thing\ncollection: things\nabout: A thing.\n"
               "fields:\n  name: {type: string, merge: newest, about: Its name.}\n"
               "  maker: {type: string, merge: newest, about: Who made it.}\n"
               "identity:\n  name_maker: [name, maker]\n");
#define PROVIDER(name)                        \
    "provider: " name "\nabout: For tests.\n" \
    "settings:\n  base_url: {about: Where it is.}\n  token: {secret: true, about: The token.}\nstreams:\n"
#define STREAM(name, method, query, pages)                                                    \
    "  " name ":\n    model: thing\n    every: 1h\n    params: {case: list}\n"                \
    "    request: {method: " method ", url: \"${base_url}/${params.case}\", query: " query    \
    ", headers: {token: \"${token}\"}}\n"                                                     \
    "    pages: " pages "\n    limits: {in_flight: 4}\n    records: .items[]\n    key: .id\n" \
    "    fields: {name: .id}\n"
    static const char listing[] =
        STREAM("things", "POST", "{skip: \"${page.offset}\", token: \"${token}\"}",
               "{by: offset, size: 2, end_when: {status: 500, body_has: number of hosts}}");
    static const char chain[] =
        STREAM("chain", "GET", "{skip: \"${page.cursor}\"}", "{by: cursor, cursor: .next}");
    char text[4096];
    (void)snprintf(text, sizeof text, "%s%s%s", PROVIDER("odd"), listing, chain);
    write_file("providers/odd.yaml", text);
    (void)snprintf(text, sizeof text, "%s%s", PROVIDER("shy"), listing);
    write_file("providers/shy.yaml", text);
}

static void set_environment(void)
{
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", odd_server_port(world.server));
    const char *const pairs[][2] = {
        {"MUSTER_ODD_BASE_URL", url},     {"MUSTER_ODD_TOKEN", "s3cret-token"},
        {"MUSTER_ODD_PLAIN_HTTP", "yes"}, {"MUSTER_ODD_PRIVATE_HOSTS", "127.0.0.1"},
        {"MUSTER_SHY_BASE_URL", url},     {"MUSTER_SHY_TOKEN", "s3cret-token"},
        {"MUSTER_SHY_PLAIN_HTTP", "yes"}, {"MUSTER_KAFKA", mock_kafka_brokers(world.kafka)},
        {"MUSTER_TOPICS", "test"},        {"MUSTER_SCHEMAS", world.folder},
        {"MUSTER_STALL", "1s"},           {"MUSTER_TIMEOUT", "2s"},
        {"MUSTER_MAX_PAGE", "64KiB"},     {"MUSTER_STRETCH_PAGES", "3"},
        {"MUSTER_LOG_LEVEL", "error"},    {"MUSTER_LISTEN", "none"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (setenv(pairs[i][0], pairs[i][1], 1) != 0)
            abort();
}

static void find_program(void)
{
    const char *named = getenv("MUSTER_FETCHER");
    char here[2048];
    ssize_t len = readlink("/proc/self/exe", here, sizeof here - 1);
    if (len < 0)
        abort();
    here[len] = '\0';
    *strrchr(here, '/') = '\0';
    if (named)
        (void)snprintf(world.program, sizeof world.program, "%s", named);
    else
        (void)snprintf(world.program, sizeof world.program, "%s/../../bin/muster-fetcher",
                       here);
}

static void start_fetcher(void)
{
    world.fetcher = fork();
    if (world.fetcher == 0) {
        (void)execl(world.program, world.program, (char *)NULL);
        _exit(127);
    }
    assert_true(world.fetcher > 0);
}

/* Its exit status, after a signal. */
static int stop_fetcher(int signal)
{
    int status = -1;
    assert_int_equal(kill(world.fetcher, signal), 0);
    assert_int_equal(waitpid(world.fetcher, &status, 0), world.fetcher);
    world.fetcher = 0;
    return status;
}

static int set_up(void **state)
{
    (void)state;
    memset(big_body, ' ', sizeof big_body - 1);
    world.kafka = mock_kafka_open();
    world.server = odd_server_open(oddities, RECORDS);
    write_schemas();
    set_environment();
    find_program();
    start_fetcher();
    return 0;
}

static int remove_one(const char *path, const struct stat *what, int kind, struct FTW *walk)
{
    (void)what;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    int status = world.fetcher ? stop_fetcher(SIGTERM) : 0;
    odd_server_close(world.server);
    mock_kafka_close(world.kafka);
    return nftw(world.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0 ? status : -1;
}

/* --- one task and its pages --- */

struct page {
    struct page_head head;
    struct str body;
};

/* The pages of one task. */
struct listing {
    struct arena arena;
    int gen;
    struct page list[32];
    size_t count;
};

static struct listing put_task(const char *stream, const char *name, int32_t lane)
{
    char value[512];
    (void)snprintf(
        value, sizeof value,
        "{\"stream\":\"%s\",\"link\":\"%s\",\"gen\":%d,\"run\":1,\"prev\":0,\"page\":0,\"cursor\":\"\",\"seen\":0,"
        "\"map\":7,\"params\":{\"case\":\"%s\"}}",
        stream, name, ++world.gen, name);
    mock_kafka_put_task(world.kafka, lane, name, value);
    return (struct listing){.gen = world.gen};
}

static const struct page *end_of(const struct listing *l)
{
    const struct page *last = l->count ? &l->list[l->count - 1] : NULL;
    return last && (last->head.final || last->head.outcome != OUTCOME_OK) ? last : NULL;
}

static void keep_page(struct listing *lists, size_t count, const struct kafka_message *m)
{
    struct err err = {0};
    struct page_head head;
    if (!page_decode(m->headers, m->header_count, &head, &err))
        fail_msg("%s", err.text);
    struct listing *l = lists;
    while (l < lists + count && l->gen != head.gen)
        l++;
    if (l == lists + count)
        return;
    struct str *const texts[] = {&head.stream, &head.link,  &head.params, &head.url,
                                 &head.type,   &head.error, &head.cursor, &head.trace};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = arena_copy(&l->arena, *texts[i]);
    assert_true(l->count < 32);
    l->list[l->count++] = (struct page){head, arena_copy(&l->arena, m->value)};
}

/* Until all listings have ended, well or badly, or the time is over. */
static void collect(struct listing *lists, size_t count)
{
    size_t ended = 0;
    for (int64_t end_ms = clock_ms() + TURN_MS; ended < count && clock_ms() < end_ms;) {
        struct kafka_message m;
        if (!mock_kafka_next(world.kafka, "pages", 200, &m))
            continue;
        keep_page(lists, count, &m);
        kafka_message_free(&m);
        ended = 0;
        for (size_t i = 0; i < count; i++)
            ended += end_of(&lists[i]) != NULL;
    }
}

struct turn {
    const char *sentence;
    const char *stream, *name;
    size_t pages; /* that must come, the last one included */
    enum outcome outcome;
    int status;
    const char *error; /* part of it */
    const char *body;  /* of the last page */
    int hits;          /* requests that the server must see */
};

static const struct turn turns[] = {
    {"a listing goes to its odd end, over two tasks", "odd/things", "list", PAGES + 1,
     OUTCOME_OK, 500, "", "", PAGES + 1},
    {"a listing by cursor ends where the cursor does", "odd/chain", "chain", PAGES, OUTCOME_OK,
     200, "", "{\"items\":[{\"id\":\"thing-6\"}]}", PAGES},
    {"500 is asked again", "odd/things", "busy", PAGES + 1, OUTCOME_OK, 500, "", "", PAGES + 3},
    {"a cut body is asked again", "odd/things", "cut", PAGES + 1, OUTCOME_OK, 500, "", "",
     PAGES + 2},
    {"a stalled answer is asked again", "odd/things", "stall", PAGES + 1, OUTCOME_OK, 500, "",
     "", PAGES + 2},
    {"429 waits as long as it is told", "odd/things", "limited", PAGES + 1, OUTCOME_OK, 500, "",
     "", PAGES + 2},
    {"a redirect within the origin is followed", "odd/things", "moved", PAGES + 1, OUTCOME_OK,
     500, "", "", PAGES + 2},
    {"what stays down fails after five attempts", "odd/things", "down", 1, OUTCOME_FAILED, 503,
     "503 Service Unavailable: down for   maintenance", "", 5},
    {"a long wait comes back later", "odd/things", "later", 1, OUTCOME_DEFERRED, 429,
     "429 Too Many Requests", "", 1},
    {"a far date comes back later", "odd/things", "later-date", 1, OUTCOME_DEFERRED, 503, "503",
     "", 1},
    {"a refused token says what to check", "odd/things", "locked", 1, OUTCOME_FAILED, 401,
     "401 Unauthorized: the token was refused; check MUSTER_ODD_TOKEN: no such token: ${token}",
     "", 1},
    {"what is not there says where its URL is", "odd/things", "missing", 1, OUTCOME_FAILED, 404,
     "providers/odd.yaml", "", 1},
    {"a page of HTML fails and is kept", "odd/things", "html", 1, OUTCOME_FAILED, 200,
     "an HTML page", "<html>please log in</html>", 1},
    {"a body over the limit fails", "odd/things", "big", 1, OUTCOME_FAILED, 0,
     "over 65536 bytes", "", 1},
    {"another origin is not followed", "odd/things", "away", 1, OUTCOME_FAILED, 0,
     "another origin (127.0.0.1)", "", 1},
    {"redirects have an end", "odd/things", "circle", 1, OUTCOME_FAILED, 0, "more than 3 times",
     "", 4},
    {"a private address that is not named is refused", "shy/things", "shy", 1, OUTCOME_FAILED,
     0, "127.0.0.1 is a private address", "", 0},
    {"broken JSON that paging needs fails and is kept", "odd/chain", "broken", 1,
     OUTCOME_FAILED, 200, "line 1", "{\"items\":[{\"id\":1}", 1},
    {"a listing that runs in a circle fails", "odd/chain", "again", 3, OUTCOME_FAILED, 0,
     "circle", "", 2},
};

enum { TURNS = sizeof turns / sizeof *turns };

static bool is_as_said(const struct turn *t, const struct listing *l)
{
    const struct page *last = end_of(l);
    if (!last || l->count != t->pages)
        return false;
    const struct page_head *h = &last->head;
    bool waits = t->outcome == OUTCOME_DEFERRED;
    return h->outcome == t->outcome && h->status == t->status &&
           h->page == (int64_t)t->pages - 1 && h->final == (t->outcome == OUTCOME_OK) &&
           str_has(h->error, str_of(t->error)) && str_eq(last->body, str_of(t->body)) &&
           h->map == 7 && (h->retry_at_ms > clock_unix_ms()) == waits &&
           odd_server_hits(world.server, t->name) == t->hits;
}

static void check_listing(const struct turn *t, const struct listing *l)
{
    const struct page *last = l->count ? &l->list[l->count - 1] : &(struct page){0};
    if (!is_as_said(t, l))
        fail_msg("%s: %zu pages, %s, status %d, final %d, %d hits: " STR_FMT " | " STR_FMT,
                 t->sentence, l->count, outcome_name(last->head.outcome), last->head.status,
                 last->head.final, odd_server_hits(world.server, t->name),
                 STR_ARG(last->head.error), STR_ARG(last->body));
    for (size_t i = 0; i < l->count; i++) {
        const struct page_head *h = &l->list[i].head;
        const struct str kept[] = {h->url, h->error, h->cursor};
        for (size_t k = 0; k < 3; k++)
            if (str_has(kept[k], STR("s3cret")))
                fail_msg("%s: page %zu tells the secret: " STR_FMT, t->sentence, i,
                         STR_ARG(kept[k]));
    }
}

static void test_tasks_become_pages(void **state)
{
    struct listing lists[TURNS];
    (void)state;
    for (size_t i = 0; i < TURNS; i++)
        lists[i] = put_task(turns[i].stream, turns[i].name, (int32_t)i % MOCK_LANES);
    collect(lists, TURNS);
    for (size_t i = 0; i < TURNS; i++) {
        check_listing(&turns[i], &lists[i]);
        arena_done(&lists[i].arena);
    }
}

static void wait_for_hits(const char *name, int hits)
{
    int64_t end_ms = clock_ms() + TURN_MS;
    while (odd_server_hits(world.server, name) < hits && clock_ms() < end_ms)
        (void)usleep(10 * 1000);
    assert_true(odd_server_hits(world.server, name) >= hits);
}

static void wait_for_no_lag(void)
{
    int64_t end_ms = clock_ms() + TURN_MS;
    while (mock_kafka_lag(world.kafka) > 0 && clock_ms() < end_ms)
        (void)usleep(50 * 1000);
    assert_int_equal(mock_kafka_lag(world.kafka), 0);
}

static void test_all_offsets_are_stored_in_the_end(void **state)
{
    (void)state;
    wait_for_no_lag();
}

static struct str header_of(const struct kafka_message *m, const char *name)
{
    for (size_t i = 0; i < m->header_count; i++)
        if (strcmp(m->headers[i].name, name) == 0)
            return m->headers[i].value;
    return (struct str){0};
}

static void test_what_is_no_task_is_kept_as_a_reject(void **state)
{
    static const char *const values[] = {
        "rubbish",
        "{\"stream\":\"no/such\",\"link\":\"l\",\"gen\":1,\"run\":1,\"prev\":0,\"page\":0,"
        "\"cursor\":\"\",\"seen\":0,\"map\":1,\"params\":{}}"};
    static const char *const reasons[] = {"task: line 1", "there is no stream no/such"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct kafka_message m;
        mock_kafka_put_task(world.kafka, 2, "key", values[i]);
        assert_true(mock_kafka_next(world.kafka, "rejects", TURN_MS, &m));
        assert_true(str_eq(m.key, STR("key")) && str_eq(m.value, str_of(values[i])));
        assert_true(str_eq(header_of(&m, "__connect.errors.topic"), STR("test.tasks")));
        assert_true(str_eq(header_of(&m, "__connect.errors.partition"), STR("2")));
        assert_true(str_eq(header_of(&m, "__connect.errors.stage"), STR("fetcher")));
        assert_true(
            str_has(header_of(&m, "__connect.errors.exception.message"), str_of(reasons[i])));
        kafka_message_free(&m);
    }
    wait_for_no_lag();
}

/* Which pages of the listing came, as bits; waits until it has ended. */
static unsigned pages_of(struct listing *l)
{
    unsigned came = 0;
    collect(l, 1);
    for (size_t i = 0; i < l->count; i++)
        came |= 1u << l->list[i].head.page;
    arena_done(&l->arena);
    return came;
}

static void test_a_signal_drains_and_another_fetcher_goes_on(void **state)
{
    (void)state;
    struct listing l = put_task("odd/things", "slow", 1);
    wait_for_hits("slow", 2);
    assert_int_equal(stop_fetcher(SIGTERM), 0);
    int hits = odd_server_hits(world.server, "slow");
    assert_int_equal(hits, 2); /* the page under way was ended, and no other begun */
    assert_int_equal(mock_kafka_lag(world.kafka), 1); /* the task is done; its rest is not */
    start_fetcher();
    assert_int_equal(pages_of(&l), (1u << (PAGES + 1)) - 1);
    assert_int_equal(odd_server_hits(world.server, "slow"),
                     PAGES + 1); /* none was asked for twice */
    wait_for_no_lag();
}

static void test_a_killed_fetcher_loses_nothing(void **state)
{
    (void)state;
    struct listing l = put_task("odd/things", "slower", 1);
    wait_for_hits("slower", 2);
    assert_int_not_equal(stop_fetcher(SIGKILL), 0);
    start_fetcher();
    assert_int_equal(pages_of(&l), (1u << (PAGES + 1)) - 1);
    wait_for_no_lag();
}

static void test_without_kafka_it_waits_and_gives_up(void **state)
{
    (void)state;
    int64_t start_ms = clock_ms();
    pid_t child = fork();
    if (child == 0) {
        (void)execl(world.program, world.program, "--kafka", "127.0.0.1:1", "--wait", "1s",
                    (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EX_UNAVAILABLE);
    assert_true(clock_ms() - start_ms >= 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tasks_become_pages),
        cmocka_unit_test(test_all_offsets_are_stored_in_the_end),
        cmocka_unit_test(test_what_is_no_task_is_kept_as_a_reject),
        cmocka_unit_test(test_a_signal_drains_and_another_fetcher_goes_on),
        cmocka_unit_test(test_a_killed_fetcher_loses_nothing),
        cmocka_unit_test(test_without_kafka_it_waits_and_gives_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
