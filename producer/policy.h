/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * How many links of which stream may be claimed now, and from where on to look for them. Pure: time, lags and chance are arguments.
 *
 *   room    No more tasks of a stream wait in its lane than its limits can fetch within a lease: one that waits longer would
 *           come due again and be fetched twice.
 *   rounds  Every stream that has due links and room has its turn before any has a second one, however many links another has.
 *   spots   A claimed link leaves a dead key in the index, and the server keeps it for minutes: whoever looks from the start finds a
 *           million dead keys before the first due link. So a stream goes on where its last turn ended, and those that had nothing left
 *           go on from a common floor. What becomes due in the past (a new link, an operator's wish) is found by looks from the start,
 *           which take a twentieth of the time, and come every few seconds at least.
 *   window  Which links are looked at, by their bucket: all, until a claim collides with another producer's. Then a random part,
 *           half as wide at each collision, and twice as wide whenever nothing is left in it. Parts are aligned, so that two
 *           producers have the same one, or one within the other, or share nothing.
 */
#include "common/str.h"

enum {
    POLICY_BUCKETS = 1024,
    POLICY_NARROWEST = 32,
    POLICY_STREAMS_MAX = 64,
    POLICY_SPOTS_MAX = 8
};

/* A partition of the tasks topic. */
struct lane {
    int32_t partition;
    int64_t
        waiting; /* tasks that no fetcher has done, as last measured, and what was claimed since */
    int64_t taken; /* by the claim under way */
};

/* A place in a stream's part of the index. */
struct spot {
    int64_t due_ms;
    int32_t bucket;
};

/* A stream's part. */
struct share {
    struct str stream;
    struct lane *lane;
    int64_t capacity; /* requests within a lease */
    struct spot
        spot; /* if has_spot: there may be more from here on; otherwise it had nothing left above the floor */
    struct spot left; /* if is_left: in the claim under way, there was no room from here on */
    int32_t map;
    bool has_spot, is_left;
    bool served; /* had its turn in this round */
};

struct policy {
    struct share *shares; /* sorted by stream */
    size_t count;
    int64_t batch; /* links a claim */
    uint32_t window_first, window_width;
    int64_t floor_ms; /* nothing due at or before this is left of streams without a spot */
    int64_t seen_ms,
        round_seen_ms;    /* the greatest due_at seen, ever and when this round began */
    int64_t next_look_ms; /* when to look from the start again */
    bool has_more;        /* some turn of this round did not find all that is due */
    bool is_idle;         /* nothing is due that has room: wait before the next turn */
};

/* What to look for in one claim: due links of `streams` above the floor, and of `spots` from their spots on. */
struct turn {
    struct str streams[POLICY_STREAMS_MAX];
    size_t stream_count;
    const struct share *spots[POLICY_SPOTS_MAX];
    size_t spot_count;
    bool is_look;     /* from the start, whatever is known */
    int64_t floor_ms; /* POLICY_START: none */
    int64_t limit;
    uint32_t window_first, window_width; /* buckets */
};

#define POLICY_START INT64_MIN

/* What a committed claim found. */
struct findings {
    int64_t found;    /* due links, taken or not */
    struct spot last; /* of them */
    int64_t took_ms;  /* to find them */
};

void policy_init(struct policy *p, struct share *shares, size_t count, int64_t batch);
/* Requests that a stream's rate allows within a lease, at least 1. Rate 0 is no limit, and counts as 1,000 a second. */
int64_t policy_capacity(double per_second, int64_t lease_ms);
/* NULL when the stream is none of ours. */
struct share *policy_share(const struct policy *p, struct str stream);

/* Is some lane so full, as far as we know, that it is time to measure? What other producers claim is only seen by that. */
bool policy_must_measure(const struct policy *p);
struct turn policy_turn(struct policy *p, int64_t now_ms);
bool turn_is_empty(const struct turn *t);
/* May this link be claimed too? They are asked for in the order of their spots. */
bool policy_take(struct share *s, struct spot at);
void policy_claimed(struct policy *p, const struct turn *turn, const struct findings *findings,
                    int64_t now_ms);
/* The claim was not committed, because of another producer's or for another reason. `dice` is any random number. */
void policy_failed(struct policy *p, const struct turn *turn, const struct findings *f,
                   bool collided, uint32_t dice, int64_t now_ms);

/* Wait after the nth failure in a row (from 1): doubled each time, up to a second, a random half of it taken off. */
int64_t policy_pause_ms(int failures, uint32_t dice);
