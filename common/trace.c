/* SPDX-License-Identifier: MIT */
#include "common/trace.h"

#include <stdio.h>
#include <string.h>

enum { TRACE_AT = 3, SPAN_AT = 36, FLAGS_AT = 53, TEXT_BYTES = TRACE_BYTES - 1 };

/* An id of zeros is none (W3C Trace Context, 3.2.2.3 and 3.2.2.4), so its last digit is made 1. */
static void put_id(char *out, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t any = 0;
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
        any |= bytes[i];
    }
    if (!any)
        out[2 * count - 1] = '1';
}

void trace_begin(const struct trace_dice *dice, char out[static TRACE_BYTES])
{
    memcpy(out, "00-", TRACE_AT);
    put_id(out + TRACE_AT, dice->trace, sizeof dice->trace);
    out[SPAN_AT - 1] = '-';
    put_id(out + SPAN_AT, dice->span, sizeof dice->span);
    memcpy(out + FLAGS_AT - 1, "-01", sizeof "-01");
}

static bool is_hex(struct str s, size_t at, size_t count)
{
    for (size_t i = at; i < at + count; i++)
        if (!((s.ptr[i] >= '0' && s.ptr[i] <= '9') || (s.ptr[i] >= 'a' && s.ptr[i] <= 'f')))
            return false;
    return true;
}

static bool is_id(struct str s, size_t at, size_t count)
{
    bool has_digit = false;
    for (size_t i = at; i < at + count; i++)
        has_digit |= s.ptr[i] != '0';
    return has_digit && is_hex(s, at, count);
}

/* Of a later version only what version 00 has is read (section 4). */
static bool is_traceparent(struct str s)
{
    if (s.len < TEXT_BYTES || !is_hex(s, 0, 2) || memcmp(s.ptr, "ff", 2) == 0)
        return false;
    bool is_ours = memcmp(s.ptr, "00", 2) == 0;
    bool ends = s.len == TEXT_BYTES || (!is_ours && s.ptr[TEXT_BYTES] == '-');
    return ends && s.ptr[2] == '-' && s.ptr[SPAN_AT - 1] == '-' && s.ptr[FLAGS_AT - 1] == '-' &&
           is_id(s, TRACE_AT, SPAN_AT - 1 - TRACE_AT) &&
           is_id(s, SPAN_AT, FLAGS_AT - 1 - SPAN_AT) && is_hex(s, FLAGS_AT, 2);
}

void trace_continue(struct str parent, const struct trace_dice *dice,
                    char out[static TRACE_BYTES])
{
    trace_begin(dice, out);
    if (!is_traceparent(parent))
        return;
    memcpy(out + TRACE_AT, parent.ptr + TRACE_AT, SPAN_AT - 1 - TRACE_AT);
    /* Of the flags version 00 knows "sampled", the last bit, and wants the others to be 0. */
    const char last = parent.ptr[FLAGS_AT + 1];
    int digit = last <= '9' ? last - '0' : last - 'a' + 10;
    out[FLAGS_AT + 1] = digit & 1 ? '1' : '0';
}
