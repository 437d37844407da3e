/* SPDX-License-Identifier: MIT */
/*
 * `muster replay`: kept pages become entities again, by the very code of the serializer (serializer/work), in the same database
 * or in another one. It is one more writer beside the stages: nothing it does needs them to stop.
 */
#include "common/clock.h"
#include "common/group.h"
#include "common/signals.h"
#include "muster/diff_report.h"
#include "muster/numbers.h"
#include "muster/other.h"
#include "muster/progress.h"
#include "muster/replay_place.h"
#include "muster/replay_range.h"
#include "muster/replay_told.h"
#include "muster/report.h"
#include "serializer/mongo_store.h"
#include "serializer/work.h"

#include <poll.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    BATCH_PAGES = 500,
    BATCH_BYTES = 8 << 20,
    TAKE_MS = 500,
    PLACE_MS = 2000,
    RETRY_MAX_MS = 1000,
    PATIENCE = 3 /* failed attempts before it says for what it waits */
};

struct replay {
    struct muster *m;    /* with the live database */
    struct muster other; /* --into; m's own otherwise */
    struct muster *into;
    struct mongo_store mongo_store;
    struct store store;
    struct work *work;
    struct kafka_range *ranges; /* `from` moves on as pages are written */
    struct kafka_range *taken;  /* … and here as they are taken */
    size_t range_count;
    struct kafka_reader *reader;
    struct progress progress;
    struct replay_place place;
    bool keeps_place, went_on;
    int64_t total, failing_since_ms, place_ms;
    struct replay_told told;
    int signals;
    bool is_stopped;
};

static bool replay_open(struct replay *r, struct err *err);
static bool take_pages(struct replay *r, struct err *err);
static bool move_on(struct replay *r, struct err *err);
static bool replay_end(struct replay *r, struct err *err);
static void replay_close(struct replay *r);

bool replay_run(struct muster *m, struct err *err)
{
    struct replay r = {.m = m, .into = m, .signals = -1};

    bool ok = replay_open(&r, err);
    while (ok && !r.is_stopped && !kafka_reader_is_done(r.reader))
        ok = take_pages(&r, err)         /* kept pages   -> a batch */
             && work_sort(r.work, err)   /* as the serializer … */
             && work_write(r.work, err)  /* … the batch  -> MongoDB, until it stands */
             && work_reject(r.work, err) /* what no retry can mend is counted and told */
             && move_on(&r, err);        /* what is written is not read again */
    ok = ok && replay_end(&r, err);      /* what was done, and what is otherwise now */
    ok = ok || (r.is_stopped && err->kind == ERR_NONE);
    if (ok && r.is_stopped)
        ok = err_stop(
            err, EX_TEMPFAIL, "stopped: nothing is half done; the same command begins %s",
            r.keeps_place ? "where this one ended" : "again and finds most of it done");
    replay_close(&r);
    return ok;
}

/* --- opening --- */

static bool is_selected(const struct muster *m, const struct stream *s)
{
    for (size_t i = 0; i < m->word_count; i++)
        if (str_eq(m->words[i], s->name) || str_eq(m->words[i], s->provider->name))
            return true;
    return m->word_count == 0;
}

/* Each word is a stream of the files, or a provider with its streams. */
static bool check_words(const struct muster *m, struct err *err)
{
    for (size_t i = 0; i < m->word_count; i++) {
        struct str names[PROVIDER_MAX_FILES * 2];
        size_t count = 0;
        bool is_known = false;
        for (size_t p = 0; p < m->providers.count; p++) {
            const struct provider *provider = m->providers.list[p];
            if (count < PROVIDER_MAX_FILES)
                names[count++] = provider->name;
            is_known |= str_eq(m->words[i], provider->name);
            for (size_t s = 0; s < provider->stream_count; s++) {
                is_known |= str_eq(m->words[i], provider->streams[s].name);
                if (count < sizeof names / sizeof *names)
                    names[count++] = provider->streams[s].name;
            }
        }
        struct str nearest = str_nearest(m->words[i], names, count);
        if (!is_known)
            return err_stop(err, EX_USAGE,
                            STR_FMT ": there is no such provider or stream%s" STR_FMT "%s",
                            STR_ARG(m->words[i]), nearest.len ? "; did you mean " : "",
                            STR_ARG(nearest), nearest.len ? "?" : "");
    }
    return true;
}

/* Only what is selected stays in the list. */
static void select_streams(struct replay *r)
{
    struct work *w = r->work;
    size_t kept = 0;
    work_list_streams(w, &r->m->providers, &r->m->arena);
    for (size_t i = 0; i < w->stream_count; i++)
        if (is_selected(r->m, w->streams[i].stream))
            w->streams[kept++] = w->streams[i];
    w->stream_count = kept;
}

