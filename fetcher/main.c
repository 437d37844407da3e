/* SPDX-License-Identifier: MIT */
/*
 * The fetcher: tasks in, pages out. It asks the providers and publishes what they answer, as it came; it keeps nothing. A task is
 * done, and its offset stored, only when everything that it caused is acknowledged by Kafka: whatever happens before, another
 * fetcher gets the task again. All waiting is done in one place, fetcher_wait().
 */
#include "common/clock.h"
#include "common/conf.h"
#include "common/files.h"
#include "common/kafka.h"
#include "common/log.h"
#include "common/serve.h"
#include "common/signals.h"
#include "common/start.h"
#include "fetcher/meters.h"
#include "fetcher/publish.h"
#include "fetcher/roster.h"
#include "fetcher/settings.h"

#include <sysexits.h>
#include <unistd.h>

enum { WAIT_MAX_MS = 1000, RETRY_MS = 50, PROGRESS_MS = 10000 };

/* Since the start, and what of it the last progress line told. */
struct progress {
    int64_t pages, bytes, told_pages, told_ms;
};

struct fetcher {
    struct settings settings;
    struct files *files;
    struct arena arena, scratch; /* for the life of the process; for one verb on one stretch */
    struct kafka_settings kafka;
    struct kafka_consumer *tasks;
    struct publish publish;
    struct http *http;
    struct serve serve;
    struct metrics metrics;
    int signals, reload;
    struct roster roster;
    int64_t drain_end_ms; /* 0 = not draining */
    struct err failure;   /* of an acknowledgement */
    struct progress progress;
};

static bool fetcher_open(struct fetcher *f, int argc, char **argv, struct err *err);
static bool fetcher_wait(struct fetcher *f, struct err *err);
static bool reload_files(struct fetcher *f, struct err *err);
static bool take_tasks(struct fetcher *f, struct err *err);
static bool run_transfers(struct fetcher *f, struct err *err);
static bool send_pages(struct fetcher *f, struct err *err);
static bool store_offsets(struct fetcher *f, struct err *err);
static int fetcher_close(struct fetcher *f, struct err *err);

int main(int argc, char **argv)
{
    struct fetcher f = {.signals = -1, .reload = -1};
    struct err err = {0};

    bool ok = fetcher_open(&f, argc, argv, &err);
    while (ok && fetcher_wait(&f, &err)) /* Kafka, HTTP, a timer or a signal; false = stop */
        ok = reload_files(&f, &err)      /* SIGHUP       -> files and secrets, read anew */
             && take_tasks(&f, &err)     /* tasks topic  -> stretches, while there is room */
             && run_transfers(&f, &err)  /* stretches    -> answers, as each pace allows */
             && send_pages(&f, &err)     /* answers      -> pages topic, rests -> tasks topic */
             && store_offsets(&f, &err); /* acknowledged -> offsets, gap-free per partition */
    return fetcher_close(&f, &err);      /* leave the group, log err once */
}

/* --- opening --- */

static kafka_delivered on_delivered;
static kafka_assigned on_assigned;

static bool open_kafka(struct fetcher *f, struct err *err)
{
    int32_t ignored;
    f->kafka = settings_kafka(&f->settings);
    f->publish.topics = f->kafka.topics;
    if (!start_wait_for_kafka(&f->kafka, f->settings.common.wait_ms, f->signals, &f->serve,
                              err) ||
        !kafka_partitions(&f->kafka, "tasks", &ignored, err) ||
        !kafka_partitions(&f->kafka, "rejects", &ignored, err) ||
        !kafka_partitions(&f->kafka, "pages", &f->publish.page_partitions, err))
        return false;
    f->publish.kafka = kafka_producer_open(&f->kafka, on_delivered, f, err);
    if (f->publish.kafka)
        f->tasks = kafka_consumer_open(&f->kafka, "tasks", on_assigned, f, err);
    return f->tasks != NULL;
}

