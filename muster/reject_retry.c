/* SPDX-License-Identifier: MIT */
/*
 * `muster rejects retry`: the message goes again on its way, to its own topic and partition, with its own key, value and headers, and two
 * headers that count (common/reject.h). What comes of it is seen in the list, not here: a page that is read leaves it, one that is rejected
 * again comes as a reject with the count + 1.
 */
#include "common/clock.h"
#include "common/index.h"
#include "common/kafka_reader.h"
#include "common/maps.h"
#include "muster/kept.h"
#include "muster/rejects.h"
#include "muster/report.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { MESSAGE_BYTES = 66 << 20, SEND_MS = 60000, POLL_MS = 100 };

/* --- what is retried, and what not --- */

static bool take_word(struct rejects *r, struct str word, struct report *report,
                      struct err *err)
{
    struct reject_id id;
    if (!reject_id_parse(word, &id))
        return err_stop(err, EX_USAGE,
                        STR_FMT ": an id as muster rejects list shows it is expected, 0:41",
                        STR_ARG(word));
    int64_t at = rejects_find(r, id);
    if (at < 0)
        return err_stop(err, EX_NOINPUT,
                        "there is no reject " STR_FMT
                        ", or it repeats another one; muster rejects list --all shows all",
                        STR_ARG(word));
    r->take[at] = r->standings[at].can_retry_one;
    if (!r->take[at])
        report_line(report, "not " STR_FMT ": " STR_FMT, STR_ARG(word),
                    STR_ARG(r->standings[at].why));
    return true;
}

struct refusal {
    struct str why;
    int64_t count;
};

/* Of many, the reasons and how often. */
static void tell_refused(struct muster *m, const struct rejects *r, const bool *refused,
                         struct report *report)
{
    struct refusal *refusals = ARENA_ARRAY(&m->arena, struct refusal, r->count);
    struct index by_why;
    size_t count = 0;
    index_init(&by_why, &m->arena, r->count);
    for (size_t i = 0; i < r->count; i++) {
        if (!refused[i])
            continue;
        struct str why = r->standings[i].why;
        size_t at = (size_t)index_put(&by_why, why, (int64_t)count);
        count += at == count;
        refusals[at].why = why;
        refusals[at].count++;
    }
    for (size_t i = 0; i < count; i++)
        report_line(report, "not retried, %lld: " STR_FMT, (long long)refusals[i].count,
                    STR_ARG(refusals[i].why));
}

static void take_many(struct muster *m, struct rejects *r, struct report *report)
{
    bool *refused = ARENA_ARRAY(&m->arena, bool, r->count);
    for (size_t i = 0; i < r->count; i++) {
        refused[i] = r->take[i] && !r->standings[i].can_retry_all;
        r->take[i] &= r->standings[i].can_retry_all;
    }
    tell_refused(m, r, refused, report);
}

static bool choose(struct muster *m, struct rejects *r, struct report *report, struct err *err)
{
    const struct muster_settings *s = &m->settings;
    if (m->word_count == 1) {
        if (!s->all && !s->reason.len && !s->stream.len)
            return err_stop(err, EX_USAGE,
                            "rejects retry: ids, --reason, --stream or --all is expected; see "
                            "muster rejects --help");
        take_many(m, r, report);
        return true;
    }
    memset(r->take, 0, r->count * sizeof *r->take);
    for (size_t i = 1; i < m->word_count; i++)
        if (!take_word(r, m->words[i], report, err))
            return false;
    return true;
}

/* The stages will read by these files, or not at all. */
static bool check_maps(struct muster *m, const struct rejects *r, struct err *err)
{
    struct index known;
    int32_t ignored;
    index_init(&known, &m->arena, r->count);
    for (size_t i = 0; i < r->count; i++) {
        const struct stream *stream =
            r->take[i] ? providers_stream(&m->providers, r->list[i].stream) : NULL;
        if (!stream || index_put(&known, stream->name, (int64_t)i) != (int64_t)i)
            continue;
        if (!maps_read(&m->mongo, stream, &m->arena, &ignored, err))
            return false;
    }
    return true;
}

/* --- sending --- */

struct retry {
    struct muster *m;
    const struct rejects *rejects;
    struct kafka_producer *producer;
    struct err failure; /* of a delivery */
    size_t sent;
};

static void on_delivered(void *context, void *ticket, const struct err *failure)
{
    struct retry *r = context;
    (void)ticket;
    if (failure)
        r->failure = *failure;
}

