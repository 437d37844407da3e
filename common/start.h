/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Waiting for the servers when a stage starts: in short turns, so that a signal ends it, and with
 * one log line that says for what. Both fail with exit code 69 when the server did not answer
 * within wait_ms, and are false without an error when one of the signals of `signals` (signals.h)
 * came meanwhile.
 */
#include "common/kafka.h"
#include "common/mongo.h"

must_check bool start_wait_for_kafka(const struct kafka_settings *kafka, int64_t wait_ms,
                                     int signals, struct err *err);
/* Exit code 78 at once when the server is no replica set. */
must_check bool start_wait_for_mongo(struct mongo *mongo, int64_t wait_ms, int signals,
                                     struct err *err);
