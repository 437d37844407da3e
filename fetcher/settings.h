/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the fetcher can be told; `muster-fetcher --help` prints it.
 */
#include "common/conf.h"
#include "common/kafka.h"

struct settings {
    struct common_settings common;
    struct str group; /* group.h */
    struct str instance;
    int64_t window, stretch_pages, stretch_ms;
    int64_t drain_ms;
    int64_t max_page;
    int64_t timeout_ms, stall_ms;
};

/* What the fetcher alone is made of. */
extern const struct version_library settings_libraries[];

/* False without an error after --help and --version. Texts live in the arena. */
must_check bool settings_load(struct settings *s, int argc, char **argv, struct arena *arena,
                              struct err *err);
/* How this process is seen by Kafka. */
struct kafka_settings settings_kafka(const struct settings *s);
