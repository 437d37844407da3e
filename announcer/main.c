/* SPDX-License-Identifier: MIT */
/*
 * The announcer: what happens to entities becomes events. It reads MongoDB's change stream,
 * which has every write of every serializer once and in order, and remembers how far it came
 * only when Kafka has acknowledged all before. One of several announces, and the others stand
 * by. It waits in the change stream; in announcer_wait() when a server is away or when it
 * stands by; and for Kafka's acknowledgements.
 */
#include "announcer/bookmark.h"
#include "announcer/meters.h"
#include "announcer/watch.h"
#include "common/clock.h"
#include "common/conf.h"
#include "common/files.h"
#include "common/kafka.h"
#include "common/log.h"
#include "common/serve.h"
#include "common/signals.h"
#include "common/start.h"

#include <sysexits.h>
#include <unistd.h>

enum {
    STANDBY_MS = 1000, /* how often to see whether the bookmark is free */
    KEEP_MS = 3000,    /* how often to keep it when nothing happens */
    TURN_MS = 500,     /* what is told without an acknowledgement between */
    TURN_EVENTS = 2000,
    DRAIN_MS = 10000,
    PROGRESS_MS = 10000,
    PAUSE_MAX_MS = 1000,
    MESSAGE_BYTES = 65 << 20,
    HOST_BYTES = 64
};

struct settings {
    struct common_settings common;
    struct str instance;
};

struct announcer {
    struct watch watch; /* open while we are the one that announces */
    struct settings settings;
    struct arena arena, scratch;
    struct files *files;
    struct kafka_settings kafka;
    struct kafka_producer *changes;
    struct mongo mongo;
    struct bookmark bookmark;
    struct serve serve;
    struct metrics metrics;
    int signals, reload;
    int failures; /* in a row */
    bool is_draining;
    bool is_told; /* that we stand by, or wait */
    int64_t kept_ms, told_ms;
    size_t open; /* events sent since the bookmark was kept */
    int64_t announced, told;
    struct err failure; /* of a delivery */
};

static bool announcer_open(struct announcer *a, int argc, char **argv, struct err *err);
static bool announcer_wait(struct announcer *a, struct err *err);
static bool reload_files(struct announcer *a, struct err *err);
static bool take_bookmark(struct announcer *a, struct err *err);
static bool send_events(struct announcer *a, struct err *err);
static bool await_acknowledgements(struct announcer *a, struct err *err);
static bool keep_bookmark(struct announcer *a, struct err *err);
static int announcer_close(struct announcer *a, struct err *err);

int main(int argc, char **argv)
{
    struct announcer a = {.signals = -1, .reload = -1};
    struct err err = {0};

    bool ok = announcer_open(&a, argc, argv, &err);
    while (ok && announcer_wait(&a, &err)) /* a signal, or a pause; false = stop */
        ok = reload_files(&a, &err)        /* SIGHUP -> files, read anew */
             && take_bookmark(&a, &err)    /* where we go on, if it is us that announces */
             && send_events(&a, &err) /* change stream -> changes topic, as long as some come */
             && await_acknowledgements(&a, &err) /* all of them */
             && keep_bookmark(&a, &err);         /* where the next turn goes on */
    return announcer_close(&a, &err);            /* leave the bookmark, log err once */
}

/* --- opening --- */

static const struct conf_setting rows[] = {
    STAGE_SETTINGS(struct settings, common, "9340-9349"),
    {"instance", CONF_TEXT, offsetof(struct settings, instance), NULL,
     "a name of its own for each process: a restart then goes on at once", NULL},
};

static const struct conf_program program = {
    .name = "muster-announcer",
    .about =
        "Announces what happens to entities, as events on the changes topic. One of several "
        "works, the others stand by.",
    .settings = rows,
    .setting_count = sizeof rows / sizeof *rows,
};

static void on_delivered(void *context, void *ticket, const struct err *failure)
{
    struct announcer *a = context;
    (void)ticket;
    if (!failure)
        return;
    a->failure = *failure;
    metrics_add(&a->metrics, ANNOUNCER_PUBLISH_FAILURES, NO_LABELS, 1);
}

