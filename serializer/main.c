/* SPDX-License-Identifier: MIT */
/*
 * The serializer: pages in, entities out. It takes what lies in its partitions of the pages
 * topic as one batch, and goes on to the next only when everything that the batch caused is
 * acknowledged: entities by MongoDB, rejects by Kafka. Whatever happens before, the pages come
 * again. The work itself is in work.c, and `muster replay` does the same. All waiting is done
 * in serializer_wait(), and in wait_a_moment() when the database is away.
 */
#include "common/clock.h"
#include "common/conf.h"
#include "common/files.h"
#include "common/group.h"
#include "common/log.h"
#include "common/reject.h"
#include "common/serve.h"
#include "common/signals.h"
#include "common/start.h"
#include "serializer/meters.h"
#include "serializer/mongo_store.h"
#include "serializer/work.h"

#include <poll.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    WAIT_MAX_MS = 1000,
    SESSION_MS = 6000,
    MAPS_EVERY_MS = 10000,
    PROGRESS_MS = 10000,
    RETRY_MAX_MS = 1000,
    PATIENCE = 3 /* failed attempts before it says so and pauses its partitions */
};
enum { PREFETCH_BYTES = 8 << 20, MESSAGE_BYTES = 66 << 20, PARTITIONS_MAX = 1024 };

struct settings {
    struct common_settings common;
    struct str instance;
    int64_t batch_pages, batch_bytes, drain_ms;
    bool changes;
};

struct serializer {
    struct settings settings;
    struct arena arena, scratch; /* scratch: of one reject */
    struct files *files;
    struct kafka_settings kafka;
    struct kafka_consumer *pages;
    struct kafka_producer *rejects;
    struct mongo mongo;
    struct mongo_store mongo_store;
    struct store store;
    struct work work;
    struct serve serve;
    struct metrics metrics;
    enum check_name asked;           /* the server that the verb under way waits for */
    bool partitions[PARTITIONS_MAX]; /* assigned to us */
    int partition_count;
    int signals, reload;
    bool is_draining;
    int64_t drain_end_ms, maps_ms, told_ms;
    struct err failure; /* of a reject's delivery */
    struct batch_counts told;
};

static bool serializer_open(struct serializer *s, int argc, char **argv, struct err *err);
static bool serializer_wait(struct serializer *s, struct err *err);
static bool reload_files(struct serializer *s, struct err *err);
static bool check_maps(struct serializer *s, struct err *err);
static bool take_pages(struct serializer *s, struct err *err);
static bool write_entities(struct serializer *s, struct err *err);
static bool send_rejects(struct serializer *s, struct err *err);
static bool store_offsets(struct serializer *s, struct err *err);
static int serializer_close(struct serializer *s, struct err *err);
/* what the work asks of us: */
static bool wait_a_moment(void *self, const char *step, const struct err *why, int attempt,
                          struct err *err);
static bool go_on(void *self, int attempts, struct err *err);
static bool send_reject(void *self, const struct set_aside *r, struct err *err);

int main(int argc, char **argv)
{
    static struct serializer s; /* too big for a stack: it holds the batch's messages */
    struct err err = {0};
    s.signals = s.reload = -1; /* here, or all of its zeros would lie in the program's file */

    bool ok = serializer_open(&s, argc, argv, &err);
    while (ok && serializer_wait(&s, &err)) /* Kafka, a signal or the time; false = stop */
        ok = reload_files(&s, &err)         /* SIGHUP      -> files, read anew */
             && check_maps(&s, &err) /* the files are still those that muster init numbered */
             && take_pages(&s, &err) /* pages topic -> a batch */
             && write_entities(&s, &err) /* the batch   -> MongoDB, until it stands */
             && send_rejects(&s, &err)   /* what no retry can mend -> rejects topic */
             && store_offsets(&s, &err); /* acknowledged -> offsets */
    return serializer_close(&s, &err);   /* leave the group, log err once */
}

/* --- opening --- */