/* Somebody asks how it goes. */
static void refresh(void *context)
{
    struct fetcher *f = context;
    if (!f->tasks)
        return;
    if (kafka_consumer_is_connected(f->tasks) && kafka_producer_is_connected(f->publish.kafka))
        serve_ok(&f->serve, CHECK_KAFKA);
    else
        serve_waits(&f->serve, CHECK_KAFKA, STR("no broker answers"));
    fetcher_meters_now(&f->metrics, &f->roster, kafka_producer_pending(f->publish.kafka));
}

static bool open_serve(struct fetcher *f, struct err *err)
{
    const struct serve_about about = {.program = "muster-fetcher",
                                      .libraries = settings_libraries,
                                      .refresh = refresh,
                                      .context = f,
                                      .metrics = &f->metrics};
    fetcher_meters_open(&f->metrics);
    return serve_open(&f->serve, f->settings.common.listen, &about, err);
}

static bool fetcher_open(struct fetcher *f, int argc, char **argv, struct err *err)
{
    struct settings *s = &f->settings;
    log_open("fetcher", false, LOG_INFO_LEVEL);
    f->signals = signals_open(err);
    f->reload = f->signals < 0 ? -1 : signals_open_reload(err);
    if (f->reload < 0 || !settings_load(s, argc, argv, &f->arena, err))
        return false;
    log_open("fetcher", s->common.log_format == 1, (enum log_level)s->common.log_level);
    if (!open_serve(f, err) || !(f->files = files_load(&s->common, false, err)))
        return false;
    roster_init(&f->roster, &f->files->providers, &f->arena);
    const struct http_limits limits = {s->timeout_ms, s->stall_ms, s->max_page, s->window};
    f->http = http_open(&limits, err);
    if (!f->http || !open_kafka(f, err))
        return false;
    serve_ok(&f->serve, CHECK_STAGE);
    serve_ok(&f->serve, CHECK_FILES);
    LOG_INFO("started", LOG_STR("kafka", f->kafka.brokers), LOG_STR("group", f->kafka.group),
             LOG_INT("streams", (int64_t)f->roster.schedule.count),
             LOG_TEXT("listen", f->serve.address));
    return true;
}

/* --- what Kafka tells, from within its polls --- */

static struct moment moment_now(void)
{
    return (struct moment){clock_ms(), clock_unix_ms()};
}

static void on_assigned(void *context, int32_t partition, bool came)
{
    struct fetcher *f = context;
    if (came) {
        lanes_add(&f->roster.lanes, partition);
    } else {
        roster_abandon(&f->roster, partition);
        lanes_remove(&f->roster.lanes, partition);
    }
    log_line(LOG_DEBUG_LEVEL, came ? "lane_came" : "lane_went",
             LOG_PAIRS(LOG_INT("partition", partition)));
}

static void on_delivered(void *context, void *ticket, const struct err *failure)
{
    struct fetcher *f = context;
    struct stretch *s = ticket;
    struct moment m = moment_now();
    int32_t partition = s->partition;
    int64_t offset = s->offset;
    if (failure && failure->kind == ERR_FATAL)
        f->failure = *failure;
    metrics_add(&f->metrics, FETCHER_PUBLISH_FAILURES, NO_LABELS, failure != NULL);
    if (roster_acknowledge(&f->roster, s, failure ? failure->kind : ERR_NONE, &m, &f->scratch))
        ledger_mark_done(kafka_ledger(f->tasks), partition, offset);
}

/* --- waiting --- */

static bool fetcher_wait(struct fetcher *f, struct err *err)
{
    const int fds[] = {kafka_consumer_fd(f->tasks), kafka_producer_fd(f->publish.kafka),
                       f->signals, f->reload, serve_fd(&f->serve)};
    int64_t max_ms = TAILQ_EMPTY(&f->roster.outbox) ? WAIT_MAX_MS : RETRY_MS;
    http_wait(f->http, fds, sizeof fds / sizeof *fds,
              (int)schedule_wait_ms(&f->roster.schedule, clock_ms(), max_ms));
    serve_answer(&f->serve);
    if (f->failure.kind) {
        *err = f->failure;
        return false;
    }
    if (signals_came(f->signals)) {
        if (f->drain_end_ms)
            return false;
        f->drain_end_ms = clock_ms() + f->settings.drain_ms;
        LOG_INFO("draining", LOG_INT("open", (int64_t)f->roster.count));
        roster_drain(&f->roster);
        serve_waits(&f->serve, CHECK_STAGE, STR("it is draining"));
    }
    return !f->drain_end_ms || (f->roster.count > 0 && clock_ms() < f->drain_end_ms);
}

