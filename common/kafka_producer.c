/* SPDX-License-Identifier: MIT */
#include "common/kafka_client.h"

#include "common/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

enum { QUEUE_KBYTES = 32 * 1024 }; /* beside the biggest message */

struct kafka_producer {
    rd_kafka_t *rk;
    struct kafka_settings settings;
    kafka_delivered *delivered;
    void *context;
    struct kafka_pulse pulse;
    int fd;
};

/*
 * What librdkafka reports as failed was given up for good (its own retries have no end, see open_client), except when we
 * threw it out ourselves because the producer was lost.
 */
static bool sort_failure(rd_kafka_resp_err_t code, const char *topic, struct err *err)
{
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__STATE:
        return err_set(err, ERR_RETRY, "%s: %s", topic, rd_kafka_err2str(code));
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        return err_set(err, ERR_RETRY, "%s: the queue is full", topic);
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
        return err_set(err, ERR_REJECT, "%s: the message is over the topic's limit", topic);
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        return err_stop(err, EX_UNAVAILABLE,
                        "%s: there is no such topic or partition; run muster init", topic);
    default:
        return err_stop(err, EX_UNAVAILABLE, "%s: %s", topic, rd_kafka_err2str(code));
    }
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct kafka_producer *p = opaque;
    struct err failure = {0};
    (void)rk;
    if (m->err)
        (void)sort_failure(m->err, rd_kafka_topic_name(m->rkt), &failure);
    p->delivered(p->context, m->_private, m->err ? &failure : NULL);
}

static int on_statistics(rd_kafka_t *rk, char *text, size_t len, void *opaque)
{
    struct kafka_producer *p = opaque;
    (void)rk;
    kafka_pulse_take(&p->pulse, (struct str){text, len});
    return 0; /* librdkafka frees the text */
}

static bool open_client(struct kafka_producer *p, struct err *err)
{
    int64_t message_max =
        p->settings.message_max_bytes ? p->settings.message_max_bytes : 1000000;
    struct kafka_conf c = kafka_conf_new(&p->settings);
    kafka_conf_set(&c, "enable.idempotence", STR("true")); /* means acks=all */
    kafka_conf_set(&c, "compression.type", STR("lz4"));
    kafka_conf_set_int(&c, "linger.ms", 2);
    kafka_conf_set_int(&c, "message.timeout.ms",
                       0); /* while Kafka is away messages wait; giving up would lose them */
    kafka_conf_set_int(&c, "queue.buffering.max.kbytes", message_max / 1024 + QUEUE_KBYTES);
    kafka_conf_watch(&c, on_statistics);
    rd_kafka_conf_set_dr_msg_cb(c.conf, on_delivery);
    rd_kafka_conf_set_opaque(c.conf, p);
    p->rk = kafka_client_new(RD_KAFKA_PRODUCER, &c, err);
    if (!p->rk)
        return false;
    kafka_wake_by(rd_kafka_queue_get_main(p->rk), p->fd);
    return true;
}

/* Each message that is not acknowledged is reported as failed. */
static void close_client(struct kafka_producer *p)
{
    (void)rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (rd_kafka_outq_len(p->rk) > 0 && rd_kafka_poll(p->rk, 100) >= 0)
        continue;
    rd_kafka_destroy(p->rk);
    p->rk = NULL;
}

struct kafka_producer *kafka_producer_open(const struct kafka_settings *s,
                                           kafka_delivered *delivered, void *context,
                                           struct err *err)
{
    struct kafka_producer *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    *p = (struct kafka_producer){
        .settings = *s, .delivered = delivered, .context = context, .pulse = {.was_up = true}};
    p->fd = kafka_wake_open(err);
    if (p->fd >= 0 && open_client(p, err))
        return p;
    kafka_producer_close(p);
    return NULL;
}

void kafka_producer_close(struct kafka_producer *p)
{
    if (!p)
        return;
    if (p->rk)
        close_client(p);
    if (p->fd >= 0)
        (void)close(p->fd);
    free(p);
}

bool kafka_producer_is_connected(const struct kafka_producer *p)
{
    return p->rk && !p->pulse.is_down;
}

int kafka_producer_fd(const struct kafka_producer *p)
{
    return p->fd;
}

static rd_kafka_headers_t *copy_headers(const struct header *headers, size_t count)
{
    rd_kafka_headers_t *copies = rd_kafka_headers_new(count);
    for (size_t i = 0; i < count; i++)
        (void)rd_kafka_header_add(copies, headers[i].name, -1,
                                  headers[i].value.len ? headers[i].value.ptr : "",
                                  (ssize_t)headers[i].value.len);
    return copies;
}

bool kafka_send(struct kafka_producer *p, const char *topic, int32_t partition, struct str key,
                struct str value, const struct header *headers, size_t header_count,
                void *ticket, struct err *err)
{
    char name[TOPIC_MAX_BYTES];
    kafka_topic_name(&p->settings, topic, name);
    if (!p->rk && !open_client(p, err))
        return false;
    rd_kafka_headers_t *copies = copy_headers(headers, header_count);
    rd_kafka_resp_err_t code = rd_kafka_producev(
        p->rk, RD_KAFKA_V_TOPIC(name),
        RD_KAFKA_V_PARTITION(partition < 0 ? RD_KAFKA_PARTITION_UA : partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.ptr, key.len),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)(value.len ? value.ptr : ""), value.len),
        RD_KAFKA_V_HEADERS(copies), RD_KAFKA_V_OPAQUE(ticket), RD_KAFKA_V_END);
    if (!code)
        return true;
    rd_kafka_headers_destroy(copies);
    return sort_failure(code, name, err);
}

void kafka_producer_poll(struct kafka_producer *p, int timeout_ms)
{
    struct err ignored = {0};
    kafka_wake_read(p->fd);
    if (!p->rk)
        return;
    (void)rd_kafka_poll(p->rk, timeout_ms);
    if (rd_kafka_fatal_error(p->rk, NULL, 0)) {
        close_client(p);
        (void)open_client(p, &ignored); /* kafka_send() tries again and says why not */
    }
}

size_t kafka_producer_pending(const struct kafka_producer *p)
{
    return p->rk ? (size_t)rd_kafka_outq_len(p->rk) : 0;
}

void kafka_producer_flush(struct kafka_producer *p, int timeout_ms)
{
    int64_t end_ms = clock_ms() + timeout_ms;
    int64_t left_ms = timeout_ms;
    while (kafka_producer_pending(p) > 0 && left_ms > 0) {
        kafka_producer_poll(p, left_ms < 100 ? (int)left_ms : 100);
        left_ms = end_ms - clock_ms();
    }
}
