/* SPDX-License-Identifier: MIT */
#include "common/log_limit.h"

#include <stdio.h>

/* FNV-1a, 64 bits. */
static uint64_t hash_add(uint64_t state, struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        state = (state ^ (unsigned char)s.ptr[i]) * 0x100000001b3;
    return (state ^ 0xff) * 0x100000001b3; /* no byte of UTF-8: where a part ends */
}

static bool is_over(const struct log_kind *k, int64_t now_ms)
{
    return k->ends_ms == 0 || (k->ends_ms <= now_ms && k->hidden == 0);
}

/* The kind's slot, a free one, or NULL when all are taken. */
static struct log_kind *find(struct log_limit *l, uint64_t hash, int64_t now_ms)
{
    struct log_kind *free_one = NULL;
    for (size_t i = 0; i < LOG_LIMIT_SLOTS; i++) {
        struct log_kind *k = &l->kinds[i];
        if (k->ends_ms && k->hash == hash && !is_over(k, now_ms))
            return k;
        if (!free_one && is_over(k, now_ms))
            free_one = k;
    }
    if (free_one)
        *free_one = (struct log_kind){.hash = hash};
    return free_one;
}

static bool admits(struct log_kind *k, int64_t lines)
{
    bool is_shown = k->shown < lines;
    k->shown += is_shown;
    k->hidden += !is_shown;
    return is_shown;
}

static void begin(struct log_kind *k, const char *event, const char *key, struct str value,
                  int64_t now_ms)
{
    k->ends_ms = now_ms + LOG_LIMIT_WINDOW_MS;
    (void)snprintf(k->event, sizeof k->event, "%s", event);
    (void)snprintf(k->key, sizeof k->key, "%s", key);
    (void)snprintf(k->value, sizeof k->value, "%.*s", (int)value.len,
                   value.len ? value.ptr : "");
}

bool log_limit_admits(struct log_limit *l, const char *event, const char *key, struct str value,
                      int64_t now_ms)
{
    uint64_t event_hash = hash_add(0xcbf29ce484222325, str_of(event));
    uint64_t kind_hash = hash_add(hash_add(event_hash, str_of(key)), value);
    struct log_kind *kind = find(l, kind_hash, now_ms);
    if (kind && !kind->ends_ms)
        begin(kind, event, key, value, now_ms);
    if (kind && !admits(kind, 1))
        return false;
    struct log_kind *all = find(l, event_hash, now_ms);
    if (!all) /* nobody has room to count: rather too many lines than a lost one */
        return true;
    if (!all->ends_ms)
        begin(all, event, "", (struct str){0}, now_ms);
    return admits(all, LOG_LIMIT_EVENT_LINES);
}

bool log_limit_next(struct log_limit *l, int64_t now_ms, struct log_kind *out)
{
    for (size_t i = 0; i < LOG_LIMIT_SLOTS; i++) {
        struct log_kind *k = &l->kinds[i];
        if (k->ends_ms == 0 || k->ends_ms > now_ms || k->hidden == 0)
            continue;
        *out = *k;
        *k = (struct log_kind){0};
        return true;
    }
    return false;
}
