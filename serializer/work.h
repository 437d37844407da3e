/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The work of a serializer, one batch at a time: the messages in hand become entities, and what no retry can mend goes to
 * whoever keeps it. The stage and `muster replay` run this same code; what differs between them (where messages come from,
 * how to wait, who takes a reject) they bring along. The caller fills `intake.messages` and calls work_sort(), work_write()
 * and work_reject(); when all three were true, everything that the messages caused is acknowledged. Blocks as long as the
 * store does, and in the caller's wait().
 */
#include "common/mongo.h"
#include "serializer/intake.h"

struct work_caller {
    void *self;
    /*
     * Between two attempts: the n-th has failed and may be made again. False without an error abandons the batch: its messages
     * come again.
     */
    bool (*wait)(void *self, const char *step, const struct err *why, int attempt,
                 struct err *err);
    /* A step that had failed has gone through. NULL when there is nothing to do then. */
    bool (*go_on)(void *self, int attempts, struct err *err);
    /* Takes a message that cannot become entities. ERR_RETRY: once more. */
    bool (*reject)(void *self, const struct set_aside *reject, struct err *err);
};

struct work {
    struct work_caller caller;
    const struct store *store;
    struct str topic; /* of the pages, with prefix */
    struct known_stream *streams;
    size_t stream_count;
    struct intake intake;
    struct batch_counts counts; /* of all batches */
};

/* All streams of these files, their maps not known yet. The list lives in the arena. */
void work_list_streams(struct work *w, const struct providers *providers, struct arena *arena);
/* Each stream's map in this database: fails as maps_read() does. */
must_check bool work_read_maps(struct work *w, struct mongo *mongo, struct err *err);

/* Messages to pages. Fails as intake_sort() does. */
must_check bool work_sort(struct work *w, struct err *err);
/* Pages to the store, until they stand there. */
must_check bool work_write(struct work *w, struct err *err);
/* What is left over to the caller's reject(). */
must_check bool work_reject(struct work *w, struct err *err);
