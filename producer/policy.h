/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * How many links of which stream may be claimed now. Pure: time, lags and chance are arguments.
 *
 *   room    No more tasks of a stream wait in its lane than its limits can fetch within a lease: one that waits longer would
 *           come due again and be fetched twice.
 *   turns   Every stream that has due links and room has its turn before any has a second one, however many links another has.
 *   window  Which links are looked at, by their bucket: all, until a claim collides with another producer's. Then a random part,
 *           half as wide at each collision, and twice as wide whenever nothing is left in it. Parts are aligned, so that two
 *           producers have the same one, or one within the other, or share nothing.
 */
#include "common/str.h"

enum { POLICY_BUCKETS = 1024, POLICY_NARROWEST = 32, POLICY_STREAMS_MAX = 100 };

/* A partition of the tasks topic. */
struct lane {
    int32_t partition;
    int64_t
        waiting; /* tasks that no fetcher has done, as last measured, and what was claimed since */
    int64_t taken; /* by the claim under way */
};

/* A stream's part. */
struct share {
    struct str stream;
    struct lane *lane;
    int32_t map;
    int64_t capacity; /* requests within a lease */
    bool served;      /* had its turn */
};

struct policy {
    struct share *shares; /* sorted by stream */
    size_t count;
    int64_t batch; /* links a claim */
    uint32_t window_first, window_width;
    bool has_more; /* some turn of this round did not find all that is due */
    bool is_idle;  /* nothing is due that has room: wait before the next turn */
};

/* What to look for in one claim. */
struct turn {
    struct str streams[POLICY_STREAMS_MAX];
    size_t stream_count; /* 0 = no stream has room */
    int64_t limit;
    uint32_t window_first, window_width; /* buckets */
};

void policy_init(struct policy *p, struct share *shares, size_t count, int64_t batch);
/* Requests that a stream's rate allows within a lease, at least 1. Rate 0 is no limit, and counts as 1,000 a second. */
int64_t policy_capacity(double per_second, int64_t lease_ms);
/* NULL when the stream is none of ours. */
struct share *policy_share(const struct policy *p, struct str stream);

/* Is some lane so full, as far as we know, that it is time to measure? What other producers claim is only seen by that. */
bool policy_must_measure(const struct policy *p);
struct turn policy_turn(struct policy *p);
/* May one more link of this stream be claimed? Counts it. */
bool policy_take(struct share *s);
/* The claim was committed; it found `found` due links, of which those taken are claimed now. */
void policy_claimed(struct policy *p, const struct turn *turn, int64_t found);
/* The claim was not committed, because of another producer's or for another reason. `dice` is any random number. */
void policy_failed(struct policy *p, bool collided, uint32_t dice);

/* Wait after the nth failure in a row (from 1): doubled each time, up to a second, a random half of it taken off. */
int64_t policy_pause_ms(int failures, uint32_t dice);
