/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the serializer has in its hands: the messages taken from Kafka, as pages of a batch.
 * Messages that are no pages, and pages of streams that no file knows, never reach the batch:
 * they are rejects at once. Owns the messages until intake_clear().
 */
#include "common/kafka.h"
#include "serializer/batch.h"

enum { INTAKE_MAX = 2000 };

struct intake_limits {
    size_t pages;
    int64_t bytes;
};

/* A stream and the number of its map in this process. */
struct known_stream {
    const struct stream *stream;
    int32_t map;
};

/* A message that goes to the rejects topic, with its reason. */
struct set_aside {
    const struct kafka_message *message;
    int32_t map; /* by which it was read; 0 = by none */
    struct str reason;
};

struct intake {
    struct arena arena; /* of one batch */
    struct kafka_message messages[INTAKE_MAX];
    size_t message_count;
    size_t kept_count; /* behind them: for the next batch */
    int64_t bytes;
    struct page *pages;
    size_t *page_messages; /* for each page, the index of its message */
    size_t page_count;
    struct set_aside *rejects;
    size_t reject_count, reject_room;
};

/* Take what is there, at most up to the limits. Fails with ERR_FATAL only. */
must_check bool intake_fill(struct intake *in, struct kafka_consumer *consumer,
                            const struct intake_limits *limits, struct err *err);
/*
 * Make pages of the messages; can be repeated, with other streams. ERR_FATAL with exit code 78 when a page was fetched by a greater
 * map than this process has: its files are older than the database.
 */
must_check bool intake_sort(struct intake *in, struct str pages_topic,
                            const struct known_stream *streams, size_t count, struct err *err);
/*
 * A message that came at a bad time: it begins the next batch. False when there is no room for
 * more.
 */
must_check bool intake_keep(struct intake *in, const struct kafka_message *m);
/* The pages that the batch has set aside become rejects too. */
void intake_collect_rejects(struct intake *in);
/* Give the batch's messages back. */
void intake_clear(struct intake *in);