/* --- the verbs --- */

/* Polling must never stop, or the group would wait for us; what may not come is held back by pausing. */
static bool hold_lanes(struct fetcher *f, struct err *err)
{
    struct lanes *l = &f->roster.lanes;
    const struct lane *lane;
    lanes_hold(l, f->roster.is_draining, f->roster.count, (size_t)f->settings.window,
               clock_ms());
    while ((lane = lanes_change(l)))
        if (!kafka_pause(f->tasks, lane->partition, lane->is_paused, err))
            return false;
    return true;
}

/* Those before go when the last stretch that uses them has ended. */
static void drop_older_files(struct fetcher *f)
{
    for (struct files *x = f->files->older; x; x = x->older)
        if (roster_uses(&f->roster, &x->providers))
            return;
    files_free(f->files->older);
    f->files->older = NULL;
}

static bool reload_files(struct fetcher *f, struct err *err)
{
    if (f->files->older)
        drop_older_files(f);
    if (!signals_came(f->reload))
        return true;
    struct files *now = files_load(&f->settings.common, false, err);
    metrics_add(&f->metrics, FETCHER_RELOADS, LABELS(now ? STR("ok") : STR("failed")), 1);
    if (!now) {
        files_tell_failure(&f->serve, err);
        return true;
    }
    now->older = f->files;
    f->files = now;
    roster_reload(&f->roster, &now->providers, &f->arena);
    files_tell(now, &f->serve);
    return true;
}

static bool take_tasks(struct fetcher *f, struct err *err)
{
    bool taken = true;
    while (taken && (f->roster.count < (size_t)f->settings.window || f->roster.lanes.is_held)) {
        struct kafka_message m;
        if (!hold_lanes(f, err) || !kafka_take(f->tasks, 0, &m, &taken, err))
            return false;
        if (taken) {
            roster_open(&f->roster, &m, clock_ms(), &f->scratch);
            metrics_add(&f->metrics, FETCHER_TASKS, NO_LABELS, 1);
            kafka_message_free(&m);
        }
    }
    return hold_lanes(f, err);
}

static void start_transfer(struct fetcher *f, struct stretch *s)
{
    struct moment m = moment_now();
    struct http_request request;
    struct err err = {0};
    if (stretch_ask(s, &m, &f->scratch, &request)) {
        s->transfer = http_start(f->http, &request, s, &err);
        if (!s->transfer)
            stretch_fail(s, str_of(err.text), &m);
    }
    arena_reset(&f->scratch);
    if (s->transfer)
        return;
    schedule_ended(&f->roster.schedule, s);
    roster_pass_on(&f->roster, s);
}

static void take_answer(struct fetcher *f, struct stretch *s, const struct http_answer *answer)
{
    struct moment m = moment_now();
    schedule_ended(&f->roster.schedule, s);
    struct pace_ruling r = stretch_answer(s, answer, &m, clock_dice(PACE_DICE), &f->scratch);
    arena_reset(&f->scratch);
    fetcher_meters_answer(&f->metrics, s, answer, &r);
    if (r.holds_account)
        schedule_hold(&f->roster.schedule, s, m.now_ms + r.wait_ms);
    if (s->step == STEP_WAIT)
        roster_end_transfer(&f->roster, s);
    roster_pass_on(&f->roster, s);
}

static bool run_transfers(struct fetcher *f, struct err *err)
{
    void *ticket;
    struct http_answer answer;
    struct stretch *s;
    (void)err;
    while (http_next(f->http, &ticket, &answer))
        take_answer(f, ticket, &answer);
    while ((s = schedule_next(&f->roster.schedule, clock_ms())))
        start_transfer(f, s);
    return true;
}