static const struct conf_setting rows[] = {
    STAGE_SETTINGS(struct settings, common, "9330-9339"),
    {"instance", CONF_TEXT, offsetof(struct settings, instance), NULL,
     "a name of its own for each process: a restart then keeps its partitions", NULL},
    {"batch-pages", CONF_INT, offsetof(struct settings, batch_pages), "500",
     "most pages in a batch, at most 2000", NULL},
    {"batch-bytes", CONF_BYTES, offsetof(struct settings, batch_bytes), "8MiB",
     "a batch takes no further page when it holds this much", NULL},
    {"drain", CONF_DURATION, offsetof(struct settings, drain_ms), "10s",
     "after SIGTERM: how long the batch under way may take to end", NULL},
    {"changes", CONF_BOOL, offsetof(struct settings, changes), NULL,
     "write into each entity what changed, for the announcer (docs/changes.md)", NULL},
};

static const struct conf_program program = {
    .name = "muster-serializer",
    .about =
        "Turns the pages of the pages topic into entities in MongoDB. Run as many as you like.",
    .settings = rows,
    .setting_count = sizeof rows / sizeof *rows,
};

static bool load_settings(struct serializer *s, int argc, char **argv, struct err *err)
{
    struct settings *c = &s->settings;
    size_t word_count;
    bool answered = false;
    if (!conf_load(&program, c, argc, argv, &s->arena, NULL, 0, &word_count, &answered, err) ||
        answered)
        return false;
    if (c->batch_pages < 1 || c->batch_pages > INTAKE_MAX)
        return err_stop(err, EX_CONFIG, "batch_pages: a number from 1 to %d is expected",
                        INTAKE_MAX);
    log_open("serializer", c->common.log_format == 1, (enum log_level)c->common.log_level);
    return true;
}

static void on_assigned(void *context, int32_t partition, bool came)
{
    struct serializer *s = context;
    if (partition >= 0 && partition < PARTITIONS_MAX)
        s->partitions[partition] = came;
    s->partition_count += came ? 1 : -1;
    log_line(LOG_DEBUG_LEVEL, came ? "partition_came" : "partition_went",
             LOG_PAIRS(LOG_INT("partition", partition)));
}

static void on_delivered(void *context, void *ticket, const struct err *failure)
{
    struct serializer *s = context;
    (void)ticket;
    if (failure)
        s->failure = *failure;
}

static bool open_kafka(struct serializer *s, struct err *err)
{
    int32_t ignored;
    const struct settings *c = &s->settings;
    s->kafka = (struct kafka_settings){
        .brokers = c->common.kafka,
        .topics = c->common.topics,
        .client = STR("muster-serializer"),
        .group = group_of_serializers(c->common.topics, c->common.database, &s->arena),
        .instance = c->instance,
        .prefetch_bytes = PREFETCH_BYTES,
        .message_max_bytes = MESSAGE_BYTES,
        .session_timeout_ms = SESSION_MS};
    s->work.topic = arena_format(&s->arena, STR_FMT ".pages", STR_ARG(c->common.topics));
    if (!start_wait_for_kafka(&s->kafka, c->common.wait_ms, s->signals, &s->serve, err) ||
        !kafka_partitions(&s->kafka, "rejects", &ignored, err) ||
        !kafka_partitions(&s->kafka, "pages", &ignored, err))
        return false;
    s->rejects = kafka_producer_open(&s->kafka, on_delivered, s, err);
    if (s->rejects)
        s->pages = kafka_consumer_open(&s->kafka, "pages", on_assigned, s, err);
    return s->pages != NULL;
}

static bool open_mongo(struct serializer *s, struct err *err)
{
    const struct common_settings *c = &s->settings.common;
    const struct mongo_settings m = {
        .uri = c->mongo, .database = c->database, .client = STR("muster-serializer")};
    if (!mongo_open(&m, &s->mongo, err) ||
        !start_wait_for_mongo(&s->mongo, c->wait_ms, s->signals, &s->serve, err))
        return false;
    s->mongo_store = (struct mongo_store){&s->mongo, clock_unix_ms, s->settings.changes};
    s->store = mongo_store(&s->mongo_store);
    s->work.store = &s->store;
    return true;
}

