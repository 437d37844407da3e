/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What went wrong, and what the caller does next.
 *
 * A function that can fail returns bool (or a pointer), takes `struct err *err` last and fills
 * it on failure; its other outputs are then untouched. The kind names the caller's next move,
 * the text grows outwards with err_wrap(): "fetch qualys/hosts page 3: 429: retry after 30 s".
 * A module returns an error or logs it, never both. Never blocks.
 */
#include <stdbool.h>

enum err_kind {
    ERR_NONE,
    ERR_RETRY,  /* the outside world may recover: the same call can work later */
    ERR_REJECT, /* this input can never work: keep it aside and go on with the rest */
    ERR_FATAL,  /* the process cannot go on: stop with exit_code */
};

struct err {
    enum err_kind kind;
    int exit_code;   /* for ERR_FATAL: one of sysexits.h */
    char text[1024]; /* one sentence for a person, without a newline; cut when longer */
};

#define must_check __attribute__((warn_unused_result))

/*
 * Set kind and text, and return false so that `return err_set(...)` reads as a failure.
 * ERR_FATAL exits with 70.
 */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Like err_set(ERR_FATAL), with the exit code of sysexits.h that the person at the terminal
 * needs.
 */
bool err_stop(struct err *err, int exit_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "PREFIX: " in front of the text that is there; returns false. */
bool err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);
