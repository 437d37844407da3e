/* SPDX-License-Identifier: MIT */
#include "common/reject.h"

bool reject_send(struct kafka_producer *p, const struct reject *r, void *ticket,
                 struct arena *arena, struct err *err)
{
    const struct header headers[] = {
        {"__connect.errors.topic", r->topic},
        {"__connect.errors.partition", arena_format(arena, "%d", (int)r->partition)},
        {"__connect.errors.offset", arena_format(arena, "%lld", (long long)r->offset)},
        {"__connect.errors.stage", str_of(r->stage)},
        {"__connect.errors.exception.message", r->reason},
    };
    return kafka_send(p, "rejects", -1, r->key, r->value, headers,
                      sizeof headers / sizeof *headers, ticket, err);
}
