/* SPDX-License-Identifier: MIT */
#include "fetcher/roster.h"

void roster_init(struct roster *r, const struct providers *providers, struct arena *arena)
{
    *r = (struct roster){.providers = providers};
    TAILQ_INIT(&r->outbox);
    TAILQ_INIT(&r->open);
    schedule_init(&r->schedule);
    schedule_take_limits(&r->schedule, providers, arena);
}

void roster_reload(struct roster *r, const struct providers *providers, struct arena *arena)
{
    struct stretch *s;
    r->providers = providers;
    schedule_take_limits(&r->schedule, providers, arena);
    for (s = TAILQ_FIRST(&r->open); s; s = TAILQ_NEXT(s, all))
        if (s->step == STEP_ASK || s->step == STEP_WAIT)
            stretch_go_over(s, providers);
}

bool roster_uses(const struct roster *r, const struct providers *providers)
{
    const struct stretch *s;
    for (s = TAILQ_FIRST(&r->open); s; s = TAILQ_NEXT(s, all))
        if (s->stream && providers_stream(providers, s->stream->name) == s->stream)
            return true;
    return false;
}

static void drop(struct roster *r, struct stretch *s)
{
    TAILQ_REMOVE(&r->open, s, all);
    r->count--;
    stretch_free(s);
}

void roster_done(struct roster *r)
{
    struct stretch *s;
    while ((s = TAILQ_FIRST(&r->open)))
        drop(r, s);
    lanes_done(&r->lanes);
}

void roster_pass_on(struct roster *r, struct stretch *s)
{
    bool asks = s->step == STEP_ASK || s->step == STEP_WAIT;
    if (asks && !r->is_draining) {
        stretch_go_over(s, r->providers);
        schedule_add(&r->schedule, s);
        return;
    }
    if (asks)
        s->step = STEP_REST;
    if (s->step != STEP_ACKS)
        schedule_enter(&r->outbox, s);
}

static void begin(struct roster *r, struct stretch *s, int64_t now_ms, struct arena *scratch)
{
    stretch_begin(s, r->providers, now_ms, scratch);
    arena_reset(scratch);
    roster_pass_on(r, s);
}

void roster_open(struct roster *r, const struct kafka_message *m, int64_t now_ms,
                 struct arena *scratch)
{
    struct stretch *s = stretch_new(m->partition, m->offset, m->key, m->value);
    TAILQ_INSERT_TAIL(&r->open, s, all);
    r->count++;
    begin(r, s, now_ms, scratch);
    if (s->step == STEP_REJECT)
        stretch_keep_headers(s, m->headers, m->header_count);
    lanes_taken(&r->lanes, m->partition, s->stream ? s->stream->limits.in_flight : 0);
}

void roster_end_transfer(struct roster *r, struct stretch *s)
{
    schedule_ended(&r->schedule, s);
    http_release(s->transfer);
    s->transfer = NULL;
}

/* The last message of a stretch that has nothing more to say is back. */
static bool settle(struct roster *r, struct stretch *s, const struct moment *m,
                   struct arena *scratch)
{
    if (s->is_void) {
        drop(r, s);
    } else if (s->was_lost) {
        begin(r, s, m->now_ms, scratch);
    } else if (s->was_refused) {
        s->was_refused = false;
        stretch_fail(s, STR("a page is over the limit of its topic (max.message.bytes)"), m);
        roster_pass_on(r, s);
    } else {
        lanes_ended(&r->lanes, s->partition);
        drop(r, s);
        return true;
    }
    return false;
}

bool roster_acknowledge(struct roster *r, struct stretch *s, enum err_kind failure,
                        const struct moment *m, struct arena *scratch)
{
    s->was_lost |= failure == ERR_RETRY;
    s->was_refused |= failure == ERR_REJECT;
    s->unacknowledged--;
    return s->unacknowledged == 0 && s->step == STEP_ACKS && settle(r, s, m, scratch);
}

static void abandon(struct roster *r, struct stretch *s)
{
    roster_end_transfer(r, s);
    schedule_remove(s);
    s->is_void = true;
    s->step = STEP_ACKS;
    if (s->unacknowledged == 0)
        drop(r, s);
}

void roster_abandon(struct roster *r, int32_t partition)
{
    struct stretch *next;
    for (struct stretch *s = TAILQ_FIRST(&r->open); s; s = next) {
        next = TAILQ_NEXT(s, all);
        if (partition < 0 || s->partition == partition)
            abandon(r, s);
    }
}

void roster_drain(struct roster *r)
{
    struct stretch *s;
    r->is_draining = true;
    while ((s = schedule_pop(&r->schedule)))
        roster_pass_on(r, s);
}