static bool open_kafka(struct announcer *a, struct err *err)
{
    int32_t ignored;
    const struct common_settings *c = &a->settings.common;
    a->kafka = (struct kafka_settings){.brokers = c->kafka,
                                       .topics = c->topics,
                                       .client = STR("muster-announcer"),
                                       .message_max_bytes = MESSAGE_BYTES};
    if (!start_wait_for_kafka(&a->kafka, c->wait_ms, a->signals, &a->serve, err) ||
        !kafka_partitions(&a->kafka, "changes", &ignored, err))
        return false;
    a->changes = kafka_producer_open(&a->kafka, on_delivered, a, err);
    return a->changes != NULL;
}

/* Ours alone, as long as no name is given to two. */
static const char *own_name(struct announcer *a)
{
    char host[HOST_BYTES] = "";
    if (a->settings.instance.len)
        return arena_text(&a->arena, a->settings.instance);
    (void)gethostname(host, sizeof host - 1);
    return arena_format(&a->arena, "%s-%lld-%08x", host, (long long)getpid(),
                        (unsigned)clock_dice(UINT32_MAX))
        .ptr;
}

static bool open_mongo(struct announcer *a, struct err *err)
{
    const struct common_settings *c = &a->settings.common;
    const struct mongo_settings m = {
        .uri = c->mongo, .database = c->database, .client = STR("muster-announcer")};
    if (!mongo_open(&m, &a->mongo, err) ||
        !start_wait_for_mongo(&a->mongo, c->wait_ms, a->signals, &a->serve, err))
        return false;
    a->bookmark = (struct bookmark){&a->mongo, own_name(a)};
    a->watch.mongo = &a->mongo;
    return true;
}

/* Somebody asks how it goes. MongoDB's check is kept where it is called. */
static void refresh(void *context)
{
    struct announcer *a = context;
    if (!a->changes)
        return;
    kafka_producer_poll(a->changes, 0);
    size_t undelivered = kafka_producer_pending(a->changes);
    announcer_meters_now(&a->metrics, undelivered, watch_is_open(&a->watch));
    if (!kafka_producer_is_connected(a->changes))
        serve_waits(&a->serve, CHECK_KAFKA, STR("no broker answers"));
    else if (!undelivered && !a->failures)
        serve_ok(&a->serve, CHECK_KAFKA);
}

static bool open_serve(struct announcer *a, struct err *err)
{
    const struct serve_about about = {
        .program = program.name, .refresh = refresh, .context = a, .metrics = &a->metrics};
    announcer_meters_open(&a->metrics);
    return serve_open(&a->serve, a->settings.common.listen, &about, err);
}

static void take_files(struct announcer *a, struct files *files)
{
    a->files = files;
    a->watch.models = files->providers.models;
    a->watch.model_count = files->providers.model_count;
}

static bool announcer_open(struct announcer *a, int argc, char **argv, struct err *err)
{
    const struct common_settings *c = &a->settings.common;
    size_t word_count;
    bool answered = false;
    log_open("announcer", false, LOG_INFO_LEVEL); /* until the settings say how */
    a->signals = signals_open(err);
    a->reload = a->signals < 0 ? -1 : signals_open_reload(err);
    if (a->reload < 0 ||
        !conf_load(&program, &a->settings, argc, argv, &a->arena, NULL, 0, &word_count,
                   &answered, err) ||
        answered)
        return false;
    log_open("announcer", c->log_format == 1, (enum log_level)c->log_level);
    if (!open_serve(a, err) || !(a->files = files_load(c, true, err)) || !open_mongo(a, err) ||
        !open_kafka(a, err))
        return false;
    take_files(a, a->files);
    serve_ok(&a->serve, CHECK_STAGE);
    serve_ok(&a->serve, CHECK_FILES);
    LOG_INFO("started", LOG_TEXT("listen", a->serve.address), LOG_STR("kafka", c->kafka),
             LOG_STR("database", c->database),
             LOG_INT("models", (int64_t)a->watch.model_count));
    return true;
}

/* --- waiting --- */

/* True when one came now. */
static bool take_signal(struct announcer *a)
{
    if (!signals_came(a->signals))
        return false;
    a->is_draining = true;
    serve_waits(&a->serve, CHECK_STAGE, STR("it is draining"));
    return true;
}

