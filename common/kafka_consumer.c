/* SPDX-License-Identifier: MIT */
#include "common/kafka_client.h"

#include "common/clock.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { CLOSE_MAX_MS = 3000, COMMIT_EVERY_MS = 200 };

struct kafka_consumer {
    rd_kafka_t *rk;
    char topic[TOPIC_MAX_BYTES];
    kafka_assigned *assigned;
    void *context;
    struct ledger ledger;
    struct kafka_pulse pulse;
    int fd;
    bool is_leaving;
};

static void give_partitions(struct kafka_consumer *c,
                            const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        ledger_add_partition(&c->ledger, list->elems[i].partition);
        c->assigned(c->context, list->elems[i].partition, true);
    }
}

static void take_partitions(struct kafka_consumer *c,
                            const rd_kafka_topic_partition_list_t *list)
{
    struct err ignored = {0};
    /* Unassigning commits what is stored; when the partitions are lost already, Kafka refuses it. */
    if (!kafka_store_marks(c, &ignored))
        err_clear(&ignored);
    for (int i = 0; i < list->cnt; i++) {
        c->assigned(c->context, list->elems[i].partition, false);
        ledger_drop_partition(&c->ledger, list->elems[i].partition);
    }
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t what,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct kafka_consumer *c = opaque;
    bool came = what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    /*
     * Who leaves wants no partitions. To take them is even a trap: librdkafka answers it as a giving back, which can end its
     * part of the group while the call still waits for an answer, and then the call never returns.
     */
    if (came && c->is_leaving)
        return;
    if (came)
        give_partitions(c, list);
    else
        take_partitions(c, list);
    (void)rd_kafka_assign(rk, came ? list : NULL);
}

static int on_statistics(rd_kafka_t *rk, char *text, size_t len, void *opaque)
{
    struct kafka_consumer *c = opaque;
    (void)rk;
    kafka_pulse_take(&c->pulse, (struct str){text, len});
    return 0; /* librdkafka frees the text */
}

static struct kafka_conf consumer_conf(const struct kafka_settings *s, struct kafka_consumer *c)
{
    struct kafka_conf conf = kafka_conf_new(s);
    int64_t session_ms = s->session_timeout_ms ? s->session_timeout_ms : 6000;
    kafka_conf_set(&conf, "group.id", s->group);
    if (s->instance.len)
        kafka_conf_set(&conf, "group.instance.id", s->instance);
    kafka_conf_set(&conf, "auto.offset.reset", STR("earliest"));
    kafka_conf_set(&conf, "partition.assignment.strategy", STR("roundrobin"));
    kafka_conf_set_int(&conf, "session.timeout.ms", session_ms);
    kafka_conf_set_int(&conf, "heartbeat.interval.ms", session_ms / 4);
    kafka_conf_set(&conf, "enable.auto.offset.store", STR("false"));
    kafka_conf_set(&conf, "enable.auto.commit", STR("true"));
    kafka_conf_set_int(&conf, "auto.commit.interval.ms", COMMIT_EVERY_MS);
    kafka_conf_set_int(&conf, "queued.min.messages", 1000);
    kafka_conf_set_int(&conf, "queued.max.messages.kbytes", s->prefetch_bytes / 1024 + 1);
    kafka_conf_set_int(&conf, "fetch.queue.backoff.ms",
                       10); /* the default of 1 s starves a small queue; new in 2.2 */
    if (s->prefetch_bytes)
        kafka_conf_set_int(&conf, "max.partition.fetch.bytes", s->prefetch_bytes);
    kafka_conf_watch(&conf, on_statistics);
    rd_kafka_conf_set_rebalance_cb(conf.conf, on_rebalance);
    rd_kafka_conf_set_opaque(conf.conf, c);
    return conf;
}

