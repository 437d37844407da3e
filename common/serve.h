/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a stage shows to those who watch it, over HTTP on a port of its own:
 *
 *   /livez            200 as long as the stage's loop turns; it asks no server.
 *   /readyz           200 when no check waits (health.h), else 503; ?verbose, and every 503, shows
 *                     all checks.
 *   /metrics          Prometheus' text format 0.0.4.
 *   /version          JSON: program, version, commit, libraries.
 *
 * There is no thread: the stage lends its own when it waits. Where a call into a library holds
 * the stage, the answer is late by as much: up to 5 s where MongoDB has frozen, 1 s while Kafka
 * is waited for at the start. A probe should have 10 s of patience. Nothing here blocks. The only
 * file that knows libmicrohttpd.
 */
#include "common/health.h"
#include "common/listen.h"
#include "common/process.h"
#include "common/version.h"

#include <poll.h>

struct serve_about {
    const char *program;
    const struct version_library *libraries; /* beside those of all programs; may be NULL */
    /* Called when somebody asks for checks or metrics, to bring them up to date; may be NULL. */
    void (*refresh)(void *context);
    void *context;
    const struct metrics *metrics; /* the stage's own; may be NULL */
};

/* Must not be moved once it is open. Starts as {0}. */
struct serve {
    void *daemon; /* NULL when nobody listens */
    struct serve_about about;
    struct health health;
    struct metrics process;           /* what every stage measures */
    char address[LISTEN_ADDRESS_MAX]; /* "127.0.0.1:9310", or "none" */
};

/* `where` is the setting `listen`. Exit codes 69 and 78 as in listen.h. */
must_check bool serve_open(struct serve *s, struct str where, const struct serve_about *about,
                           struct err *err);
void serve_close(struct serve *s);

/* health_say() with the time of now. */
void serve_ok(struct serve *s, enum check_name name);
void serve_waits(struct serve *s, enum check_name name, struct str text);
void serve_warns(struct serve *s, enum check_name name, struct str text);

/* Becomes readable when there is something to answer; -1 when nobody listens. */
int serve_fd(const struct serve *s);
/* Answer what has been asked, and drop who has gone silent; at least once a second. */
void serve_answer(struct serve *s);
/*
 * poll() of these descriptors that answers meanwhile: until one of them is ready or the time is
 * over. Negative on failure, as poll().
 */
int serve_poll(struct serve *s, const struct pollfd *fds, size_t count, int64_t timeout_ms);

const char *serve_library_version(void);