/* Waiting for a database that is away: in short turns, so that a signal ends it. */
static bool wait_a_moment(void *self, const char *step, const struct err *why, int attempt,
                          struct err *err)
{
    struct replay *r = self;
    struct pollfd fd = {.fd = r->signals, .events = POLLIN};
    int64_t wait_ms = 10LL << (attempt < 8 ? attempt : 8);
    int64_t patience_ms = r->m->settings.common.wait_ms;
    if (attempt == 1)
        r->failing_since_ms = clock_ms();
    if (clock_ms() - r->failing_since_ms > patience_ms)
        return err_stop(err, EX_UNAVAILABLE, "%s: %s (for %lld s now: --wait)", step, why->text,
                        (long long)patience_ms / 1000);
    if (attempt == PATIENCE + 1)
        (void)fprintf(stderr, "\nwaits: %s: %s\n", step, why->text);
    (void)poll(&fd, 1, (int)(wait_ms < RETRY_MAX_MS ? wait_ms : RETRY_MAX_MS));
    r->is_stopped = signals_came(r->signals);
    return !r->is_stopped;
}

/* The stage has sent it to the rejects topic when it came, or will. */
static bool list_reject(void *self, const struct set_aside *reject, struct err *err)
{
    struct replay *r = self;
    (void)err;
    struct replay_told *t = &r->told;
    if (t->reject_shown < diff_limit(r->m))
        *ARENA_PUSH(&r->m->arena, t->rejects, t->reject_shown, t->reject_room) =
            (struct listed_reject){reject->message->partition, reject->message->offset,
                                   arena_copy(&r->m->arena, reject->reason)};
    t->reject_count++;
    return true;
}

static bool open_database(struct replay *r, struct err *err)
{
    const struct muster_settings *s = &r->m->settings;
    if (s->into.len && !str_eq(s->into, s->common.database)) {
        r->into = &r->other;
        if (!other_open(r->m, s->into, &r->other, err))
            return false;
    }
    r->mongo_store = (struct mongo_store){&r->into->mongo, clock_unix_ms, s->changes};
    r->store = mongo_store(&r->mongo_store);
    r->work->store = &r->store;
    return work_read_maps(r->work, &r->into->mongo, err);
}

/* --since and --from say where to begin; otherwise another database goes on where its last replay ended. */
static bool settle_ranges(struct replay *r, struct err *err)
{
    const struct muster_settings *s = &r->m->settings;
    int64_t since_ms = 0;
    if (s->since.len && s->from.len)
        return err_stop(err, EX_USAGE, "--since and --from: one of them says where to begin");
    if (!replay_since(s->since, clock_unix_ms(), &since_ms, err) ||
        !kafka_kept(&r->m->kafka, "pages", since_ms, &r->m->arena, &r->ranges, &r->range_count,
                    err) ||
        !replay_from(s->from, r->ranges, r->range_count, err))
        return false;
    r->keeps_place = r->into == &r->other && !s->since.len && !s->from.len;
    r->place = (struct replay_place){
        r->work->topic,
        replay_place_what(r->work->streams, r->work->stream_count, &r->m->arena)};
    if (r->keeps_place && !replay_place_read(&r->into->mongo, &r->place, r->ranges,
                                             r->range_count, &r->went_on, err))
        return false;
    r->taken = ARENA_ARRAY(&r->m->arena, struct kafka_range, r->range_count);
    for (size_t i = 0; i < r->range_count; i++)
        r->taken[i] = r->ranges[i];
    r->total = kafka_range_total(r->ranges, r->range_count);
    return true;
}

static bool replay_open(struct replay *r, struct err *err)
{
    struct muster *m = r->m;
    r->work = ARENA_NEW(&m->arena, struct work);
    r->work->caller = (struct work_caller){r, wait_a_moment, NULL, list_reject};
    r->work->topic = arena_format(&m->arena, STR_FMT ".pages", STR_ARG(m->kafka.topics));
    r->signals = signals_open(err);
    if (r->signals < 0 || !check_words(m, err))
        return false;
    select_streams(r);
    if (!open_database(r, err) || !settle_ranges(r, err))
        return false;
    r->reader = kafka_reader_open(&m->kafka, "pages", r->ranges, r->range_count, err);
    progress_begin(&r->progress, "pages", r->total, m->settings.json);
    return r->reader != NULL;
}

/* --- the verbs --- */

static struct str header_of(const struct kafka_message *m, const char *name)
{
    for (size_t i = 0; i < m->header_count; i++)
        if (str_eq(str_of(m->headers[i].name), str_of(name)))
            return m->headers[i].value;
    return (struct str){0};
}

static struct known_stream *stream_of(const struct replay *r, const struct kafka_message *m)
{
    struct str name = header_of(m, "muster-stream");
    for (size_t i = 0; i < r->work->stream_count; i++)
        if (str_eq(r->work->streams[i].stream->name, name))
            return &r->work->streams[i];
    return NULL;
}

/*
 * A page by a greater map than the database knows, whose files are ours: the database was lost and made anew, and its maps
 * began at 1. They go on from the pages'.
 */