static bool subscribe(struct kafka_consumer *c, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    (void)rd_kafka_topic_partition_list_add(list, c->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(c->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return !code || err_stop(err, EX_CONFIG, "%s: %s", c->topic, rd_kafka_err2str(code));
}

struct kafka_consumer *kafka_consumer_open(const struct kafka_settings *s, const char *topic,
                                           kafka_assigned *assigned, void *context,
                                           struct err *err)
{
    struct kafka_consumer *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->assigned = assigned;
    c->context = context;
    c->pulse.was_up = true;
    kafka_topic_name(s, topic, c->topic);
    ledger_init(&c->ledger);
    c->fd = kafka_wake_open(err);
    if (c->fd >= 0) {
        struct kafka_conf conf = consumer_conf(s, c);
        c->rk = kafka_client_new(RD_KAFKA_CONSUMER, &conf, err);
    }
    if (c->rk) {
        (void)rd_kafka_poll_set_consumer(c->rk);
        kafka_wake_by(rd_kafka_queue_get_consumer(c->rk), c->fd);
    }
    if (c->rk && subscribe(c, err))
        return c;
    kafka_consumer_close(c);
    return NULL;
}

/* rd_kafka_consumer_close() would wait for a coordinator that is away. */
static void leave_group(struct kafka_consumer *c)
{
    rd_kafka_t *rk = c->rk;
    c->is_leaving = true;
    int64_t end_ms = clock_ms() + CLOSE_MAX_MS;
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
    rd_kafka_error_t *problem = rd_kafka_consumer_close_queue(rk, queue);
    while (!problem && !rd_kafka_consumer_closed(rk) && clock_ms() < end_ms) {
        /* Messages lie there too, which the poll for callbacks alone does not survive. */
        rd_kafka_message_t *left = rd_kafka_consume_queue(queue, 50);
        if (left)
            rd_kafka_message_destroy(left);
    }
    if (problem)
        rd_kafka_error_destroy(problem);
    rd_kafka_queue_destroy(queue);
}

void kafka_consumer_close(struct kafka_consumer *c)
{
    if (!c)
        return;
    if (c->rk) {
        leave_group(c);
        rd_kafka_destroy_flags(c->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    if (c->fd >= 0)
        (void)close(c->fd);
    ledger_done(&c->ledger);
    free(c);
}

bool kafka_consumer_is_connected(const struct kafka_consumer *c)
{
    return !c->pulse.is_down;
}

int kafka_consumer_fd(const struct kafka_consumer *c)
{
    return c->fd;
}

struct ledger *kafka_ledger(struct kafka_consumer *c)
{
    return &c->ledger;
}

void kafka_message_of(rd_kafka_message_t *m, struct kafka_message *out)
{
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_timestamp_type_t kind;
    *out = (struct kafka_message){.partition = m->partition, .offset = m->offset, .handle = m};
    out->time_ms = rd_kafka_message_timestamp(m, &kind);
    out->key = (struct str){m->key, m->key_len};
    out->value = (struct str){m->payload, m->len};
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    const char *name;
    const void *value;
    size_t len;
    for (size_t i = 0;
         i < HEADERS_MAX && !rd_kafka_header_get_all(headers, i, &name, &value, &len); i++)
        out->headers[out->header_count++] = (struct header){name, {value, len}};
}

/* Most errors are news about something that librdkafka mends itself. */
static bool sort_error(const rd_kafka_message_t *m, struct err *err)
{
    switch ((int)m->err) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        return err_stop(err, EX_NOPERM, "Kafka: %s", rd_kafka_message_errstr(m));
    default:
        return true;
    }
}

bool kafka_take(struct kafka_consumer *c, int timeout_ms, struct kafka_message *out,
                bool *out_taken, struct err *err)
{
    char reason[256];
    rd_kafka_message_t *m;
    kafka_wake_read(c->fd);
    while ((m = rd_kafka_consumer_poll(c->rk, timeout_ms)) && m->err) {
        bool ok = sort_error(m, err);
        rd_kafka_message_destroy(m);
        if (!ok)
            return false;
        timeout_ms = 0;
    }
    /* Only static members get here: another one uses the same instance name. */
    if (!m && rd_kafka_fatal_error(c->rk, reason, sizeof reason))
        return err_stop(err, EX_UNAVAILABLE, "Kafka: %s", reason);
    *out_taken = m != NULL;
    if (m) {
        ledger_take(&c->ledger, m->partition, m->offset);
        kafka_message_of(m, out);
    }
    return true;
}

void kafka_message_free(struct kafka_message *m)
{
    if (m->handle)
        rd_kafka_message_destroy(m->handle);
    if (m->client)
        rd_kafka_destroy(m->client);
    *m = (struct kafka_message){0};
}

bool kafka_store_marks(struct kafka_consumer *c, struct err *err)
{
    int32_t partition;
    int64_t offset;
    if (!ledger_next_mark(&c->ledger, &partition, &offset))
        return true;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    do {
        rd_kafka_topic_partition_list_add(list, c->topic, partition)->offset = offset;
    } while (ledger_next_mark(&c->ledger, &partition, &offset));
    rd_kafka_resp_err_t code = rd_kafka_offsets_store(c->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    /* A partition that is just being taken away cannot be stored: its next owner repeats the work. */
    if (code && code != RD_KAFKA_RESP_ERR__STATE &&
        code != RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
        return err_set(err, ERR_FATAL, "store offsets of %s: %s", c->topic,
                       rd_kafka_err2str(code));
    return true;
}

bool kafka_pause(struct kafka_consumer *c, int32_t partition, bool pause, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    (void)rd_kafka_topic_partition_list_add(list, c->topic, partition);
    rd_kafka_resp_err_t code = pause ? rd_kafka_pause_partitions(c->rk, list)
                                     : rd_kafka_resume_partitions(c->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return !code || err_set(err, ERR_FATAL, "pause %s: %s", c->topic, rd_kafka_err2str(code));
}
