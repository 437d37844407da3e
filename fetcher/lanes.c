/* SPDX-License-Identifier: MIT */
#include "fetcher/lanes.h"

#include <stdlib.h>

enum { OPEN_PER_IN_FLIGHT = 4, HOLD_AFTER_MS = 500 };

void lanes_done(struct lanes *l)
{
    free(l->list);
    *l = (struct lanes){0};
}

static struct lane *find(const struct lanes *l, int32_t partition)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->list[i].partition == partition)
            return &l->list[i];
    return NULL;
}

void lanes_add(struct lanes *l, int32_t partition)
{
    lanes_remove(l, partition);
    if (l->count == l->room) {
        l->room = l->room ? l->room * 2 : 8;
        l->list = reallocarray(l->list, l->room, sizeof *l->list);
        if (!l->list)
            abort();
    }
    /* Whether a partition that comes back is still paused is not known: called paused, it will be resumed. */
    l->list[l->count++] =
        (struct lane){.partition = partition, .limit = OPEN_PER_IN_FLIGHT, .is_paused = true};
}

void lanes_remove(struct lanes *l, int32_t partition)
{
    struct lane *lane = find(l, partition);
    if (lane)
        *lane = l->list[--l->count];
}

static void look(struct lane *lane)
{
    if (lane->open >= lane->limit)
        lane->is_full = true;
    else if (lane->open < (lane->limit + 1) / 2)
        lane->is_full = false;
}

void lanes_taken(struct lanes *l, int32_t partition, int in_flight)
{
    struct lane *lane = find(l, partition);
    if (!lane)
        return;
    lane->open++;
    if (in_flight > 0)
        lane->limit = (size_t)in_flight * OPEN_PER_IN_FLIGHT;
    look(lane);
}

void lanes_ended(struct lanes *l, int32_t partition)
{
    struct lane *lane = find(l, partition);
    if (!lane)
        return;
    lane->open--;
    look(lane);
}

void lanes_hold(struct lanes *l, bool is_draining, size_t open, size_t window, int64_t now_ms)
{
    if (open < window)
        l->full_since_ms = 0;
    else if (!l->full_since_ms)
        l->full_since_ms = now_ms;
    bool is_stuck = l->full_since_ms && now_ms - l->full_since_ms > HOLD_AFTER_MS;
    l->is_held = is_draining || is_stuck || (l->is_held && open > window / 2);
}

const struct lane *lanes_change(struct lanes *l)
{
    for (size_t i = 0; i < l->count; i++) {
        struct lane *lane = &l->list[i];
        bool should_pause = lane->is_full || l->is_held;
        if (lane->is_paused != should_pause) {
            lane->is_paused = should_pause;
            return lane;
        }
    }
    return NULL;
}
