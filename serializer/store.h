/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a batch asks of the database, as one table of functions, so that the same batch runs
 * over MongoDB (mongo_store.c) and, in tests/model, over a database in memory that crashes and
 * collides at will. Every call is one attempt: ERR_RETRY means "again later", and nothing is
 * half done but what the call's sentence says. Results live in the arena given.
 */
#include "common/envelope.h"
#include "serializer/fence.h"
#include "serializer/fold.h"
#include "serializer/map.h"

/* Which entities to read. */
struct want {
    const struct source *sources; /* by link and key … */
    size_t source_count;
    bool
        by_identity; /* … and by stream and key, and by each tuple of the sources' fields, in identity or crowd */
    bool
        whole; /* with fields; otherwise only ids, revs and the sources' keys, versions and hashes */
};

enum written { WRITTEN_YES, WRITTEN_COLLIDED };

/* How a gen of a link ended, or that it goes on. */
struct link_news {
    struct str link, stream, params;
    int64_t gen;
    enum { NEWS_PROGRESS, NEWS_DONE, NEWS_AGAIN, NEWS_FAILED, NEWS_DEFERRED } kind;
    struct str outcome; /* for people: ok, rejects, doubtful, failed, deferred */
    struct str error;   /* for people; empty when all is well */
    int status;
    int64_t page, seen; /* NEWS_DEFERRED: where to go on */
    struct str cursor;
    int64_t retry_at_ms; /* NEWS_DEFERRED */
    int64_t pages, records;
};

/* The outcomes of a gen that was closed with something set aside: some records, a whole page. */
#define OUTCOME_REJECTS  "rejects"
#define OUTCOME_REJECTED "rejected"

/*
 * Does the news take back such an outcome? The run has become whole since, by a retry or by
 * another answer.
 */
static inline bool link_news_mends(const struct link_news *news)
{
    return news->kind == NEWS_DONE && !str_eq(news->outcome, STR(OUTCOME_REJECTS));
}

struct store {
    void *self;
    /* In the order of ids, which are distinct. A link that is not there has exists = false. */
    bool (*links_read)(void *self, const struct str *ids, size_t count, struct arena *arena,
                       struct link_state *out, struct err *err);
    /*
     * Make the link if it is missing (from its pages' headers), and raise its gen to at least
     * this.
     */
    bool (*link_raise)(void *self, struct str stream, struct str link, struct str params,
                       int64_t gen, struct err *err);
    /*
     * The mark of each (link, run, page) asked for in `in_out`; gen 0 where there is none. With
     * keys.
     */
    bool (*marks_read)(void *self, struct mark *in_out, size_t count, struct arena *arena,
                       struct err *err);
    /*
     * Write each mark that has none stored, or one of the same answer and a smaller map; leave
     * the others as they are.
     */
    bool (*marks_write)(void *self, const struct mark *marks, size_t count, struct err *err);
    /* Are pages 0..final of the run all marked? */
    bool (*run_is_marked)(void *self, struct str link, int64_t run, bool *out_yes,
                          struct err *err);
    bool (*run_marks)(void *self, struct str link, int64_t run, struct arena *arena,
                      struct mark **out, size_t *out_count, struct err *err);
    /* Forget the marks of runs before `run`. */
    bool (*marks_drop)(void *self, struct str link, int64_t run, struct err *err);
    bool (*entities_read)(void *self, const struct model *m, const struct want *want,
                          struct arena *arena, struct entity **out, size_t *out_count,
                          struct err *err);
    /*
     * Every stored source of the link that is not gone and whose version's gen is at most
     * `gen`; without fields.
     */
    bool (*sources_of_link)(void *self, const struct model *m, struct str link, int64_t gen,
                            struct arena *arena, struct source **out, size_t *out_count,
                            struct err *err);
    /*
     * Each change whole or not at all; `out` says for each. On failure any of them may have
     * been written.
     */
    bool (*entities_write)(void *self, const struct model *m, const struct change *changes,
                           size_t count, enum written *out, struct err *err);
    /* The issues of the records written: what was known of these (link, key) is replaced. */
    bool (*issues_write)(void *self, const struct stream *stream, struct str link,
                         const struct decoded *decoded, struct err *err);
    /*
     * Replace complete, before and swept where `was` is still what is stored; *out_written
     * says.
     */
    bool (*link_write)(void *self, const struct link_state *was, const struct link_state *is,
                       bool *out_written, struct err *err);
    /*
     * Close the link, or move its lease on, if gen is its newest and was not closed, or was
     * closed for rejects and these news mend it; otherwise nothing.
     */
    bool (*link_news)(void *self, const struct link_news *news, struct err *err);
};
