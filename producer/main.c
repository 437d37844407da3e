/* SPDX-License-Identifier: MIT */
/*
 * The producer: links that are due in MongoDB become tasks in Kafka. One batch is under way at a time: what was claimed is delivered
 * before more is claimed. It keeps nothing of its own: whatever it claimed and did not publish comes due again when the lease ends.
 */
#include "common/clock.h"
#include "common/conf.h"
#include "common/files.h"
#include "common/group.h"
#include "common/kafka.h"
#include "common/log.h"
#include "common/mongo.h"
#include "common/provider.h"
#include "common/serve.h"
#include "common/signals.h"
#include "common/start.h"
#include "producer/claim.h"
#include "producer/meters.h"
#include "producer/policy.h"
#include "producer/publish.h"
#include "producer/routes.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    DRAIN_MS = 10000,
    MEASURE_EVERY_MS = 1000,
    ROUTES_EVERY_MS = 10000,
    ACK_WAIT_MS = 1000,
    BATCH_MAX = 20000
};

struct settings {
    struct common_settings common;
    int64_t batch, lease_ms, poll_ms;
};

/* A server that is away: failures in a row, said once. */
struct trouble {
    int failures;
    bool is_told;
};

struct producer {
    struct settings settings;
    struct arena arena, batch_arena;
    struct files *files;
    struct kafka_settings kafka;
    int32_t partitions; /* of the tasks topic */
    struct mongo mongo;
    struct routes routes;
    struct policy policy;
    struct claim claim;
    struct publish publish;
    struct trouble mongo_trouble, kafka_trouble;
    struct serve serve;
    struct metrics metrics;
    int signals, reload;
    bool is_reload_due;
    int64_t measured_ms, routes_ms, lease_end_ms; /* clock_ms() */
    int64_t claimed;
};

static bool producer_open(struct producer *p, int argc, char **argv, struct err *err);
static bool producer_wait(struct producer *p, struct err *err);
static bool reload_files(struct producer *p, struct err *err);
static bool check_routes(struct producer *p, struct err *err);
static bool measure_lanes(struct producer *p, struct err *err);
static bool claim_batch(struct producer *p, struct err *err);
static bool publish_batch(struct producer *p, struct err *err);
static int producer_close(struct producer *p, struct err *err);

int main(int argc, char **argv)
{
    struct producer p = {.signals = -1, .reload = -1};
    struct err err = {0};

    bool ok = producer_open(&p, argc, argv, &err);
    while (ok && producer_wait(&p, &err)) /* a signal, Kafka or the time; false = stop */
        ok = reload_files(&p, &err)       /* SIGHUP        -> files, read anew */
             && check_routes(&p, &err)    /* MongoDB       -> the files are those numbered */
             && measure_lanes(&p, &err)   /* tasks waiting -> room for more of each stream */
             && claim_batch(&p, &err)     /* due links     -> a batch, when none is under way */
             && publish_batch(&p, &err);  /* the batch     -> tasks topic, acknowledged */
    return producer_close(&p, &err);      /* deliver what was claimed, log err once */
}

/* --- opening --- */

static const struct conf_setting setting_rows[] = {
    STAGE_SETTINGS(struct settings, common, "9310-9319"),
    {"batch", CONF_INT, offsetof(struct settings, batch), "2000",
     "links claimed in one transaction, at most 20000", NULL},
    {"lease", CONF_DURATION, offsetof(struct settings, lease_ms), "5m",
     "how long a claimed link is left alone; then it comes due again, unless its pages arrive",
     NULL},
    {"poll", CONF_DURATION, offsetof(struct settings, poll_ms), "100ms",
     "how often to look for due links when there are none", NULL},
};

static const struct conf_program program = {
    .name = "muster-producer",
    .about =
        "Publishes a task on the tasks topic for each link that is due. Run as many as you like.",
    .settings = setting_rows,
    .setting_count = sizeof setting_rows / sizeof *setting_rows,
};

