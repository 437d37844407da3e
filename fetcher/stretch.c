/* SPDX-License-Identifier: MIT */
#include "fetcher/stretch.h"

#include "common/clock.h"
#include "fetcher/complaint.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TEXT_MAX_BYTES = 64 * 1024 };

/* A copy of both texts in one allocation. */
static char *keep_two(struct str a, struct str b, struct str *out_a, struct str *out_b)
{
    char *texts = malloc(a.len + b.len + 1);
    if (!texts)
        abort();
    if (a.len)
        memcpy(texts, a.ptr, a.len);
    if (b.len)
        memcpy(texts + a.len, b.ptr, b.len);
    *out_a = (struct str){texts, a.len};
    *out_b = (struct str){texts + a.len, b.len};
    return texts;
}

struct stretch *stretch_new(int32_t partition, int64_t offset, struct str key, struct str value)
{
    struct stretch *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->partition = partition;
    s->offset = offset;
    s->message_texts = keep_two(key, value, &s->key, &s->value);
    buf_init(&s->cursor, TEXT_MAX_BYTES);
    buf_init(&s->next_cursor, TEXT_MAX_BYTES);
    buf_init(&s->url, TEXT_MAX_BYTES);
    buf_init(&s->complaint, TEXT_MAX_BYTES);
    return s;
}

void stretch_free(struct stretch *s)
{
    if (!s)
        return;
    buf_done(&s->cursor);
    buf_done(&s->next_cursor);
    buf_done(&s->url);
    buf_done(&s->complaint);
    arena_done(&s->kept);
    free(s->link_texts);
    free(s->message_texts);
    free(s);
}

void stretch_keep_headers(struct stretch *s, const struct header *headers, size_t count)
{
    s->headers = ARENA_ARRAY(&s->kept, struct header, count);
    s->header_count = count;
    for (size_t i = 0; i < count; i++)
        s->headers[i] = (struct header){arena_text(&s->kept, str_of(headers[i].name)),
                                        arena_copy(&s->kept, headers[i].value)};
}

/* What is longer than a text of ours may be is cut. */
static struct str set_text(struct buf *b, struct str text)
{
    buf_reset(b);
    if (text.len > TEXT_MAX_BYTES)
        text.len = TEXT_MAX_BYTES;
    if (!buf_add(b, text))
        abort();
    return buf_str(b);
}

/* A task of before traces begins one. */
static void continue_trace(struct str parent, char out[static TRACE_BYTES])
{
    struct trace_dice dice;
    clock_random(&dice, sizeof dice);
    trace_continue(parent, &dice, out);
}

static bool read_task(struct stretch *s, const struct providers *providers, struct arena *arena,
                      struct err *err)
{
    struct task t;
    if (!task_decode(s->value, arena, &t, err))
        return false;
    s->stream = providers_stream(providers, t.stream);
    if (!s->stream)
        return err_set(err, ERR_REJECT, "there is no stream " STR_FMT " in the provider files",
                       STR_ARG(t.stream));
    s->at = (struct position){
        .page = t.page, .seen = t.seen, .cursor = set_text(&s->cursor, t.cursor)};
    /* The arena is everybody's; what outlives this call is kept. */
    free(s->link_texts);
    s->link_texts = keep_two(t.link, t.params, &t.link, &t.params);
    continue_trace(t.trace, s->trace);
    t.stream = s->stream->name;
    t.cursor = t.trace = (struct str){0};
    s->task = t;
    return true;
}

void stretch_begin(struct stretch *s, const struct providers *providers, int64_t now_ms,
                   struct arena *arena)
{
    struct err err = {0};
    s->began_ms = now_ms;
    s->pages = s->attempt = 0;
    s->was_lost = s->is_stuck = false;
    s->step = STEP_ASK;
    if (!read_task(s, providers, arena, &err)) {
        (void)set_text(&s->complaint, str_of(err.text));
        s->step = STEP_REJECT;
    }
}

/* Pages that were counted one way cannot be counted on in another. */
static bool is_the_same(const struct stream *a, const struct stream *b)
{
    return memcmp(a->digest, b->digest, sizeof a->digest) == 0 &&
           a->pages.size == b->pages.size;
}

void stretch_go_over(struct stretch *s, const struct providers *providers)
{
    const struct stream *now = providers_stream(providers, s->stream->name);
    if (!now || now == s->stream || !is_the_same(now, s->stream))
        return;
    s->stream = now;
    s->task.stream = now->name;
}

bool stretch_ask(struct stretch *s, const struct moment *m, struct arena *arena,
                 struct http_request *out)
{
    struct err err = {0};
    struct str url;
    buf_reset(&s->url);
    s->attempt++;
    if (!ask_make(s->stream, &s->task, &s->at, arena, out, &url, &err)) {
        stretch_fail(s, str_of(err.text), m);
        return false;
    }
    (void)set_text(&s->url, url);
    s->step = STEP_ANSWER;
    return true;
}

/* The complaint is there already. */
static void fail(struct stretch *s, const struct moment *m)
{
    s->found = (struct finding){.outcome = OUTCOME_FAILED, .time_ms = m->unix_ms};
    s->step = STEP_PAGE;
}

void stretch_fail(struct stretch *s, struct str complaint, const struct moment *m)
{
    (void)set_text(&s->complaint, complaint);
    fail(s, m);
}

/* The page cannot be used, but what came is kept with it. */
static void spoil(struct stretch *s, struct str what, struct arena *arena)
{
    s->found.outcome = OUTCOME_FAILED;
    (void)set_text(&s->complaint, complaint_text(s->stream, buf_str(&s->url), what, arena));
}