static bool follow_map(struct replay *r, struct known_stream *stream,
                       const struct kafka_message *m, struct err *err)
{
    int64_t map = 0;
    if (!str_to_int(header_of(m, "muster-map"), &map) || map <= stream->map || map > INT32_MAX)
        return true;
    stream->map = (int32_t)map;
    return numbers_raise_map(r->into, stream->stream, map, err);
}

/* Of streams that are not selected; a stream without a file is a reject only where everything is. */
static bool is_passed_over(const struct replay *r, const struct kafka_message *m)
{
    bool all = r->m->word_count == 0 && r->m->settings.common.providers.len == 0;
    return !all && !stream_of(r, m);
}

static bool take_one(struct replay *r, bool *out_more, struct err *err)
{
    struct intake *in = &r->work->intake;
    struct kafka_message *m = &in->messages[in->message_count];
    bool taken = false;
    if (!kafka_reader_take(r->reader, in->message_count ? 0 : TAKE_MS, m, &taken, err))
        return false;
    *out_more = taken;
    if (!taken)
        return true;
    for (size_t i = 0; i < r->range_count; i++)
        if (r->taken[i].partition == m->partition)
            r->taken[i].from = m->offset + 1;
    if (is_passed_over(r, m)) {
        kafka_message_free(m);
        r->told.passed_over++;
        return true;
    }
    in->message_count++;
    in->bytes += (int64_t)m->value.len;
    struct known_stream *stream = stream_of(r, m);
    return !stream || follow_map(r, stream, m, err);
}

static bool take_pages(struct replay *r, struct err *err)
{
    struct intake *in = &r->work->intake;
    bool more = true;
    intake_clear(in);
    r->is_stopped = signals_came(r->signals);
    while (more && !r->is_stopped && in->message_count < BATCH_PAGES && in->bytes < BATCH_BYTES)
        if (!take_one(r, &more, err))
            return false;
    return true;
}

static bool keep_place(struct replay *r, struct err *err)
{
    if (!r->keeps_place)
        return true;
    r->place_ms = clock_ms();
    return replay_place_write(&r->into->mongo, &r->place, r->ranges, r->range_count, err);
}

static int64_t records(const struct replay *r)
{
    const struct batch_counts *c = &r->work->counts;
    return c->records + c->identical_records;
}

static bool move_on(struct replay *r, struct err *err)
{
    for (size_t i = 0; i < r->range_count; i++)
        r->ranges[i].from = r->taken[i].from;
    progress_tell(&r->progress, r->total - kafka_reader_left(r->reader), records(r));
    return clock_ms() - r->place_ms < PLACE_MS || keep_place(r, err);
}

/* --- what was done --- */

static bool is_replayed(const struct replay *r, const struct model *m)
{
    for (size_t i = 0; i < r->work->stream_count; i++)
        if (r->work->streams[i].stream->model == m)
            return true;
    return false;
}

static bool tell_diff(struct replay *r, struct err *err)
{
    const struct providers *p = &r->m->providers;
    const struct diff_side was = {&r->m->mongo, r->m->settings.common.database};
    const struct diff_side is = {&r->other.mongo, r->other.settings.common.database};
    for (size_t i = 0; i < p->model_count; i++) {
        if (!is_replayed(r, p->models[i]))
            continue;
        if (!r->m->settings.json)
            (void)printf("\n");
        if (!diff_report(r->m, p->models[i], &was, &is, diff_limit(r->m), err))
            return false;
    }
    return true;
}

/*
 * All that is kept stands in the other database: its serializers, once there are some, go on from here. A group that has members
 * knows its place better.
 */
static bool set_group(struct replay *r, struct err *err)
{
    const struct common_settings *c = &r->into->settings.common;
    bool all = r->m->word_count == 0 && c->providers.len == 0;
    if (!r->keeps_place || r->is_stopped || !all)
        return true;
    struct str group = group_of_serializers(c->topics, c->database, &r->m->arena);
    return kafka_set_group(&r->m->kafka, "pages", arena_text(&r->m->arena, group), r->ranges,
                           r->range_count, err) ||
           err->kind == ERR_NONE;
}

static bool replay_end(struct replay *r, struct err *err)
{
    progress_end(&r->progress, r->total - kafka_reader_left(r->reader), records(r));
    for (size_t i = 0; i < r->range_count && !r->is_stopped; i++)
        r->ranges[i].from = r->ranges[i].until; /* behind the last message there may be a gap */
    if (!keep_place(r, err) || !set_group(r, err))
        return false;
    r->told.into = r->into->settings.common.database;
    r->told.went_on = r->went_on;
    r->told.counts = &r->work->counts;
    replay_tell(&r->told, r->m->settings.json);
    return r->is_stopped || r->into != &r->other || tell_diff(r, err);
}

static void replay_close(struct replay *r)
{
    if (r->work) {
        intake_clear(&r->work->intake);
        arena_done(&r->work->intake.arena);
    }
    kafka_reader_close(r->reader);
    if (r->into == &r->other)
        other_close(&r->other);
    if (r->signals >= 0)
        (void)close(r->signals);
}
