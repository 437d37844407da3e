/* SPDX-License-Identifier: MIT */
#include "common/provider.h"

enum { MASKED_MAX_BYTES = 64 * 1024 * 1024 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that stands at s, and how many characters say it: %2F is one byte. */
static char byte_at(struct str s, size_t *out_chars)
{
    *out_chars = 1;
    if (s.ptr[0] != '%' || s.len < 3 || hex_digit(s.ptr[1]) < 0 || hex_digit(s.ptr[2]) < 0)
        return s.ptr[0];
    *out_chars = 3;
    return (char)(hex_digit(s.ptr[1]) << 4 | hex_digit(s.ptr[2]));
}

/* Characters at the front of s that say the secret, 0 when they do not. */
static size_t secret_chars(struct str s, struct str secret)
{
    size_t used = 0;
    for (size_t i = 0; i < secret.len; i++) {
        size_t chars = 0;
        struct str rest = {s.ptr + used, s.len - used};
        /* A secret may hold a '%' of its own. */
        if (rest.len && rest.ptr[0] == secret.ptr[i])
            chars = 1;
        else if (!rest.len || byte_at(rest, &chars) != secret.ptr[i])
            return 0;
        used += chars;
    }
    return used;
}

/* The secret that s begins with, the longest. */
static const struct provider_setting *secret_at(const struct provider *p, struct str s,
                                                size_t *out_chars)
{
    const struct provider_setting *found = NULL;
    *out_chars = 0;
    for (size_t i = 0; i < p->setting_count; i++) {
        const struct provider_setting *setting = &p->settings[i];
        size_t chars = setting->is_secret ? secret_chars(s, setting->value) : 0;
        if (chars > *out_chars) {
            found = setting;
            *out_chars = chars;
        }
    }
    return found;
}

struct str provider_mask(const struct provider *p, struct str text, struct arena *arena)
{
    buf_auto masked;
    buf_init(&masked, MASKED_MAX_BYTES);
    size_t chars = 0, done = 0, i = 0;
    bool fits = true;
    while (i < text.len && fits) {
        const struct provider_setting *secret =
            secret_at(p, (struct str){text.ptr + i, text.len - i}, &chars);
        if (!secret) {
            i++;
            continue;
        }
        fits = buf_add(&masked, (struct str){text.ptr + done, i - done}) &&
               buf_addf(&masked, "${" STR_FMT "}", STR_ARG(secret->name));
        done = i += chars;
    }
    fits = fits && buf_add(&masked, (struct str){text.ptr + done, text.len - done});
    /* What cannot be shown masked is not shown. */
    return fits ? arena_copy(arena, buf_str(&masked)) : STR("");
}
