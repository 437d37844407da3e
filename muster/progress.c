/* SPDX-License-Identifier: MIT */
#include "muster/progress.h"

#include "common/clock.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR = 20, TERMINAL_MS = 200, PLAIN_MS = 10000 };

void progress_begin(struct progress *p, const char *what, int64_t total, bool is_quiet)
{
    *p = (struct progress){.what = what,
                           .is_quiet = is_quiet,
                           .is_terminal = isatty(STDERR_FILENO) == 1,
                           .total = total,
                           .began_ms = clock_ms(),
                           .drawn_ms = clock_ms()};
}

static struct str bar(int64_t done, int64_t total, struct arena *arena)
{
    struct str parts[BAR];
    for (int i = 0; i < BAR; i++)
        parts[i] = done * BAR >= (i + 1) * total ? STR("█") : STR("░");
    return arena_join(arena, parts, BAR);
}

static struct str left(int64_t done, int64_t total, int64_t elapsed_ms, struct arena *arena)
{
    if (done == 0 || done >= total)
        return (struct str){0};
    int64_t seconds =
        (int64_t)((double)elapsed_ms / 1000.0 * (double)(total - done) / (double)done);
    if (seconds < 120)
        return arena_format(arena, "  %lld s left", (long long)seconds);
    if (seconds < 7200)
        return arena_format(arena, "  %lld min left", (long long)(seconds / 60));
    return arena_format(arena, "  %lld h %lld min left", (long long)(seconds / 3600),
                        (long long)(seconds / 60 % 60));
}

struct str progress_line(const char *what, int64_t done, int64_t total, int64_t records,
                         int64_t elapsed_ms, struct arena *arena)
{
    struct str drawn = bar(done, total, arena);
    struct str rest = left(done, total, elapsed_ms, arena);
    struct str rate = {0};
    if (records >= 0)
        rate = arena_format(arena, "  %lld records  %lld records/s", (long long)records,
                            (long long)(records * 1000 / (elapsed_ms ? elapsed_ms : 1)));
    return arena_format(arena, "%3lld%%  " STR_FMT "  %lld of %lld %s" STR_FMT STR_FMT,
                        (long long)(total ? done * 100 / total : 100), STR_ARG(drawn),
                        (long long)done, (long long)total, what, STR_ARG(rate), STR_ARG(rest));
}

static void draw(struct progress *p, int64_t done, int64_t records)
{
    arena_auto arena = {0};
    p->drawn_ms = clock_ms();
    struct str line =
        progress_line(p->what, done, p->total, records, p->drawn_ms - p->began_ms, &arena);
    (void)fprintf(stderr, p->is_terminal ? "\r\033[K" STR_FMT : STR_FMT "\n", STR_ARG(line));
}

void progress_tell(struct progress *p, int64_t done, int64_t records)
{
    int64_t every_ms = p->is_terminal ? TERMINAL_MS : PLAIN_MS;
    if (!p->is_quiet && clock_ms() - p->drawn_ms >= every_ms)
        draw(p, done, records);
}

void progress_end(struct progress *p, int64_t done, int64_t records)
{
    if (p->is_quiet)
        return;
    draw(p, done, records);
    if (p->is_terminal)
        (void)fputc('\n', stderr);
}