/* Somebody asks how it goes. MongoDB's check is kept where it is called. */
static void refresh(void *context)
{
    struct serializer *s = context;
    if (!s->pages)
        return;
    if (kafka_consumer_is_connected(s->pages) && kafka_producer_is_connected(s->rejects))
        serve_ok(&s->serve, CHECK_KAFKA);
    else
        serve_waits(&s->serve, CHECK_KAFKA, STR("no broker answers"));
    serializer_meters_count(&s->metrics, &s->work.counts);
    metrics_set(&s->metrics, SERIALIZER_PARTITIONS, NO_LABELS, s->partition_count);
}

static bool open_serve(struct serializer *s, struct err *err)
{
    const struct serve_about about = {
        .program = program.name, .refresh = refresh, .context = s, .metrics = &s->metrics};
    serializer_meters_open(&s->metrics);
    return serve_open(&s->serve, s->settings.common.listen, &about, err);
}

/* What they say counts from now on, unless it is not what muster init has numbered. */
static bool take_files(struct serializer *s, struct files *files, struct err *err)
{
    struct work now = {0};
    work_list_streams(&now, &files->providers, &files->arena);
    if (!work_read_maps(&now, &s->mongo, err))
        return false;
    s->files = files;
    s->work.streams = now.streams;
    s->work.stream_count = now.stream_count;
    s->maps_ms = clock_ms();
    return true;
}

static bool serializer_open(struct serializer *s, int argc, char **argv, struct err *err)
{
    log_open("serializer", false, LOG_INFO_LEVEL);
    s->signals = signals_open(err);
    s->reload = s->signals < 0 ? -1 : signals_open_reload(err);
    if (s->reload < 0 || !load_settings(s, argc, argv, err))
        return false;
    const struct common_settings *c = &s->settings.common;
    if (!open_serve(s, err) || !(s->files = files_load(c, true, err)))
        return false;
    s->work.caller = (struct work_caller){s, wait_a_moment, go_on, send_reject};
    if (!open_mongo(s, err) || !open_kafka(s, err) || !take_files(s, s->files, err))
        return false;
    serve_ok(&s->serve, CHECK_STAGE);
    serve_ok(&s->serve, CHECK_FILES);
    LOG_INFO("started", LOG_STR("kafka", s->kafka.brokers), LOG_STR("group", s->kafka.group),
             LOG_STR("database", c->database),
             LOG_INT("streams", (int64_t)s->work.stream_count),
             LOG_TEXT("listen", s->serve.address));
    return true;
}

/* --- waiting --- */

static void take_signal(struct serializer *s, bool *out_stop)
{
    *out_stop = false;
    if (!signals_came(s->signals))
        return;
    *out_stop = s->is_draining; /* the second one */
    s->is_draining = true;
    s->drain_end_ms = clock_ms() + s->settings.drain_ms;
    serve_waits(&s->serve, CHECK_STAGE, STR("it is draining"));
    LOG_INFO("draining", LOG_INT("pages", (int64_t)s->work.intake.message_count));
}

static bool serializer_wait(struct serializer *s, struct err *err)
{
    struct pollfd fds[] = {{.fd = kafka_consumer_fd(s->pages), .events = POLLIN},
                           {.fd = kafka_producer_fd(s->rejects), .events = POLLIN},
                           {.fd = s->signals, .events = POLLIN},
                           {.fd = s->reload, .events = POLLIN}};
    bool stop;
    (void)err;
    /*
     * The descriptor only speaks of what is new: a batch that was full has left something
     * behind.
     */
    bool has_more = s->work.intake.message_count > 0 || s->work.intake.kept_count > 0;
    (void)serve_poll(&s->serve, fds, sizeof fds / sizeof *fds, has_more ? 0 : WAIT_MAX_MS);
    intake_clear(&s->work.intake);
    take_signal(s, &stop);
    return !s->is_draining;
}

/*
 * Between two attempts. Kafka must be polled or we would lose our place in the group, and
 * nothing may come meanwhile.
 */
