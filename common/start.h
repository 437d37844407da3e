/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Waiting for Kafka when a stage starts: in short turns, so that a signal ends it, and with one log
 * line that says for what.
 */
#include "common/kafka.h"

/*
 * False with exit code 69 when Kafka did not answer within wait_ms, and false without an error when
 * one of the signals of `signals` (signals.h) came meanwhile.
 */
must_check bool start_wait_for_kafka(const struct kafka_settings *kafka, int64_t wait_ms,
                                     int signals, struct err *err);
