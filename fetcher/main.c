/* SPDX-License-Identifier: MIT */
/*
 * The fetcher: tasks in, pages out. It asks the providers and publishes what they answer, as it came; it keeps nothing. A task is
 * done, and its offset stored, only when everything that it caused is acknowledged by Kafka: whatever happens before, another
 * fetcher gets the task again. All waiting is done in one place, fetcher_wait().
 */
#include "common/clock.h"
#include "common/conf.h"
#include "common/kafka.h"
#include "common/log.h"
#include "fetcher/lanes.h"
#include "fetcher/publish.h"
#include "fetcher/schedule.h"
#include "fetcher/settings.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

enum { WAIT_MAX_MS = 1000, RETRY_MS = 50, FULL_HOLD_MS = 500, PROGRESS_MS = 10000 };

/* Since the start, and what of it the last progress line told. */
struct progress {
    int64_t pages, bytes, told_pages, told_ms;
};

struct fetcher {
    struct settings settings;
    struct providers providers;
    struct arena arena, scratch; /* for the life of the process; for one verb on one stretch */
    struct kafka_settings kafka;
    struct kafka_consumer *tasks;
    struct publish publish;
    struct http *http;
    int signals;
    struct schedule schedule;    /* stretches that are to ask */
    struct stretch_queue outbox; /* stretches that are to publish */
    struct stretch_queue open;   /* all stretches */
    size_t open_count;
    struct lanes lanes;
    int64_t full_since_ms, drain_end_ms; /* 0 = not full, not draining */
    struct err failure;                  /* of an acknowledgement */
    struct progress progress;
};

static bool fetcher_open(struct fetcher *f, int argc, char **argv, struct err *err);
static bool fetcher_wait(struct fetcher *f, struct err *err);
static bool take_tasks(struct fetcher *f, struct err *err);
static bool run_transfers(struct fetcher *f, struct err *err);
static bool send_pages(struct fetcher *f, struct err *err);
static bool store_offsets(struct fetcher *f, struct err *err);
static int fetcher_close(struct fetcher *f, struct err *err);

int main(int argc, char **argv)
{
    struct fetcher f = {.signals = -1};
    struct err err = {0};

    bool ok = fetcher_open(&f, argc, argv, &err);
    while (ok && fetcher_wait(&f, &err)) /* Kafka, HTTP, a timer or a signal; false = stop */
        ok = take_tasks(&f, &err) /* tasks topic  -> stretches, while the window has room */
             && run_transfers(
                    &f, &err) /* stretches    -> answers, as fast as each provider allows */
             && send_pages(&f, &err) /* answers      -> pages topic, the rest -> tasks topic */
             && store_offsets(&f, &err); /* acknowledged -> offsets, gap-free per partition */
    return fetcher_close(&f, &err);      /* leave the group, log err once */
}

/* --- opening --- */

static kafka_delivered on_delivered;
static kafka_assigned on_assigned;

/* Before any library starts a thread, so that no thread ever takes them. */
static bool open_signals(struct fetcher *f, struct err *err)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
        f->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return f->signals >= 0 || err_stop(err, EX_OSERR, "signalfd: %s", strerror(errno));
}

static bool signal_came(const struct fetcher *f)
{
    struct signalfd_siginfo info;
    return read(f->signals, &info, sizeof info) == (ssize_t)sizeof info;
}

/* In short turns, so that a signal ends it; says once for what it waits. */
static bool wait_for_kafka(struct fetcher *f, struct err *err)
{
    int64_t wait_ms = f->settings.common.wait_ms, end_ms = clock_ms() + wait_ms;
    bool is_told = false;
    while (!kafka_wait_ready(&f->kafka, wait_ms < 1000 ? wait_ms : 1000, err)) {
        if (clock_ms() >= end_ms)
            return err_stop(err, EX_UNAVAILABLE,
                            "Kafka at " STR_FMT " did not answer within %lld s (--wait)",
                            STR_ARG(f->kafka.brokers), (long long)(wait_ms / 1000));
        err_clear(err);
        if (signal_came(f))
            return false;
        if (!is_told)
            LOG_WARN("waits", LOG_TEXT("server", "Kafka"), LOG_STR("at", f->kafka.brokers));
        is_told = true;
    }
    return true;
}

