/* SPDX-License-Identifier: MIT */
#include "fetcher/settings.h"

#include "common/group.h"
#include "fetcher/http.h"

#include <sysexits.h>

enum {
    PAGE_MAX_BYTES = 900 << 20,
    PREFETCH_BYTES = 1 << 20,
    HEADERS_BYTES = 1 << 20,
    SESSION_MS = 6000,
    DAY_MS = 86400000
};

static const struct conf_setting rows[] = {
    STAGE_SETTINGS(struct settings, common, "9320-9329"),
    {"instance", CONF_TEXT, offsetof(struct settings, instance), NULL,
     "a name of its own for each process: a restart then keeps its lanes", NULL},
    {"window", CONF_INT, offsetof(struct settings, window), "256", "most tasks open at once",
     NULL},
    {"stretch-pages", CONF_INT, offsetof(struct settings, stretch_pages), "64",
     "pages after which the rest of a link becomes a new task", NULL},
    {"stretch-time", CONF_DURATION, offsetof(struct settings, stretch_ms), "10s",
     "time after which the rest of a link becomes a new task", NULL},
    {"max-page", CONF_BYTES, offsetof(struct settings, max_page), "64MiB",
     "largest body of a page", NULL},
    {"timeout", CONF_DURATION, offsetof(struct settings, timeout_ms), "120s",
     "longest transfer", NULL},
    {"stall", CONF_DURATION, offsetof(struct settings, stall_ms), "20s",
     "how long a transfer may be slower than 100 bytes a second", NULL},
    {"drain", CONF_DURATION, offsetof(struct settings, drain_ms), "10s",
     "after SIGTERM: how long pages under way may take to end", NULL},
};

const struct version_library settings_libraries[] = {{"libcurl", http_library_version},
                                                     {NULL, NULL}};

static const struct conf_program program = {
    .name = "muster-fetcher",
    .libraries = settings_libraries,
    .about =
        "Asks the providers, as the tasks topic says, and publishes each answer. Run as many as you like.",
    .settings = rows,
    .setting_count = sizeof rows / sizeof *rows,
};

static bool check(const struct settings *s, struct err *err)
{
    if (s->window < 1 || s->window > 100000)
        return err_stop(err, EX_CONFIG, "window: a number from 1 to 100000 is expected");
    if (s->stretch_pages < 1)
        return err_stop(err, EX_CONFIG, "stretch_pages: at least 1 is expected");
    if (s->max_page < 1024 || s->max_page > PAGE_MAX_BYTES)
        return err_stop(err, EX_CONFIG, "max_page: a size from 1KiB to 900MiB is expected");
    if (s->timeout_ms < 1 || s->timeout_ms > DAY_MS || s->stall_ms < 1 ||
        s->stall_ms > s->timeout_ms)
        return err_stop(err, EX_CONFIG,
                        "timeout: up to 24h, and stall not longer than it, is expected");
    return true;
}

bool settings_load(struct settings *s, int argc, char **argv, struct arena *arena,
                   struct err *err)
{
    size_t word_count;
    bool answered = false;
    if (!conf_load(&program, s, argc, argv, arena, NULL, 0, &word_count, &answered, err) ||
        answered)
        return false;
    s->group = group_of_fetchers(s->common.topics, arena);
    return check(s, err);
}

struct kafka_settings settings_kafka(const struct settings *s)
{
    return (struct kafka_settings){.brokers = s->common.kafka,
                                   .topics = s->common.topics,
                                   .client = STR("muster-fetcher"),
                                   .group = s->group,
                                   .instance = s->instance,
                                   .prefetch_bytes = PREFETCH_BYTES,
                                   .message_max_bytes = s->max_page + HEADERS_BYTES,
                                   .session_timeout_ms = SESSION_MS};
}
