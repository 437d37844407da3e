/* SPDX-License-Identifier: MIT */
#include "muster/standing.h"

#include "common/index.h"
#include "serializer/judge.h"

#include <stdlib.h>

/* --- from the message --- */

static bool read_page(struct kept_reject *r, const struct header *headers, size_t count)
{
    struct err ignored = {0};
    struct page page = {0};
    if (!page_decode(headers, count, &page.head, &ignored))
        return false;
    r->kind = REJECT_OF_PAGE;
    r->stream = page.head.stream;
    r->link = page.head.link;
    r->gen = page.head.gen;
    r->mark = judge_mark(&page);
    r->is_answer = page.head.outcome != OUTCOME_OK;
    return true;
}

static bool read_task(struct kept_reject *r, struct str value, struct arena *arena)
{
    struct err ignored = {0};
    struct task task;
    if (!task_decode(value, arena, &task, &ignored))
        return false;
    r->kind = REJECT_OF_TASK;
    r->stream = task.stream;
    r->link = task.link;
    r->gen = task.gen;
    return true;
}

/* The key of a page's message is LINK#BLOCK. */
static struct str link_of_key(struct str key)
{
    for (size_t i = key.len; i > 0; i--)
        if (key.ptr[i - 1] == '#')
            return (struct str){key.ptr, i - 1};
    return (struct str){0};
}

static void read_key(struct kept_reject *r, struct str key)
{
    r->link = link_of_key(key);
    r->lacks_headers = r->link.len > 0;
    struct str rest = r->link;
    r->stream = str_cut(&rest, '?');
}

/* Nothing of it may be a view of the message. */
static void keep_texts(struct kept_reject *r, struct arena *arena)
{
    struct str *const texts[] = {&r->what.stage, &r->what.topic, &r->what.reason, &r->stream,
                                 &r->link};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = arena_copy(arena, *texts[i]);
    r->mark.link = r->link;
}

bool kept_reject_make(const struct kafka_message *m, struct arena *arena,
                      struct kept_reject *out, struct err *err)
{
    struct header headers[HEADERS_MAX];
    struct kept_reject r = {.id = {m->partition, m->offset},
                            .at_ms = m->time_ms,
                            .bytes = (int64_t)m->value.len,
                            .kind = REJECT_OF_NOTHING};
    struct reject what;
    if (!reject_read(m, headers, &what, err))
        return false;
    bool is_of_fetcher = str_eq(what.stage, STR("fetcher"));
    r.what = what;
    r.retries = reject_retries(&what, &r.of);
    if (is_of_fetcher)
        (void)read_task(&r, what.value, arena);
    else if (!read_page(&r, what.headers, what.header_count) && !what.header_count)
        read_key(&r, what.key);
    r.what.key = r.what.value = (struct str){0};
    r.what.headers = NULL;
    r.what.header_count = 0;
    keep_texts(&r, arena);
    *out = r;
    return true;
}

void kept_reject_add_headers(struct kept_reject *r, const struct header *headers, size_t count,
                             struct arena *arena)
{
    if (read_page(r, headers, count))
        keep_texts(r, arena);
}

/* --- one of each --- */

static struct str place_of(const struct kept_reject *r, struct arena *arena)
{
    return arena_format(arena, STR_FMT "\x1f%d\x1f%lld", STR_ARG(r->what.topic),
                        (int)r->what.partition, (long long)r->what.offset);
}

/* Which rejects are of one message, however often it was rejected and retried. */
struct chains {
    struct arena *arena;
    struct index by_place, by_id; /* the number of the chain's first reject */
    size_t *newest;               /* of each chain */
};

static size_t chain_of(struct chains *c, const struct kept_reject *r, size_t here)
{
    struct str place = place_of(r, c->arena);
    int64_t chain = index_get(&c->by_place, place);
    if (chain < 0 && r->retries)
        chain = index_get(&c->by_id, reject_id_text(r->of, c->arena));
    if (chain < 0)
        chain = (int64_t)here;
    if (r->retries)
        (void)index_put(&c->by_id, reject_id_text(r->of, c->arena), chain);
    (void)index_put(&c->by_id, reject_id_text(r->id, c->arena), chain);
    (void)index_put(&c->by_place, place, chain);
    return (size_t)chain;
}

