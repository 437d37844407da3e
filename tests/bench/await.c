/* SPDX-License-Identifier: MIT */
/*
 * await BROKERS TOPIC COUNT: waits until the broker has COUNT messages in TOPIC, and prints the unix time in ms at which it
 * had. It asks every 5 ms, one request for each partition.
 */
#include "common/clock.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CALL_MS = 5000, MAX_MS = 600000, PAUSE_NS = 5000000 };

static rd_kafka_t *client_open(const char *brokers)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, reason, sizeof reason))
        abort();
    return rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
}

/* 0 when the topic is not known. */
static int partitions_of(rd_kafka_t *rk, const char *topic)
{
    const struct rd_kafka_metadata *found;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, 0, handle, &found, CALL_MS);
    int count = code ? 0 : found->topics[0].partition_cnt;
    if (!code)
        rd_kafka_metadata_destroy(found);
    rd_kafka_topic_destroy(handle);
    return count;
}

static int64_t messages_in(rd_kafka_t *rk, const char *topic, int partitions)
{
    int64_t sum = 0, first, next;
    for (int i = 0; i < partitions; i++)
        if (!rd_kafka_query_watermark_offsets(rk, topic, i, &first, &next, CALL_MS))
            sum += next - first;
    return sum;
}

int main(int argc, char **argv)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    if (argc != 4)
        return fputs("usage: await BROKERS TOPIC COUNT\n", stderr), EXIT_FAILURE;
    rd_kafka_t *rk = client_open(argv[1]);
    int partitions = rk ? partitions_of(rk, argv[2]) : 0;
    int64_t there = 0, wanted = strtoll(argv[3], NULL, 10), end_ms = clock_ms() + MAX_MS;
    while (partitions && (there = messages_in(rk, argv[2], partitions)) < wanted &&
           clock_ms() < end_ms)
        (void)nanosleep(&pause, NULL);
    int64_t now_ms = clock_unix_ms();
    if (rk)
        rd_kafka_destroy(rk);
    if (there < wanted)
        return fprintf(stderr, "await: %s has %lld messages, not %lld\n", argv[2],
                       (long long)there, (long long)wanted),
               EXIT_FAILURE;
    (void)printf("%lld\n", (long long)now_ms);
    return EXIT_SUCCESS;
}
