/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * All stretches that are open, and where each is on its way: it waits to ask, it asks, it waits to publish, or it waits for
 * acknowledgements. Owns the stretches. A stretch whose partition was taken away is void: it publishes nothing more, and goes when
 * its last acknowledgement is back. Does not block.
 */
#include "common/kafka.h"
#include "fetcher/lanes.h"
#include "fetcher/schedule.h"

struct roster {
    const struct providers *providers;
    struct schedule schedule;    /* those that are to ask */
    struct stretch_queue outbox; /* those that are to publish */
    struct stretch_queue open;   /* all */
    size_t count;
    struct lanes lanes;
    bool is_draining; /* nobody asks any more: what waits to ask publishes its rest */
};

/* Must not be moved afterwards. */
void roster_init(struct roster *r, const struct providers *providers, struct arena *arena);
/* Other files count now; those before must stay while roster_uses() them. */
void roster_reload(struct roster *r, const struct providers *providers, struct arena *arena);
/* Is some open stretch one of these files'? */
bool roster_uses(const struct roster *r, const struct providers *providers);
void roster_done(struct roster *r);
/* A task was taken. What is made on the way lives in `scratch`. */
void roster_open(struct roster *r, const struct kafka_message *m, int64_t now_ms,
                 struct arena *scratch);
/* To where its step is done. */
void roster_pass_on(struct roster *r, struct stretch *s);
/* Its transfer has ended, or never began. */
void roster_end_transfer(struct roster *r, struct stretch *s);
/* One of its messages is back: acknowledged (ERR_NONE), lost, or refused. True when that ended the task, which is gone then. */
bool roster_acknowledge(struct roster *r, struct stretch *s, enum err_kind failure,
                        const struct moment *m, struct arena *scratch);
/* The partition is somebody else's now, who begins its tasks again; -1 = all of them. */
void roster_abandon(struct roster *r, int32_t partition);
void roster_drain(struct roster *r);
