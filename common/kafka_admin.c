/* SPDX-License-Identifier: MIT */
/*
 * Questions to the cluster and the making of topics. Each call opens a client of its own: they are rare, and a consumer
 * type never makes a topic by asking for it.
 */
#include "common/kafka_client.h"

#include "common/clock.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { CALL_MS = 10000, PASSING_MS = 100 };

static void close_client(rd_kafka_t **rk)
{
    if (*rk)
        rd_kafka_destroy(*rk);
}
#define client_auto __attribute__((cleanup(close_client))) rd_kafka_t

static rd_kafka_t *open_client(const struct kafka_settings *s, const char *group,
                               struct err *err)
{
    struct kafka_conf c = kafka_conf_new(s);
    kafka_conf_set_int(&c, "log_level", 0); /* what goes wrong is said by the call */
    kafka_conf_set(&c, "group.id", str_of(group));
    kafka_conf_set(&c, "enable.auto.commit", STR("false"));
    kafka_conf_set(&c, "auto.offset.reset", STR("error"));
    return kafka_client_new(RD_KAFKA_CONSUMER, &c, err);
}

static bool unavailable(const struct kafka_settings *s, const char *what,
                        rd_kafka_resp_err_t code, struct err *err)
{
    return err_stop(err, EX_UNAVAILABLE, "Kafka at " STR_FMT ": %s: %s", STR_ARG(s->brokers),
                    what, rd_kafka_err2str(code));
}

bool kafka_wait_ready(const struct kafka_settings *s, int64_t timeout_ms, struct err *err)
{
    int64_t start_ms = clock_ms();
    client_auto *rk = open_client(s, "muster", err);
    const struct rd_kafka_metadata *cluster = NULL;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (!rk)
        return false;
    for (int64_t left_ms = timeout_ms; left_ms > 0 && code;
         left_ms = timeout_ms - (clock_ms() - start_ms))
        code = rd_kafka_metadata(rk, 1, NULL, &cluster, left_ms < 1000 ? (int)left_ms : 1000);
    if (code)
        return err_stop(
            err, EX_UNAVAILABLE, "Kafka at " STR_FMT " did not answer within %lld s: %s",
            STR_ARG(s->brokers), (long long)(timeout_ms / 1000), rd_kafka_err2str(code));
    rd_kafka_metadata_destroy(cluster);
    return true;
}

/* 0 when there is no such topic. */
static rd_kafka_resp_err_t count_partitions(rd_kafka_t *rk, const char *name,
                                            int32_t *out_count)
{
    const struct rd_kafka_metadata *found = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, 0, topic, &found, CALL_MS);
    rd_kafka_topic_destroy(topic);
    if (code)
        return code;
    *out_count =
        found->topic_cnt == 1 && !found->topics[0].err ? found->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(found);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool kafka_partitions(const struct kafka_settings *s, const char *topic, int32_t *out_count,
                      struct err *err)
{
    char name[TOPIC_MAX_BYTES];
    int32_t count = 0;
    client_auto *rk = open_client(s, "muster", err);
    if (!rk)
        return false;
    kafka_topic_name(s, topic, name);
    rd_kafka_resp_err_t code = count_partitions(rk, name, &count);
    if (code)
        return unavailable(s, name, code, err);
    if (count == 0)
        return err_stop(err, EX_UNAVAILABLE, "there is no topic %s: run muster init", name);
    *out_count = count;
    return true;
}

/* The answer to an admin call, or NULL with the reason. */
static rd_kafka_event_t *wait_event(const struct kafka_settings *s, rd_kafka_queue_t *queue,
                                    const char *what, struct err *err)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, CALL_MS * 2);
    rd_kafka_resp_err_t code =
        event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (!code)
        return event;
    (void)unavailable(s, what, code, err);
    if (event)
        rd_kafka_event_destroy(event);
    return NULL;
}

static void close_queue(rd_kafka_queue_t **queue)
{
    rd_kafka_queue_destroy(*queue);
}
#define queue_auto __attribute__((cleanup(close_queue))) rd_kafka_queue_t

struct topic_settings {
    char retention[24], size[24];
};

static struct topic_settings settings_text(const struct kafka_topic *t)
{
    struct topic_settings text;
    (void)snprintf(text.retention, sizeof text.retention, "%lld", (long long)t->retention_ms);
    (void)snprintf(text.size, sizeof text.size, "%lld", (long long)t->max_message_bytes);
    return text;
}

static bool create_topic(rd_kafka_t *rk, const struct kafka_settings *s,
                         const struct kafka_topic *t, int replication, bool *out_created,
                         struct err *err)
{
    char name[TOPIC_MAX_BYTES], problem[256];
    queue_auto *queue = rd_kafka_queue_new(rk);
    kafka_topic_name(s, t->name, name);
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(name, t->partitions, replication, problem, sizeof problem);
    if (!topic)
        return err_stop(err, EX_CONFIG, "topic %s: %s", name, problem);
    struct topic_settings text = settings_text(t);
    (void)rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "delete");
    (void)rd_kafka_NewTopic_set_config(topic, "retention.ms", text.retention);
    (void)rd_kafka_NewTopic_set_config(topic, "max.message.bytes", text.size);
    rd_kafka_CreateTopics(rk, &topic, 1, NULL, queue);
    rd_kafka_NewTopic_destroy(topic);

    rd_kafka_event_t *event = wait_event(s, queue, name, err);
    if (!event)
        return false;
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
    bool exists = code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
    bool ok = !code || exists ||
              err_stop(err, EX_UNAVAILABLE, "topic %s: %s", name,
                       rd_kafka_topic_result_error_string(results[0]));
    rd_kafka_event_destroy(event);
    *out_created = ok && !exists;
    return ok;
}

