/* SPDX-License-Identifier: MIT */
#include "muster/show.h"
#include "muster/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ERROR_MAX_BYTES = 300, NUMBER_BYTES = 24 };

__attribute__((format(printf, 2, 3))) static void put(struct buf *out, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (!buf_add(out, str_of(line)))
        abort(); /* a screen or two */
}

/* What an error quotes from a provider must not steer the terminal. */
static struct str harmless(struct str text, struct arena *arena)
{
    static const struct type type = {.kind = TYPE_STRING};
    return show_value(&type, value_text(text), ERROR_MAX_BYTES, arena);
}

size_t status_topics(const struct status *s)
{
    return s->has_changes ? STATUS_TOPICS : CHANGES_ROW;
}

/* --- rates --- */

static int64_t tenths_a_second(int64_t now, int64_t before, int64_t elapsed_ms)
{
    int64_t count = now > before ? now - before : 0;
    return (count * 10000 + elapsed_ms / 2) / elapsed_ms;
}

void status_rate(struct status *s, const struct status *before)
{
    int64_t elapsed_ms = s->clock_ms - before->clock_ms;
    if (elapsed_ms <= 0)
        return;
    for (size_t i = 0; i < STATUS_TOPICS; i++) {
        struct topic_row *t = &s->topics[i];
        t->in_tenths = tenths_a_second(t->in, before->topics[i].in, elapsed_ms);
        t->done_tenths = tenths_a_second(t->done, before->topics[i].done, elapsed_ms);
    }
    s->has_rates = true;
}

/* --- advice --- */

struct advice {
    struct arena *arena;
    struct str *list;
    size_t count, room;
};

static void add_advice(struct advice *a, struct str text)
{
    *ARENA_PUSH(a->arena, a->list, a->count, a->room) = text;
}

static void advise_on_group(struct advice *a, const struct topic_row *t)
{
    if (t->stage && t->waiting && !t->members)
        add_advice(a, arena_format(a->arena,
                                   "%lld %s wait and no %s is in the group " STR_FMT
                                   ": start muster-%s",
                                   (long long)t->waiting, t->topic, t->stage, STR_ARG(t->group),
                                   t->stage));
}

/* A producer is in no group: that it is missing shows in links that are due while no task comes. */
static void advise_on_producer(struct advice *a, const struct status *s)
{
    const struct topic_row *tasks = &s->topics[TASKS_ROW];
    int64_t due = 0;
    bool is_late = false;
    for (size_t i = 0; i < s->provider_count; i++) {
        const struct provider_row *p = &s->providers[i];
        due += p->states[LINK_DUE];
        is_late = is_late || (p->states[LINK_DUE] && s->now_ms - p->oldest_ms > STATUS_LATE_MS);
    }
    if (is_late && !tasks->waiting && !(s->has_rates && tasks->in_tenths))
        add_advice(
            a, arena_format(a->arena,
                            "%lld links are due and no task waits: if that lasts, no producer "
                            "runs: start muster-producer",
                            (long long)due));
}

size_t status_advise(const struct status *s, struct arena *arena, struct str **out)
{
    struct advice a = {.arena = arena};
    if (!s->provider_count)
        add_advice(&a, STR("there are no links: run muster init"));
    advise_on_producer(&a, s);
    for (size_t i = 0; i < status_topics(s); i++)
        advise_on_group(&a, &s->topics[i]);
    *out = a.list;
    return a.count;
}

/* --- the parts, in the order of the page --- */

static void put_links(const struct status *s, struct arena *arena, struct buf *out)
{
    put(out, "%-20s %10s %10s %10s %10s %10s\n", "links", "due", "running", "waiting",
        "failing", "gone");
    for (size_t i = 0; i < s->provider_count; i++) {
        const struct provider_row *p = &s->providers[i];
        put(out, "  %-18.*s %10lld %10lld %10lld %10lld %10lld", STR_ARG(p->provider),
            (long long)p->states[LINK_DUE], (long long)p->states[LINK_RUNNING],
            (long long)p->states[LINK_WAITING], (long long)p->failing,
            (long long)p->states[LINK_GONE]);
        if (p->states[LINK_DUE] && p->oldest_ms)
            put(out, "   oldest due " STR_FMT,
                STR_ARG(time_from_now(p->oldest_ms, s->now_ms, arena)));
        else if (p->states[LINK_DUE])
            put(out, "   some are due at once");
        put(out, "\n");
    }
}

static void put_rate(const struct status *s, int64_t tenths, struct buf *out)
{
    char text[NUMBER_BYTES];
    if (!s->has_rates)
        return;
    if (tenths < 100)
        (void)snprintf(text, sizeof text, "%lld.%lld", (long long)(tenths / 10),
                       (long long)(tenths % 10));
    else
        (void)snprintf(text, sizeof text, "%lld", (long long)(tenths / 10));
    put(out, " %10s", text);
}

