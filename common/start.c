/* SPDX-License-Identifier: MIT */
#include "common/start.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/signals.h"

#include <sysexits.h>

enum { TURN_MS = 1000 };

bool start_wait_for_kafka(const struct kafka_settings *kafka, int64_t wait_ms, int signals,
                          struct err *err)
{
    int64_t end_ms = clock_ms() + wait_ms;
    bool is_told = false;
    while (!kafka_wait_ready(kafka, wait_ms < TURN_MS ? wait_ms : TURN_MS, err)) {
        if (clock_ms() >= end_ms)
            return err_stop(err, EX_UNAVAILABLE,
                            "Kafka at " STR_FMT " did not answer within %lld s (--wait)",
                            STR_ARG(kafka->brokers), (long long)(wait_ms / 1000));
        err_clear(err);
        if (signals_came(signals))
            return false;
        if (!is_told)
            LOG_WARN("waits", LOG_TEXT("server", "Kafka"), LOG_STR("at", kafka->brokers));
        is_told = true;
    }
    return true;
}
