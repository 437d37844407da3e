/* SPDX-License-Identifier: MIT */
#include "common/log.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/log_limit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAIRS_MAX = 24, VALUE_MAX_BYTES = 4 * 1024, LINE_MAX_BYTES = 1024 * 1024 };

/* The one state outside of main's stack: every stage has one stderr, and a log handle in each signature would say nothing. */
static struct {
    const char *stage;
    bool as_json;
    enum log_level least;
} settings = {"muster", false, LOG_INFO_LEVEL};

/* What was logged, for limits and counts; the lock is there because librdkafka logs from threads of its own. */
static struct {
    pthread_mutex_t lock;
    struct log_limit limit;
    int64_t counts[LOG_ERROR_LEVEL + 1];
} past = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_open(const char *stage, bool as_json, enum log_level least)
{
    settings.stage = stage;
    settings.as_json = as_json;
    settings.least = least;
}

static bool needs_quotes(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] <= ' ' || strchr("\"=\\\x7f", s.ptr[i]))
            return true;
    return s.len == 0 || !str_is_utf8(s);
}

/* Inside quotes; control characters and bytes that are no UTF-8 must not reach a terminal as they are. */
static bool add_escaped(struct buf *line, struct str s)
{
    bool utf8 = str_is_utf8(s), ok = true;
    for (size_t i = 0; i < s.len && ok; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == '"' || c == '\\')
            ok = buf_addf(line, "\\%c", c);
        else if (c == '\n')
            ok = buf_add(line, STR("\\n"));
        else if (c < ' ' || c == 0x7f || (c >= 0x80 && !utf8))
            ok = buf_addf(line, "\\x%02x", c);
        else
            ok = buf_add(line, (struct str){s.ptr + i, 1});
    }
    return ok;
}

static bool add_text_pair(struct buf *line, const char *key, struct str value)
{
    const char *space = line->len ? " " : "";
    if (!needs_quotes(value))
        return buf_addf(line, "%s%s=" STR_FMT, space, key, STR_ARG(value));
    return buf_addf(line, "%s%s=\"", space, key) && add_escaped(line, value) &&
           buf_add(line, STR("\""));
}

static struct str cut(struct str value)
{
    return (struct str){value.ptr, value.len < VALUE_MAX_BYTES ? value.len : VALUE_MAX_BYTES};
}

static bool render_text(struct buf *line, const struct log_pair *pairs, size_t count)
{
    bool ok = true;
    for (size_t i = 0; i < count && ok; i++)
        ok = add_text_pair(line, pairs[i].key, cut(pairs[i].value));
    return ok;
}

static bool render_json(struct buf *line, const struct log_pair *pairs, size_t count)
{
    struct json_out out = {.buf = line};
    json_open(&out, '{');
    for (size_t i = 0; i < count; i++) {
        int64_t number = 0;
        json_key(&out, str_of(pairs[i].key));
        if (pairs[i].is_number && str_to_int(pairs[i].value, &number))
            json_put_int(&out, number);
        else
            json_put_str(&out, cut(pairs[i].value));
    }
    json_close(&out, '}');
    return !out.failed;
}

static void write_line(enum log_level level, const char *event, const struct log_pair *pairs,
                       size_t count)
{
    enum { FIXED = 4 };
    struct log_pair all[FIXED + PAIRS_MAX];
    char time[25];
    clock_iso(clock_unix_ms(), time);
    all[0] = (struct log_pair)LOG_TEXT("time", time);
    all[1] = (struct log_pair)LOG_TEXT("level", level_names[level]);
    all[2] = (struct log_pair)LOG_TEXT("stage", settings.stage);
    all[3] = (struct log_pair)LOG_TEXT("event", event);
    count = count < PAIRS_MAX ? count : PAIRS_MAX;
    memcpy(all + FIXED, pairs, count * sizeof *pairs);

    buf_auto line;
    buf_init(&line, LINE_MAX_BYTES);
    bool whole = settings.as_json ? render_json(&line, all, FIXED + count)
                                  : render_text(&line, all, FIXED + count);
    /* One write, so that the lines of several processes do not mix; what cannot be logged has nobody to be told. */
    if (!whole || !buf_add(&line, STR("\n")) || write(STDERR_FILENO, line.ptr, line.len) < 0)
        return;
}

/* --- what is only counted --- */

static bool next_repeated(int64_t now_ms, struct log_kind *out)
{
    (void)pthread_mutex_lock(&past.lock);
    bool found = log_limit_next(&past.limit, now_ms, out);
    (void)pthread_mutex_unlock(&past.lock);
    return found;
}

static void tell_repeated(int64_t now_ms)
{
    struct log_kind k;
    while (next_repeated(now_ms, &k)) {
        const struct log_pair repeated = LOG_INT("repeated", k.hidden);
        const struct log_pair pairs[] = {LOG_TEXT(k.key, k.value), repeated};
        bool has_key = k.key[0] != '\0';
        write_line(LOG_WARN_LEVEL, k.event, has_key ? pairs : &repeated, has_key ? 2 : 1);
    }
}

void log_tell_repeated(void)
{
    tell_repeated(clock_ms());
}

void log_close(void)
{
    tell_repeated(INT64_MAX);
}

static bool admits(enum log_level level, const char *event, const struct log_pair *first)
{
    (void)pthread_mutex_lock(&past.lock);
    past.counts[level]++;
    bool is_shown = level != LOG_WARN_LEVEL ||
                    log_limit_admits(&past.limit, event, first->key, first->value, clock_ms());
    (void)pthread_mutex_unlock(&past.lock);
    return is_shown;
}

void log_line(enum log_level level, const char *event, const struct log_pair *pairs,
              size_t count)
{
    log_tell_repeated();
    if (level >= settings.least && admits(level, event, pairs))
        write_line(level, event, pairs, count);
}

int64_t log_count(enum log_level level)
{
    (void)pthread_mutex_lock(&past.lock);
    int64_t count = past.counts[level];
    (void)pthread_mutex_unlock(&past.lock);
    return count;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

struct str log_number(char out[static 24], int64_t number)
{
    int len = snprintf(out, 24, "%lld", (long long)number);
    return (struct str){out, (size_t)len};
}
