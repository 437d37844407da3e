/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A stretch: one task that this process has taken, on its way from page to page. It knows what comes next (its step) and says what is
 * to be asked and published; asking and publishing is done by main. Its offset may be stored when it is at STEP_ACKS
 * and nothing is unacknowledged. It keeps little memory of its own, as there can be thousands; what is made for one page lives in
 * the arena that is given. No I/O.
 */
#include "common/trace.h"
#include "fetcher/ask.h"
#include "fetcher/pace.h"

#include <sys/queue.h>

enum step {
    STEP_ASK,    /* a page is to be asked for, when the pace allows it */
    STEP_ANSWER, /* a transfer is under way */
    STEP_WAIT,   /* until wake_ms, then STEP_ASK */
    STEP_PAGE,   /* a page is to be published */
    STEP_REST,   /* the rest is to be published as a task */
    STEP_REJECT, /* the task itself is to be published as a reject */
    STEP_ACKS,   /* all is published */
};

TAILQ_HEAD(stretch_queue, stretch);

/* What is to be published of the page just fetched. */
struct finding {
    enum outcome outcome;
    bool is_final;
    int status;
    struct str type, body; /* of the transfer's answer */
    int64_t time_ms, took_ms, retry_at_ms;
};

struct stretch {
    TAILQ_ENTRY(stretch) all, queued;
    struct stretch_queue *queue; /* the one it waits in, or NULL */
    int32_t partition;
    int64_t offset;
    struct str key, value;  /* the message as it came */
    struct header *headers; /* of a message that is a reject; they live in `kept` */
    size_t header_count;
    struct arena kept;
    struct task task;                 /* without its page, cursor and seen: see `at` */
    char *message_texts, *link_texts; /* where the texts of both are */
    const struct stream *stream;      /* NULL when the task is a reject */
    enum step step;
    struct position at, next; /* cursors are views of the two buffers */
    struct buf cursor, next_cursor;
    struct buf url;       /* of the page asked for last, as it may be kept */
    struct buf complaint; /* why a page or a link fails, or why the message is a reject */
    struct finding found;
    bool is_stuck; /* the page is good, but the listing cannot go on after it */
    struct http_transfer *transfer; /* its answer holds type and body */
    int attempt;
    int64_t pages, began_ms, wake_ms;
    size_t unacknowledged;
    bool is_in_flight;       /* counted by its stream's pace */
    bool is_void;            /* its partition was taken away: publish nothing more */
    bool was_lost;           /* a message was not acknowledged: begin anew when all is back */
    bool was_refused;        /* a message is over its topic's limit: fail when all is back */
    char trace[TRACE_BYTES]; /* traceparent of all its pages, and of its rest */
};

/* One reading of the clocks: steady, and of the day. */
struct moment {
    int64_t now_ms, unix_ms;
};

struct stretch *stretch_new(int32_t partition, int64_t offset, struct str key,
                            struct str value);
void stretch_free(struct stretch *s);
/* From the first page of its task: STEP_ASK, or STEP_REJECT when the task is none or of no stream that there is. */
void stretch_begin(struct stretch *s, const struct providers *providers, int64_t now_ms,
                   struct arena *arena);
/*
 * Other files count now. Before it asks, a stretch goes over to them, and so to their secrets, unless its stream is another one there:
 * then it goes on as it began, to its end.
 */
void stretch_go_over(struct stretch *s, const struct providers *providers);
/* A reject takes the message's own headers along. */
void stretch_keep_headers(struct stretch *s, const struct header *headers, size_t count);
/* The request for its page; false when none can be made: then a failed page is to be published. */
must_check bool stretch_ask(struct stretch *s, const struct moment *m, struct arena *arena,
                            struct http_request *out);
/* What the answer means; the step is then STEP_WAIT or STEP_PAGE. Says also whether the account is to be held. `dice` as in pace_rule(). */
struct pace_ruling stretch_answer(struct stretch *s, const struct http_answer *answer,
                                  const struct moment *m, uint32_t dice, struct arena *arena);
/* The page that is to be published is a failed one, without a body. */
void stretch_fail(struct stretch *s, struct str complaint, const struct moment *m);
/* The page that is to be published, without its body, which is found.body. */
struct page_head stretch_page(const struct stretch *s);
/* Kafka has taken the page: go on, or end. `is_over`: this page was the stretch's last one, whatever comes. */
void stretch_page_sent(struct stretch *s, bool is_over, const struct moment *m);
struct task stretch_rest(const struct stretch *s);
