/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a reject has come to, and whether a retry of it can help. Told from what is kept anyway: the reject itself, the link, the mark of
 * the page and the stream's map. So there is nothing to be kept up to date, and nothing that can be out of date. Pure.
 */
#include "common/reject.h"
#include "serializer/fence.h"

enum reject_of { REJECT_OF_PAGE, REJECT_OF_TASK, REJECT_OF_NOTHING /* nobody could read it */ };

/* A reject without its payload. */
struct kept_reject {
    struct reject_id id;
    int64_t at_ms;       /* when it was set aside */
    struct reject what;  /* without key, value and headers */
    int64_t bytes;       /* of the value */
    int64_t retries;     /* of the message, before it was set aside */
    struct reject_id of; /* where retries > 0: the reject that was retried */
    enum reject_of kind;
    struct str stream, link; /* empty when it does not say */
    int64_t gen;             /* of a page or a task */
    struct mark mark;        /* of a page: what it would get */
    bool is_answer;          /* a page whose outcome is failed or deferred */
    bool
        lacks_headers; /* set aside before rejects kept their message's headers: ask the original */
    bool is_lost;      /* and the original is gone */
    bool is_replaced; /* a later reject holds the same message */
};

/* From a message of the rejects topic. Texts live in the arena. */
must_check bool kept_reject_make(const struct kafka_message *m, struct arena *arena,
                                 struct kept_reject *out, struct err *err);
/* What the headers of its original say of one that lacks them. */
void kept_reject_add_headers(struct kept_reject *r, const struct header *headers, size_t count,
                             struct arena *arena);
/*
 * One that was set aside twice (same message, same reason) stands once, in the place of the first. One whose message was rejected again
 * later, for another reason or after a retry, is marked as replaced. Returns how many there are now; they must come in the topic's order.
 */
size_t kept_rejects_settle(struct kept_reject *list, size_t count, struct arena *arena);

/* What the database and the files say of a reject. */
struct reject_facts {
    struct link_state link;
    struct mark mark; /* that stands for its page; gen 0 when there is none */
    int32_t map;      /* of its stream now; 0 when no file here knows the stream */
    bool incremental;
    bool is_on_its_way; /* retried, and the stage has not come to it yet */
    int64_t retries_max;
};

enum standing_kind {
    STANDING_OPEN,   /* a retry can help */
    STANDING_WAITS,  /* for a mended file: the same map would say the same */
    STANDING_SENT,   /* retried, and not read yet */
    STANDING_ASIDE,  /* retried as often as may be */
    STANDING_ANSWER, /* the provider's answer itself was a failure: only the next one helps */
    STANDING_LOST,   /* its message is not kept whole anywhere */
    STANDING_READ,   /* read since */
    STANDING_LATE,   /* not needed any more: its link has been read, or claimed again, since */
    STANDING_REPLACED, /* a later reject holds the same message */
    STANDING_KINDS,
};

struct standing {
    enum standing_kind kind;
    struct str why;     /* a sentence */
    bool can_retry_all; /* among others */
    bool can_retry_one; /* when somebody asks for just this one */
};

struct standing standing_of(const struct kept_reject *r, const struct reject_facts *f,
                            struct arena *arena);
const char *standing_name(enum standing_kind kind);
/* Nothing is left to be done about it. */
bool standing_is_over(enum standing_kind kind);

/* Rejects of one kind: same stage, stream, and reason but for its numbers. */
struct reject_group {
    struct str stage, stream, reason; /* "#" for each number of the reason */
    int64_t count, first_ms, last_ms;
};
/* The most frequent first. Those for which `take` is false are left out. */
struct reject_group *reject_groups(const struct kept_reject *list, const bool *take,
                                   size_t count, struct arena *arena, size_t *out_count);