static bool is_html(struct str type)
{
    static const char html[] = "text/html";
    return type.len >= sizeof html - 1 && strncasecmp(type.ptr, html, sizeof html - 1) == 0;
}

static void read_page(struct stretch *s, struct arena *arena)
{
    const struct pages *p = &s->stream->pages;
    struct page_facts facts, *known = NULL;
    struct err err = {0};
    if (is_html(s->found.type)) {
        spoil(s, STR("an HTML page came where JSON is expected"), arena);
        return;
    }
    if (pages_need_body(p)) {
        if (!pages_read(s->stream, s->found.body, arena, &facts, &err)) {
            spoil(s, str_of(err.text), arena);
            return;
        }
        facts.cursor = provider_mask(s->stream->provider, facts.cursor, arena);
        known = &facts;
    }
    s->is_stuck = !pages_next(p, known, &s->at, &s->next, &s->found.is_final, &err);
    if (s->is_stuck)
        (void)set_text(&s->complaint, str_of(err.text));
    else if (!s->found.is_final)
        s->next.cursor = set_text(&s->next_cursor, s->next.cursor);
}

static void read_failure(struct stretch *s, const struct http_answer *answer,
                         struct arena *arena)
{
    struct str url = buf_str(&s->url);
    struct str text =
        answer->end == HTTP_ANSWERED
            ? complaint_status(s->stream, url, answer->status, answer->body, arena)
            : complaint_text(s->stream, url, answer->problem, arena);
    s->found.outcome = OUTCOME_FAILED;
    s->found.body = (struct str){0};
    (void)set_text(&s->complaint, text);
}

static struct pace_ruling rule(const struct stretch *s, const struct http_answer *answer,
                               int64_t unix_ms, uint32_t dice)
{
    struct pace_end end = {.answered = answer->end == HTTP_ANSWERED,
                           .is_hopeless = answer->end == HTTP_REFUSED,
                           .status = answer->status,
                           .attempt = s->attempt,
                           .asked_ms = -1};
    if (!pace_read_retry_after(answer->retry_after, unix_ms, &end.asked_ms))
        end.asked_ms = -1;
    return pace_rule(&end, dice);
}

/* The odd end of a listing: an answer that says nothing else, whatever its status. */
static bool is_end(const struct stretch *s, const struct http_answer *answer)
{
    return answer->end == HTTP_ANSWERED &&
           pages_is_end(&s->stream->pages, answer->status, answer->body);
}

struct pace_ruling stretch_answer(struct stretch *s, const struct http_answer *answer,
                                  const struct moment *m, uint32_t dice, struct arena *arena)
{
    s->found = (struct finding){.status = answer->status,
                                .type = answer->type,
                                .body = answer->body,
                                .time_ms = m->unix_ms,
                                .took_ms = answer->took_ms};
    s->step = STEP_PAGE;
    if (is_end(s, answer)) {
        s->found.is_final = true;
        s->found.body = (struct str){0};
        return (struct pace_ruling){.ruling = RULING_TAKE};
    }
    struct pace_ruling r = rule(s, answer, m->unix_ms, dice);
    switch (r.ruling) {
    case RULING_TAKE:
        read_page(s, arena);
        break;
    case RULING_AGAIN:
        s->step = STEP_WAIT;
        s->wake_ms = m->now_ms + r.wait_ms;
        break;
    case RULING_DEFER:
        read_failure(s, answer, arena);
        s->found.outcome = OUTCOME_DEFERRED;
        s->found.retry_at_ms = m->unix_ms + r.wait_ms;
        break;
    case RULING_FAIL:
        read_failure(s, answer, arena);
        break;
    }
    return r;
}

struct page_head stretch_page(const struct stretch *s)
{
    const struct finding *f = &s->found;
    struct page_head p = {.stream = s->task.stream,
                          .link = s->task.link,
                          .params = s->task.params,
                          .gen = s->task.gen,
                          .run = s->task.run,
                          .prev = s->task.prev,
                          .map = s->task.map,
                          .page = s->at.page,
                          .final = f->is_final,
                          .outcome = f->outcome,
                          .status = f->status,
                          .url = buf_str(&s->url),
                          .type = f->type,
                          .time_ms = f->time_ms,
                          .took_ms = f->took_ms,
                          .trace = str_of(s->trace),
                          .due_ms = s->task.due_ms};
    if (f->outcome != OUTCOME_OK)
        p.error = buf_str(&s->complaint);
    if (f->outcome == OUTCOME_DEFERRED) {
        p.cursor = s->at.cursor;
        p.seen = s->at.seen;
        p.retry_at_ms = f->retry_at_ms;
    }
    if (!EVP_Digest(f->body.len ? f->body.ptr : "", f->body.len, p.sha256, NULL, EVP_sha256(),
                    NULL))
        abort();
    return p;
}

void stretch_page_sent(struct stretch *s, bool is_over, const struct moment *m)
{
    bool goes_on = s->found.outcome == OUTCOME_OK && !s->found.is_final;
    s->pages++;
    s->attempt = 0;
    if (!goes_on) {
        s->step = STEP_ACKS;
    } else if (s->is_stuck) {
        s->at.page++;
        s->is_stuck = false;
        fail(s, m);
    } else {
        struct buf used = s->cursor;
        s->cursor = s->next_cursor;
        s->next_cursor = used;
        s->at = s->next;
        s->step = is_over ? STEP_REST : STEP_ASK;
    }
}

struct task stretch_rest(const struct stretch *s)
{
    struct task t = s->task;
    t.page = s->at.page;
    t.seen = s->at.seen;
    t.cursor = s->at.cursor;
    t.trace = str_of(s->trace);
    return t;
}
