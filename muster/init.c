/* SPDX-License-Identifier: MIT */
#include "muster/layout.h"
#include "muster/muster.h"
#include "muster/numbers.h"
#include "muster/report.h"
#include "muster/sync.h"

#include <stdio.h>
#include <sysexits.h>

enum {
    PAGE_MAX_BYTES = (64 << 20) + (1 << 20),
    TASK_MAX_BYTES = 1 << 20,
    LEASES_KEPT = 3,
    INDEX_MS = 3600 * 1000
};
enum { INDEX_OPTIONS_CONFLICT = 85, INDEX_KEYS_CONFLICT = 86, NAMESPACE_EXISTS = 48 };

/* --- topics --- */

static bool make_topic(struct muster *m, const struct kafka_topic *topic,
                       int32_t *out_partitions, struct report *report, struct err *err)
{
    int created = 0;
    int copies = m->settings.replication ? (int)m->settings.replication : -1;
    if (!kafka_create_topics(&m->kafka, topic, 1, copies, &created, err))
        return false;
    *out_partitions = topic->partitions;
    if (!created && !kafka_partitions(&m->kafka, topic->name, out_partitions, err))
        return false;
    if (created)
        report_line(report, "topic " STR_FMT ".%s: made, partitions %d, kept %s",
                    STR_ARG(m->kafka.topics), topic->name, (int)topic->partitions,
                    topic->retention_ms < 0 ? "for ever" : "for a time");
    return true;
}

static bool make_topics(struct muster *m, int32_t *out_lanes, struct report *report,
                        struct err *err)
{
    const struct muster_settings *s = &m->settings;
    const struct kafka_topic topics[] = {
        {"tasks", (int32_t)s->lanes, s->lease_ms * LEASES_KEPT, TASK_MAX_BYTES},
        {"pages", (int32_t)s->page_partitions, s->retention_ms ? s->retention_ms : -1,
         PAGE_MAX_BYTES},
        {"rejects", 1, -1, PAGE_MAX_BYTES},
        {"changes", (int32_t)s->page_partitions,
         s->changes_retention_ms ? s->changes_retention_ms : -1, PAGE_MAX_BYTES},
    };
    int32_t ignored = 0;
    return make_topic(m, &topics[0], out_lanes, report, err) &&
           make_topic(m, &topics[1], &ignored, report, err) &&
           make_topic(m, &topics[2], &ignored, report, err) &&
           make_topic(m, &topics[3], &ignored, report, err);
}

/* --- collections and indexes --- */

/* Explicitly, as a transaction cannot on every version. */
static bool make_collection(struct muster *m, struct str name, struct report *report,
                            struct err *err)
{
    bson_auto command = BSON_INITIALIZER;
    bson_auto reply = BSON_INITIALIZER;
    bson_error_t error = {0};
    doc_put_str(&command, "create", name);
    if (mongoc_database_command_simple(m->mongo.database, &command, NULL, &reply, &error)) {
        report_line(report, "collection " STR_FMT ": made", STR_ARG(name));
        return true;
    }
    return error.code == NAMESPACE_EXISTS ||
           mongo_error("make a collection", &error, &reply, err);
}

static void append_index(bson_t *list, const struct index_spec *spec)
{
    bson_t index, keys;
    struct str rest = spec->keys;
    BSON_APPEND_DOCUMENT_BEGIN(list, "0", &index);
    doc_put_str(&index, "name", spec->name);
    BSON_APPEND_DOCUMENT_BEGIN(&index, "key", &keys);
    while (rest.len) {
        struct str path = str_cut(&rest, ',');
        bson_append_int32(&keys, path.ptr, (int)path.len, 1);
    }
    bson_append_document_end(&index, &keys);
    if (spec->unique)
        BSON_APPEND_BOOL(&index, "unique", true);
    if (spec->sparse)
        BSON_APPEND_BOOL(&index, "sparse", true);
    if (spec->partial) {
        bson_auto partial = BSON_INITIALIZER;
        if (bson_init_from_json(&partial, spec->partial, -1, NULL))
            BSON_APPEND_DOCUMENT(&index, "partialFilterExpression", &partial);
    }
    bson_append_document_end(list, &index);
}

