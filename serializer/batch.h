/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The heart: a batch of pages becomes entities. Its story, each line one call of batch_step()
 * or a few:
 *
 *   read the links → read the marks → judge the pages → decode → look at what is stored → drop
 *   the identical → read whole what will change → fold → write → what collided again → read the
 *   links again → take back what became late → mark what was seen → complete runs → sweep what
 *   is gone → close links.
 *
 * Each step talks to the store at most once and can be repeated after ERR_RETRY. When the batch
 * is done everything it caused is acknowledged, and its pages' offsets may be stored. A batch
 * that is dropped half-way has done no harm: its pages come again.
 */
#include "common/provider.h"
#include "serializer/store.h"

/* What becomes of a page. */
enum verdict {
    PAGE_NEWS,      /* deferred or failed: only the link hears of it */
    PAGE_APPLY,     /* its records are written */
    PAGE_IDENTICAL, /* the same bytes as in the whole run before: only marked */
    PAGE_LATE,      /* at or below the line: takes back what an older writer left */
    PAGE_SEEN,      /* applied before */
    PAGE_BAD,       /* cannot be decoded */
};

/*
 * A page on its way. The caller fills the first part; its views must live until the batch is
 * done.
 */
struct page {
    struct page_head head;
    const struct stream *stream;
    int32_t map; /* of the stream, in this process */
    struct str body;
    struct coords coords;

    /* What the caller reads when the batch is done. */
    bool rejected; /* the page, or some of its records */
    struct str reason;

    /* The batch's own. */
    enum verdict verdict;
    size_t link;             /* index among the batch's links */
    struct mark mark;        /* as it will be written */
    struct mark own;         /* as it stood for this run when the page was judged */
    struct mark before;      /* the same page in the whole run before */
    const struct page *twin; /* the same page earlier in this batch, whose mark is `own` */
    bool may_skip;
    bool became_late;
    struct decoded decoded;
};

/* Counters of what a batch did, for progress lines. */
struct batch_counts {
    int64_t pages, late_pages, identical_pages, rejected_pages;
    int64_t records, identical_records, issues;
    int64_t entities, moves, collisions, gone;
    int64_t whole_runs, doubtful_runs;
};

/* Makes records of a page; map_page() in the program. */
typedef bool batch_decode(struct page *page, struct arena *arena, struct err *err);

struct batch;

/* The batch and all it reads live in the arena. */
struct batch *batch_new(const struct store *store, batch_decode *decode, struct page *pages,
                        size_t count, struct arena *arena);
/* One step. On ERR_RETRY the same step comes next time. */
must_check bool batch_step(struct batch *b, struct err *err);
bool batch_is_done(const struct batch *b);
/* The step that comes next, for messages: "write entities". */
const char *batch_next_step(const struct batch *b);
const struct batch_counts *batch_counted(const struct batch *b);
