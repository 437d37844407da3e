/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * How fast to ask, and what to do with an answer that is none. A stream has one pace in a process: a bucket of requests that fills at
 * its rate, a count of transfers in flight, and a time until which nobody asks because the provider said so. Limits stand in a
 * stream's section, so each stream has its own bucket; "come back later" is said to an account, so it holds all streams
 * of its provider. Time (any clock in milliseconds that does not go back) and chance are arguments. Pure.
 */
#include "common/str.h"

enum { PACE_NO_ROOM = -1, PACE_ATTEMPTS = 5, PACE_HOLD_MAX_MS = 10000, PACE_DICE = 1000 };

struct pace {
    double per_second; /* 0 = no limit */
    double bucket;     /* requests that may start now */
    int64_t filled_ms; /* when the bucket was last filled */
    int64_t held_until_ms;
    int in_flight, in_flight_max;
};

void pace_init(struct pace *p, double per_second, int in_flight_max);
/* Other limits, for what comes; what is in flight or held stays so. */
void pace_limit(struct pace *p, double per_second, int in_flight_max);
/* 0: a request may start now. More: not before so many milliseconds. PACE_NO_ROOM: not before one in flight has ended. */
int64_t pace_wait_ms(struct pace *p, int64_t now_ms);
void pace_start(struct pace *p);
void pace_end(struct pace *p);
/* Nobody asks before then. */
void pace_hold(struct pace *p, int64_t until_ms);

/* How a transfer ended, as far as it matters here. */
struct pace_end {
    bool answered;    /* there is a status */
    bool is_hopeless; /* without an answer: asking again cannot help */
    int status;
    int attempt;      /* 1 = the first try of this page */
    int64_t asked_ms; /* Retry-After; -1 = none */
};

enum ruling {
    RULING_TAKE,  /* it is an answer */
    RULING_AGAIN, /* ask again after wait_ms */
    RULING_DEFER, /* the link comes back after wait_ms */
    RULING_FAIL,  /* it will not become better now */
};

struct pace_ruling {
    enum ruling ruling;
    int64_t wait_ms;
    bool holds_account; /* nobody of this provider asks before wait_ms is over */
};

/* `dice` is a random number below PACE_DICE. */
struct pace_ruling pace_rule(const struct pace_end *end, uint32_t dice);
/* Exponential with jitter: between a half and the whole of 500 ms, 1 s, 2 s, …, 30 s. */
int64_t pace_backoff_ms(int attempt, uint32_t dice);
/* A Retry-After header (RFC 9110, 10.2.3): seconds, or a date in one of its three forms; what is past means now. */
bool pace_read_retry_after(struct str header, int64_t now_unix_ms, int64_t *out_wait_ms);
