/* SPDX-License-Identifier: MIT */
#include "common/start.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/signals.h"

#include <sysexits.h>

enum { TURN_MS = 1000, PAUSE_MS = 200 };

/* One server that is waited for. */
struct wait {
    enum check_name check;
    struct log_pair server; /* for the log line */
    int64_t end_ms;
    int signals;
    struct serve *serve;
    bool is_told;
};

/* After a turn without an answer: false when there is a reason to end the waiting; a signal leaves no error. */
static bool goes_on(struct wait *w, const struct err *met, struct err *err)
{
    const struct pollfd signals = {.fd = w->signals, .events = POLLIN};
    serve_waits(w->serve, w->check, str_of(met->text));
    (void)serve_poll(w->serve, &signals, 1, PAUSE_MS);
    if (signals_came(w->signals)) {
        err_clear(err);
        return false;
    }
    if (clock_ms() >= w->end_ms)
        return false;
    err_clear(err);
    if (!w->is_told)
        LOG_WARN("waits", w->server, LOG_TEXT("error", met->text));
    w->is_told = true;
    return true;
}

bool start_wait_for_kafka(const struct kafka_settings *kafka, int64_t wait_ms, int signals,
                          struct serve *serve, struct err *err)
{
    struct wait w = {.check = CHECK_KAFKA,
                     .server = LOG_TEXT("server", "Kafka"),
                     .end_ms = clock_ms() + wait_ms,
                     .signals = signals,
                     .serve = serve};
    while (!kafka_wait_ready(kafka, wait_ms < TURN_MS ? wait_ms : TURN_MS, err)) {
        const struct err met = *err;
        if (goes_on(&w, &met, err))
            continue;
        return err->kind == ERR_NONE
                   ? false
                   : err_stop(err, EX_UNAVAILABLE,
                              "Kafka at " STR_FMT " did not answer within %lld s (--wait)",
                              STR_ARG(kafka->brokers), (long long)(wait_ms / 1000));
    }
    serve_ok(serve, w.check);
    return true;
}

bool start_wait_for_mongo(struct mongo *mongo, int64_t wait_ms, int signals,
                          struct serve *serve, struct err *err)
{
    struct wait w = {.check = CHECK_MONGO,
                     .server = LOG_TEXT("server", "MongoDB"),
                     .end_ms = clock_ms() + wait_ms,
                     .signals = signals,
                     .serve = serve};
    while (!mongo_look(mongo, err)) {
        const struct err met = *err;
        if (met.kind != ERR_RETRY)
            return false;
        if (!goes_on(&w, &met, err))
            return err->kind == ERR_NONE ? false : mongo_gave_up(mongo, wait_ms, &met, err);
    }
    serve_ok(serve, w.check);
    return true;
}
