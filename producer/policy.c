/* SPDX-License-Identifier: MIT */
#include "producer/policy.h"

#include <stdlib.h>

enum {
    UNLIMITED_PER_SECOND = 1000,
    CAPACITY_MAX = 1000000000,
    LOOK_SHARE = 20,
    LOOK_PAUSE_MAX_MS = 5000
};
enum { FIRST_PAUSE_MS = 4, LONGEST_PAUSE_MS = 1000 };

static int share_cmp(const void *a, const void *b)
{
    return str_cmp(((const struct share *)a)->stream, ((const struct share *)b)->stream);
}

/* From the start again, as the window is a wider one. */
static void forget_spots(struct policy *p)
{
    p->floor_ms = p->seen_ms = p->round_seen_ms = POLICY_START;
    for (size_t i = 0; i < p->count; i++)
        p->shares[i].has_spot = false;
}

void policy_init(struct policy *p, struct share *shares, size_t count, int64_t batch)
{
    *p = (struct policy){
        .shares = shares, .count = count, .batch = batch, .window_width = POLICY_BUCKETS};
    if (count)
        qsort(shares, count, sizeof *shares, share_cmp);
    forget_spots(p);
}

int64_t policy_capacity(double per_second, int64_t lease_ms)
{
    double requests =
        (per_second > 0 ? per_second : UNLIMITED_PER_SECOND) * (double)lease_ms / 1000;
    if (requests < 1)
        return 1;
    return requests < CAPACITY_MAX ? (int64_t)requests : CAPACITY_MAX;
}

struct share *policy_share(const struct policy *p, struct str stream)
{
    const struct share wanted = {.stream = stream};
    return p->count ? bsearch(&wanted, p->shares, p->count, sizeof wanted, share_cmp) : NULL;
}

static int64_t room(const struct share *s)
{
    return s->capacity - s->lane->waiting - s->lane->taken;
}

bool policy_must_measure(const struct policy *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (room(&p->shares[i]) <= p->shares[i].capacity / 2)
            return true;
    return false;
}

/* --- a turn --- */

/* All that have room have had their turn. */
static bool round_is_over(const struct policy *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (!p->shares[i].served && room(&p->shares[i]) > 0)
            return false;
    return true;
}

/*
 * The floor rises to what had been seen when the round began and no further: each stream without a spot has been emptied since
 * then, but perhaps before what was seen later became due. One without room has its spot there, as it is left behind.
 */
static void begin_round(struct policy *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct share *s = &p->shares[i];
        if (!s->served && !s->has_spot)
            s->spot = (struct spot){p->floor_ms, 0};
        s->has_spot = s->has_spot || !s->served;
        s->served = false;
    }
    p->floor_ms = p->round_seen_ms;
    p->round_seen_ms = p->seen_ms;
    p->has_more = false;
}

static bool add_to_turn(struct turn *turn, const struct share *s)
{
    bool by_spot = s->has_spot && !turn->is_look;
    if (by_spot && turn->spot_count < POLICY_SPOTS_MAX)
        turn->spots[turn->spot_count++] = s;
    else if (!by_spot && turn->stream_count < POLICY_STREAMS_MAX)
        turn->streams[turn->stream_count++] = s->stream;
    else
        return false;
    return true;
}

struct turn policy_turn(struct policy *p, int64_t now_ms)
{
    int64_t rooms = 0;
    if (round_is_over(p))
        begin_round(p);
    struct turn turn = {.is_look = now_ms >= p->next_look_ms,
                        .window_first = p->window_first,
                        .window_width = p->window_width};
    turn.floor_ms = turn.is_look ? POLICY_START : p->floor_ms;
    for (size_t i = 0; i < p->count; i++) {
        const struct share *s = &p->shares[i];
        if (!s->served && room(s) > 0 && add_to_turn(&turn, s))
            rooms += room(s);
    }
    turn.limit = rooms < p->batch ? rooms : p->batch;
    p->is_idle = turn_is_empty(&turn);
    return turn;
}

bool turn_is_empty(const struct turn *t)
{
    return t->stream_count + t->spot_count == 0;
}