static bool open_kafka(struct fetcher *f, struct err *err)
{
    int32_t ignored;
    f->kafka = settings_kafka(&f->settings);
    f->publish.topics = f->kafka.topics;
    if (!wait_for_kafka(f, err) || !kafka_partitions(&f->kafka, "tasks", &ignored, err) ||
        !kafka_partitions(&f->kafka, "rejects", &ignored, err) ||
        !kafka_partitions(&f->kafka, "pages", &f->publish.page_partitions, err))
        return false;
    f->publish.kafka = kafka_producer_open(&f->kafka, on_delivered, f, err);
    if (f->publish.kafka)
        f->tasks = kafka_consumer_open(&f->kafka, "tasks", on_assigned, f, err);
    return f->tasks != NULL;
}

static bool fetcher_open(struct fetcher *f, int argc, char **argv, struct err *err)
{
    struct settings *s = &f->settings;
    log_open("fetcher", false, LOG_INFO_LEVEL);
    TAILQ_INIT(&f->outbox);
    TAILQ_INIT(&f->open);
    if (!open_signals(f, err) || !settings_load(s, argc, argv, &f->arena, err))
        return false;
    log_open("fetcher", s->common.log_format == 1, (enum log_level)s->common.log_level);
    if (!providers_load(arena_text(&f->arena, s->common.schemas), s->common.providers, false,
                        &f->arena, &f->providers, err))
        return false;
    schedule_init(&f->schedule, &f->providers, &f->arena);
    const struct http_limits limits = {s->timeout_ms, s->stall_ms, s->max_page, s->window};
    f->http = http_open(&limits, err);
    if (!f->http || !open_kafka(f, err))
        return false;
    LOG_INFO("started", LOG_STR("kafka", f->kafka.brokers), LOG_STR("group", f->kafka.group),
             LOG_INT("streams", (int64_t)f->schedule.count));
    return true;
}

/* --- the ways of a stretch --- */

static struct moment moment_now(void)
{
    return (struct moment){clock_ms(), clock_unix_ms()};
}

static void drop_stretch(struct fetcher *f, struct stretch *s)
{
    TAILQ_REMOVE(&f->open, s, all);
    f->open_count--;
    stretch_free(s);
}

/* All that the task caused is acknowledged. */
static void end_stretch(struct fetcher *f, struct stretch *s)
{
    ledger_mark_done(kafka_ledger(f->tasks), s->partition, s->offset);
    lanes_ended(&f->lanes, s->partition);
    drop_stretch(f, s);
}

static void log_trouble(const struct stretch *s)
{
    const struct finding *found = &s->found;
    if (s->step == STEP_REJECT)
        LOG_WARN("reject", LOG_INT("partition", s->partition), LOG_INT("offset", s->offset),
                 LOG_STR("error", buf_str(&s->complaint)));
    if (s->step == STEP_PAGE && found->outcome != OUTCOME_OK)
        LOG_WARN(outcome_name(found->outcome), LOG_STR("link", s->task.link),
                 LOG_INT("page", s->at.page),
                 LOG_INT("again_s",
                         found->retry_at_ms ? (found->retry_at_ms - found->time_ms) / 1000 : 0),
                 LOG_STR("error", buf_str(&s->complaint)));
}

/* To where its step is done. */
static void pass_on(struct fetcher *f, struct stretch *s)
{
    bool is_patient = s->step == STEP_ASK || s->step == STEP_WAIT;
    if (is_patient && f->drain_end_ms)
        s->step = STEP_REST;
    if (s->step == STEP_ASK || s->step == STEP_WAIT) {
        schedule_add(&f->schedule, s);
    } else if (s->step != STEP_ACKS) {
        log_trouble(s);
        schedule_enter(&f->outbox, s);
    }
}

static void begin_stretch(struct fetcher *f, struct stretch *s)
{
    stretch_begin(s, &f->providers, clock_ms(), &f->scratch);
    arena_reset(&f->scratch);
    pass_on(f, s);
}

