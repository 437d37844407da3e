/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * librdkafka's mock broker in this process, with Muster's three topics, and a producer and a reader of pages for the test.
 */
#include "common/kafka.h"

enum { MOCK_LANES = 4, MOCK_PAGE_PARTITIONS = 3 };

struct mock_kafka;

struct mock_kafka *mock_kafka_open(void);
void mock_kafka_close(struct mock_kafka *m);
const char *mock_kafka_brokers(const struct mock_kafka *m);
/* Publish a message on a lane of the tasks topic and wait for its acknowledgement. */
void mock_kafka_put_task(struct mock_kafka *m, int32_t lane, const char *key,
                         const char *value);
/* The next message of a topic that this reader has not seen, or false when none comes in time. kafka_message_free() it. */
bool mock_kafka_next(struct mock_kafka *m, const char *topic, int timeout_ms,
                     struct kafka_message *out);
/* Messages of the tasks topic that the fetchers' group has not done. */
int64_t mock_kafka_lag(struct mock_kafka *m);
/* The next `times` questions for a group's offsets are answered with "not coordinator". */
void mock_kafka_move_coordinator(struct mock_kafka *m, int times);