static bool check_settings(const struct settings *s, struct err *err)
{
    if (s->batch < 1 || s->batch > BATCH_MAX)
        return err_stop(err, EX_CONFIG, "batch: a number from 1 to %d is expected", BATCH_MAX);
    if (s->lease_ms < 1000)
        return err_stop(err, EX_CONFIG, "lease: at least 1s is expected");
    if (s->poll_ms < 1)
        return err_stop(err, EX_CONFIG, "poll: at least 1ms is expected");
    return true;
}

static bool open_mongo(struct producer *p, struct err *err)
{
    const struct common_settings *c = &p->settings.common;
    const struct mongo_settings s = {
        .uri = c->mongo, .database = c->database, .client = STR("muster-producer")};
    return mongo_open(&s, &p->mongo, err) &&
           start_wait_for_mongo(&p->mongo, c->wait_ms, p->signals, &p->serve, err);
}

static bool open_kafka(struct producer *p, struct err *err)
{
    const struct common_settings *c = &p->settings.common;
    p->kafka = (struct kafka_settings){
        .brokers = c->kafka, .topics = c->topics, .client = STR("muster-producer")};
    if (!start_wait_for_kafka(&p->kafka, c->wait_ms, p->signals, &p->serve, err))
        return false;
    if (!kafka_partitions(&p->kafka, "tasks", &p->partitions, err)) {
        err->exit_code = EX_CONFIG; /* Kafka is there, so what is missing is the topic */
        return false;
    }
    p->publish.kafka = kafka_producer_open(&p->kafka, publish_delivered, &p->publish, err);
    return p->publish.kafka != NULL;
}

/* Somebody asks how it goes. What calls have met is kept by carry_on(). */
static void refresh(void *context)
{
    struct producer *p = context;
    producer_meters_now(&p->metrics, p->publish.open, &p->routes);
    if (!p->publish.kafka || p->kafka_trouble.failures)
        return;
    if (kafka_producer_is_connected(p->publish.kafka))
        serve_ok(&p->serve, CHECK_KAFKA);
    else
        serve_waits(&p->serve, CHECK_KAFKA, STR("no broker answers"));
}

static bool open_serve(struct producer *p, struct err *err)
{
    const struct serve_about about = {
        .program = program.name, .refresh = refresh, .context = p, .metrics = &p->metrics};
    producer_meters_open(&p->metrics);
    return serve_open(&p->serve, p->settings.common.listen, &about, err);
}

/* What they say counts from now on, unless it is not what muster init has numbered. */
static bool take_files(struct producer *p, struct files *files, struct err *err)
{
    struct routes routes;
    if (!routes_read(&p->mongo, &files->providers, p->settings.lease_ms, p->partitions,
                     &files->arena, &routes, err))
        return false;
    p->files = files;
    p->routes = routes;
    p->routes_ms = clock_ms();
    p->measured_ms = 0;
    policy_init(&p->policy, p->routes.shares, p->routes.share_count, p->settings.batch);
    return true;
}

static bool producer_open(struct producer *p, int argc, char **argv, struct err *err)
{
    struct settings *s = &p->settings;
    size_t word_count = 0;
    bool answered = false;
    log_open("producer", false, LOG_INFO_LEVEL); /* until the settings say how */
    p->signals = signals_open(err);
    p->reload = p->signals < 0 ? -1 : signals_open_reload(err);
    if (p->reload < 0 ||
        !conf_load(&program, s, argc, argv, &p->arena, NULL, 0, &word_count, &answered, err) ||
        answered || !check_settings(s, err))
        return false;
    log_open("producer", s->common.log_format == 1, (enum log_level)s->common.log_level);

    if (!open_serve(p, err) || !(p->files = files_load(&s->common, true, err)) ||
        !open_mongo(p, err) || !open_kafka(p, err) || !take_files(p, p->files, err))
        return false;
    claim_init(&p->claim, &p->mongo, s->lease_ms);
    serve_ok(&p->serve, CHECK_STAGE);
    serve_ok(&p->serve, CHECK_FILES);
    LOG_INFO("started", LOG_INT("streams", (int64_t)p->routes.share_count),
             LOG_INT("lease_s", s->lease_ms / 1000), LOG_TEXT("listen", p->serve.address));
    return true;
}