static void end_transfer(struct fetcher *f, struct stretch *s)
{
    if (s->step == STEP_ANSWER)
        schedule_ended(&f->schedule, s);
    http_release(s->transfer);
    s->transfer = NULL;
}

/* Its partition is somebody else's now, who begins it again. */
static void abandon_stretch(struct fetcher *f, struct stretch *s)
{
    end_transfer(f, s);
    schedule_remove(s);
    s->is_void = true;
    s->step = STEP_ACKS;
    if (s->unacknowledged == 0)
        drop_stretch(f, s);
}

static void abandon_all(struct fetcher *f, int32_t partition)
{
    struct stretch *next;
    for (struct stretch *s = TAILQ_FIRST(&f->open); s; s = next) {
        next = TAILQ_NEXT(s, all);
        if (partition < 0 || s->partition == partition)
            abandon_stretch(f, s);
    }
}

static void on_assigned(void *context, int32_t partition, bool came)
{
    struct fetcher *f = context;
    if (came) {
        lanes_add(&f->lanes, partition);
    } else {
        abandon_all(f, partition);
        lanes_remove(&f->lanes, partition);
    }
    log_line(LOG_DEBUG_LEVEL, came ? "lane_came" : "lane_went",
             LOG_PAIRS(LOG_INT("partition", partition)));
}

/* The last message of a stretch has come back. */
static void settle_stretch(struct fetcher *f, struct stretch *s)
{
    struct moment m = moment_now();
    if (s->is_void) {
        drop_stretch(f, s);
    } else if (s->was_lost) {
        begin_stretch(f, s);
    } else if (s->was_refused) {
        s->was_refused = false;
        stretch_fail(s, STR("a page is over the limit of its topic (max.message.bytes)"), &m);
        pass_on(f, s);
    } else {
        end_stretch(f, s);
    }
}

static void on_delivered(void *context, void *ticket, const struct err *failure)
{
    struct fetcher *f = context;
    struct stretch *s = ticket;
    enum err_kind kind = failure ? failure->kind : ERR_NONE;
    if (kind == ERR_FATAL)
        f->failure = *failure;
    s->was_lost |= kind == ERR_RETRY;
    s->was_refused |= kind == ERR_REJECT;
    s->unacknowledged--;
    if (s->unacknowledged == 0 && s->step == STEP_ACKS)
        settle_stretch(f, s);
}

/* --- waiting --- */

static void begin_draining(struct fetcher *f)
{
    f->drain_end_ms = clock_ms() + f->settings.drain_ms;
    LOG_INFO("draining", LOG_INT("open", (int64_t)f->open_count));
    struct stretch *s;
    while ((s = schedule_pop(&f->schedule)))
        pass_on(f, s);
}

static bool fetcher_wait(struct fetcher *f, struct err *err)
{
    const int fds[] = {kafka_consumer_fd(f->tasks), kafka_producer_fd(f->publish.kafka),
                       f->signals};
    int64_t max_ms = TAILQ_EMPTY(&f->outbox) ? WAIT_MAX_MS : RETRY_MS;
    http_wait(f->http, fds, sizeof fds / sizeof *fds,
              (int)schedule_wait_ms(&f->schedule, clock_ms(), max_ms));
    if (f->failure.kind) {
        *err = f->failure;
        return false;
    }
    if (signal_came(f)) {
        if (f->drain_end_ms)
            return false;
        begin_draining(f);
    }
    return !f->drain_end_ms || (f->open_count > 0 && clock_ms() < f->drain_end_ms);
}

/* --- the verbs --- */

/* Polling must never stop, or the group would wait for us; what may not come is held back by pausing. */
static bool hold_lanes(struct fetcher *f, struct err *err)
{
    size_t window = (size_t)f->settings.window;
    if (f->open_count < window)
        f->full_since_ms = 0;
    else if (!f->full_since_ms)
        f->full_since_ms = clock_ms();
    bool is_stuck = f->full_since_ms && clock_ms() - f->full_since_ms > FULL_HOLD_MS;
    f->lanes.is_held =
        f->drain_end_ms || is_stuck || (f->lanes.is_held && f->open_count > window / 2);
    const struct lane *lane;
    while ((lane = lanes_change(&f->lanes)))
        if (!kafka_pause(f->tasks, lane->partition, lane->is_paused, err))
            return false;
    return true;
}

