/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Waiting for the servers when a stage starts: in turns of a second or two, so that a signal ends
 * it and those who ask how the stage does get their answer, and with one log line that says for
 * what. When it has ended, the check of that server is ok. Both fail with exit code 69 when the server did not answer
 * within wait_ms, and are false without an error when one of the signals of `signals` (signals.h)
 * came meanwhile.
 */
#include "common/kafka.h"
#include "common/mongo.h"
#include "common/serve.h"

must_check bool start_wait_for_kafka(const struct kafka_settings *kafka, int64_t wait_ms,
                                     int signals, struct serve *serve, struct err *err);
/* Exit code 78 at once when the server is no replica set. */
must_check bool start_wait_for_mongo(struct mongo *mongo, int64_t wait_ms, int signals,
                                     struct serve *serve, struct err *err);