/* --- waiting --- */

/* A failure that may pass is logged once and tried again after a pause; false for every other. */
static bool carry_on(struct producer *p, enum check_name server, bool ok, struct err *err)
{
    bool is_mongo = server == CHECK_MONGO;
    struct trouble *t = is_mongo ? &p->mongo_trouble : &p->kafka_trouble;
    const char *name = is_mongo ? "MongoDB" : "Kafka";
    if (!ok && err->kind == ERR_FATAL)
        return false;
    if (ok && t->is_told)
        LOG_INFO("goes_on", LOG_TEXT("server", name), LOG_INT("failures", t->failures));
    if (!ok && !t->is_told)
        LOG_WARN("waits", LOG_TEXT("server", name), LOG_TEXT("error", err->text));
    if (ok)
        serve_ok(&p->serve, server);
    else
        serve_waits(&p->serve, server, str_of(err->text));
    t->failures = ok ? 0 : t->failures + 1;
    t->is_told = !ok;
    err_clear(err);
    return true;
}

static int wait_ms(const struct producer *p)
{
    const struct trouble *m = &p->mongo_trouble, *k = &p->kafka_trouble;
    int failures = m->failures > k->failures ? m->failures : k->failures;
    if (failures)
        return (int)policy_pause_ms(failures, clock_dice(UINT32_MAX));
    if (!publish_is_done(&p->publish))
        return ACK_WAIT_MS;
    return p->policy.is_idle ? (int)p->settings.poll_ms : 0;
}

static bool producer_wait(struct producer *p, struct err *err)
{
    struct pollfd fds[] = {
        {.fd = p->signals, .events = POLLIN},
        {.fd = p->reload, .events = POLLIN},
        {.fd = kafka_producer_fd(p->publish.kafka), .events = POLLIN},
    };
    if (serve_poll(&p->serve, fds, sizeof fds / sizeof *fds, wait_ms(p)) < 0 && errno != EINTR)
        return err_stop(err, EX_OSERR, "poll: %s", strerror(errno));
    return !signals_came(p->signals);
}

/* --- the verbs --- */

/* One that fails changes nothing. */
static bool reload(struct producer *p, struct err *err)
{
    struct files *before = p->files, *now = files_load(&p->settings.common, true, err);
    bool ok = now && take_files(p, now, err);
    files_free(!now ? NULL : ok ? before : now);
    metrics_add(&p->metrics, PRODUCER_RELOADS, LABELS(ok ? STR("ok") : STR("failed")), 1);
    return ok;
}

/* While a batch is under way its tasks are of the files before. */
static bool reload_files(struct producer *p, struct err *err)
{
    log_tell_repeated();
    p->is_reload_due = signals_came(p->reload) || p->is_reload_due;
    if (!p->is_reload_due || !publish_is_done(&p->publish))
        return true;
    p->is_reload_due = false;
    if (reload(p, err))
        files_tell(p->files, &p->serve);
    else
        files_tell_failure(&p->serve, err);
    return true;
}

/* Whoever has mended a file and run muster init has not necessarily told us: new files are looked for before giving up. */
static bool check_routes(struct producer *p, struct err *err)
{
    struct routes now;
    arena_auto scratch = {0};
    if (clock_ms() < p->routes_ms + ROUTES_EVERY_MS || !publish_is_done(&p->publish))
        return true;
    p->routes_ms = clock_ms();
    bool ok = routes_read(&p->mongo, &p->files->providers, p->settings.lease_ms, p->partitions,
                          &scratch, &now, err);
    if (!ok && err->exit_code == EX_CONFIG) {
        struct err ignored = {0};
        ok = reload(p, &ignored);
        if (ok)
            files_tell(p->files, &p->serve);
    }
    return carry_on(p, CHECK_MONGO, ok, err);
}

