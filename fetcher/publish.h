/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a stretch has to say becomes a message: a page, its rest, or a reject, as its step says. The stretch is the ticket
 * that comes back with the acknowledgement. Does not block.
 */
#include "common/kafka.h"
#include "fetcher/stretch.h"

struct publish {
    struct kafka_producer *kafka;
    struct str topics; /* their prefix */
    int32_t page_partitions;
};

/*
 * Counts what is unacknowledged; the step is the caller's to change. ERR_RETRY when the queue is full, ERR_REJECT when no topic takes the
 * message. What is made on the way lives in the arena.
 */
must_check bool publish_step(const struct publish *p, struct stretch *s, struct arena *arena,
                             struct err *err);