static bool announcer_wait(struct announcer *a, struct err *err)
{
    const struct pollfd fds[] = {{.fd = a->signals, .events = POLLIN},
                                 {.fd = a->reload, .events = POLLIN}};
    int pause_ms = 0;
    (void)err;
    if (a->failures)
        pause_ms = a->failures < 7 ? 10 << a->failures : PAUSE_MAX_MS;
    else if (!watch_is_open(&a->watch) && a->is_told)
        pause_ms = STANDBY_MS;
    (void)serve_poll(&a->serve, fds, sizeof fds / sizeof *fds, pause_ms);
    kafka_producer_poll(a->changes, 0); /* it also tells whether brokers answer */
    (void)take_signal(a);
    return !a->is_draining;
}

/*
 * What may pass is said once, and everything since the bookmark is done again. False
 * for every other failure.
 */
static bool start_over(struct announcer *a, enum check_name server, struct err *err)
{
    if (err->kind == ERR_FATAL)
        return false;
    watch_close(&a->watch);
    if (a->watch.is_lost) {
        struct err ignored = {0};
        LOG_WARN("history_lost", LOG_TEXT("error", err->text));
        (void)!bookmark_forget(&a->bookmark,
                               &ignored); /* if not now, then when it is lost again */
    } else {
        metrics_add(&a->metrics, ANNOUNCER_RETRIES, LABELS(str_of(health_check_name(server))),
                    1);
        if (++a->failures == 4 || a->failures % 60 == 0)
            LOG_WARN("waits", LOG_TEXT("error", err->text));
    }
    serve_waits(&a->serve, server, str_of(err->text));
    err_clear(err);
    return true;
}

/* --- the verbs --- */

/*
 * One that fails changes nothing. After one that does, the stream begins anew at the bookmark: it
 * was of the models before.
 */
static bool reload_files(struct announcer *a, struct err *err)
{
    log_tell_repeated();
    if (!signals_came(a->reload))
        return true;
    struct files *now = files_load(&a->settings.common, true, err);
    metrics_add(&a->metrics, ANNOUNCER_RELOADS, LABELS(now ? STR("ok") : STR("failed")), 1);
    if (!now) {
        files_tell_failure(&a->serve, err);
        return true;
    }
    watch_close(&a->watch);
    files_free(a->files);
    take_files(a, now);
    files_tell(now, &a->serve);
    return true;
}

static void tell_standby(struct announcer *a, bool is_ours, bool has_token)
{
    if (is_ours)
        LOG_INFO("announces", LOG_TEXT("from", has_token ? "the bookmark" : "a survey"));
    else if (!a->is_told)
        LOG_INFO("stands_by", LOG_TEXT("instance", a->bookmark.owner));
    if (!is_ours)
        serve_ok(&a->serve, CHECK_MONGO); /* if we announce, a turn that went through says so */
    metrics_add(&a->metrics, ANNOUNCER_SURVEYS, NO_LABELS, is_ours && !has_token);
    a->is_told = !is_ours;
}

/* A survey must not begin before a majority has had a write that is later than its time. */
static bool begin(struct announcer *a, const bson_t *token, struct err *err)
{
    bool is_ours = true;
    return watch_open(&a->watch, token, err) &&
           (token || bookmark_keep(&a->bookmark, NULL, &is_ours, err));
}

static bool take_bookmark(struct announcer *a, struct err *err)
{
    bson_t token = BSON_INITIALIZER;
    bool is_ours = false;
    bool has_token = false;
    if (watch_is_open(&a->watch))
        return true;
    bool ok = bookmark_take(&a->bookmark, &is_ours, &token, &has_token, err);
    if (ok && is_ours)
        ok = begin(a, has_token ? &token : NULL, err);
    bson_destroy(&token);
    if (!ok)
        return start_over(a, CHECK_MONGO, err);
    a->failure = (struct err){0};
    a->open = 0;
    a->kept_ms = clock_ms();
    a->failures = is_ours ? a->failures : 0;
    tell_standby(a, is_ours, has_token);
    return true;
}

static bool send_event(struct announcer *a, const struct change_seen *seen, struct err *err)
{
    struct event e;
    if (!event_of(seen, &a->scratch, &e))
        return true;
    while (!kafka_send(a->changes, "changes", -1, e.key, e.value, e.headers, e.header_count,
                       NULL, err)) {
        if (err->kind != ERR_RETRY || a->failure.kind != ERR_NONE || a->is_draining)
            return false;
        err_clear(err); /* the queue is full */
        kafka_producer_poll(a->changes, TURN_MS);
        serve_answer(&a->serve);
        (void)take_signal(a);
    }
    kafka_producer_poll(a->changes, 0);
    announcer_meters_event(&a->metrics, &e, seen->is_survey, clock_unix_ms());
    a->open++;
    a->announced++;
    return true;
}