static bool wait_a_moment(void *self, const char *step, const struct err *why, int attempt,
                          struct err *err)
{
    struct serializer *s = self;
    struct pollfd fd = {.fd = s->signals, .events = POLLIN};
    bool stop;
    int64_t wait_ms = 10LL << (attempt < 8 ? attempt : 8);
    if (attempt == PATIENCE + 1 || attempt % 60 == 0)
        LOG_WARN("waits", LOG_TEXT("step", step), LOG_TEXT("error", why->text));
    metrics_add(&s->metrics, SERIALIZER_RETRIES, LABELS(str_of(health_check_name(s->asked))),
                1);
    if (attempt > PATIENCE)
        serve_waits(&s->serve, s->asked, str_of(why->text));
    (void)serve_poll(&s->serve, &fd, 1,
                     wait_ms < RETRY_MAX_MS ? wait_ms / 2 + clock_dice((uint32_t)wait_ms)
                                            : RETRY_MAX_MS);
    take_signal(s, &stop);
    if (stop || (s->is_draining && clock_ms() > s->drain_end_ms))
        return false; /* abandoned: the pages come again */
    for (int32_t p = 0; p < PARTITIONS_MAX && attempt > PATIENCE; p++)
        if (s->partitions[p] && !kafka_pause(s->pages, p, true, err))
            return false;
    struct kafka_message on_its_way; /* from before the pause */
    bool taken = false;
    if (attempt > PATIENCE && !kafka_take(s->pages, 0, &on_its_way, &taken, err))
        return false;
    return !taken || intake_keep(&s->work.intake, &on_its_way) ||
           err_stop(err, EX_SOFTWARE, "pages keep coming from paused partitions");
}

static bool go_on(void *self, int attempts, struct err *err)
{
    struct serializer *s = self;
    serve_ok(&s->serve, s->asked);
    for (int32_t p = 0; p < PARTITIONS_MAX && attempts > PATIENCE; p++)
        if (s->partitions[p] && !kafka_pause(s->pages, p, false, err))
            return false;
    return true;
}

/* --- the verbs --- */

/* Between two batches nothing is left of the files before. A reload that fails changes nothing. */
static bool reload(struct serializer *s, struct err *err)
{
    struct files *before = s->files, *now = files_load(&s->settings.common, true, err);
    bool ok = now && take_files(s, now, err);
    files_free(!now ? NULL : ok ? before : now);
    metrics_add(&s->metrics, SERIALIZER_RELOADS, LABELS(ok ? STR("ok") : STR("failed")), 1);
    return ok;
}

static bool reload_files(struct serializer *s, struct err *err)
{
    if (!signals_came(s->reload))
        return true;
    if (reload(s, err))
        files_tell(s->files, &s->serve);
    else
        files_tell_failure(&s->serve, err);
    return true;
}

/*
 * The files are not those that were numbered last. Whoever has mended one and run muster init
 * has not necessarily told us: new files are looked for before giving up.
 */
static bool find_newer_files(struct serializer *s, struct err *err)
{
    struct err ignored = {0};
    if (err->exit_code != EX_CONFIG || !reload(s, &ignored))
        return false;
    err_clear(err);
    files_tell(s->files, &s->serve);
    return true;
}

static bool check_maps(struct serializer *s, struct err *err)
{
    if (clock_ms() - s->maps_ms < MAPS_EVERY_MS)
        return true;
    s->maps_ms = clock_ms();
    if (work_read_maps(&s->work, &s->mongo, err) || find_newer_files(s, err)) {
        serve_ok(&s->serve, CHECK_MONGO);
        return true;
    }
    if (err->kind != ERR_RETRY)
        return false;
    serve_waits(&s->serve, CHECK_MONGO, str_of(err->text));
    err_clear(err); /* the database is away: the batch will wait for it */
    return true;
}

static bool take_pages(struct serializer *s, struct err *err)
{
    const struct intake_limits limits = {(size_t)s->settings.batch_pages,
                                         s->settings.batch_bytes};
    return intake_fill(&s->work.intake, s->pages, &limits, err) &&
           (work_sort(&s->work, err) || (find_newer_files(s, err) && work_sort(&s->work, err)));
}

