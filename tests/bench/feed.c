/* SPDX-License-Identifier: MIT */
/*
 * Fills topics for the bench:
 *
 *   feed pages RECORDS PER_PAGE GEN SEEN   run GEN of the link crowdstrike/hosts, as the fetcher publishes it
 *   feed records RECORDS                   the same records, one message each, for Kafka Connect
 *   feed tasks COUNT STREAM LANE           tasks of one page each, as the producer publishes them
 *
 * The broker and the topics' prefix are MUSTER_KAFKA and MUSTER_TOPICS. It uses Muster's own modules, so that what the
 * stages get is what they get in earnest.
 */
#include "common/clock.h"
#include "common/kafka.h"
#include "tests/bench/hosts.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX_BYTES = 64 << 20, FLUSH_MS = 600000, POLL_MS = 100 };

struct feed {
    struct kafka_settings kafka;
    struct kafka_producer *producer;
    int32_t partitions; /* of the topic that is filled */
    struct arena arena; /* of one message */
    struct err failure;
};

static void on_delivered(void *context, void *ticket, const struct err *failure)
{
    struct feed *f = context;
    (void)ticket;
    if (failure)
        f->failure = *failure;
}

static bool feed_open(struct feed *f, struct err *err)
{
    const char *brokers = getenv("MUSTER_KAFKA"), *topics = getenv("MUSTER_TOPICS");
    if (!brokers || !topics)
        return err_set(err, ERR_FATAL, "MUSTER_KAFKA and MUSTER_TOPICS must be set");
    f->kafka = (struct kafka_settings){.brokers = str_of(brokers),
                                       .topics = str_of(topics),
                                       .client = STR("bench-feed"),
                                       .message_max_bytes = PAGE_MAX_BYTES};
    f->producer = kafka_producer_open(&f->kafka, on_delivered, f, err);
    return f->producer != NULL;
}

static void feed_close(struct feed *f)
{
    kafka_producer_close(f->producer);
    arena_done(&f->arena);
}

/* Waits for room in the queue. */
static bool send(struct feed *f, const char *topic, int32_t partition, struct str key,
                 struct str value, const struct header *headers, size_t count, struct err *err)
{
    while (!kafka_send(f->producer, topic, partition, key, value, headers, count, NULL, err)) {
        if (err->kind != ERR_RETRY)
            return false;
        err_clear(err);
        kafka_producer_poll(f->producer, POLL_MS);
    }
    kafka_producer_poll(f->producer, 0);
    arena_reset(&f->arena);
    return true;
}

static bool flush(struct feed *f, struct err *err)
{
    kafka_producer_flush(f->producer, FLUSH_MS);
    if (f->failure.kind)
        *err = f->failure;
    return !f->failure.kind;
}

/* --- pages --- */

static bool write_page(uint64_t first, uint64_t end, const char *seen, struct buf *out)
{
    buf_reset(out);
    bool ok = buf_add(out, STR("["));
    for (uint64_t n = first; ok && n < end; n++)
        ok = (n == first || buf_add(out, STR(","))) && host_write(n, seen, out);
    return ok && buf_add(out, STR("]"));
}

static bool send_page(struct feed *f, int64_t gen, int64_t page, bool final, struct str body,
                      struct err *err)
{
    struct header headers[HEADERS_MAX];
    struct page_head head = {.stream = STR("crowdstrike/hosts"),
                             .link = STR("crowdstrike/hosts"),
                             .params = STR("{}"),
                             .gen = gen,
                             .run = gen,
                             .prev = gen - 1,
                             .page = page,
                             .final = final,
                             .map = 1,
                             .outcome = OUTCOME_OK,
                             .status = 200,
                             .url = STR("https://api.example.com/devices"),
                             .type = STR("application/json"),
                             .time_ms = clock_unix_ms(),
                             .took_ms = 1};
    if (!EVP_Digest(body.ptr, body.len, head.sha256, NULL, EVP_sha256(), NULL))
        return err_set(err, ERR_FATAL, "SHA-256 failed");
    size_t count = page_encode(&head, &f->arena, headers);
    return send(f, "pages", page_partition(head.link, page, f->partitions),
                page_key(&head, &f->arena), body, headers, count, err);
}

static bool feed_pages(struct feed *f, uint64_t records, uint64_t per_page, int64_t gen,
                       const char *seen, struct err *err)
{
    buf_auto body;
    buf_init(&body, PAGE_MAX_BYTES);
    if (!kafka_partitions(&f->kafka, "pages", &f->partitions, err))
        return false;
    int64_t page = 0;
    for (uint64_t n = 0; n < records; n += per_page, page++) {
        uint64_t end = n + per_page < records ? n + per_page : records;
        if (!write_page(n, end, seen, &body))
            return err_set(err, ERR_FATAL, "a page is over %d bytes", PAGE_MAX_BYTES);
        if (!send_page(f, gen, page, end == records, buf_str(&body), err))
            return false;
    }
    return flush(f, err);
}

/* --- records --- */

static bool feed_records(struct feed *f, uint64_t records, struct err *err)
{
    const struct kafka_topic topic = {"records", 1, -1, 1 << 20};
    int ignored = 0;
    buf_auto body;
    buf_init(&body, PAGE_MAX_BYTES);
    if (!kafka_create_topics(&f->kafka, &topic, 1, -1, &ignored, err))
        return false;
    for (uint64_t n = 0; n < records; n++) {
        buf_reset(&body);
        if (!host_write(n, "2025-01-30T10:00:00Z", &body))
            return err_set(err, ERR_FATAL, "a record is over %d bytes", PAGE_MAX_BYTES);
        if (!send(f, "records", 0, (struct str){0}, buf_str(&body), NULL, 0, err))
            return false;
    }
    return flush(f, err);
}

/* --- tasks --- */

static bool feed_tasks(struct feed *f, int64_t count, struct str stream, int32_t lane,
                       struct err *err)
{
    buf_auto text;
    buf_init(&text, PAGE_MAX_BYTES);
    for (int64_t n = 0; n < count; n++) {
        struct task task = {.stream = stream, .gen = 1, .run = 1, .map = 1};
        task.params = arena_format(&f->arena, "{\"n\":\"%lld\"}", (long long)n);
        task.link = arena_format(&f->arena, STR_FMT "?n=%lld", STR_ARG(stream), (long long)n);
        buf_reset(&text);
        if (!task_encode(&task, &text, err) ||
            !send(f, "tasks", lane, task.link, buf_str(&text), NULL, 0, err))
            return false;
    }
    return flush(f, err);
}

/* --- --- */

static bool run(struct feed *f, int argc, char **argv, struct err *err)
{
    if (argc == 6 && !strcmp(argv[1], "pages"))
        return feed_pages(f, strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10),
                          strtoll(argv[4], NULL, 10), argv[5], err);
    if (argc == 3 && !strcmp(argv[1], "records"))
        return feed_records(f, strtoull(argv[2], NULL, 10), err);
    if (argc == 5 && !strcmp(argv[1], "tasks"))
        return feed_tasks(f, strtoll(argv[2], NULL, 10), str_of(argv[3]),
                          (int32_t)strtol(argv[4], NULL, 10), err);
    return err_set(err, ERR_FATAL, "usage: see the top of tests/bench/feed.c");
}

int main(int argc, char **argv)
{
    struct feed f = {0};
    struct err err = {0};
    bool ok = feed_open(&f, &err) && run(&f, argc, argv, &err);
    feed_close(&f);
    if (!ok)
        (void)fprintf(stderr, "feed: %s\n", err.text);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