bool policy_take(struct share *s, struct spot at)
{
    s->served = true;
    if (room(s) > 0 && !s->is_left) {
        s->lane->taken++;
        return true;
    }
    if (!s->is_left)
        s->left = at;
    s->is_left = true;
    return false;
}

/* --- after a claim --- */

static void settle_lanes(struct policy *p, bool was_committed)
{
    for (size_t i = 0; i < p->count; i++) {
        p->shares[i].lane->waiting += was_committed ? p->shares[i].lane->taken : 0;
        p->shares[i].lane->taken = 0;
    }
}

static bool is_before(struct spot a, struct spot b)
{
    return a.due_ms < b.due_ms || (a.due_ms == b.due_ms && a.bucket < b.bucket);
}

/* Links come in the order of their spots, so nothing of any stream of the turn is left before the last one found. */
static void settle_share(struct share *s, const struct findings *f, bool is_drained,
                         bool is_look)
{
    if (s->is_left)
        s->spot = s->left;
    else if (!s->has_spot || is_look || is_before(s->spot, f->last))
        s->spot = f->last;
    s->has_spot = s->is_left || !is_drained;
    s->is_left = false;
    s->served = s->served || is_drained;
}

static void settle_shares(struct policy *p, const struct turn *turn, const struct findings *f,
                          bool is_drained)
{
    for (size_t i = 0; i < turn->stream_count; i++)
        settle_share(policy_share(p, turn->streams[i]), f, is_drained, turn->is_look);
    for (size_t i = 0; i < turn->spot_count; i++)
        settle_share(policy_share(p, turn->spots[i]->stream), f, is_drained, false);
    if (f->found && f->last.due_ms > p->seen_ms)
        p->seen_ms = f->last.due_ms;
}

static void plan_look(struct policy *p, int64_t took_ms, int64_t now_ms)
{
    int64_t pause_ms = took_ms * LOOK_SHARE;
    p->next_look_ms = now_ms + (pause_ms < LOOK_PAUSE_MAX_MS ? pause_ms : LOOK_PAUSE_MAX_MS);
}

void policy_claimed(struct policy *p, const struct turn *turn, const struct findings *f,
                    int64_t now_ms)
{
    bool is_narrow = turn->window_width < POLICY_BUCKETS;
    bool is_drained = f->found < turn->limit;

    settle_lanes(p, true);
    settle_shares(p, turn, f, is_drained);
    if (turn->is_look)
        plan_look(p, f->took_ms, now_ms);
    if (is_drained && is_narrow) {
        p->window_width *= 2;
        p->window_first &= ~(p->window_width - 1);
        forget_spots(p);
    }
    p->has_more = p->has_more || is_narrow || !is_drained;
    p->is_idle = round_is_over(p) && !p->has_more;
}

/*
 * Another producer has these links, and perhaps will not let go of them for a minute, if it was killed: so go on behind them, in another
 * part. The next look sees to what was left.
 */
static void go_around(struct policy *p, const struct turn *turn, const struct findings *f,
                      uint32_t dice)
{
    settle_shares(p, turn, f, false);
    if (p->window_width > POLICY_NARROWEST)
        p->window_width /= 2;
    p->window_first = dice % (POLICY_BUCKETS / p->window_width) * p->window_width;
}

/* A look that fails, perhaps as it takes too long, is not tried again at once: there is work without it. */
void policy_failed(struct policy *p, const struct turn *turn, const struct findings *f,
                   bool collided, uint32_t dice, int64_t now_ms)
{
    settle_lanes(p, false);
    for (size_t i = 0; i < p->count; i++)
        p->shares[i].is_left = false;
    if (turn->is_look)
        plan_look(p, collided ? f->took_ms : LOOK_PAUSE_MAX_MS, now_ms);
    if (collided)
        go_around(p, turn, f, dice);
}

int64_t policy_pause_ms(int failures, uint32_t dice)
{
    int64_t longest = FIRST_PAUSE_MS;
    for (int i = 1; i < failures && longest < LONGEST_PAUSE_MS; i++)
        longest *= 2;
    if (longest > LONGEST_PAUSE_MS)
        longest = LONGEST_PAUSE_MS;
    return longest - dice % (longest / 2 + 1);
}