/* Said already: sent twice, or the message came again after its retry had. */
static bool is_repetition(const struct kept_reject *r, const struct kept_reject *newest)
{
    return r->retries < newest->retries ||
           (r->retries == newest->retries && str_eq(r->what.reason, newest->what.reason));
}

size_t kept_rejects_settle(struct kept_reject *list, size_t count, struct arena *arena)
{
    struct chains c = {.arena = arena, .newest = ARENA_ARRAY(arena, size_t, count)};
    size_t used = 0;
    index_init(&c.by_place, arena, count);
    index_init(&c.by_id, arena, count);
    for (size_t i = 0; i < count; i++) {
        struct kept_reject r = list[i];
        size_t chain = chain_of(&c, &r, used);
        bool is_first = chain == used;
        if (!is_first && is_repetition(&r, &list[c.newest[chain]]))
            continue;
        if (!is_first)
            list[c.newest[chain]].is_replaced = true;
        c.newest[chain] = used;
        list[used++] = r;
    }
    return used;
}

/* --- what it has come to --- */

static const char *const names[STANDING_KINDS] = {
    [STANDING_OPEN] = "open",   [STANDING_WAITS] = "waits",   [STANDING_SENT] = "sent",
    [STANDING_ASIDE] = "aside", [STANDING_ANSWER] = "answer", [STANDING_LOST] = "lost",
    [STANDING_READ] = "read",   [STANDING_LATE] = "late",     [STANDING_REPLACED] = "replaced",
};

const char *standing_name(enum standing_kind kind)
{
    return names[kind];
}

bool standing_is_over(enum standing_kind kind)
{
    return kind == STANDING_READ || kind == STANDING_LATE || kind == STANDING_REPLACED;
}

static struct standing no_retry(enum standing_kind kind, struct str why)
{
    return (struct standing){.kind = kind, .why = why};
}

static struct standing for_one(enum standing_kind kind, struct str why)
{
    return (struct standing){.kind = kind, .why = why, .can_retry_one = true};
}

/* Has the world gone on without it? Kind OPEN when not. */
static struct standing page_since(const struct kept_reject *r, const struct reject_facts *f,
                                  struct arena *arena)
{
    bool is_marked = f->mark.gen > 0;
    bool is_same = is_marked && f->mark.answer == r->mark.answer;
    if (is_same && !f->mark.rejects)
        return no_retry(STANDING_READ,
                        arena_format(arena, "read since, by map %d", (int)f->mark.map));
    if (is_marked && !is_same && !f->incremental)
        return no_retry(STANDING_LATE, STR("another answer of the same page stands"));
    if (!f->incremental && f->link.complete.gen >= r->gen)
        return no_retry(STANDING_LATE,
                        arena_format(arena,
                                     "late: the link has been read whole since, in gen %lld",
                                     (long long)f->link.complete.gen));
    if (r->is_answer)
        return no_retry(
            STANDING_ANSWER,
            STR("the answer itself was a failure: the link is asked again by itself"));
    return (struct standing){.kind = STANDING_OPEN};
}

static struct standing task_since(const struct kept_reject *r, const struct reject_facts *f)
{
    if (f->link.exists && (f->link.gen > r->gen || f->link.closed >= r->gen))
        return no_retry(STANDING_LATE,
                        STR("late: the link has been claimed again, or closed, since"));
    return (struct standing){.kind = STANDING_OPEN};
}

/* Would another reading of the page say anything new? */
static struct standing by_map(const struct kept_reject *r, const struct reject_facts *f,
                              struct arena *arena)
{
    bool is_marked = f->mark.gen > 0;
    int32_t map = is_marked ? f->mark.map : r->what.map;
    if (map && map >= f->map) {
        struct str why = arena_format(
            arena,
            "map %d has rejected it and is the newest: mend the file, then muster init; if the page itself is "
            "broken, the link's next whole run makes up for it",
            (int)map);
        /* What is marked counts as seen until a greater map comes: a retry would change nothing. */
        return is_marked ? no_retry(STANDING_WAITS, why) : for_one(STANDING_WAITS, why);
    }
    struct str by = map ? arena_format(arena, ", which map %d rejected", (int)map) : STR("");
    return (struct standing){.kind = STANDING_OPEN,
                             .why = arena_format(arena, "a retry reads it by map %d" STR_FMT,
                                                 (int)f->map, STR_ARG(by)),
                             .can_retry_all = true,
                             .can_retry_one = true};
}

