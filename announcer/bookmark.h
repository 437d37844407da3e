/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * How far the announcer has come, and whose turn it is: one document of the collection `bookmarks`,
 * {_id: "changes", owner, until, at, token}. The owner announces, and has to say until when, by
 * the server's clock; the others stand by. An owner that was stopped and goes on later finds out
 * at its next bookmark_keep(). Each call is one attempt and one write that a majority has.
 */
#include "common/mongo.h"

enum { BOOKMARK_LEASE_MS = 10000 };

struct bookmark {
    struct mongo *mongo;
    const char *owner; /* a name of this process's own */
};

/*
 * Become the owner, or stay it: *out_ours. Then `out` has what bookmark_keep() last wrote, if
 * anything (*out_has), and is to be destroyed in any case.
 */
must_check bool bookmark_take(const struct bookmark *p, bool *out_ours, bson_t *out,
                              bool *out_has, struct err *err);
/* We have come so far; NULL: no farther. *out_ours is false when somebody else has taken over. */
must_check bool bookmark_keep(const struct bookmark *p, const bson_t *token, bool *out_ours,
                              struct err *err);
/* There is no way on from there: the next bookmark_take() has none. */
must_check bool bookmark_forget(const struct bookmark *p, struct err *err);
/* Somebody else may take over at once. */
void bookmark_leave(const struct bookmark *p);
