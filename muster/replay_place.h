/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * How far the kept pages have been replayed into a database, kept there in `replays`, so that the next replay goes on and a
 * replay that was stopped begins where it ended. A place is of one selection of streams by one set of files: for another it is
 * no place, and everything is read from the start. Blocks as mongo.h says.
 */
#include "common/kafka_reader.h"
#include "common/mongo.h"
#include "serializer/intake.h"

struct replay_place {
    struct str topic; /* with prefix */
    struct str what;  /* the selection and the files, as text */
};

/* `what` of these streams, by their files as they are. */
struct str replay_place_what(const struct known_stream *streams, size_t count,
                             struct arena *arena);
/* Moves `from` on to the place, where there is one; *out_found says whether. */
must_check bool replay_place_read(struct mongo *mongo, const struct replay_place *place,
                                  struct kafka_range *ranges, size_t count, bool *out_found,
                                  struct err *err);
/* Keeps `from` of each range as the place. */
must_check bool replay_place_write(struct mongo *mongo, const struct replay_place *place,
                                   const struct kafka_range *ranges, size_t count,
                                   struct err *err);
