/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The entities' writes, as MongoDB tells them: its change stream, in the order of all writes and
 * only what a majority has. Where no place in it is known, or MongoDB has forgotten it, all
 * entities come first, one by one as they are (a survey), and then what happened since the
 * survey began. Blocks for half a second when nothing happens.
 */
#include "announcer/event.h"
#include "common/mongo.h"

struct watch {
    bson_t doc; /* what watch_next() gave: a view into the stream */
    struct mongo *mongo;
    struct model *const *models;
    size_t model_count;
    mongoc_change_stream_t *stream; /* NULL: not open */
    uint32_t seconds, increment;    /* when the survey began */
    size_t surveyed;                /* models that the survey is through with */
    mongoc_collection_t *collection;
    mongoc_cursor_t *cursor; /* of the survey */
    bool is_lost;            /* the place is of no use any more: only a survey helps */
};

/*
 * From this place on; NULL begins with a survey. Then the caller has to write something that a
 * majority acknowledges before it asks for the first one: so the survey sees all that was
 * written before the stream begins. On failure is_lost may be set.
 */
must_check bool watch_open(struct watch *w, const bson_t *token, struct err *err);
/* Takes what is closed. */
void watch_close(struct watch *w);
bool watch_is_open(const struct watch *w);
/* The next one, valid until the next call; *out_found is false when nothing happened for a while. */
must_check bool watch_next(struct watch *w, struct change_seen *out, bool *out_found,
                           struct err *err);
/* Where to go on after all that watch_next() gave; NULL while the survey is under way. */
const bson_t *watch_token(const struct watch *w);
