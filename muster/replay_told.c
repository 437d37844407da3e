/* SPDX-License-Identifier: MIT */
#include "muster/replay_told.h"

#include "muster/report.h"

#include <stdio.h>

enum { TEXT_MAX_BYTES = 16 << 20 };

static const struct {
    const char *name;
    size_t offset;
} counted[] = {
    {"pages", offsetof(struct batch_counts, pages)},
    {"records", offsetof(struct batch_counts, records)},
    {"identical", offsetof(struct batch_counts, identical_records)},
    {"entities_written", offsetof(struct batch_counts, entities)},
    {"gone", offsetof(struct batch_counts, gone)},
    {"issues", offsetof(struct batch_counts, issues)},
    {"late_pages", offsetof(struct batch_counts, late_pages)},
    {"whole_runs", offsetof(struct batch_counts, whole_runs)},
};
enum { COUNTED = sizeof counted / sizeof *counted };

static int64_t count_of(const struct replay_told *t, size_t i)
{
    return *(const int64_t *)((const char *)t->counts + counted[i].offset);
}

static void print_json_answer(const struct replay_told *t)
{
    buf_auto text = {0};
    buf_init(&text, TEXT_MAX_BYTES);
    struct json_out o = {.buf = &text};
    json_open(&o, '{');
    member_str(&o, "into", t->into);
    json_key(&o, STR("went_on"));
    json_put_bool(&o, t->went_on);
    for (size_t i = 0; i < COUNTED; i++)
        member_int(&o, counted[i].name, count_of(t, i));
    member_int(&o, "passed_over", t->passed_over);
    member_int(&o, "rejects", (int64_t)t->reject_count);
    json_key(&o, STR("first_rejects"));
    json_open(&o, '[');
    for (size_t i = 0; i < t->reject_shown; i++) {
        json_open(&o, '{');
        member_int(&o, "partition", t->rejects[i].partition);
        member_int(&o, "offset", t->rejects[i].offset);
        member_str(&o, "reason", t->rejects[i].reason);
        json_close(&o, '}');
    }
    json_close(&o, ']');
    json_close(&o, '}');
    print_json(&text);
}

static void print_text(const struct replay_told *t)
{
    (void)printf("replayed into " STR_FMT "%s\n", STR_ARG(t->into),
                 t->went_on ? ", from where the last replay ended" : "");
    for (size_t i = 0; i < COUNTED; i++) {
        if (i > 1 && !count_of(t, i))
            continue;
        (void)printf("  ");
        for (const char *at = counted[i].name; *at; at++)
            (void)putchar(*at == '_' ? ' ' : *at);
        (void)printf(": %lld\n", (long long)count_of(t, i));
    }
    if (t->reject_count)
        (void)printf("  rejects: %zu\n", t->reject_count);
    for (size_t i = 0; i < t->reject_shown; i++)
        (void)printf("    partition %d offset %lld: " STR_FMT "\n",
                     (int)t->rejects[i].partition, (long long)t->rejects[i].offset,
                     STR_ARG(t->rejects[i].reason));
    if (t->reject_shown < t->reject_count)
        (void)printf("    … and %zu more\n", t->reject_count - t->reject_shown);
}

void replay_tell(const struct replay_told *t, bool as_json)
{
    if (as_json)
        print_json_answer(t);
    else
        print_text(t);
}
