/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the verbs of `muster rejects` share: the topic read from end to end, each reject with its standing. Payloads are passed over on
 * the way, so that a topic of any size can be looked through; who needs them reads those few again.
 */
#include "common/index.h"
#include "common/json.h"
#include "muster/muster.h"
#include "muster/standing.h"

struct rejects {
    struct kept_reject *list; /* in the topic's order */
    struct standing *standings;
    bool *take; /* those that the verb is about */
    size_t count;
    struct index by_id; /* places in the list */
    int64_t now_ms;
};

/*
 * All rejects, or those since --since; `take` is set for those of --stream and --reason. Reads Kafka and MongoDB; lives in the arena of
 * the command.
 */
must_check bool rejects_look(struct muster *m, struct rejects *out, struct err *err);
/* Its place in the list, or -1. */
int64_t rejects_find(const struct rejects *r, struct reject_id id);
/*
 * When each was retried last, and how far the topic of the retried message had grown by then. In the collection `rejects`, for people and
 * so that nothing is sent twice; no standing of a reject depends on it for longer than until the message is read.
 */
must_check bool rejects_note_retry(struct muster *m, struct reject_id id, const char *topic,
                                   int32_t partition, int64_t until, struct err *err);

/* A reject with its payload, on its way past. */
typedef bool each_reject(void *context, size_t at, const struct reject *r, struct err *err);
/* The messages of all that are taken, one after the other. */
must_check bool rejects_each(struct muster *m, const struct rejects *r, each_reject *each,
                             void *context, struct err *err);

/* The members of an object under construction. */
void rejects_put(struct json_out *o, const struct rejects *r, size_t at);
void rejects_put_message(struct json_out *o, const struct reject *r);

command_run rejects_show, rejects_export, rejects_retry;
