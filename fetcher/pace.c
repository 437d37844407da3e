/* SPDX-License-Identifier: MIT */
#include "fetcher/pace.h"

#include <string.h>
#include <time.h>

static const double burst_seconds =
    0.1; /* a bucket holds what the rate gives in this time, and one at least */
static const int64_t backoff_base_ms = 500, backoff_max_ms = 30000;
static const int64_t retry_after_max_s = (int64_t)366 * 24 * 3600;

static double bucket_size(const struct pace *p)
{
    double size = p->per_second * burst_seconds;
    return size > 1 ? size : 1;
}

void pace_init(struct pace *p, double per_second, int in_flight_max)
{
    *p = (struct pace){.per_second = per_second,
                       .in_flight_max = in_flight_max > 0 ? in_flight_max : 1};
    p->bucket = bucket_size(p);
}

void pace_limit(struct pace *p, double per_second, int in_flight_max)
{
    p->per_second = per_second;
    p->in_flight_max = in_flight_max > 0 ? in_flight_max : 1;
    if (p->bucket > bucket_size(p))
        p->bucket = bucket_size(p);
}

static void fill(struct pace *p, int64_t now_ms)
{
    if (now_ms > p->filled_ms) {
        double filled = p->bucket + (double)(now_ms - p->filled_ms) * p->per_second / 1000;
        p->bucket = filled < bucket_size(p) ? filled : bucket_size(p);
        p->filled_ms = now_ms;
    }
}

int64_t pace_wait_ms(struct pace *p, int64_t now_ms)
{
    fill(p, now_ms);
    if (p->in_flight >= p->in_flight_max)
        return PACE_NO_ROOM;
    int64_t held_ms = p->held_until_ms > now_ms ? p->held_until_ms - now_ms : 0;
    if (p->per_second <= 0 || p->bucket >= 1)
        return held_ms;
    int64_t fill_ms = (int64_t)((1 - p->bucket) * 1000 / p->per_second) + 1;
    return held_ms > fill_ms ? held_ms : fill_ms;
}

void pace_start(struct pace *p)
{
    p->in_flight++;
    if (p->per_second > 0)
        p->bucket -= 1;
}

void pace_end(struct pace *p)
{
    p->in_flight--;
}

void pace_hold(struct pace *p, int64_t until_ms)
{
    if (until_ms > p->held_until_ms)
        p->held_until_ms = until_ms;
}

int64_t pace_backoff_ms(int attempt, uint32_t dice)
{
    int64_t whole_ms = backoff_base_ms;
    for (int i = 1; i < attempt && whole_ms < backoff_max_ms; i++)
        whole_ms *= 2;
    if (whole_ms > backoff_max_ms)
        whole_ms = backoff_max_ms;
    return whole_ms / 2 + whole_ms / 2 * (int64_t)(dice % PACE_DICE) / PACE_DICE;
}

static bool may_recover(const struct pace_end *end)
{
    if (!end->answered)
        return !end->is_hopeless;
    return end->status == 408 || end->status == 429 || end->status >= 500;
}

struct pace_ruling pace_rule(const struct pace_end *end, uint32_t dice)
{
    bool is_busy = end->answered && (end->status == 429 || end->status == 503);
    bool says_when = is_busy && end->asked_ms >= 0;
    if (end->answered && end->status >= 200 && end->status < 300)
        return (struct pace_ruling){.ruling = RULING_TAKE};
    if (says_when && end->asked_ms > PACE_HOLD_MAX_MS)
        return (struct pace_ruling){RULING_DEFER, end->asked_ms, false};
    if (!may_recover(end) || end->attempt >= PACE_ATTEMPTS)
        return (struct pace_ruling){.ruling = RULING_FAIL};
    int64_t wait_ms = says_when ? end->asked_ms : pace_backoff_ms(end->attempt, dice);
    return (struct pace_ruling){RULING_AGAIN, wait_ms, says_when || end->status == 429};
}

static bool read_date(const char *text, int64_t *out_unix_s)
{
    static const char *const forms[] = {
        "%a, %d %b %Y %H:%M:%S GMT", /* Sun, 06 Nov 1994 08:49:37 GMT */
        "%a, %d-%b-%y %H:%M:%S GMT", /* Sunday, 06-Nov-94 08:49:37 GMT */
        "%a %b %d %H:%M:%S %Y",      /* Sun Nov  6 08:49:37 1994 */
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = {0};
        const char *end = strptime(text, forms[i], &tm);
        if (end && *end == '\0') {
            *out_unix_s = timegm(&tm);
            return true;
        }
    }
    return false;
}

bool pace_read_retry_after(struct str header, int64_t now_unix_ms, int64_t *out_wait_ms)
{
    char text[64];
    int64_t seconds, unix_s;
    header = str_trim(header);
    if (header.len == 0 || header.len >= sizeof text)
        return false;
    memcpy(text, header.ptr, header.len);
    text[header.len] = '\0';
    int64_t wait_ms;
    if (str_to_int(header, &seconds))
        wait_ms = (seconds < retry_after_max_s ? seconds : retry_after_max_s) * 1000;
    else if (read_date(text, &unix_s))
        wait_ms = unix_s * 1000 - now_unix_ms;
    else
        return false;
    *out_wait_ms = wait_ms > 0 ? wait_ms : 0;
    return true;
}