static struct standing unread(const struct kept_reject *r, const struct reject_facts *f,
                              struct arena *arena)
{
    if (r->is_lost)
        return no_retry(STANDING_LOST, STR("it was set aside without its headers, and the "
                                           "original has been removed by retention"));
    if (f->is_on_its_way)
        return for_one(STANDING_SENT, STR("retried, and not read yet"));
    if (r->retries >= f->retries_max)
        return for_one(STANDING_ASIDE,
                       arena_format(arena, "retried %lld times in vain: only by its id",
                                    (long long)r->retries));
    if (r->kind == REJECT_OF_NOTHING)
        return for_one(STANDING_WAITS,
                       STR("nobody can read it, so nobody knows whose it is: only by its id"));
    if (!f->map)
        return no_retry(STANDING_WAITS,
                        arena_format(arena, "no provider file here knows the stream " STR_FMT,
                                     STR_ARG(r->stream)));
    if (r->kind == REJECT_OF_TASK)
        return (struct standing){.kind = STANDING_OPEN,
                                 .why = STR("its stream is known here"),
                                 .can_retry_all = true,
                                 .can_retry_one = true};
    return by_map(r, f, arena);
}

struct standing standing_of(const struct kept_reject *r, const struct reject_facts *f,
                            struct arena *arena)
{
    if (r->is_replaced)
        return no_retry(STANDING_REPLACED, STR("a later reject holds the same message"));
    struct standing since = r->kind == REJECT_OF_PAGE   ? page_since(r, f, arena)
                            : r->kind == REJECT_OF_TASK ? task_since(r, f)
                                                        : (struct standing){0};
    return since.kind == STANDING_OPEN ? unread(r, f, arena) : since;
}

/* --- kinds --- */

/* "record 3: no key" and "record 7: no key" are one kind. */
static struct str without_numbers(struct str reason, struct arena *arena)
{
    char *text = arena_text(arena, reason);
    size_t used = 0;
    for (size_t i = 0; i < reason.len; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (is_digit && used && text[used - 1] == '#')
            continue;
        text[used++] = is_digit ? '#' : text[i];
    }
    return (struct str){text, used};
}

static void add_to(struct reject_group *g, int64_t at_ms)
{
    g->first_ms = g->count == 0 || at_ms < g->first_ms ? at_ms : g->first_ms;
    g->last_ms = at_ms > g->last_ms ? at_ms : g->last_ms;
    g->count++;
}

static int more_first(const void *a, const void *b)
{
    const struct reject_group *x = a;
    const struct reject_group *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return (x->last_ms < y->last_ms) - (x->last_ms > y->last_ms);
}

struct reject_group *reject_groups(const struct kept_reject *list, const bool *take,
                                   size_t count, struct arena *arena, size_t *out_count)
{
    struct reject_group *groups = ARENA_ARRAY(arena, struct reject_group, count);
    struct index by_name;
    size_t used = 0;
    index_init(&by_name, arena, count);
    for (size_t i = 0; i < count; i++) {
        const struct kept_reject *r = &list[i];
        if (!take[i])
            continue;
        struct str reason = without_numbers(r->what.reason, arena);
        const struct str parts[] = {r->what.stage, STR("\x1f"), r->stream, STR("\x1f"), reason};
        struct str name = arena_join(arena, parts, sizeof parts / sizeof *parts);
        size_t at = (size_t)index_put(&by_name, name, (int64_t)used);
        if (at == used)
            groups[used++] = (struct reject_group){r->what.stage, r->stream, reason, 0, 0, 0};
        add_to(&groups[at], r->at_ms);
    }
    if (used)
        qsort(groups, used, sizeof *groups, more_first);
    *out_count = used;
    return groups;
}
