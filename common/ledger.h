/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Which messages of which partition are done, gap-free. Work ends out of order, but Kafka keeps
 * one offset per partition and takes the larger one: a commit past a gap would lose the gap. So
 * every message taken is noted here, marked when all that it caused is acknowledged, and only
 * the offset below the first unfinished message is ever stored. Pure; embedded, one per
 * consumer.
 */
#include "common/err.h"

#include <stddef.h>
#include <stdint.h>

struct ledger_partition;

struct ledger {
    struct ledger_partition *partitions; /* a list: there are few */
};

void ledger_init(struct ledger *l);
void ledger_done(struct ledger *l);
/* The partition was assigned to us. Whatever was known of it is forgotten. */
void ledger_add_partition(struct ledger *l, int32_t partition);
/* The partition was taken from us: later marks for it are ignored. */
void ledger_drop_partition(struct ledger *l, int32_t partition);
bool ledger_has_partition(const struct ledger *l, int32_t partition);
/*
 * A message was taken; offsets of a partition come in rising order, with holes where Kafka has
 * none.
 */
void ledger_take(struct ledger *l, int32_t partition, int64_t offset);
/*
 * All that the message caused is acknowledged. Unknown partitions and offsets are ignored (a
 * late end after a rebalance).
 */
void ledger_mark_done(struct ledger *l, int32_t partition, int64_t offset);
/*
 * The next partition whose gap-free mark moved since it was last asked for; *out_offset is the
 * offset to store, the first one not done. False when there is none.
 */
bool ledger_next_mark(struct ledger *l, int32_t *out_partition, int64_t *out_offset);
/* Messages taken and not done. */
size_t ledger_open_count(const struct ledger *l, int32_t partition);
size_t ledger_open_total(const struct ledger *l);
