/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * When a page counts, and when a run of a listing does: the rules that make any order, any
 * repetition and any crash end in the same database. Pure. docs/decisions/0004 explains them;
 * tests/model plays them against random schedules.
 *
 * A page counts once in a run: the first answer of it stands (both lie in one partition of
 * muster.pages, so "first" is the same for everybody, also in a replay), unless a greater map
 * makes it again. A run is *whole* when its pages 0..final are all marked and none held a
 * reject. The link remembers its two newest whole runs. Its *line* is the newest one, or the
 * one before where listings shift (offset and page-number paging miss an item when another
 * vanishes). The state of a link's sources is then a function of the set of pages alone: a
 * source lives when a page of the line's run or of a later gen lists it.
 *
 *   late       a page at or below the line writes nothing; it takes back what an older writer
 *              left.
 *   identical  a record is skipped when its run directly follows a whole one, which listed it
 *              on the same page, with the same content.
 *   doubtful   a run that may skip and lists one key on two pages proves nothing and is read
 *              again without skipping: what was skipped has kept its old version, which the
 *              other page may have beaten.
 *   gone       what the line's run did not list, and no later page, is gone.
 *
 * An incremental stream lists only what changed: its pages are never late, nothing is skipped
 * and nothing is gone; versions alone order them, and every answer counts.
 */
#include "serializer/entity.h"

/*
 * A run that was applied whole: the gens it began and ended in, and by which map. gen 0 = none.
 */
struct whole {
    int64_t run, gen;
    int64_t pages; /* of the listing; a mark behind them is a stray */
    int32_t map;
    bool twice; /* it listed some key on two pages: the next run skips nothing */
};

/* What the fence needs to know of a link. */
struct link_state {
    struct str id;
    bool exists;
    int64_t gen;    /* the newest claim */
    int64_t closed; /* the last gen that ended in any way */
    struct whole complete, before;
    struct whole swept; /* the line up to which gone sources have been marked */
};

/* What a run saw on one page. */
struct mark {
    struct str link;
    int64_t run, page;
    int64_t gen;
    int32_t map;
    uint64_t answer; /* first 8 bytes of the page's SHA-256, as in struct version */
    bool final;
    bool clean; /* the run may skip what is identical to the whole run before it */
    int32_t rejects;
    const uint64_t *keys; /* key_hash of each record, sorted */
    size_t key_count;
};

struct whole fence_line(const struct link_state *link, bool shifts);

/*
 * Does the page stand already? `page` is the mark that it would get, `own` the one that stands
 * for (run, page) now, gen 0 when there is none.
 */
bool fence_is_seen(const struct mark *page, const struct mark *own, bool incremental);

/* At or below the line, and not made again by a greater map. */
bool fence_is_late(const struct whole *line, const struct mark *page, const struct mark *own);

/*
 * May the page's records be skipped when they are identical? `page->clean` says that its claim
 * directly followed a whole run.
 */
bool fence_may_skip(const struct link_state *link, const struct mark *page,
                    const struct mark *own);

bool mark_has(const struct mark *m, uint64_t key);

/*
 * Where skipping is allowed: is this record what is stored, and did the run before list it on
 * this very page? `stored` may be NULL.
 */
bool fence_is_identical(const struct mark *previous, const struct source *stored,
                        const struct source *record);

enum run_state {
    RUN_OPEN,    /* pages are missing */
    RUN_WHOLE,   /* *out_whole can become the link's */
    RUN_REJECTS, /* all pages are here, but some held rejects: finds nothing gone, and the next run skips nothing */
    RUN_DOUBTFUL, /* to be read again at once */
};

/* Marks of one run, in any order, at most one a page. */
enum run_state fence_run_state(const struct mark *marks, size_t count, struct arena *arena,
                               struct whole *out_whole);

/* Put a whole run in its place among the link's two newest. False when it changes nothing. */
bool fence_complete(struct link_state *link, const struct whole *whole);

/* Must the link's sources be looked through for gone ones? */
bool fence_must_sweep(const struct link_state *link, bool shifts);

/* The keys that a run listed: sorted, each once. */
struct key_set {
    const uint64_t *keys;
    size_t count;
    bool
        has_strays; /* there are marks behind the final page, whose records are stored but not listed */
};
struct key_set fence_keys(const struct mark *marks, size_t count, struct arena *arena);
bool key_set_has(const struct key_set *set, uint64_t key);
bool key_set_covers(const struct key_set *set, const struct key_set *part);

/* Is the stored source gone by the line, whose run listed `listed`? */
bool fence_is_gone(const struct whole *line, const struct key_set *listed,
                   const struct source *stored);
/* The tombstone that replaces it. */
struct source fence_tombstone(const struct whole *line, const struct source *stored);
