/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The two messages that cross Kafka, as structs: a task (small JSON) and a page (headers; the
 * body is the message's value, untouched). Both are complete in themselves: a page can be
 * serialized years later from its message alone. Reading gives views into the message. Header
 * names and CloudEvents attributes: design of muster.pages in ARCHITECTURE.md and the
 * CloudEvents Kafka binding 1.0.2, binary mode. Pure.
 */
#include "common/arena.h"
#include "common/value.h"

/* A stretch of a link to fetch now, from `page` on. */
struct task {
    struct str stream, link;
    struct str params; /* JSON object text, "{}" when there are none */
    int64_t gen, run;
    int64_t
        prev; /* gen of the whole run before this one; 0 when nothing may be skipped as identical to it */
    int64_t page;      /* index of the first page to fetch */
    struct str cursor; /* masked; empty when there is none */
    int64_t seen;      /* records seen in earlier stretches of this run, for end_when.total */
    int32_t map;
    int64_t
        due_ms; /* when the link was due, unix ms; 0 = not known. For people, never for order */
    struct str trace; /* W3C traceparent of what published it; empty when there is none */
};

enum outcome { OUTCOME_OK, OUTCOME_DEFERRED, OUTCOME_FAILED };

struct page_head {
    struct str stream, link, params;
    int64_t gen, run, prev, page;
    bool final; /* the listing ends with this page */
    int32_t map;
    enum outcome outcome;
    int status;          /* HTTP, 0 when there was no answer */
    struct str url;      /* as asked, secrets masked */
    struct str type;     /* content-type of the answer */
    struct str error;    /* OUTCOME_FAILED and DEFERRED: what to tell a person */
    struct str cursor;   /* OUTCOME_DEFERRED: where to go on */
    int64_t seen;        /* OUTCOME_DEFERRED: as in task */
    int64_t retry_at_ms; /* OUTCOME_DEFERRED: not before this time, unix ms */
    int64_t time_ms;     /* when it was fetched, unix ms; for people */
    int64_t took_ms;
    uint8_t sha256[32]; /* of the body */
    struct str trace;   /* W3C traceparent; empty when there is none */
    int64_t due_ms;     /* as in task */
};

enum { HEADERS_MAX = 40 };

struct header {
    const char *name; /* static */
    struct str value;
};

must_check bool task_encode(const struct task *t, struct buf *out, struct err *err);
/* Views into text or the arena. ERR_REJECT when it is no task. */
must_check bool task_decode(struct str text, struct arena *arena, struct task *out,
                            struct err *err);

/* Fills headers[HEADERS_MAX]; values live in the arena. Returns how many. */
size_t page_encode(const struct page_head *p, struct arena *arena, struct header *headers);
/* From headers as they came. ERR_REJECT that names the missing or malformed header. */
must_check bool page_decode(const struct header *headers, size_t count, struct page_head *out,
                            struct err *err);

const char *outcome_name(enum outcome o);
/*
 * Which partition of `muster.pages`: by link and page/64, so that a big link's pages spread and
 * a block stays together.
 */
int32_t page_partition(struct str link, int64_t page, int32_t partitions);
/* LINK#BLOCK, the key of a page's message. */
struct str page_key(const struct page_head *p, struct arena *arena);
