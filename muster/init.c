/* SPDX-License-Identifier: MIT */
#include "muster/collections.h"
#include "muster/muster.h"
#include "muster/numbers.h"
#include "muster/report.h"
#include "muster/sync.h"

#include <stdio.h>
#include <sysexits.h>

enum { PAGE_MAX_BYTES = (64 << 20) + (1 << 20), TASK_MAX_BYTES = 1 << 20, LEASES_KEPT = 3 };

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
        !collections_make(m, &report, err) || !numbers_give_lanes(m, lanes, &report, err) ||
        !numbers_give_maps(m, &report, err) || !links_sync(m, &report, err))
        return false;
    report_end(&report, "nothing to do: all is there");
    return true;
}
