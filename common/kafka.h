/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Kafka as Muster uses it: one idempotent producer, one consumer with a ledger, a few questions
 * to the cluster. The only file that knows librdkafka. Topics are named without their prefix:
 * "tasks". The texts of the settings must live as long as what was opened with them. Nothing
 * here blocks longer than the time it is given. The descriptors become readable when there is
 * something to do; they are edge-like: drain fully after each wake.
 *
 * Facts: auto.offset.reset defaults to latest, so earliest is set; only the ledger's marks are
 * ever stored (enable.auto.offset.store is off), and what is stored librdkafka commits by
 * itself every 200 ms, before it gives a partition away and when it leaves; prefetch is set
 * small, as the defaults (64 MB, 100,000 messages) break every memory figure; eager `roundrobin`
 * assignment, because 2.0.2 has known faults with cooperative rebalancing; pausing discards
 * what was prefetched, so callers use hysteresis.
 */
#include "common/arena.h"
#include "common/envelope.h"
#include "common/ledger.h"

struct kafka_settings {
    struct str brokers;     /* "host:port,host:port" */
    struct str topics;      /* prefix of every topic: "muster" -> "muster.tasks" */
    struct str client;      /* "muster-fetcher" */
    struct str group;       /* consumers only: "muster-fetchers" */
    struct str instance;    /* static membership; empty = dynamic */
    int64_t prefetch_bytes; /* consumers: at most about this much fetched ahead */
    int64_t message_max_bytes;
    int64_t session_timeout_ms;
};

struct kafka_producer;
struct kafka_consumer;

/*
 * Called from kafka_producer_poll(), once for each message: acknowledged by all in-sync
 * replicas, or failed for good.
 */
typedef void kafka_delivered(void *context, void *ticket, const struct err *failure);

struct kafka_producer *kafka_producer_open(const struct kafka_settings *s,
                                           kafka_delivered *delivered, void *context,
                                           struct err *err);
void kafka_producer_close(struct kafka_producer *p);
/*
 * Is it connected to a broker that answers, as far as it has noticed? From the client's
 * statistics, which the polls serve: known a second or two late, and of a broker that has
 * frozen, 5 s after it was asked something.
 */
bool kafka_producer_is_connected(const struct kafka_producer *p);
int kafka_producer_fd(const struct kafka_producer *p);
/*
 * Copies everything. partition < 0 lets the key decide. ERR_RETRY when the queue is full (poll,
 * then again); ERR_REJECT when the message is too big for the topic.
 */
must_check bool kafka_send(struct kafka_producer *p, const char *topic, int32_t partition,
                           struct str key, struct str value, const struct header *headers,
                           size_t header_count, void *ticket, struct err *err);
/*
 * Serve acknowledgements, waiting up to timeout_ms for the first. After a fatal error of the
 * idempotent producer it has made a new one, and what was unacknowledged was reported as failed
 * (ERR_RETRY).
 */
void kafka_producer_poll(struct kafka_producer *p, int timeout_ms);
/* Messages not yet acknowledged. */
size_t kafka_producer_pending(const struct kafka_producer *p);
/* Serve acknowledgements until nothing is pending or the time is over. */
void kafka_producer_flush(struct kafka_producer *p, int timeout_ms);

struct kafka_message {
    int32_t partition;
    int64_t offset;
    int64_t time_ms;
    struct str key, value;
    struct header headers[HEADERS_MAX]; /* names are copies inside the message */
    size_t header_count;
    void *handle; /* librdkafka's; give back with kafka_message_free() */
    void *client; /* of kafka_read_one(): goes with the message */
};

/*
 * Called from kafka_take(): a partition came to us or was taken away (all its open work is
 * void).
 */
typedef void kafka_assigned(void *context, int32_t partition, bool came);

struct kafka_consumer *kafka_consumer_open(const struct kafka_settings *s, const char *topic,
                                           kafka_assigned *assigned, void *context,
                                           struct err *err);
/*
 * Leaves the group after the last stored offsets are committed (waits at most a few seconds).
 */
void kafka_consumer_close(struct kafka_consumer *c);
bool kafka_consumer_is_connected(const struct kafka_consumer *c); /* as for a producer */
int kafka_consumer_fd(const struct kafka_consumer *c);
/*
 * The next message, noted in the ledger; *out_taken is false when there is none within
 * timeout_ms. Fails with ERR_FATAL only.
 */
must_check bool kafka_take(struct kafka_consumer *c, int timeout_ms, struct kafka_message *out,
                           bool *out_taken, struct err *err);
void kafka_message_free(struct kafka_message *m);
struct ledger *kafka_ledger(struct kafka_consumer *c);
/*
 * Store the ledger's gap-free marks, to be committed in the background (the next commit carries
 * what failed).
 */
must_check bool kafka_store_marks(struct kafka_consumer *c, struct err *err);
/* Messages not taken from a paused partition stay where they are. */
must_check bool kafka_pause(struct kafka_consumer *c, int32_t partition, bool pause,
                            struct err *err);

/*
 * Wait until the cluster answers, at most `timeout_ms`: ERR_FATAL with exit code 69 that says
 * for what it waited.
 */
must_check bool kafka_wait_ready(const struct kafka_settings *s, int64_t timeout_ms,
                                 struct err *err);

struct kafka_topic {
    const char *name; /* without prefix: "tasks" */
    int32_t partitions;
    int64_t retention_ms; /* -1 = for ever */
    int64_t max_message_bytes;
};
/*
 * Create what is missing; an existing topic keeps its partitions, and gets the retention and
 * size. *out_created counts. Safe to repeat.
 */
must_check bool kafka_create_topics(const struct kafka_settings *s,
                                    const struct kafka_topic *topics, size_t count,
                                    int replication, int *out_created, struct err *err);
/* Partitions of a topic; ERR_FATAL 69 with "run muster init" when it does not exist. */
must_check bool kafka_partitions(const struct kafka_settings *s, const char *topic,
                                 int32_t *out_count, struct err *err);

struct kafka_lag {
    int32_t partition;
    int64_t first, next; /* low and high watermark */
    int64_t committed;   /* -1 when the group has none */
    int64_t lag;
};
/* One row for each partition; rows live in the arena. */
must_check bool kafka_lags(const struct kafka_settings *s, const char *topic, const char *group,
                           int32_t partitions, struct arena *arena, struct kafka_lag **out,
                           struct err *err);
/* How many consumers are in the group; 0 also when there is no such group. */
must_check bool kafka_group_members(const struct kafka_settings *s, const char *group,
                                    int32_t *out_members, struct err *err);
/*
 * The one message at (topic, partition, offset). ERR_REJECT when retention has removed it. For
 * `muster explain`.
 */
must_check bool kafka_read_one(const struct kafka_settings *s, const char *topic,
                               int32_t partition, int64_t offset, struct kafka_message *out,
                               struct err *err);

const char *kafka_library_version(void);
