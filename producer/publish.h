/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Publishing: claimed links become messages on muster.tasks, one each, in the partition of their lane. A batch is done when the broker
 * has acknowledged every one; what failed is sent again. What could not be sent when the lease ends is given up, as its link is due
 * again by then. Nothing here blocks.
 */
#include "common/kafka.h"
#include "producer/claim.h"

struct publish {
    struct kafka_producer *kafka;
    struct claimed *batch; /* the caller's, and must stay until the batch is done */
    size_t count;
    size_t next;     /* none before it has to be sent */
    size_t open;     /* neither acknowledged nor given up */
    struct err last; /* why the last message failed; ERR_NONE when none has */
};

/* What kafka_producer_open() is given, with the publish as its context. */
kafka_delivered publish_delivered;
void publish_begin(struct publish *p, struct claimed *batch, size_t count);
bool publish_is_done(const struct publish *p);
/*
 * Send what the queue takes, and serve what came back. ERR_RETRY: something failed and is sent again next time. ERR_REJECT: a task
 * that no topic takes is given up. ERR_FATAL when the topic is missing.
 */
must_check bool publish_tasks(struct publish *p, bool is_expired, struct err *err);