static bool send_events(struct announcer *a, struct err *err)
{
    int64_t end_ms = clock_ms() + TURN_MS;
    bool has_more = watch_is_open(&a->watch);
    while (has_more && a->open < TURN_EVENTS && clock_ms() < end_ms) {
        struct change_seen seen;
        arena_reset(&a->scratch);
        if (!watch_next(&a->watch, &seen, &has_more, err))
            return start_over(a, CHECK_MONGO, err);
        if (has_more && !send_event(a, &seen, err))
            return start_over(a, CHECK_KAFKA, err);
    }
    return true;
}

/* As long as it takes: while Kafka is away nobody else could do better. */
static bool await_acknowledgements(struct announcer *a, struct err *err)
{
    static const char unacknowledged[] = "Kafka has not acknowledged the events sent to it";
    int64_t since_ms = clock_ms();
    int64_t drain_end_ms = a->is_draining ? since_ms + DRAIN_MS : INT64_MAX;
    bool is_told = false;
    while (watch_is_open(&a->watch) && kafka_producer_pending(a->changes) &&
           a->failure.kind == ERR_NONE && clock_ms() < drain_end_ms) {
        kafka_producer_poll(a->changes, TURN_MS);
        serve_answer(&a->serve);
        if (!is_told && clock_ms() - since_ms > PROGRESS_MS) {
            LOG_WARN("waits", LOG_TEXT("error", unacknowledged));
            serve_waits(&a->serve, CHECK_KAFKA, str_of(unacknowledged));
            is_told = true;
        }
        bool was_draining = a->is_draining;
        if (take_signal(a))
            drain_end_ms = was_draining ? 0 : clock_ms() + DRAIN_MS;
    }
    if (a->failure.kind == ERR_NONE)
        return true;
    *err = a->failure;
    return start_over(a, CHECK_KAFKA, err);
}

static void log_progress(struct announcer *a)
{
    int64_t now_ms = clock_ms();
    if (a->announced == a->told || now_ms - a->told_ms < PROGRESS_MS)
        return;
    LOG_INFO("progress", LOG_INT("announced", a->announced));
    a->told = a->announced;
    a->told_ms = now_ms;
}

static bool keep_bookmark(struct announcer *a, struct err *err)
{
    bool is_ours = true;
    bool is_new = a->open > 0;
    if (!watch_is_open(&a->watch) || kafka_producer_pending(a->changes))
        return true;
    a->failures = 0; /* a turn that went through */
    serve_ok(&a->serve, CHECK_KAFKA);
    serve_ok(&a->serve, CHECK_MONGO);
    if (!is_new && clock_ms() - a->kept_ms < KEEP_MS)
        return true;
    if (!bookmark_keep(&a->bookmark, watch_token(&a->watch), &is_ours, err))
        return start_over(a, CHECK_MONGO, err);
    a->open = 0;
    a->kept_ms = clock_ms();
    log_progress(a);
    if (!is_ours)
        watch_close(&a->watch);
    return true;
}

/* --- closing --- */

static int announcer_close(struct announcer *a, struct err *err)
{
    if (a->bookmark.owner) {
        if (watch_is_open(&a->watch))
            bookmark_leave(&a->bookmark);
        LOG_INFO("stopped", LOG_INT("announced", a->announced));
    }
    if (err->kind != ERR_NONE)
        LOG_ERROR("failed", LOG_TEXT("error", err->text));
    watch_close(&a->watch);
    kafka_producer_close(a->changes);
    mongo_close(&a->mongo);
    serve_close(&a->serve);
    metrics_close(&a->metrics);
    log_close();
    files_free(a->files);
    signals_close(a->signals);
    signals_close(a->reload);
    arena_done(&a->scratch);
    arena_done(&a->arena);
    return err->kind == ERR_NONE    ? EX_OK
           : err->kind == ERR_FATAL ? err->exit_code
                                    : EX_UNAVAILABLE;
}