static bool write_entities(struct serializer *s, struct err *err)
{
    int64_t began_ms = clock_ms();
    s->asked = CHECK_MONGO;
    if (!work_write(&s->work, err))
        return false;
    if (s->work.intake.page_count)
        serve_ok(&s->serve, CHECK_MONGO);
    serializer_meters_batch(&s->metrics, &s->work.intake, clock_ms() - began_ms,
                            clock_unix_ms());
    return true;
}

static bool send_reject(void *self, const struct set_aside *r, struct err *err)
{
    struct serializer *s = self;
    const struct kafka_message *m = r->message;
    const struct reject reject = {.stage = STR("serializer"),
                                  .topic = s->work.topic,
                                  .partition = m->partition,
                                  .offset = m->offset,
                                  .map = r->map,
                                  .key = m->key,
                                  .value = m->value,
                                  .headers = m->headers,
                                  .header_count = m->header_count,
                                  .reason = r->reason};
    s->failure = (struct err){0};
    LOG_WARN("reject", LOG_INT("partition", m->partition), LOG_INT("offset", m->offset),
             LOG_STR("error", r->reason));
    arena_reset(&s->scratch);
    if (!reject_send(s->rejects, &reject, NULL, &s->scratch, err))
        return false;
    kafka_producer_flush(s->rejects, 2 * WAIT_MAX_MS);
    if (s->failure.kind != ERR_NONE)
        *err = s->failure;
    else if (kafka_producer_pending(s->rejects))
        (void)err_set(err, ERR_RETRY, "Kafka has not acknowledged a reject");
    return err->kind == ERR_NONE;
}

static bool send_rejects(struct serializer *s, struct err *err)
{
    s->asked = CHECK_KAFKA;
    return work_reject(&s->work, err);
}

static void log_progress(struct serializer *s)
{
    int64_t now_ms = clock_ms();
    log_tell_repeated();
    if (s->work.counts.pages == s->told.pages || now_ms - s->told_ms < PROGRESS_MS)
        return;
    LOG_INFO("progress", LOG_INT("pages", s->work.counts.pages),
             LOG_INT("records", s->work.counts.records),
             LOG_INT("identical", s->work.counts.identical_records),
             LOG_INT("entities", s->work.counts.entities),
             LOG_INT("moves", s->work.counts.moves),
             LOG_INT("collisions", s->work.counts.collisions),
             LOG_INT("gone", s->work.counts.gone), LOG_INT("issues", s->work.counts.issues),
             LOG_INT("rejected", s->work.counts.rejected_pages),
             LOG_INT("late", s->work.counts.late_pages));
    s->told = s->work.counts;
    s->told_ms = now_ms;
}

static bool store_offsets(struct serializer *s, struct err *err)
{
    for (size_t i = 0; i < s->work.intake.message_count; i++)
        ledger_mark_done(kafka_ledger(s->pages), s->work.intake.messages[i].partition,
                         s->work.intake.messages[i].offset);
    kafka_producer_poll(s->rejects, 0);
    log_progress(s);
    return kafka_store_marks(s->pages, err);
}

/* --- closing --- */

static int serializer_close(struct serializer *s, struct err *err)
{
    if (s->pages)
        LOG_INFO("stopped", LOG_INT("pages", s->work.counts.pages),
                 LOG_INT("records", s->work.counts.records),
                 LOG_INT("entities", s->work.counts.entities));
    if (err->kind != ERR_NONE)
        LOG_ERROR("failed", LOG_TEXT("error", err->text));
    intake_clear(&s->work.intake);
    kafka_consumer_close(s->pages);
    kafka_producer_close(s->rejects);
    mongo_close(&s->mongo);
    serve_close(&s->serve);
    metrics_close(&s->metrics);
    log_close();
    files_free(s->files);
    signals_close(s->signals);
    signals_close(s->reload);
    arena_done(&s->work.intake.arena);
    arena_done(&s->scratch);
    arena_done(&s->arena);
    return err->kind == ERR_NONE    ? EX_OK
           : err->kind == ERR_FATAL ? err->exit_code
                                    : EX_UNAVAILABLE;
}
