/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Claiming: due links become ours for the time of a lease, in one transaction (snapshot read, majority write), so that of several
 * producers one has a link. The order is that of due_at; the clock is the server's. The links are found by the index "due" and by nothing
 * else, so a claim costs the same among ten thousand links and among millions.
 *
 * A claim takes gen + 1. It begins a run, unless the link says where an interrupted one goes on (`resume`). Whatever happens to the
 * claimed links afterwards, they come due again when the lease ends: nobody needs to know what was published.
 */
#include "common/envelope.h"
#include "common/mongo.h"
#include "producer/policy.h"

struct claim {
    struct mongo *mongo;
    mongoc_client_session_t *session; /* NULL until it is needed */
    int64_t lease_ms;
    bool collided; /* the last attempt met another producer's */
};

struct claimed {
    struct task task; /* lives in the arena */
    int32_t partition;
    bool is_sent; /* publish's own */
};

void claim_init(struct claim *c, struct mongo *mongo, int64_t lease_ms);
void claim_done(struct claim *c);

/*
 * One attempt at the policy's next turn. ERR_RETRY: nothing was claimed, or nobody knows whether it was, and then the lease brings it back;
 * the policy knows of a collision. Blocks a few seconds at most.
 */
must_check bool claim_links(struct claim *c, struct policy *policy, struct arena *arena,
                            struct claimed **out, size_t *out_count, struct err *err);
