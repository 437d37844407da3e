/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One line a fact, on stderr: `time=… level=info stage=fetcher event=started key=value …`, or the same as one JSON object
 * a line. Keys are fixed words; values are quoted when they need it. Only a stage's main file logs. Never fails.
 *
 * Warnings that repeat are counted and told later, with `repeated=N` (log_limit.h). Debug, info and error lines are shown
 * always. Any thread may log: librdkafka's do.
 */
#include "common/str.h"

enum log_level { LOG_DEBUG_LEVEL, LOG_INFO_LEVEL, LOG_WARN_LEVEL, LOG_ERROR_LEVEL };

/* Once, at the start. `stage` must outlive the process. */
void log_open(const char *stage, bool as_json, enum log_level least);

/* Tell what was only counted and whose window is over: now and then, from the main loop. */
void log_tell_repeated(void);
/* Tell all that was only counted: at the end. */
void log_close(void);

/* Lines of this level so far, shown or only counted. */
int64_t log_count(enum log_level level);
const char *log_level_name(enum log_level level);

struct log_pair {
    const char *key;
    struct str value;
    bool is_number; /* in JSON without quotes */
};
void log_line(enum log_level level, const char *event, const struct log_pair *pairs,
              size_t count);

/* LOG_INFO("published", LOG_STR("link", link), LOG_INT("tasks", n)): the event's word, then at least one pair. */
#define LOG_PAIRS(...)                      \
    (const struct log_pair[]){__VA_ARGS__}, \
        sizeof((const struct log_pair[]){__VA_ARGS__}) / sizeof(struct log_pair)
#define LOG_INFO(event, ...)  log_line(LOG_INFO_LEVEL, event, LOG_PAIRS(__VA_ARGS__))
#define LOG_WARN(event, ...)  log_line(LOG_WARN_LEVEL, event, LOG_PAIRS(__VA_ARGS__))
#define LOG_ERROR(event, ...) log_line(LOG_ERROR_LEVEL, event, LOG_PAIRS(__VA_ARGS__))
/* A pair from a view, from NUL-terminated text or from a number (valid until the end of the full expression's block). */
#define LOG_STR(key, s)      {key, s, false}
#define LOG_TEXT(key, text)  {key, str_of(text), false}
#define LOG_INT(key, number) {key, log_number((char[24]){0}, number), true}
struct str log_number(char out[static 24], int64_t number);