/* The first time, as others may have filled the lanes; later when they may be filling up, and to see whether Kafka is back. */
static bool measure_lanes(struct producer *p, struct err *err)
{
    arena_auto scratch = {0};
    struct kafka_lag *rows = NULL;
    bool must = !p->measured_ms || p->kafka_trouble.failures || policy_must_measure(&p->policy);
    if (!must || (p->measured_ms && clock_ms() < p->measured_ms + MEASURE_EVERY_MS))
        return true;
    const char *group = arena_text(&scratch, group_of_fetchers(p->kafka.topics, &scratch));
    bool ok = kafka_lags(&p->kafka, "tasks", group, p->partitions, &scratch, &rows, err);
    p->measured_ms = clock_ms();
    for (size_t i = 0; ok && i < p->routes.lane_count; i++)
        p->routes.lanes[i].waiting = rows[p->routes.lanes[i].partition].lag;
    if (!ok && err->exit_code == EX_UNAVAILABLE)
        err->kind = ERR_RETRY;
    return carry_on(p, CHECK_KAFKA, ok, err);
}

static bool claim_batch(struct producer *p, struct err *err)
{
    struct claimed *batch = NULL;
    size_t count = 0;
    if (!publish_is_done(&p->publish) || p->kafka_trouble.failures)
        return true;
    arena_reset(&p->batch_arena);
    int64_t began_ms = clock_ms();
    bool ok = claim_links(&p->claim, &p->policy, &p->batch_arena, &batch, &count, err);
    if (ok) {
        publish_begin(&p->publish, batch, count);
        p->lease_end_ms = clock_ms() + p->settings.lease_ms;
        p->claimed += (int64_t)count;
    }
    producer_meters_claim(&p->metrics, ok, &p->claim, batch, count, clock_ms() - began_ms);
    if (!ok &&
        p->claim.collided) { /* with another producer: nothing to tell, only to pause for */
        p->mongo_trouble.failures++;
        return true;
    }
    return carry_on(p, CHECK_MONGO, ok, err);
}

static bool publish_batch(struct producer *p, struct err *err)
{
    if (publish_is_done(&p->publish)) {
        kafka_producer_poll(p->publish.kafka, 0); /* the descriptor stays readable otherwise */
        return true;
    }
    bool ok = publish_tasks(&p->publish, clock_ms() >= p->lease_end_ms, err);
    producer_meters_publish(&p->metrics, ok ? ERR_NONE : err->kind);
    if (!ok && err->kind == ERR_REJECT) {
        LOG_ERROR("rejected", LOG_TEXT("error", err->text));
        err_clear(err);
        return true;
    }
    return carry_on(p, CHECK_KAFKA, ok, err);
}

/* --- closing --- */

/* What was claimed is delivered if it can be, within the time that a stage has; a second signal ends that. */
static void drain(struct producer *p)
{
    int64_t end_ms = clock_ms() + DRAIN_MS;
    serve_waits(&p->serve, CHECK_STAGE, STR("it is draining"));
    struct err ignored = {0};
    while (!publish_is_done(&p->publish) && clock_ms() < end_ms && !signals_came(p->signals)) {
        if (!publish_tasks(&p->publish, false, &ignored))
            err_clear(&ignored); /* the lease brings back what cannot be delivered now */
        kafka_producer_poll(p->publish.kafka, 50);
        serve_answer(&p->serve);
    }
}

static int producer_close(struct producer *p, struct err *err)
{
    if (p->publish.kafka) {
        if (err->kind != ERR_FATAL)
            drain(p);
        LOG_INFO("stopped", LOG_INT("claimed", p->claimed),
                 LOG_INT("undelivered", (int64_t)p->publish.open));
    }
    if (err->kind == ERR_FATAL)
        LOG_ERROR("failed", LOG_TEXT("error", err->text));
    kafka_producer_close(p->publish.kafka);
    claim_done(&p->claim);
    mongo_close(&p->mongo);
    serve_close(&p->serve);
    metrics_close(&p->metrics);
    log_close();
    files_free(p->files);
    signals_close(p->signals);
    signals_close(p->reload);
    arena_done(&p->batch_arena);
    arena_done(&p->arena);
    return err->kind == ERR_FATAL ? err->exit_code : EX_OK;
}
