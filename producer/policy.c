/* SPDX-License-Identifier: MIT */
#include "producer/policy.h"

#include <stdlib.h>

enum { UNLIMITED_PER_SECOND = 1000, CAPACITY_MAX = 1000000000 };
enum { FIRST_PAUSE_MS = 4, LONGEST_PAUSE_MS = 1000 };

static int share_cmp(const void *a, const void *b)
{
    return str_cmp(((const struct share *)a)->stream, ((const struct share *)b)->stream);
}

void policy_init(struct policy *p, struct share *shares, size_t count, int64_t batch)
{
    *p = (struct policy){
        .shares = shares, .count = count, .batch = batch, .window_width = POLICY_BUCKETS};
    if (count)
        qsort(shares, count, sizeof *shares, share_cmp);
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

/* All that have room have had their turn. */
static bool round_is_over(const struct policy *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (!p->shares[i].served && room(&p->shares[i]) > 0)
            return false;
    return true;
}

static void begin_round(struct policy *p)
{
    for (size_t i = 0; i < p->count; i++)
        p->shares[i].served = false;
    p->has_more = false;
}

bool policy_must_measure(const struct policy *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (room(&p->shares[i]) <= p->shares[i].capacity / 2)
            return true;
    return false;
}

struct turn policy_turn(struct policy *p)
{
    struct turn turn = {.window_first = p->window_first, .window_width = p->window_width};
    int64_t rooms = 0;

    if (round_is_over(p))
        begin_round(p);
    for (size_t i = 0; i < p->count && turn.stream_count < POLICY_STREAMS_MAX; i++) {
        const struct share *s = &p->shares[i];
        if (s->served || room(s) <= 0)
            continue;
        turn.streams[turn.stream_count++] = s->stream;
        rooms += room(s);
    }
    turn.limit = rooms < p->batch ? rooms : p->batch;
    p->is_idle = turn.stream_count == 0;
    return turn;
}

bool policy_take(struct share *s)
{
    s->served = true;
    if (room(s) <= 0)
        return false;
    s->lane->taken++;
    return true;
}

/* Whatever was due of these streams has been seen. */
static void serve_all(struct policy *p, const struct turn *turn)
{
    for (size_t i = 0; i < turn->stream_count; i++) {
        struct share *s = policy_share(p, turn->streams[i]);
        if (s)
            s->served = true;
    }
}

void policy_claimed(struct policy *p, const struct turn *turn, int64_t found)
{
    bool is_narrow = turn->window_width < POLICY_BUCKETS;
    bool is_drained = found < turn->limit;

    for (size_t i = 0; i < p->count; i++) {
        p->shares[i].lane->waiting += p->shares[i].lane->taken;
        p->shares[i].lane->taken = 0;
    }
    if (is_drained)
        serve_all(p, turn);
    if (is_drained && is_narrow) {
        p->window_width *= 2;
        p->window_first &= ~(p->window_width - 1);
    }
    p->has_more = p->has_more || is_narrow || !is_drained;
    p->is_idle = round_is_over(p) && !p->has_more;
}

void policy_failed(struct policy *p, bool collided, uint32_t dice)
{
    for (size_t i = 0; i < p->count; i++)
        p->shares[i].lane->taken = 0;
    if (!collided)
        return;
    if (p->window_width > POLICY_NARROWEST)
        p->window_width /= 2;
    p->window_first = dice % (POLICY_BUCKETS / p->window_width) * p->window_width;
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
