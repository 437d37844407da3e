/* SPDX-License-Identifier: MIT */
/* `muster status`: one look, or with --watch one after the other until SIGINT or SIGTERM. */
#include "muster/status.h"

#include "common/clock.h"
#include "common/signals.h"
#include "muster/report.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

enum { TEXT_MAX_BYTES = 4 << 20, EVERY_MS = 2000 };

/* Two looks, to compare: what is seen now and what was seen before. */
struct watch {
    struct muster *muster;
    struct arena arenas[2];
    struct status looks[2];
    int now;          /* which of the two the next look goes to */
    bool has_before;  /* the other one is of the look before */
    bool is_terminal; /* and no JSON: the screen is drawn anew */
    bool is_closed;   /* nobody reads any more */
    int signals;
    struct buf text, screen;
};

static void open_watch(struct watch *w, struct muster *m)
{
    *w = (struct watch){.muster = m, .signals = -1};
    buf_init(&w->text, TEXT_MAX_BYTES);
    buf_init(&w->screen, TEXT_MAX_BYTES);
}

static void close_watch(struct watch *w)
{
    buf_done(&w->text);
    buf_done(&w->screen);
    arena_done(&w->arenas[0]);
    arena_done(&w->arenas[1]);
    if (w->signals >= 0)
        (void)close(w->signals);
}
#define watch_auto __attribute__((cleanup(close_watch))) struct watch

static void add(struct buf *text, struct str s)
{
    if (!buf_add(text, s))
        abort(); /* a screen or two */
}

/* "2024-05-01T10:00:00Z" and what follows the time. */
static void put_time(struct watch *w, int64_t unix_ms, const char *then)
{
    char iso[25];
    clock_iso(unix_ms, iso);
    if (!buf_addf(&w->text, "%.19sZ%s\n", iso, then))
        abort();
}

static bool look(struct watch *w, struct err *err)
{
    struct status *now = &w->looks[w->now];
    const struct status *before = w->has_before ? &w->looks[!w->now] : NULL;
    struct arena *arena = &w->arenas[w->now];
    arena_reset(arena);
    buf_reset(&w->text);
    if (!status_look(w->muster, before, arena, now, err))
        return false;
    if (before)
        status_rate(now, before);
    if (w->muster->settings.json) {
        status_json(now, arena, &w->text);
        return true;
    }
    if (w->muster->settings.watch)
        put_time(w, now->now_ms, w->is_terminal ? ", Ctrl-C ends" : "");
    status_text(now, arena, &w->text);
    return true;
}

/* --- again and again --- */

/* Servers go and come back while somebody watches. */
static bool tell_trouble(struct watch *w, struct err *err)
{
    struct json_out o = {.buf = &w->text};
    if (err->kind != ERR_RETRY && err->exit_code != EX_UNAVAILABLE)
        return false;
    buf_reset(&w->text);
    if (w->muster->settings.json) {
        json_open(&o, '{');
        member_time(&o, "at", clock_unix_ms());
        member_str(&o, "error", str_of(err->text));
        json_close(&o, '}');
    } else {
        put_time(w, clock_unix_ms(), "");
        add(&w->text, str_of(err->text));
        add(&w->text, STR("\n"));
    }
    err_clear(err);
    return true;
}

static bool draw(struct watch *w, struct err *err)
{
    struct winsize size = {0};
    buf_reset(&w->screen);
    if (w->is_terminal) {
        (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        status_screen(buf_str(&w->text), size.ws_col, size.ws_row, &w->screen);
        return print_all(&w->screen, &w->is_closed, err);
    }
    add(&w->text, STR("\n")); /* ends the line of JSON, or parts a block from the next */
    return print_all(&w->text, &w->is_closed, err);
}

static bool look_and_draw(struct watch *w, struct err *err)
{
    bool ok = look(w, err);
    if (!ok && !tell_trouble(w, err))
        return false;
    if (ok) {
        w->has_before = true;
        w->now = !w->now;
    }
    return draw(w, err);
}

static bool wait_for_next(struct watch *w, int64_t every_ms)
{
    struct pollfd fd = {.fd = w->signals, .events = POLLIN};
    (void)poll(&fd, 1, (int)every_ms);
    return !signals_came(w->signals);
}

static bool watch(struct watch *w, struct err *err)
{
    int64_t every_ms = w->muster->settings.every_ms;
    every_ms = every_ms > 0 && every_ms <= INT32_MAX ? every_ms : EVERY_MS;
    w->is_terminal = !w->muster->settings.json && isatty(STDOUT_FILENO);
    w->signals = signals_open(err);
    if (w->is_terminal)
        add(&w->screen, STR("\033[2J"));
    bool ok = w->signals >= 0 && print_all(&w->screen, &w->is_closed, err);
    do
        ok = ok && look_and_draw(w, err);
    while (ok && !w->is_closed && wait_for_next(w, every_ms));
    return ok;
}

bool status_run(struct muster *m, struct err *err)
{
    watch_auto w;
    open_watch(&w, m);
    if (m->settings.watch)
        return watch(&w, err);
    if (!look(&w, err))
        return false;
    if (m->settings.json)
        add(&w.text, STR("\n"));
    return print_all(&w.text, &w.is_closed, err);
}
