/* SPDX-License-Identifier: MIT */
#include "tests/stage/mock_kafka.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *topic;
    struct kafka_consumer *consumer;
};

struct mock_kafka {
    rd_kafka_t *rk;
    rd_kafka_mock_cluster_t *cluster;
    struct kafka_settings settings;
    struct kafka_producer *producer;
    struct reader readers[3];
};

static void ignore_partition(void *context, int32_t partition, bool came)
{
    (void)context;
    (void)partition;
    (void)came;
}

static void check_delivery(void *context, void *ticket, const struct err *failure)
{
    (void)context;
    (void)ticket;
    if (failure)
        abort();
}

static void open_reader(struct mock_kafka *m, size_t index, const char *topic)
{
    struct err err = {0};
    struct kafka_settings s = m->settings;
    char group[64];
    (void)snprintf(group, sizeof group, "test-%s", topic);
    s.group = str_of(group);
    m->readers[index] =
        (struct reader){topic, kafka_consumer_open(&s, topic, ignore_partition, NULL, &err)};
    if (!m->readers[index].consumer)
        abort();
}

struct mock_kafka *mock_kafka_open(void)
{
    struct mock_kafka *m = calloc(1, sizeof *m);
    struct err err = {0};
    char problem[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    (void)rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    if (!m || !(m->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof problem)) ||
        !(m->cluster = rd_kafka_mock_cluster_new(m->rk, 1)))
        abort();
    if (rd_kafka_mock_topic_create(m->cluster, "test.tasks", MOCK_LANES, 1) ||
        rd_kafka_mock_topic_create(m->cluster, "test.pages", MOCK_PAGE_PARTITIONS, 1) ||
        rd_kafka_mock_topic_create(m->cluster, "test.rejects", 1, 1))
        abort();
    m->settings = (struct kafka_settings){.brokers = str_of(mock_kafka_brokers(m)),
                                          .topics = STR("test"),
                                          .client = STR("test"),
                                          .prefetch_bytes = 1 << 20};
    m->producer = kafka_producer_open(&m->settings, check_delivery, NULL, &err);
    if (!m->producer)
        abort();
    open_reader(m, 0, "pages");
    open_reader(m, 1, "rejects");
    open_reader(m, 2, "tasks");
    return m;
}

void mock_kafka_close(struct mock_kafka *m)
{
    for (size_t i = 0; i < 3; i++)
        kafka_consumer_close(m->readers[i].consumer);
    kafka_producer_close(m->producer);
    rd_kafka_mock_cluster_destroy(m->cluster);
    rd_kafka_destroy(m->rk);
    free(m);
}

const char *mock_kafka_brokers(const struct mock_kafka *m)
{
    return rd_kafka_mock_cluster_bootstraps(m->cluster);
}

void mock_kafka_put_task(struct mock_kafka *m, int32_t lane, const char *key, const char *value)
{
    struct err err = {0};
    if (!kafka_send(m->producer, "tasks", lane, str_of(key), str_of(value), NULL, 0, NULL,
                    &err))
        abort();
    kafka_producer_flush(m->producer, 10000);
}

bool mock_kafka_next(struct mock_kafka *m, const char *topic, int timeout_ms,
                     struct kafka_message *out)
{
    struct err err = {0};
    bool taken = false;
    struct reader *r = m->readers;
    while (strcmp(r->topic, topic) != 0)
        r++;
    return kafka_take(r->consumer, timeout_ms, out, &taken, &err) && taken;
}

int64_t mock_kafka_lag(struct mock_kafka *m)
{
    struct err err = {0};
    struct kafka_lag *rows;
    arena_auto arena = {0};
    int64_t lag = 0;
    if (!kafka_lags(&m->settings, "tasks", "test-fetchers", MOCK_LANES, &arena, &rows, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
    for (int32_t i = 0; i < MOCK_LANES; i++)
        lag += rows[i].lag;
    return lag;
}

void mock_kafka_move_coordinator(struct mock_kafka *m, int times)
{
    enum { OFFSET_FETCH = 9 }; /* https://kafka.apache.org/protocol#protocol_api_keys */
    for (int i = 0; i < times; i++)
        rd_kafka_mock_push_request_errors(m->cluster, OFFSET_FETCH, 1,
                                          RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
}