/* At the rate of the last moments. */
static void put_time_left(const struct status *s, const struct topic_row *t,
                          struct arena *arena, struct buf *out)
{
    if (!s->has_rates || !t->waiting || !t->done_tenths)
        return;
    int64_t left_ms = t->waiting * 10000 / t->done_tenths;
    put(out, ", done " STR_FMT, STR_ARG(time_from_now(1 + left_ms, 1, arena)));
}

static void put_topics(const struct status *s, struct arena *arena, struct buf *out)
{
    put(out, "%-20s %10s %10s%s\n", "topics", "messages", "waiting",
        s->has_rates ? "       in/s     done/s" : "");
    for (size_t i = 0; i < status_topics(s); i++) {
        const struct topic_row *t = &s->topics[i];
        put(out, "  %-18s %10lld", t->topic, (long long)t->messages);
        if (t->stage)
            put(out, " %10lld", (long long)t->waiting);
        else if (s->has_rates)
            put(out, " %10s", "");
        put_rate(s, t->in_tenths, out);
        if (t->stage) {
            put_rate(s, t->done_tenths, out);
            put(out, "   for " STR_FMT ", %lld running", STR_ARG(t->group),
                (long long)t->members);
            put_time_left(s, t, arena, out);
        }
        put(out, "\n");
    }
}

static void put_entities(const struct status *s, struct buf *out)
{
    put(out, "%-20s %10s %10s %10s\n", "entities", "alive", "gone", "redirects");
    for (size_t i = 0; i < s->model_count; i++)
        put(out, "  %-18.*s %10lld %10lld %10lld\n", STR_ARG(s->models[i].collection),
            (long long)s->models[i].entities, (long long)s->models[i].gone,
            (long long)s->models[i].redirects);
    put(out, "issues               %10lld\n", (long long)s->issues);
}

static void put_failures(const struct status *s, struct arena *arena, struct buf *out)
{
    if (s->failure_count)
        put(out, "last errors\n");
    for (size_t i = 0; i < s->failure_count; i++) {
        const struct failure_row *f = &s->failures[i];
        struct str name = f->links > 1 ? f->stream : f->link;
        put(out, "  " STR_FMT, STR_ARG(harmless(name, arena)));
        if (f->links > 1)
            put(out, ", %lld links", (long long)f->links);
        put(out, ", " STR_FMT, STR_ARG(time_from_now(f->at_ms, s->now_ms, arena)));
        if (f->times > 1)
            put(out, ", %lld times in a row", (long long)f->times);
        put(out, ": " STR_FMT "\n", STR_ARG(harmless(f->error, arena)));
    }
}

static void put_rejects(const struct status *s, struct arena *arena, struct buf *out)
{
    if (s->reject_count)
        put(out, "last rejects\n");
    for (size_t i = s->reject_count; i-- > 0;) {
        const struct reject_row *r = &s->rejects[i];
        put(out, "  " STR_FMT ", " STR_FMT ", " STR_FMT ": " STR_FMT "\n",
            STR_ARG(harmless(r->stage, arena)), STR_ARG(harmless(r->from, arena)),
            STR_ARG(time_from_now(r->at_ms, s->now_ms, arena)),
            STR_ARG(harmless(r->reason, arena)));
    }
}

void status_text(const struct status *s, struct arena *arena, struct buf *out)
{
    struct str *advice = NULL;
    size_t count = status_advise(s, arena, &advice);
    put_links(s, arena, out);
    put_topics(s, arena, out);
    put_entities(s, out);
    put_failures(s, arena, out);
    put_rejects(s, arena, out);
    if (count)
        put(out, "what to do\n");
    for (size_t i = 0; i < count; i++)
        put(out, "  " STR_FMT "\n", STR_ARG(advice[i]));
}

/* --- on a terminal --- */

/* As many characters as there are columns. */
static struct str cut(struct str line, size_t columns)
{
    size_t i = 0, used = 0;
    for (; i < line.len && columns; i++) {
        used += ((unsigned char)line.ptr[i] & 0xc0) != 0x80;
        if (used > columns)
            return (struct str){line.ptr, i};
    }
    return line;
}

void status_screen(struct str text, size_t columns, size_t rows, struct buf *out)
{
    size_t row = 1;
    put(out, "\033[H");
    for (; text.len && (!rows || row < rows); row++) {
        struct str line = cut(str_cut(&text, '\n'), columns);
        if (!buf_add(out, line))
            abort();
        put(out, "\033[K\n");
    }
    put(out, text.len ? "… (a higher window shows more)\033[K\033[J" : "\033[J");
}