static bool is_ours(const char *name)
{
    return strcmp(name, "retention.ms") == 0 || strcmp(name, "max.message.bytes") == 0;
}

/* AlterConfigs replaces all of a topic's own settings, so those that an operator has made go along. */
static bool keep_settings(rd_kafka_t *rk, const struct kafka_settings *s,
                          rd_kafka_ConfigResource_t *resource, struct err *err)
{
    queue_auto *queue = rd_kafka_queue_new(rk);
    rd_kafka_DescribeConfigs(rk, &resource, 1, NULL, queue);
    rd_kafka_event_t *event = wait_event(s, queue, rd_kafka_ConfigResource_name(resource), err);
    if (!event)
        return false;
    size_t count, entry_count = 0;
    const rd_kafka_ConfigResource_t **found = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    const rd_kafka_ConfigEntry_t **entries =
        rd_kafka_ConfigResource_configs(found[0], &entry_count);
    for (size_t i = 0; i < entry_count; i++) {
        const char *name = rd_kafka_ConfigEntry_name(entries[i]);
        if (rd_kafka_ConfigEntry_source(entries[i]) ==
                RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG &&
            !is_ours(name))
            (void)rd_kafka_ConfigResource_set_config(resource, name,
                                                     rd_kafka_ConfigEntry_value(entries[i]));
    }
    rd_kafka_event_destroy(event);
    return true;
}

static bool alter_topic(rd_kafka_t *rk, const struct kafka_settings *s,
                        const struct kafka_topic *t, struct err *err)
{
    char name[TOPIC_MAX_BYTES];
    queue_auto *queue = rd_kafka_queue_new(rk);
    kafka_topic_name(s, t->name, name);
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
    struct topic_settings text = settings_text(t);
    bool ok = keep_settings(rk, s, resource, err);
    if (ok) {
        (void)rd_kafka_ConfigResource_set_config(resource, "retention.ms", text.retention);
        (void)rd_kafka_ConfigResource_set_config(resource, "max.message.bytes", text.size);
        rd_kafka_AlterConfigs(rk, &resource, 1, NULL, queue);
    }
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_event_t *event = ok ? wait_event(s, queue, name, err) : NULL;
    if (!event)
        return false;
    size_t count;
    const rd_kafka_ConfigResource_t **results = rd_kafka_AlterConfigs_result_resources(
        rd_kafka_event_AlterConfigs_result(event), &count);
    rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(results[0]);
    ok = !code || err_stop(err, EX_UNAVAILABLE, "topic %s: %s", name,
                           rd_kafka_ConfigResource_error_string(results[0]));
    rd_kafka_event_destroy(event);
    return ok;
}

/* The controller has it at once, the brokers a moment later: whoever starts next must find it. */
static bool wait_for_topic(rd_kafka_t *rk, const struct kafka_settings *s,
                           const struct kafka_topic *t, struct err *err)
{
    char name[TOPIC_MAX_BYTES];
    int32_t count = 0;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    kafka_topic_name(s, t->name, name);
    for (int64_t end_ms = clock_ms() + CALL_MS; count == 0 && !code && clock_ms() < end_ms;) {
        code = count_partitions(rk, name, &count);
        if (count == 0)
            (void)rd_kafka_poll(rk, 20);
    }
    return count > 0 || unavailable(s, name, code ? code : RD_KAFKA_RESP_ERR__TIMED_OUT, err);
}

bool kafka_create_topics(const struct kafka_settings *s, const struct kafka_topic *topics,
                         size_t count, int replication, int *out_created, struct err *err)
{
    client_auto *rk = open_client(s, "muster", err);
    int created = 0;
    if (!rk)
        return false;
    for (size_t i = 0; i < count; i++) {
        bool is_new = false;
        if (!create_topic(rk, s, &topics[i], replication, &is_new, err) ||
            !(is_new ? wait_for_topic(rk, s, &topics[i], err)
                     : alter_topic(rk, s, &topics[i], err)))
            return false;
        created += is_new;
    }
    *out_created = created;
    return true;
}

/* A group's coordinator is just being found, or reads what it has to know: it says so, and has the answer a moment later. */
static bool is_passing(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR ||
           code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
}

