/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a link is doing, told from its document and the server's time. Pure.
 */
#include "common/doc.h"

enum link_phase {
    LINK_GONE,    /* its stream is no longer in the files */
    LINK_DUE,     /* to be claimed */
    LINK_RUNNING, /* claimed, and its lease not over */
    LINK_WAITING, /* for its next time */
    LINK_PHASES,
};

enum link_phase link_phase_of(const bson_t *link, int64_t now_ms);
const char *link_phase_name(enum link_phase phase);
/* "in 3 min", "12 s ago", "never" for 1970. */
struct str time_from_now(int64_t time_ms, int64_t now_ms, struct arena *arena);
