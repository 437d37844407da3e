/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * How much of each lane is open here, and which lanes are to be paused. A lane is full when it has four times as many open tasks as its
 * stream may have in flight, and has room again below half of that: pausing throws away what was fetched ahead, so it must not
 * flutter. When the window of the process stays full, or the process drains, all lanes are held. Pure.
 */
#include "common/str.h"

struct lane {
    int32_t partition;
    size_t open, limit;
    bool is_full, is_paused;
};

struct lanes {
    struct lane *list;
    size_t count, room;
    int64_t full_since_ms; /* the process has no room since; 0 = it has */
    bool is_held;          /* all are to be paused */
};

void lanes_done(struct lanes *l);
void lanes_add(struct lanes *l, int32_t partition);
void lanes_remove(struct lanes *l, int32_t partition);
/* A task of this lane was taken, whose stream may have so many in flight (0 = unknown), or is done. */
void lanes_taken(struct lanes *l, int32_t partition, int in_flight);
void lanes_ended(struct lanes *l, int32_t partition);
/*
 * So many tasks are open in the process, of so many that may be. Lanes are held half a second later, as room mostly comes
 * sooner, until half of it is free again.
 */
void lanes_hold(struct lanes *l, bool is_draining, size_t open, size_t window, int64_t now_ms);
/* A lane that is not as it should be: it is to be paused or resumed, as is_paused then says. NULL when all are right. */
const struct lane *lanes_change(struct lanes *l);
