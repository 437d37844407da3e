/* SPDX-License-Identifier: MIT */
#include "common/kafka_client.h"

#include "common/json.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sysexits.h>
#include <unistd.h>

enum { STATISTICS_MS = 1000, SILENCE_US = 5000000 };

/* librdkafka's own lines ("connection refused", each once in a while) become lines of our log; it calls from its threads. */
static void to_log(const rd_kafka_t *rk, int syslog_level, const char *facility,
                   const char *text)
{
    (void)rk;
    enum log_level level = syslog_level <= 4 ? LOG_WARN_LEVEL : LOG_DEBUG_LEVEL;
    log_line(level, "kafka", LOG_PAIRS(LOG_TEXT("text", text), LOG_TEXT("about", facility)));
}

/* Errors are logged where they happen, and fatal ones are asked for after each poll. */
static void ignore_error(rd_kafka_t *rk, int error, const char *reason, void *opaque)
{
    (void)rk;
    (void)error;
    (void)reason;
    (void)opaque;
}

static void set(struct kafka_conf *c, const char *name, const char *value)
{
    char problem[sizeof c->problem];
    if (rd_kafka_conf_set(c->conf, name, value, problem, sizeof problem) ==
            RD_KAFKA_CONF_INVALID &&
        !c->problem[0])
        memcpy(c->problem, problem, sizeof problem);
}

void kafka_conf_set(struct kafka_conf *c, const char *name, struct str value)
{
    char text[4096];
    (void)snprintf(text, sizeof text, STR_FMT, STR_ARG(value));
    set(c, name, text);
}

void kafka_conf_set_int(struct kafka_conf *c, const char *name, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    set(c, name, text);
}

struct kafka_conf kafka_conf_new(const struct kafka_settings *s)
{
    struct kafka_conf c = {.conf = rd_kafka_conf_new()};
    rd_kafka_conf_set_log_cb(c.conf, to_log);
    rd_kafka_conf_set_error_cb(c.conf, ignore_error);
    kafka_conf_set(&c, "bootstrap.servers", s->brokers);
    kafka_conf_set(&c, "client.id", s->client);
    set(&c, "log.connection.close", "false");
    set(&c, "socket.nagle.disable", "true");
    set(&c, "reconnect.backoff.max.ms", "1000");
    set(&c, "socket.timeout.ms",
        "30000"); /* a broker that hangs; a big page on a slow line needs some of it */
    if (s->message_max_bytes)
        kafka_conf_set_int(&c, "message.max.bytes", s->message_max_bytes);
    return c;
}

void kafka_conf_watch(struct kafka_conf *c,
                      int (*on_statistics)(rd_kafka_t *, char *, size_t, void *))
{
    kafka_conf_set_int(c, "statistics.interval.ms", STATISTICS_MS);
    rd_kafka_conf_set_stats_cb(c->conf, on_statistics);
}

/* A broker that owes an answer for so long has frozen; the longest that one takes by itself is half a second (a fetch). */
static bool is_living(struct json broker)
{
    bool is_up = str_eq(json_str(json_member(broker, STR("state"))), STR("UP"));
    bool owes = json_int(json_member(broker, STR("waitresp_cnt"))) > 0;
    int64_t silent_us = json_int(json_member(broker, STR("rxidle")));
    return is_up && !(owes && silent_us > SILENCE_US);
}

static bool has_broker(struct json brokers)
{
    for (struct json_walk w = json_walk(brokers); json_next(&w);)
        if (is_living(w.value))
            return true;
    return false;
}

/* A broker ends idle connections, and a new one takes a moment: down is what is so twice. */
void kafka_pulse_take(struct kafka_pulse *p, struct str statistics)
{
    struct err ignored = {0};
    json_auto *doc = json_parse(statistics, &ignored);
    if (!doc)
        return;
    bool is_up = has_broker(json_member(json_root(doc), STR("brokers")));
    p->is_down = !is_up && !p->was_up;
    p->was_up = is_up;
}

rd_kafka_t *kafka_client_new(rd_kafka_type_t type, struct kafka_conf *c, struct err *err)
{
    char problem[512] = "";
    rd_kafka_t *rk =
        c->problem[0] ? NULL : rd_kafka_new(type, c->conf, problem, sizeof problem);
    if (!rk) {
        rd_kafka_conf_destroy(c->conf);
        (void)err_stop(err, EX_CONFIG, "Kafka client: %s",
                       c->problem[0] ? c->problem : problem);
    }
    c->conf = NULL;
    return rk;
}

int kafka_wake_open(struct err *err)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        (void)err_stop(err, EX_OSERR, "eventfd: %s", strerror(errno));
    return fd;
}

void kafka_wake_by(rd_kafka_queue_t *queue, int fd)
{
    static const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(queue, fd, &one, sizeof one);
    rd_kafka_queue_destroy(queue); /* ours was only a reference */
}

void kafka_wake_read(int fd)
{
    uint64_t wakes;
    while (read(fd, &wakes, sizeof wakes) < 0 && errno == EINTR)
        continue;
}

void kafka_topic_name(const struct kafka_settings *s, const char *topic,
                      char out[static TOPIC_MAX_BYTES])
{
    (void)snprintf(out, TOPIC_MAX_BYTES, STR_FMT ".%s", STR_ARG(s->topics), topic);
}

const char *kafka_library_version(void)
{
    return rd_kafka_version_str();
}
