/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The two clocks. Only main loops and modules that do I/O read them; modules that decide take
 * the time as an argument. Times are milliseconds. Never blocks.
 */
#include "common/str.h"

/* Since 1970-01-01 UTC; may jump. For people and for due times, never for order. */
int64_t clock_unix_ms(void);
/* Since some point in the past; never goes back. For waits and rates. */
int64_t clock_ms(void);
/* "2024-01-02T03:04:05.678Z" into out (25 bytes). Years 0 to 9999; others are clamped. */
void clock_iso(int64_t unix_ms, char out[static 25]);
/*
 * RFC 3339 with common variations: a date alone, 'T' or space, 0 to 9 digits of a second (cut
 * to milliseconds), 'Z', "+hh:mm", "+hhmm" or nothing (UTC). False when it is none, or not a
 * day of the calendar.
 */
bool clock_parse_iso(struct str s, int64_t *out_unix_ms);
/*
 * A random number below `below` (> 0), from the system's source: for jitter, never for secrets.
 */
uint32_t clock_dice(uint32_t below);
/* Random bytes from the same source, for ids that must not meet. */
void clock_random(void *out, size_t bytes);
