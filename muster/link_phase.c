/* SPDX-License-Identifier: MIT */
#include "muster/link_phase.h"

enum link_phase link_phase_of(const bson_t *link, int64_t now_ms)
{
    bool gone = false;
    int64_t due_ms = 0, gen = 0, closed = 0;
    (void)doc_bool(link, "gone", &gone);
    (void)doc_time(link, "due_at", &due_ms);
    (void)doc_int(link, "gen", &gen);
    (void)doc_int(link, "closed", &closed);
    if (gone)
        return LINK_GONE;
    if (due_ms <= now_ms)
        return LINK_DUE;
    return gen > closed ? LINK_RUNNING : LINK_WAITING;
}

const char *link_phase_name(enum link_phase phase)
{
    static const char *const names[LINK_PHASES] = {"gone", "due", "running", "waiting"};
    return phase < LINK_PHASES ? names[phase] : "";
}

struct str time_from_now(int64_t time_ms, int64_t now_ms, struct arena *arena)
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
    int64_t apart = time_ms > now_ms ? time_ms - now_ms : now_ms - time_ms;
    size_t unit = 0;
    if (time_ms == 0)
        return STR("never");
    /* Two of a unit at least, so that the rounding is not coarse. */
    while (unit < 4 && apart < 2 * units[unit].ms)
        unit++;
    return arena_format(arena, time_ms > now_ms ? "in %lld %s" : "%lld %s ago",
                        (long long)(apart / units[unit].ms), units[unit].name);
}
