/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Messages that a topic keeps, read again from here to there, by nobody's group: for replays, rejects and whoever asks what
 * was once said. What is read is settled when the ranges are made, so a topic that grows meanwhile is no endless reading.
 * Order holds within a partition, not between them. Nothing is stored in Kafka: two readers do not know of each other.
 * Calls block as long as they are told; one that Kafka does not answer within 30 s is ERR_FATAL with exit code 69.
 */
#include "common/kafka.h"

/* The offsets of one partition from `from` up to, without, `until`. Empty when they are equal. */
struct kafka_range {
    int32_t partition;
    int64_t from, until;
};

/*
 * A row for each partition of the topic: all that is kept now, or from the first message at or after `since_unix_ms` on (0 =
 * from the first kept one). Rows live in the arena.
 */
must_check bool kafka_kept(const struct kafka_settings *s, const char *topic,
                           int64_t since_unix_ms, struct arena *arena, struct kafka_range **out,
                           size_t *out_count, struct err *err);
/* How many offsets the ranges hold: at least as many as messages, as a topic may have gaps. */
int64_t kafka_range_total(const struct kafka_range *ranges, size_t count);

struct kafka_reader;

/* The ranges are copied. A part of a range that retention has removed is passed over. */
struct kafka_reader *kafka_reader_open(const struct kafka_settings *s, const char *topic,
                                       const struct kafka_range *ranges, size_t count,
                                       struct err *err);
void kafka_reader_close(struct kafka_reader *r);
/*
 * The next message; *out_taken is false when none came within timeout_ms, or when all was read. The caller gives it back
 * with kafka_message_free(), before the reader is closed.
 */
must_check bool kafka_reader_take(struct kafka_reader *r, int timeout_ms,
                                  struct kafka_message *out, bool *out_taken, struct err *err);
bool kafka_reader_is_done(const struct kafka_reader *r);
/* Offsets not yet read: kafka_range_total() less what is done. */
int64_t kafka_reader_left(const struct kafka_reader *r);

/*
 * Where the group goes on in each partition: at `from`, unless it has come further already. False without an error when
 * somebody is in the group: then that is theirs to say.
 */
must_check bool kafka_set_group(const struct kafka_settings *s, const char *topic,
                                const char *group, const struct kafka_range *ranges,
                                size_t count, struct err *err);
