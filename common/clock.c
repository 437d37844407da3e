/* SPDX-License-Identifier: MIT */
#include "common/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    if (clock_gettime(id, &now) != 0)
        abort();
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_unix_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static const int64_t year_0_ms = -62167219200000;    /* 0000-01-01T00:00:00.000Z */
static const int64_t year_9999_ms = 253402300799999; /* 9999-12-31T23:59:59.999Z */

void clock_iso(int64_t unix_ms, char out[static 25])
{
    int64_t ms = unix_ms < year_0_ms      ? year_0_ms
                 : unix_ms > year_9999_ms ? year_9999_ms
                                          : unix_ms;
    int64_t fraction = ((ms % 1000) + 1000) % 1000;
    time_t seconds = (time_t)((ms - fraction) / 1000);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm))
        abort();
    (void)snprintf(
        out, 25, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)(tm.tm_year + 1900) % 10000,
        (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
        (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100, (unsigned)fraction % 1000);
}

/* Exactly `digits` digits from the front of *s. */
static bool take_digits(struct str *s, size_t digits, int *out)
{
    int number = 0;
    if (s->len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (s->ptr[i] < '0' || s->ptr[i] > '9')
            return false;
        number = number * 10 + (s->ptr[i] - '0');
    }
    *s = (struct str){s->ptr + digits, s->len - digits};
    *out = number;
    return true;
}

static bool take_char(struct str *s, const char *any_of)
{
    for (; *any_of; any_of++) {
        if (s->len && s->ptr[0] == *any_of) {
            *s = (struct str){s->ptr + 1, s->len - 1};
            return true;
        }
    }
    return false;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

/*
 * Days since 1970-01-01, by the Gregorian calendar. timegm() would do, but it is made for time zones, and each record has
 * several times.
 */
static int64_t days_since_epoch(int year, int month, int day)
{
    /* Years that begin in March have their leap day at the end; 400 of them more, and none is negative. */
    int years = year + 400 - (month <= 2);
    int leap_days = years / 4 - years / 100 + years / 400;
    int day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    enum { YEARS_TO_1970 = 2370, LEAP_DAYS_TO_1970 = 574, MARCH_1 = 59 };
    return 365 * (int64_t)(years - YEARS_TO_1970) + leap_days - LEAP_DAYS_TO_1970 +
           day_of_year + MARCH_1;
}

static bool take_date(struct str *s, int64_t *out_days)
{
    int year, month, day;
    if (!take_digits(s, 4, &year) || !take_char(s, "-") || !take_digits(s, 2, &month) ||
        !take_char(s, "-") || !take_digits(s, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in(year, month))
        return false;
    *out_days = days_since_epoch(year, month, day);
    return true;
}

static bool take_time(struct str *s, int *out_seconds, int *out_ms)
{
    int hour, minute, second;
    if (!take_digits(s, 2, &hour) || !take_char(s, ":") || !take_digits(s, 2, &minute) ||
        !take_char(s, ":") || !take_digits(s, 2, &second))
        return false;
    *out_seconds = (hour * 60 + minute) * 60 + second;
    *out_ms = 0;
    if (take_char(s, ".")) {
        int digit, scale = 100, digits = 0;
        for (; take_digits(s, 1, &digit); digits++, scale /= 10)
            *out_ms += digit * scale;
        if (digits > 9)
            return false;
    }
    return hour < 24 && minute < 60 && second <= 60; /* RFC 3339 allows a leap second */
}

static bool take_zone(struct str *s, int *out_minutes)
{
    int hours, minutes;
    *out_minutes = 0;
    if (s->len == 0 || take_char(s, "Zz"))
        return true;
    int sign = s->ptr[0] == '-' ? -1 : 1;
    if (!take_char(s, "+-") || !take_digits(s, 2, &hours))
        return false;
    (void)take_char(s, ":");
    if (!take_digits(s, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *out_minutes = sign * (hours * 60 + minutes);
    return true;
}

bool clock_parse_iso(struct str s, int64_t *out_unix_ms)
{
    int64_t days;
    int seconds = 0, ms = 0, zone_minutes = 0;
    if (!take_date(&s, &days))
        return false;
    if (s.len && (!take_char(&s, "Tt ") || !take_time(&s, &seconds, &ms) ||
                  !take_zone(&s, &zone_minutes)))
        return false;
    if (s.len)
        return false;
    *out_unix_ms = (days * 86400 + seconds - (int64_t)zone_minutes * 60) * 1000 + ms;
    return true;
}

/* The kernel is asked for several at a time: a call of it costs more than what is done with a dice. */
uint32_t clock_dice(uint32_t below)
{
    static uint64_t dice[32];
    static size_t left = 0;
    if (left == 0) {
        clock_random(dice, sizeof dice);
        left = sizeof dice / sizeof *dice;
    }
    return (uint32_t)(dice[--left] % below);
}

/* Up to 256 bytes come whole (getrandom(2)). */
void clock_random(void *out, size_t bytes)
{
    if (getrandom(out, bytes, 0) != (ssize_t)bytes)
        abort();
}