static bool read_committed(rd_kafka_t *rk, const struct kafka_settings *s, const char *topic,
                           int32_t partitions, struct kafka_lag *rows, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    rd_kafka_topic_partition_list_add_range(list, topic, 0, partitions - 1);
    int64_t end_ms = clock_ms() + CALL_MS;
    rd_kafka_resp_err_t code = rd_kafka_committed(rk, list, CALL_MS);
    while (is_passing(code) && clock_ms() < end_ms) {
        (void)rd_kafka_poll(rk, PASSING_MS);
        code = rd_kafka_committed(rk, list, CALL_MS);
    }
    for (int i = 0; i < list->cnt && !code; i++)
        rows[i].committed = list->elems[i].offset >= 0 ? list->elems[i].offset : -1;
    rd_kafka_topic_partition_list_destroy(list);
    return !code || unavailable(s, topic, code, err);
}

bool kafka_lags(const struct kafka_settings *s, const char *topic, const char *group,
                int32_t partitions, struct arena *arena, struct kafka_lag **out,
                struct err *err)
{
    char name[TOPIC_MAX_BYTES];
    client_auto *rk = open_client(s, group, err);
    struct kafka_lag *rows = ARENA_ARRAY(arena, struct kafka_lag, (size_t)partitions);
    if (!rk)
        return false;
    kafka_topic_name(s, topic, name);
    if (!read_committed(rk, s, name, partitions, rows, err))
        return false;
    for (int32_t i = 0; i < partitions; i++) {
        struct kafka_lag *row = &rows[i];
        row->partition = i;
        rd_kafka_resp_err_t code =
            rd_kafka_query_watermark_offsets(rk, name, i, &row->first, &row->next, CALL_MS);
        if (code)
            return unavailable(s, name, code, err);
        int64_t from = row->committed > row->first ? row->committed : row->first;
        row->lag = row->next > from ? row->next - from : 0;
    }
    *out = rows;
    return true;
}

static bool count_members(rd_kafka_t *rk, const struct kafka_settings *s, const char *group,
                          int32_t *out_members, rd_kafka_resp_err_t *out_code, struct err *err)
{
    queue_auto *queue = rd_kafka_queue_new(rk);
    rd_kafka_DescribeConsumerGroups(rk, &group, 1, NULL, queue);
    rd_kafka_event_t *event = wait_event(s, queue, group, err);
    if (!event)
        return false;
    size_t count = 0;
    const rd_kafka_ConsumerGroupDescription_t **groups =
        rd_kafka_DescribeConsumerGroups_result_groups(
            rd_kafka_event_DescribeConsumerGroups_result(event), &count);
    const rd_kafka_error_t *error = rd_kafka_ConsumerGroupDescription_error(groups[0]);
    rd_kafka_resp_err_t code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (code == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
        code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!code)
        *out_members =
            error ? 0 : (int32_t)rd_kafka_ConsumerGroupDescription_member_count(groups[0]);
    rd_kafka_event_destroy(event);
    *out_code = code;
    return true;
}

bool kafka_group_members(const struct kafka_settings *s, const char *group,
                         int32_t *out_members, struct err *err)
{
    client_auto *rk = open_client(s, "muster", err);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    int64_t end_ms = clock_ms() + CALL_MS;
    if (!rk || !count_members(rk, s, group, out_members, &code, err))
        return false;
    while (is_passing(code) && clock_ms() < end_ms) {
        (void)rd_kafka_poll(rk, PASSING_MS);
        if (!count_members(rk, s, group, out_members, &code, err))
            return false;
    }
    return !code || unavailable(s, group, code, err);
}

/* Is the offset among those that are kept? */
static bool check_offset(rd_kafka_t *rk, const struct kafka_settings *s, const char *topic,
                         int32_t partition, int64_t offset, struct err *err)
{
    int64_t first, next;
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(rk, topic, partition, &first, &next, CALL_MS);
    if (code)
        return unavailable(s, topic, code, err);
    return (offset >= first && offset < next) ||
           err_set(err, ERR_REJECT, "%s[%d]@%lld is not kept (there are %lld to %lld)", topic,
                   (int)partition, (long long)offset, (long long)first, (long long)next - 1);
}

/* NULL with the reason. */
static rd_kafka_message_t *read_at(rd_kafka_t *rk, const struct kafka_settings *s,
                                   const char *topic, int32_t partition, int64_t offset,
                                   struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    rd_kafka_resp_err_t code = rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_message_t *m = code ? NULL : rd_kafka_consumer_poll(rk, CALL_MS);
    if (m && !m->err && m->offset == offset)
        return m;
    code = code ? code : m ? m->err : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (m)
        rd_kafka_message_destroy(m);
    (void)unavailable(s, topic, code, err);
    return NULL;
}

bool kafka_read_one(const struct kafka_settings *s, const char *topic, int32_t partition,
                    int64_t offset, struct kafka_message *out, struct err *err)
{
    char name[TOPIC_MAX_BYTES];
    client_auto *rk = open_client(s, "muster", err);
    if (!rk)
        return false;
    kafka_topic_name(s, topic, name);
    if (!check_offset(rk, s, name, partition, offset, err))
        return false;
    rd_kafka_message_t *m = read_at(rk, s, name, partition, offset, err);
    if (!m)
        return false;
    kafka_message_of(m, out);
    out->client = rk;
    rk = NULL; /* goes with the message */
    return true;
}
