/* SPDX-License-Identifier: MIT */
#include "common/start.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/signals.h"

#include <sysexits.h>

enum { TURN_MS = 1000 };

/* After a turn without an answer: is there a reason to end the waiting? */
static bool goes_on(const char *server, struct str where, int64_t end_ms, int signals,
                    bool *in_out_told, struct err *err)
{
    if (signals_came(signals)) {
        err_clear(err);
        return false;
    }
    if (clock_ms() >= end_ms)
        return false;
    err_clear(err);
    if (!*in_out_told)
        LOG_WARN("waits", LOG_TEXT("server", server), LOG_STR("at", where));
    *in_out_told = true;
    return true;
}

bool start_wait_for_kafka(const struct kafka_settings *kafka, int64_t wait_ms, int signals,
                          struct err *err)
{
    int64_t end_ms = clock_ms() + wait_ms;
    bool is_told = false;
    while (!kafka_wait_ready(kafka, wait_ms < TURN_MS ? wait_ms : TURN_MS, err)) {
        if (goes_on("Kafka", kafka->brokers, end_ms, signals, &is_told, err))
            continue;
        return err->kind == ERR_NONE
                   ? false
                   : err_stop(err, EX_UNAVAILABLE,
                              "Kafka at " STR_FMT " did not answer within %lld s (--wait)",
                              STR_ARG(kafka->brokers), (long long)(wait_ms / 1000));
    }
    return true;
}

bool start_wait_for_mongo(struct mongo *mongo, int64_t wait_ms, int signals, struct err *err)
{
    if (mongo_wait_ready(mongo, wait_ms < TURN_MS ? wait_ms : TURN_MS, err))
        return true;
    if (wait_ms > TURN_MS && !signals_came(signals)) {
        LOG_WARN("waits", LOG_TEXT("server", "MongoDB"), LOG_TEXT("error", err->text));
        err_clear(err);
        if (mongo_wait_ready(mongo, wait_ms, err)) /* ends early when a signal is pending */
            return true;
        if (!signals_came(signals))
            return false;
        err_clear(err);
    }
    return false;
}
