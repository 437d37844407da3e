/* SPDX-License-Identifier: MIT */
#include "common/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct str str_of(const char *text)
{
    return text ? (struct str){text, strlen(text)} : (struct str){0};
}

bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

int str_cmp(struct str a, struct str b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared ? memcmp(a.ptr, b.ptr, shared) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_has_prefix(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq((struct str){s.ptr, prefix.len}, prefix);
}

bool str_has(struct str s, struct str part)
{
    return part.len == 0 || (s.len && memmem(s.ptr, s.len, part.ptr, part.len));
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.len && is_space(s.ptr[s.len - 1]))
        s.len--;
    while (s.len && is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    return s;
}

struct str str_cut(struct str *rest, char mark)
{
    const char *found = rest->len ? memchr(rest->ptr, mark, rest->len) : NULL;
    struct str head = *rest;
    if (!found) {
        *rest = (struct str){0};
        return head;
    }
    head.len = (size_t)(found - rest->ptr);
    *rest = (struct str){found + 1, rest->len - head.len - 1};
    return head;
}

bool str_to_int(struct str s, int64_t *out_number)
{
    size_t i = s.len && s.ptr[0] == '-';
    int64_t number = 0;
    if (i == s.len)
        return false;
    for (; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        /* Counted downwards, because INT64_MIN has no positive twin. */
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_sub_overflow(number, s.ptr[i] - '0', &number))
            return false;
    }
    if (s.ptr[0] != '-' && number == INT64_MIN)
        return false;
    *out_number = s.ptr[0] == '-' ? number : -number;
    return true;
}

/*
 * How many bytes the sequence at s takes; 0 when it is none (overlong, surrogate, past
 * U+10FFFF, cut).
 */
static size_t utf8_step(const unsigned char *s, size_t left)
{
    if (s[0] < 0x80)
        return 1;
    size_t need = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || left < need)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xED && s[1] > 0x9F;
    bool too_big = s[0] == 0xF4 && s[1] > 0x8F;
    return overlong || surrogate || too_big ? 0 : need;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *bytes = (const unsigned char *)s.ptr;
    for (size_t i = 0; i < s.len;) {
        size_t step = utf8_step(bytes + i, s.len - i);
        if (!step)
            return false;
        i += step;
    }
    return true;
}

enum { NEAREST_MAX = 64 };

static size_t edit_distance(struct str a, struct str b)
{
    size_t row[NEAREST_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            diagonal = row[j];
            size_t shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
            row[j] = change < shorter + 1 ? change : shorter + 1;
        }
    }
    return row[b.len];
}

struct str str_nearest(struct str word, const struct str *words, size_t count)
{
    struct str best = {0};
    size_t best_distance = word.len / 3 + 1;
    if (word.len > NEAREST_MAX)
        return best;
    for (size_t i = 0; i < count; i++) {
        if (words[i].len > NEAREST_MAX)
            continue;
        size_t distance = edit_distance(word, words[i]);
        if (distance < best_distance ||
            (distance == best_distance && !best.len && distance <= 1)) {
            best = words[i];
            best_distance = distance;
        }
    }
    return best;
}

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max_bytes = max_bytes};
}

void buf_done(struct buf *b)
{
    free(b->ptr);
    *b = (struct buf){.max_bytes = b->max_bytes};
}

void buf_reset(struct buf *b)
{
    b->len = 0;
}

/* Room for `more` bytes and a terminator. */
static bool reserve(struct buf *b, size_t more)
{
    if (more > b->max_bytes || b->len > b->max_bytes - more)
        return false;
    size_t need = b->len + more + 1;
    if (need <= b->room)
        return true;
    size_t room = b->room ? b->room : 256;
    while (room < need)
        room *= 2;
    char *grown = realloc(b->ptr, room);
    if (!grown)
        abort();
    b->ptr = grown;
    b->room = room;
    return true;
}

bool buf_add(struct buf *b, struct str s)
{
    if (!reserve(b, s.len))
        return false;
    if (s.len)
        memcpy(b->ptr + b->len, s.ptr, s.len);
    b->len += s.len;
    return true;
}

bool buf_addf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0 || !reserve(b, (size_t)len))
        return false;
    va_start(args, format);
    (void)vsnprintf(b->ptr + b->len, (size_t)len + 1, format, args);
    va_end(args);
    b->len += (size_t)len;
    return true;
}

struct str buf_str(const struct buf *b)
{
    return (struct str){b->ptr, b->len};
}

const char *buf_text(struct buf *b)
{
    if (!reserve(b, 0))
        abort();
    b->ptr[b->len] = '\0';
    return b->ptr;
}
