/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Which stretch may ask next. Each stream has a channel: its pace, and its stretches in the order in which they came; those that wait
 * for a time of their own stand aside until then. A channel is known by the name of its stream and outlives the files that it came
 * from, so that a reload changes limits and forgets nothing. Time is an argument. Owns no stretch. Pure.
 */
#include "fetcher/stretch.h"

struct channel {
    struct channel *next;
    struct str stream, provider; /* names */
    struct pace pace;
    struct stretch_queue ready;
};

struct schedule {
    struct channel *channels;
    size_t count;
    struct stretch_queue waiting;
    int64_t next_wake_ms; /* no stretch has to be woken before */
};

/* Must not be moved afterwards. */
void schedule_init(struct schedule *x);
/* The limits of these files count from now on. Channels, and copies of names, live in the arena. */
void schedule_take_limits(struct schedule *x, const struct providers *providers,
                          struct arena *arena);
/* A stretch at STEP_ASK or STEP_WAIT. */
void schedule_add(struct schedule *x, struct stretch *s);
/* Into and out of any queue of stretches. */
void schedule_enter(struct stretch_queue *queue, struct stretch *s);
void schedule_remove(struct stretch *s);
/* The next one that may ask now, counted as in flight, or NULL. */
struct stretch *schedule_next(struct schedule *x, int64_t now_ms);
/* Its transfer, if there was one, has ended. */
void schedule_ended(struct schedule *x, struct stretch *s);
/* Nobody asks this stretch's provider before then. */
void schedule_hold(struct schedule *x, const struct stretch *s, int64_t until_ms);
/* How long until somebody may ask, at most max_ms. */
int64_t schedule_wait_ms(struct schedule *x, int64_t now_ms, int64_t max_ms);
/* Any that waits here, taken out, or NULL: for the end. */
struct stretch *schedule_pop(struct schedule *x);
