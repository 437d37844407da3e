/* SPDX-License-Identifier: MIT */
#include "fetcher/schedule.h"

#include <stdlib.h>

void schedule_init(struct schedule *x)
{
    *x = (struct schedule){.next_wake_ms = INT64_MAX};
    TAILQ_INIT(&x->waiting);
}

static struct channel *find(const struct schedule *x, struct str stream)
{
    for (struct channel *c = x->channels; c; c = c->next)
        if (str_eq(c->stream, stream))
            return c;
    return NULL;
}

static struct channel *add(struct schedule *x, const struct stream *s, struct arena *arena)
{
    struct channel *c = ARENA_NEW(arena, struct channel);
    c->stream = arena_copy(arena, s->name);
    c->provider = arena_copy(arena, s->provider->name);
    pace_init(&c->pace, s->limits.per_second, s->limits.in_flight);
    TAILQ_INIT(&c->ready);
    c->next = x->channels;
    x->channels = c;
    x->count++;
    return c;
}

void schedule_take_limits(struct schedule *x, const struct providers *providers,
                          struct arena *arena)
{
    for (size_t i = 0; i < providers->count; i++) {
        const struct provider *p = providers->list[i];
        for (size_t k = 0; k < p->stream_count; k++) {
            const struct stream *s = &p->streams[k];
            struct channel *c = find(x, s->name);
            if (!c)
                c = add(x, s, arena);
            pace_limit(&c->pace, s->limits.per_second, s->limits.in_flight);
        }
    }
}

static struct channel *channel_of(const struct schedule *x, const struct stretch *s)
{
    struct channel *c = find(x, s->stream->name);
    if (!c)
        abort(); /* each stretch's stream is of files whose limits were taken */
    return c;
}

void schedule_enter(struct stretch_queue *queue, struct stretch *s)
{
    TAILQ_INSERT_TAIL(queue, s, queued);
    s->queue = queue;
}

void schedule_add(struct schedule *x, struct stretch *s)
{
    if (s->step == STEP_ASK) {
        schedule_enter(&channel_of(x, s)->ready, s);
        return;
    }
    schedule_enter(&x->waiting, s);
    if (s->wake_ms < x->next_wake_ms)
        x->next_wake_ms = s->wake_ms;
}

void schedule_remove(struct stretch *s)
{
    if (s->queue)
        TAILQ_REMOVE(s->queue, s, queued);
    s->queue = NULL;
}

static void wake(struct schedule *x, int64_t now_ms)
{
    if (now_ms < x->next_wake_ms)
        return;
    x->next_wake_ms = INT64_MAX;
    struct stretch *next;
    for (struct stretch *s = TAILQ_FIRST(&x->waiting); s; s = next) {
        next = TAILQ_NEXT(s, queued);
        if (s->wake_ms <= now_ms) {
            schedule_remove(s);
            s->step = STEP_ASK;
            schedule_add(x, s);
        } else if (s->wake_ms < x->next_wake_ms) {
            x->next_wake_ms = s->wake_ms;
        }
    }
}

struct stretch *schedule_next(struct schedule *x, int64_t now_ms)
{
    wake(x, now_ms);
    for (struct channel *c = x->channels; c; c = c->next) {
        struct stretch *s = TAILQ_FIRST(&c->ready);
        if (s && pace_wait_ms(&c->pace, now_ms) == 0) {
            pace_start(&c->pace);
            schedule_remove(s);
            s->is_in_flight = true;
            return s;
        }
    }
    return NULL;
}

void schedule_ended(struct schedule *x, struct stretch *s)
{
    if (s->is_in_flight)
        pace_end(&channel_of(x, s)->pace);
    s->is_in_flight = false;
}

void schedule_hold(struct schedule *x, const struct stretch *s, int64_t until_ms)
{
    for (struct channel *c = x->channels; c; c = c->next)
        if (str_eq(c->provider, s->stream->provider->name))
            pace_hold(&c->pace, until_ms);
}

int64_t schedule_wait_ms(struct schedule *x, int64_t now_ms, int64_t max_ms)
{
    int64_t wait_ms = max_ms;
    if (x->next_wake_ms < now_ms + wait_ms)
        wait_ms = x->next_wake_ms > now_ms ? x->next_wake_ms - now_ms : 0;
    for (struct channel *c = x->channels; c; c = c->next) {
        int64_t channel_ms =
            TAILQ_EMPTY(&c->ready) ? PACE_NO_ROOM : pace_wait_ms(&c->pace, now_ms);
        if (channel_ms != PACE_NO_ROOM && channel_ms < wait_ms)
            wait_ms = channel_ms;
    }
    return wait_ms;
}

struct stretch *schedule_pop(struct schedule *x)
{
    struct stretch *s = TAILQ_FIRST(&x->waiting);
    for (struct channel *c = x->channels; c && !s; c = c->next)
        s = TAILQ_FIRST(&c->ready);
    if (s)
        schedule_remove(s);
    return s;
}
