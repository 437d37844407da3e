/* SPDX-License-Identifier: MIT */
/*
 * bare_parse BROKERS TOPIC: what librdkafka and yyjson alone do. Consumes every partition of TOPIC from its beginning to its
 * end, with librdkafka's own defaults, parses each message and counts the records of its array. The clock runs from the
 * assignment to the last message. Prints how many records, and in how many seconds.
 */
#include "common/clock.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

enum { CALL_MS = 10000 };

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char reason[256];
    if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason))
        abort();
}

static rd_kafka_t *consumer_open(const char *brokers)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", brokers);
    set(conf, "group.id", "bare_parse");
    set(conf, "enable.auto.commit", "false");
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (rk)
        (void)rd_kafka_poll_set_consumer(rk);
    return rk;
}

/* All partitions, from their beginning; returns how many messages lie there. */
static int64_t assign_all(rd_kafka_t *rk, const char *topic)
{
    const struct rd_kafka_metadata *found;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    if (rd_kafka_metadata(rk, 0, handle, &found, CALL_MS))
        abort();
    int count = found->topics[0].partition_cnt;
    int64_t messages = 0;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int i = 0; i < count; i++) {
        int64_t first, next;
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
        if (rd_kafka_query_watermark_offsets(rk, topic, i, &first, &next, CALL_MS))
            abort();
        messages += next - first;
    }
    if (rd_kafka_assign(rk, list))
        abort();
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_metadata_destroy(found);
    rd_kafka_topic_destroy(handle);
    return messages;
}

static size_t records_of(const rd_kafka_message_t *m)
{
    yyjson_doc *doc = yyjson_read(m->payload, m->len, 0);
    size_t count = yyjson_arr_size(yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    return count;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return fputs("usage: bare_parse BROKERS TOPIC\n", stderr), EXIT_FAILURE;
    rd_kafka_t *rk = consumer_open(argv[1]);
    if (!rk)
        return fputs("bare_parse: no client can be made\n", stderr), EXIT_FAILURE;
    int64_t left = assign_all(rk, argv[2]);
    int64_t began_ms = clock_ms();
    size_t records = 0;
    for (; left > 0; left--) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, CALL_MS);
        if (!m || m->err)
            abort();
        records += records_of(m);
        rd_kafka_message_destroy(m);
    }
    (void)printf("%zu %.3f\n", records, (double)(clock_ms() - began_ms) / 1000);
    (void)rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return EXIT_SUCCESS;
}
