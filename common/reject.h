/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A message that no retry can mend, on its way to the rejects topic: key and value byte for
 * byte, and why. The reason stands in headers named as Kafka Connect names them (KIP-298), so
 * that the tools that people have can read it.
 */
#include "common/kafka.h"

struct reject {
    const char *stage; /* "fetcher" */
    struct str topic;  /* where it lay, with prefix */
    int32_t partition;
    int64_t offset;
    struct str key, value;
    struct str reason; /* one sentence for a person */
};

/* As kafka_send(). */
must_check bool reject_send(struct kafka_producer *p, const struct reject *r, void *ticket,
                            struct arena *arena, struct err *err);
