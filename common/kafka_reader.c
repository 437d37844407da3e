/* SPDX-License-Identifier: MIT */
#include "common/kafka_reader.h"

#include "common/clock.h"
#include "common/kafka_client.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { CALL_MS = 30000, SILENCE_MS = 30000, PREFETCH_KB = 16384 };

struct kafka_reader {
    rd_kafka_t *rk;
    struct str brokers;
    char topic[TOPIC_MAX_BYTES];
    struct kafka_range *ranges; /* `from` moves on to `until` */
    size_t count;
    int64_t silent_ms; /* waited for Kafka since it last said anything */
};

static bool unavailable(struct str brokers, const char *topic, rd_kafka_resp_err_t code,
                        struct err *err)
{
    return err_stop(err, EX_UNAVAILABLE, "Kafka at " STR_FMT ": %s: %s", STR_ARG(brokers),
                    topic, rd_kafka_err2str(code));
}

/* Of readers, which are assigned by hand: librdkafka asks for a group's name and does not use it. */
#define NO_GROUP STR("muster-reader")

static rd_kafka_t *open_client(const struct kafka_settings *s, struct str group,
                               struct err *err)
{
    struct kafka_conf c = kafka_conf_new(s);
    kafka_conf_set_int(&c, "log_level", 0); /* what goes wrong is said by the call */
    kafka_conf_set(&c, "group.id", group);
    kafka_conf_set(&c, "enable.auto.commit", STR("false"));
    kafka_conf_set(&c, "enable.partition.eof", STR("true"));
    kafka_conf_set(&c, "auto.offset.reset", STR("earliest"));
    kafka_conf_set_int(&c, "queued.max.messages.kbytes", PREFETCH_KB);
    kafka_conf_set_int(&c, "fetch.queue.backoff.ms", 10);
    return kafka_client_new(RD_KAFKA_CONSUMER, &c, err);
}

/* --- what is kept --- */

/* The first offset at or after a time, in each partition; the end where all is older. */
static rd_kafka_resp_err_t find_times(rd_kafka_t *rk, const char *topic, int64_t since_unix_ms,
                                      struct kafka_range *rows, int32_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int32_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = since_unix_ms;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(rk, list, CALL_MS);
    for (int i = 0; i < list->cnt && !code; i++) {
        struct kafka_range *row = &rows[list->elems[i].partition];
        int64_t offset = list->elems[i].offset;
        if (offset < 0 || offset > row->until)
            row->from = row->until;
        else if (offset > row->from)
            row->from = offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

bool kafka_kept(const struct kafka_settings *s, const char *topic, int64_t since_unix_ms,
                struct arena *arena, struct kafka_range **out, size_t *out_count,
                struct err *err)
{
    char name[TOPIC_MAX_BYTES];
    int32_t count;
    if (!kafka_partitions(s, topic, &count, err))
        return false;
    rd_kafka_t *rk = open_client(s, NO_GROUP, err);
    if (!rk)
        return false;
    kafka_topic_name(s, topic, name);
    struct kafka_range *rows = ARENA_ARRAY(arena, struct kafka_range, (size_t)count);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int32_t i = 0; i < count && !code; i++) {
        rows[i].partition = i;
        code = rd_kafka_query_watermark_offsets(rk, name, i, &rows[i].from, &rows[i].until,
                                                CALL_MS);
    }
    if (!code && since_unix_ms > 0)
        code = find_times(rk, name, since_unix_ms, rows, count);
    rd_kafka_destroy(rk);
    if (code)
        return unavailable(s->brokers, name, code, err);
    *out = rows;
    *out_count = (size_t)count;
    return true;
}

int64_t kafka_range_total(const struct kafka_range *ranges, size_t count)
{
    int64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += ranges[i].until > ranges[i].from ? ranges[i].until - ranges[i].from : 0;
    return total;
}

/* --- reading --- */

static rd_kafka_resp_err_t assign(struct kafka_reader *r)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)r->count ? (int)r->count : 1);
    for (size_t i = 0; i < r->count; i++)
        if (r->ranges[i].from < r->ranges[i].until)
            rd_kafka_topic_partition_list_add(list, r->topic, r->ranges[i].partition)->offset =
                r->ranges[i].from;
    rd_kafka_resp_err_t code = rd_kafka_assign(r->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

struct kafka_reader *kafka_reader_open(const struct kafka_settings *s, const char *topic,
                                       const struct kafka_range *ranges, size_t count,
                                       struct err *err)
{
    struct kafka_reader *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    r->ranges = calloc(count ? count : 1, sizeof *r->ranges);
    if (!r->ranges)
        abort();
    if (count)
        memcpy(r->ranges, ranges, count * sizeof *ranges);
    r->count = count;
    r->brokers = s->brokers;
    kafka_topic_name(s, topic, r->topic);
    r->rk = open_client(s, NO_GROUP, err);
    rd_kafka_resp_err_t code = r->rk ? assign(r) : RD_KAFKA_RESP_ERR__FAIL;
    if (!code)
        return r;
    if (r->rk)
        (void)unavailable(s->brokers, r->topic, code, err);
    kafka_reader_close(r);
    return NULL;
}

void kafka_reader_close(struct kafka_reader *r)
{
    if (!r)
        return;
    if (r->rk)
        rd_kafka_destroy(r->rk);
    free(r->ranges);
    free(r);
}

/* Everything before `offset` of this partition is read, or is not there. */
static void move_on(struct kafka_reader *r, int32_t partition, int64_t offset)
{
    for (size_t i = 0; i < r->count; i++) {
        struct kafka_range *range = &r->ranges[i];
        if (range->partition == partition && offset > range->from)
            range->from = offset < range->until ? offset : range->until;
    }
    r->silent_ms = 0;
}

static bool is_wanted(const struct kafka_reader *r, const rd_kafka_message_t *m)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->ranges[i].partition == m->partition)
            return m->offset >= r->ranges[i].from && m->offset < r->ranges[i].until;
    return false;
}