static void open_stretch(struct fetcher *f, const struct kafka_message *m)
{
    struct stretch *s = stretch_new(m->partition, m->offset, m->key, m->value);
    TAILQ_INSERT_TAIL(&f->open, s, all);
    f->open_count++;
    begin_stretch(f, s);
    lanes_taken(&f->lanes, m->partition, s->stream ? s->stream->limits.in_flight : 0);
}

static bool take_tasks(struct fetcher *f, struct err *err)
{
    bool taken = true;
    while (taken && (f->open_count < (size_t)f->settings.window || f->lanes.is_held)) {
        struct kafka_message m;
        if (!hold_lanes(f, err) || !kafka_take(f->tasks, 0, &m, &taken, err))
            return false;
        if (taken) {
            open_stretch(f, &m);
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
    schedule_ended(&f->schedule, s);
    pass_on(f, s);
}

static void take_answer(struct fetcher *f, struct stretch *s, const struct http_answer *answer)
{
    struct moment m = moment_now();
    schedule_ended(&f->schedule, s);
    struct pace_ruling r = stretch_answer(s, answer, &m, clock_dice(PACE_DICE), &f->scratch);
    arena_reset(&f->scratch);
    if (r.holds_account)
        schedule_hold(&f->schedule, s, m.now_ms + r.wait_ms);
    if (s->step == STEP_WAIT)
        end_transfer(f, s);
    pass_on(f, s);
}

static bool run_transfers(struct fetcher *f, struct err *err)
{
    void *ticket;
    struct http_answer answer;
    struct stretch *s;
    (void)err;
    while (http_next(f->http, &ticket, &answer))
        take_answer(f, ticket, &answer);
    while ((s = schedule_next(&f->schedule, clock_ms())))
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
    end_transfer(f, s);
    stretch_page_sent(s,
                      s->pages + 1 >= limits->stretch_pages ||
                          m.now_ms - s->began_ms >= limits->stretch_ms,
                      &m);
}

/* False when it has to wait for room in the queue, or with an error. */
static bool publish_stretch(struct fetcher *f, struct stretch *s, struct err *err)
{
    bool sent = publish_step(&f->publish, s, &f->scratch, err);
    arena_reset(&f->scratch);
    if (sent) {
        step_on(f, s);
    } else if (err->kind ==
               ERR_REJECT) { /* no topic takes it, but the failed page always fits */
        struct moment m = moment_now();
        end_transfer(f, s);
        stretch_fail(s, str_of(err->text), &m);
        err_clear(err);
        return true;
    }
    return sent;
}

static bool send_pages(struct fetcher *f, struct err *err)
{
    struct stretch *s;
    while ((s = TAILQ_FIRST(&f->outbox)) && publish_stretch(f, s, err)) {
        schedule_remove(s);
        pass_on(f, s);
    }
    if (err->kind == ERR_RETRY) /* acknowledgements make room */
        err_clear(err);
    return err->kind == ERR_NONE;
}

static void log_progress(struct fetcher *f)
{
    struct progress *p = &f->progress;
    int64_t now_ms = clock_ms();
    if (p->pages == p->told_pages || now_ms - p->told_ms < PROGRESS_MS)
        return;
    LOG_INFO("progress", LOG_INT("pages", p->pages), LOG_INT("bytes", p->bytes),
             LOG_INT("open", (int64_t)f->open_count));
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
                 LOG_INT("abandoned", (int64_t)f->open_count));
    if (err->kind == ERR_FATAL)
        LOG_ERROR("failed", LOG_TEXT("error", err->text));
    abandon_all(f, -1);
    kafka_consumer_close(f->tasks);
    kafka_producer_close(f->publish.kafka); /* reports what is left to on_delivered() */
    http_close(f->http);
    lanes_done(&f->lanes);
    if (f->signals >= 0)
        (void)close(f->signals);
    arena_done(&f->scratch);
    arena_done(&f->arena);
    return err->kind == ERR_FATAL ? err->exit_code : EX_OK;
}