/* What the step published is on its way: what comes next. */
static void step_on(struct fetcher *f, struct stretch *s)
{
    const struct settings *limits = &f->settings;
    struct moment m = moment_now();
    if (s->step != STEP_PAGE) {
        s->step = STEP_ACKS;
        return;
    }
    f->progress.pages++;
    f->progress.bytes += (int64_t)s->found.body.len;
    roster_end_transfer(&f->roster, s);
    bool is_over =
        s->pages + 1 >= limits->stretch_pages || m.now_ms - s->began_ms >= limits->stretch_ms;
    stretch_page_sent(s, is_over, &m);
}

static void log_trouble(const struct stretch *s)
{
    const struct finding *found = &s->found;
    int64_t wait_ms =
        found->outcome == OUTCOME_DEFERRED ? found->retry_at_ms - found->time_ms : 0;
    if (s->step == STEP_REJECT)
        LOG_WARN("reject", LOG_INT("partition", s->partition), LOG_INT("offset", s->offset),
                 LOG_STR("error", buf_str(&s->complaint)));
    if (s->step == STEP_PAGE && found->outcome != OUTCOME_OK)
        LOG_WARN(outcome_name(found->outcome), LOG_STR("link", s->task.link),
                 LOG_INT("page", s->at.page), LOG_INT("again_s", wait_ms / 1000),
                 LOG_STR("error", buf_str(&s->complaint)));
}

/* False when it has to wait for room in the queue, or with an error. */
static bool publish_stretch(struct fetcher *f, struct stretch *s, struct err *err)
{
    bool sent = publish_step(&f->publish, s, &f->scratch, err);
    arena_reset(&f->scratch);
    if (sent) {
        log_trouble(s);
        fetcher_meters_sent(&f->metrics, s);
        step_on(f, s);
    } else if (err->kind == ERR_REJECT) {
        /* No topic takes it; a failed page always fits. */
        struct moment m = moment_now();
        roster_end_transfer(&f->roster, s);
        stretch_fail(s, str_of(err->text), &m);
        err_clear(err);
        return true;
    }
    return sent;
}

static bool send_pages(struct fetcher *f, struct err *err)
{
    struct stretch *s;
    while ((s = TAILQ_FIRST(&f->roster.outbox)) && publish_stretch(f, s, err)) {
        schedule_remove(s);
        roster_pass_on(&f->roster, s);
    }
    if (err->kind == ERR_RETRY) /* acknowledgements make room */
        err_clear(err);
    return err->kind == ERR_NONE;
}

static void log_progress(struct fetcher *f)
{
    struct progress *p = &f->progress;
    int64_t now_ms = clock_ms();
    log_tell_repeated();
    if (p->pages == p->told_pages || now_ms - p->told_ms < PROGRESS_MS)
        return;
    LOG_INFO("progress", LOG_INT("pages", p->pages), LOG_INT("bytes", p->bytes),
             LOG_INT("open", (int64_t)f->roster.count));
    p->told_pages = p->pages;
    p->told_ms = now_ms;
}

static bool store_offsets(struct fetcher *f, struct err *err)
{
    kafka_producer_poll(f->publish.kafka, 0); /* calls on_delivered() */
    log_progress(f);
    return kafka_store_marks(f->tasks, err);
}

/* --- closing --- */

static int fetcher_close(struct fetcher *f, struct err *err)
{
    if (f->tasks)
        LOG_INFO("stopped", LOG_INT("pages", f->progress.pages),
                 LOG_INT("abandoned", (int64_t)f->roster.count));
    if (err->kind == ERR_FATAL)
        LOG_ERROR("failed", LOG_TEXT("error", err->text));
    roster_abandon(&f->roster, -1);
    kafka_consumer_close(f->tasks);
    kafka_producer_close(f->publish.kafka); /* tells on_delivered() what is left: all void */
    http_close(f->http);
    serve_close(&f->serve);
    metrics_close(&f->metrics);
    log_close();
    roster_done(&f->roster);
    files_free(f->files);
    signals_close(f->signals);
    signals_close(f->reload);
    arena_done(&f->scratch);
    arena_done(&f->arena);
    return err->kind == ERR_FATAL ? err->exit_code : EX_OK;
}
