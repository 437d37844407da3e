/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Which warnings are shown, so that one trouble does not fill a disk. Lines of the same event with the same first pair are one kind: the first is shown, and those that follow within
 * a window are only counted; beside that, an event as such has a number of lines a window,
 * whatever its pairs. What was counted is told when its window is over. Time is an argument.
 * Pure.
 */
#include "common/str.h"

enum {
    LOG_LIMIT_WINDOW_MS = 10000,
    LOG_LIMIT_EVENT_LINES = 50, /* of one event in a window */
    LOG_LIMIT_SLOTS = 128,
    LOG_LIMIT_TEXT_MAX = 120
};

/* One kind, in one window. */
struct log_kind {
    char event[40];
    char key[40];                   /* of the first pair; empty for the event as such */
    char value[LOG_LIMIT_TEXT_MAX]; /* its value, cut */
    uint64_t hash;                  /* of the whole */
    int64_t ends_ms;                /* of its window; 0 = the slot is free */
    int64_t shown, hidden;
};

struct log_limit {
    struct log_kind kinds[LOG_LIMIT_SLOTS];
};

/* May this line be shown? `key` and `value` are its first pair. */
bool log_limit_admits(struct log_limit *l, const char *event, const char *key, struct str value,
                      int64_t now_ms);
/*
 * A kind whose window is over and of which lines were hidden, once; then it is forgotten. False
 * when there is none (any more).
 */
bool log_limit_next(struct log_limit *l, int64_t now_ms, struct log_kind *out);
