/* SPDX-License-Identifier: MIT */
/*
 * `muster rejects`: what was set aside, why, and again. First for the operator who is paged: what kinds, how many, since when; then one by
 * one.
 */
#include "muster/rejects.h"

#include "muster/link_phase.h"
#include "muster/payload.h"
#include "muster/report.h"

#include <stdio.h>
#include <sysexits.h>

enum { LINE_MAX_BYTES = 256 << 10, REASON_MAX_BYTES = 160, ROWS = 20 };

/* --- as JSON --- */

void rejects_put(struct json_out *o, const struct rejects *r, size_t at)
{
    arena_auto arena = {0};
    const struct kept_reject *k = &r->list[at];
    member_str(o, "id", reject_id_text(k->id, &arena));
    member_time(o, "at", k->at_ms);
    member_str(o, "standing", str_of(standing_name(r->standings[at].kind)));
    member_str(o, "why", r->standings[at].why);
    member_str(o, "stage", k->what.stage);
    member_str(o, "reason", k->what.reason);
    member_str(o, "topic", k->what.topic);
    member_int(o, "partition", k->what.partition);
    member_int(o, "offset", k->what.offset);
    member_str(o, "stream", k->stream);
    member_str(o, "link", k->link);
    if (k->kind != REJECT_OF_NOTHING)
        member_int(o, "gen", k->gen);
    if (k->kind == REJECT_OF_PAGE) {
        member_int(o, "run", k->mark.run);
        member_int(o, "page", k->mark.page);
    }
    if (k->what.map)
        member_int(o, "map", k->what.map);
    member_int(o, "retries", k->retries);
    if (k->retries)
        member_str(o, "retry_of", reject_id_text(k->of, &arena));
    member_int(o, "bytes", k->bytes);
}

static void print_object(const struct rejects *r, size_t at)
{
    buf_auto text;
    buf_init(&text, LINE_MAX_BYTES);
    struct json_out o = {.buf = &text};
    json_open(&o, '{');
    rejects_put(&o, r, at);
    json_close(&o, '}');
    print_json(&text);
}

/* --- list --- */

static void print_kinds(const struct rejects *r, struct arena *arena)
{
    size_t count;
    const struct reject_group *groups =
        reject_groups(r->list, r->take, r->count, arena, &count);
    (void)printf("%7s  %-12s %-12s %-10s %-22s %s\n", "rejects", "first", "last", "stage",
                 "stream", "reason");
    for (size_t i = 0; i < count; i++) {
        const struct reject_group *g = &groups[i];
        struct str first = time_from_now(g->first_ms, r->now_ms, arena);
        struct str last = time_from_now(g->last_ms, r->now_ms, arena);
        struct str reason =
            json_shorten(payload_shown(g->reason, arena), REASON_MAX_BYTES, arena);
        (void)printf("%7lld  %-12.*s %-12.*s %-10.*s %-22.*s " STR_FMT "\n",
                     (long long)g->count, STR_ARG(first), STR_ARG(last), STR_ARG(g->stage),
                     STR_ARG(g->stream.len ? g->stream : STR("-")), STR_ARG(reason));
    }
}

static void print_row(const struct rejects *r, size_t at, struct arena *arena)
{
    const struct kept_reject *k = &r->list[at];
    struct str id = reject_id_text(k->id, arena);
    struct str when = time_from_now(k->at_ms, r->now_ms, arena);
    struct str page = k->kind == REJECT_OF_PAGE
                          ? arena_format(arena, "%lld", (long long)k->mark.page)
                          : STR("-");
    struct str reason =
        json_shorten(payload_shown(k->what.reason, arena), REASON_MAX_BYTES, arena);
    (void)printf("%-9.*s %-12.*s %-8s %-32.*s %5.*s  " STR_FMT "\n", STR_ARG(id), STR_ARG(when),
                 standing_name(r->standings[at].kind),
                 STR_ARG(k->link.len ? k->link : STR("-")), STR_ARG(page), STR_ARG(reason));
}

/* The newest first. Returns how many it did not show. */
static size_t print_rows(const struct rejects *r, int64_t limit, struct arena *arena)
{
    size_t left = 0;
    (void)printf("\n%-9s %-12s %-8s %-32s %5s  %s\n", "id", "when", "standing", "link", "page",
                 "reason");
    for (size_t i = r->count; i > 0; i--) {
        if (!r->take[i - 1])
            continue;
        if (limit-- > 0)
            print_row(r, i - 1, arena);
        else
            left++;
    }
    return left;
}

static void print_text(struct muster *m, const struct rejects *r, size_t taken, size_t over)
{
    if (taken) {
        print_kinds(r, &m->arena);
        size_t left = print_rows(r, m->settings.limit ? m->settings.limit : ROWS, &m->arena);
        if (left)
            (void)printf("… and %zu older: --limit, --since, --stream and --reason choose\n",
                         left);
    } else {
        (void)printf("no rejects%s\n", over ? " that are left to look after" : "");
    }
    if (over)
        (void)printf("%zu more are over, as their page was read or is not needed any more: "
                     "--all shows them\n",
                     over);
}

static bool list(struct muster *m, struct err *err)
{
    struct rejects r;
    size_t taken = 0, over = 0;
    if (!rejects_look(m, &r, err))
        return false;
    for (size_t i = 0; i < r.count; i++) {
        bool is_hidden = r.take[i] && !m->settings.all && standing_is_over(r.standings[i].kind);
        over += is_hidden;
        r.take[i] &= !is_hidden;
        taken += r.take[i];
    }
    if (!m->settings.json) {
        print_text(m, &r, taken, over);
        return true;
    }
    for (size_t i = 0; i < r.count; i++)
        if (r.take[i])
            print_object(&r, i);
    return true;
}

/* --- the command --- */

bool rejects_run(struct muster *m, struct err *err)
{
    static const struct {
        const char *name;
        size_t words_min, words_max;
        command_run *run;
    } verbs[] = {{"list", 1, 1, list},
                 {"show", 2, 2, rejects_show},
                 {"retry", 1, WORDS_MAX, rejects_retry},
                 {"export", 1, WORDS_MAX, rejects_export}};
    if (m->word_count == 0)
        return list(m, err);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (!str_eq(m->words[0], str_of(verbs[i].name)))
            continue;
        if (m->word_count >= verbs[i].words_min && m->word_count <= verbs[i].words_max)
            return verbs[i].run(m, err);
        return err_stop(err, EX_USAGE, "rejects %s: too %s words; see muster rejects --help",
                        verbs[i].name, m->word_count < verbs[i].words_min ? "few" : "many");
    }
    return err_stop(err, EX_USAGE,
                    "rejects " STR_FMT
                    ": list, show, retry or export is expected; see muster rejects --help",
                    STR_ARG(m->words[0]));
}
