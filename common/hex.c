/* SPDX-License-Identifier: MIT */
#include "common/hex.h"

struct str hex_text(const uint8_t *bytes, size_t count, struct arena *arena)
{
    static const char digits[] = "0123456789abcdef";
    char *text = arena_take(arena, count * 2 + 1);
    for (size_t i = 0; i < count; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return (struct str){text, count * 2};
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool hex_bytes(struct str text, uint8_t *out, size_t count)
{
    if (text.len != count * 2)
        return false;
    for (size_t i = 0; i < count; i++) {
        int high = digit(text.ptr[2 * i]), low = digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