/* An error, the end of a partition, or a message behind the range: all but what the caller wants. */
static bool pass_over(struct kafka_reader *r, rd_kafka_message_t *m, struct err *err)
{
    bool ok = true;
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        move_on(r, m->partition, INT64_MAX);
    else if (!m->err)
        move_on(r, m->partition, m->offset);
    else if (m->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        ok = unavailable(r->brokers, r->topic, m->err, err);
    rd_kafka_message_destroy(m);
    return ok;
}

bool kafka_reader_take(struct kafka_reader *r, int timeout_ms, struct kafka_message *out,
                       bool *out_taken, struct err *err)
{
    int64_t end_ms = clock_ms() + timeout_ms;
    *out_taken = false;
    while (!kafka_reader_is_done(r)) {
        int64_t now_ms = clock_ms();
        rd_kafka_message_t *m =
            rd_kafka_consumer_poll(r->rk, now_ms < end_ms ? (int)(end_ms - now_ms) : 0);
        if (!m) {
            r->silent_ms += clock_ms() - now_ms;
            return r->silent_ms < SILENCE_MS ||
                   unavailable(r->brokers, r->topic, RD_KAFKA_RESP_ERR__TIMED_OUT, err);
        }
        if (!m->err && is_wanted(r, m)) {
            move_on(r, m->partition, m->offset + 1);
            kafka_message_of(m, out);
            *out_taken = true;
            return true;
        }
        if (!pass_over(r, m, err))
            return false;
    }
    return true;
}

bool kafka_reader_is_done(const struct kafka_reader *r)
{
    return kafka_reader_left(r) == 0;
}

int64_t kafka_reader_left(const struct kafka_reader *r)
{
    return kafka_range_total(r->ranges, r->count);
}

/* --- a group's place --- */

static rd_kafka_resp_err_t commit(rd_kafka_t *rk, const char *topic,
                                  const struct kafka_range *ranges, size_t count,
                                  const struct kafka_lag *now)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(count ? (int)count : 1);
    for (size_t i = 0; i < count; i++)
        if (ranges[i].from > now[ranges[i].partition].committed)
            rd_kafka_topic_partition_list_add(list, topic, ranges[i].partition)->offset =
                ranges[i].from;
    rd_kafka_resp_err_t code =
        list->cnt ? rd_kafka_commit(rk, list, 0) : RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

bool kafka_set_group(const struct kafka_settings *s, const char *topic, const char *group,
                     const struct kafka_range *ranges, size_t count, struct err *err)
{
    char name[TOPIC_MAX_BYTES];
    int32_t members = 0, partitions = 0;
    struct kafka_lag *now = NULL;
    arena_auto arena = {0};
    if (!kafka_group_members(s, group, &members, err) || members)
        return false;
    if (!kafka_partitions(s, topic, &partitions, err) ||
        !kafka_lags(s, topic, group, partitions, &arena, &now, err))
        return false;
    rd_kafka_t *rk = open_client(s, str_of(group), err);
    if (!rk)
        return false;
    kafka_topic_name(s, topic, name);
    rd_kafka_resp_err_t code = commit(rk, name, ranges, count, now);
    rd_kafka_destroy(rk);
    return !code || unavailable(s->brokers, name, code, err);
}