static bool create_index(struct muster *m, const struct index_spec *spec, bson_t *reply,
                         bson_error_t *error)
{
    bson_auto command = BSON_INITIALIZER;
    bson_t list;
    doc_put_str(&command, "createIndexes", spec->collection);
    BSON_APPEND_ARRAY_BEGIN(&command, "indexes", &list);
    append_index(&list, spec);
    bson_append_array_end(&command, &list);
    BSON_APPEND_INT32(&command, "maxTimeMS", INDEX_MS);
    return mongoc_database_command_simple(m->mongo.database, &command, NULL, reply, error);
}

/* An index of that name with other keys is of an older model. */
static bool drop_index(struct muster *m, const struct index_spec *spec, struct err *err)
{
    bson_auto command = BSON_INITIALIZER;
    bson_t reply;
    doc_put_str(&command, "dropIndexes", spec->collection);
    doc_put_str(&command, "index", spec->name);
    if (!mongo_command(&m->mongo, &command, &reply, "drop an index", err))
        return false;
    bson_destroy(&reply);
    return true;
}

static bool make_index(struct muster *m, const struct index_spec *spec, struct report *report,
                       struct err *err)
{
    bson_error_t error = {0};
    bson_t reply;
    int64_t before = 0, after = 0;
    bool ok = create_index(m, spec, &reply, &error);
    if (!ok && (error.code == INDEX_OPTIONS_CONFLICT || error.code == INDEX_KEYS_CONFLICT)) {
        bson_destroy(&reply);
        if (!drop_index(m, spec, err))
            return false;
        ok = create_index(m, spec, &reply, &error);
    }
    if (!ok)
        mongo_error("make an index", &error, &reply, err);
    else if (doc_int(&reply, "numIndexesBefore", &before) &&
             doc_int(&reply, "numIndexesAfter", &after) && after > before)
        report_line(report, "index " STR_FMT "." STR_FMT ": made, on " STR_FMT,
                    STR_ARG(spec->collection), STR_ARG(spec->name), STR_ARG(spec->keys));
    bson_destroy(&reply);
    return ok;
}

static bool make_collections(struct muster *m, struct report *report, struct err *err)
{
    struct layout l = layout_make(m->providers.models, m->providers.model_count, &m->arena);
    for (size_t i = 0; i < l.collection_count; i++)
        if (!make_collection(m, l.collections[i], report, err))
            return false;
    for (size_t i = 0; i < l.index_count; i++)
        if (!make_index(m, &l.indexes[i], report, err))
            return false;
    return true;
}

/* --- the command --- */

static bool check_settings(const struct muster_settings *s, struct err *err)
{
    enum { PARTITIONS_MAX = 10000 };
    if (s->lanes < 1 || s->lanes > PARTITIONS_MAX || s->page_partitions < 1 ||
        s->page_partitions > PARTITIONS_MAX)
        return err_stop(err, EX_CONFIG,
                        "lanes and page-partitions: numbers from 1 to %d are expected",
                        PARTITIONS_MAX);
    return s->lease_ms >= 1000 || err_stop(err, EX_CONFIG, "lease: at least 1s is expected");
}

bool init_run(struct muster *m, struct err *err)
{
    report_auto report;
    int32_t lanes = 0;
    report_init(&report, m->settings.json);
    if (!check_settings(&m->settings, err) || !make_topics(m, &lanes, &report, err) ||
        !make_collections(m, &report, err) || !numbers_give_lanes(m, lanes, &report, err) ||
        !numbers_give_maps(m, &report, err) || !links_sync(m, &report, err))
        return false;
    report_end(&report, "nothing to do: all is there");
    return true;
}