/* One that was set aside without its headers borrows them from its original. */
static bool borrow_headers(struct retry *r, struct reject *reject,
                           struct kafka_message *original, struct err *err)
{
    const struct coords at = {reject->topic, reject->partition, reject->offset};
    if (!kept_read(r->m, &at, original, err))
        return false;
    reject->headers = original->headers;
    reject->header_count = original->header_count;
    return true;
}

static bool send_again(struct retry *r, const struct reject *reject, struct reject_id id,
                       struct err *err)
{
    arena_auto arena = {0};
    struct header headers[HEADERS_MAX];
    size_t count = reject_retry_headers(reject, id, &arena, headers);
    const char *topic = kept_topic(r->m, reject->topic);
    int64_t end_ms = clock_ms() + SEND_MS;
    if (!topic)
        return err_stop(err, EX_CONFIG, STR_FMT " is not a topic of this installation",
                        STR_ARG(reject->topic));
    while (!kafka_send(r->producer, topic, reject->partition, reject->key, reject->value,
                       headers, count, NULL, err)) {
        if (err->kind != ERR_RETRY || clock_ms() > end_ms)
            return false;
        err_clear(err);
        kafka_producer_poll(r->producer, POLL_MS);
    }
    r->sent++;
    return true;
}

static bool send_one(void *context, size_t at, const struct reject *reject, struct err *err)
{
    struct retry *r = context;
    struct reject whole = *reject;
    struct kafka_message original = {0};
    bool ok =
        (!r->rejects->list[at].lacks_headers || borrow_headers(r, &whole, &original, err)) &&
        send_again(r, &whole, r->rejects->list[at].id, err);
    kafka_message_free(&original);
    return ok;
}

static bool wait_for_all(struct retry *r, struct err *err)
{
    kafka_producer_flush(r->producer, SEND_MS);
    if (r->failure.kind != ERR_NONE) {
        *err = r->failure;
        return false;
    }
    return !kafka_producer_pending(r->producer) ||
           err_stop(
               err, EX_UNAVAILABLE,
               "Kafka has not acknowledged all retries: run this again; what is sent twice "
               "does no harm");
}

static bool send_all(struct retry *r, struct err *err)
{
    struct kafka_settings kafka = r->m->kafka;
    kafka.message_max_bytes = MESSAGE_BYTES;
    r->producer = kafka_producer_open(&kafka, on_delivered, r, err);
    bool ok =
        r->producer && rejects_each(r->m, r->rejects, send_one, r, err) && wait_for_all(r, err);
    kafka_producer_close(r->producer);
    return ok;
}

/* --- noting --- */

static bool note_topic(struct muster *m, const struct rejects *r, const char *topic,
                       struct err *err)
{
    struct kafka_range *ranges;
    size_t count;
    if (!kafka_kept(&m->kafka, topic, 0, &m->arena, &ranges, &count, err))
        return false;
    for (size_t i = 0; i < r->count; i++) {
        const struct reject *what = &r->list[i].what;
        const char *own = r->take[i] ? kept_topic(m, what->topic) : NULL;
        if (!own || strcmp(own, topic) != 0 || what->partition >= (int32_t)count)
            continue;
        if (!rejects_note_retry(m, r->list[i].id, topic, what->partition,
                                ranges[what->partition].until, err))
            return false;
    }
    return true;
}

/* --- the command --- */

static void tell(struct muster *m, const struct rejects *r, struct report *report)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct kept_reject *k = &r->list[i];
        if (!r->take[i])
            continue;
        struct str id = reject_id_text(k->id, &m->arena);
        struct str page = k->kind == REJECT_OF_PAGE
                              ? arena_format(&m->arena, " page %lld", (long long)k->mark.page)
                              : STR("");
        report_line(report, "%s " STR_FMT ": " STR_FMT STR_FMT ", retry %lld: " STR_FMT,
                    m->settings.dry_run ? "would retry" : "retried", STR_ARG(id),
                    STR_ARG(k->link), STR_ARG(page), (long long)k->retries + 1,
                    STR_ARG(r->standings[i].why));
    }
}

bool rejects_retry(struct muster *m, struct err *err)
{
    report_auto report;
    struct rejects r;
    struct retry retry = {.m = m, .rejects = &r};
    report_init(&report, m->settings.json);
    if (!rejects_look(m, &r, err) || !choose(m, &r, &report, err) || !check_maps(m, &r, err))
        return false;
    size_t wanted = 0;
    for (size_t i = 0; i < r.count; i++)
        wanted += r.take[i];
    if (wanted && !m->settings.dry_run &&
        (!send_all(&retry, err) || !note_topic(m, &r, "pages", err) ||
         !note_topic(m, &r, "tasks", err)))
        return false;
    tell(m, &r, &report);
    report_end(&report, "nothing to retry");
    return true;
}
