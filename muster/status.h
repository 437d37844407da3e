/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What `muster status` sees in one look, what follows from it, and how it is told. Only status_look() touches the outside world;
 * it looks through all links, so it takes some seconds when there are millions. The rest is pure. What is seen lives in the arena of
 * the look.
 */
#include "common/json.h"
#include "muster/link_phase.h"
#include "muster/muster.h"

enum { STATUS_FAILURES = 5, STATUS_REJECTS = 3, STATUS_LATE_MS = 60000 };
enum { TASKS_ROW, PAGES_ROW, REJECTS_ROW, CHANGES_ROW, STATUS_TOPICS };

struct provider_row {
    struct str provider;
    int64_t states[LINK_PHASES];
    int64_t failing;
    int64_t oldest_ms; /* the earliest due_at of a due link; 0 = never fetched, or made due */
};

struct topic_row {
    const char *topic; /* without prefix */
    const char *stage; /* whose group reads it; NULL = nobody's */
    struct str group;
    int64_t members;
    int64_t messages, waiting;      /* kept; not yet done by the group */
    int64_t in, done;               /* since the topic was made */
    int64_t in_tenths, done_tenths; /* a second, when the status has rates */
};

struct model_row {
    struct str collection;
    int64_t entities, gone, redirects;
};

/* Links of a stream that fail by the same error. */
struct failure_row {
    struct str stream, link, error; /* one of the links */
    int64_t links, times;           /* failures of one link in a row, at most */
    int64_t at_ms;                  /* the last one */
};

struct reject_row {
    int64_t offset, at_ms;
    struct str stage, from, reason; /* from: "muster.pages partition 3 offset 412" */
};

struct status {
    int64_t now_ms;   /* the database's */
    int64_t clock_ms; /* clock_ms() of the look */
    struct provider_row *providers;
    size_t provider_count, provider_room;
    struct topic_row topics[STATUS_TOPICS];
    bool
        has_changes; /* an announcer was there, or its topic holds something: its row is shown */
    struct model_row *models;
    size_t model_count;
    int64_t issues;
    struct failure_row failures[STATUS_FAILURES];
    size_t failure_count;
    struct reject_row rejects[STATUS_REJECTS];
    size_t reject_count;
    bool has_rates;
};

/* `before`, an earlier look or NULL, spares reading rejects again. */
must_check bool status_look(struct muster *m, const struct status *before, struct arena *arena,
                            struct status *out, struct err *err);
/* How many of the topics are shown: the last one, changes, is for those who use it. */
size_t status_topics(const struct status *s);
/* What passed since an earlier look. */
void status_rate(struct status *s, const struct status *before);
/* What to do, a sentence each; in the arena. Nothing that cannot be told from the look. */
size_t status_advise(const struct status *s, struct arena *arena, struct str **out);

/* For people, about a screen. */
void status_text(const struct status *s, struct arena *arena, struct buf *out);
/* One object, without a newline. */
void status_json(const struct status *s, struct arena *arena, struct buf *out);
/*
 * The text as a terminal shows it in place of the one before: cut to its columns and rows (0 = as it is), from the upper left corner,
 * with what was there taken away.
 */
void status_screen(struct str text, size_t columns, size_t rows, struct buf *out);
