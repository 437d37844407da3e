/* SPDX-License-Identifier: MIT */
#include "muster/payload.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX_BYTES = 1 << 30 };

static void add(struct buf *out, const char *text, size_t len)
{
    if (!buf_add(out, (struct str){text, len}))
        abort();
}

/* --- JSON on lines --- */

static void break_line(struct buf *out, size_t depth)
{
    add(out, "\n", 1);
    for (size_t i = 0; i < depth; i++)
        add(out, "  ", 2);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The length of the token at `at`: a string, a number or word, or one of {}[]:, */
static size_t token_len(struct str text, size_t at)
{
    size_t end = at + 1;
    if (text.ptr[at] == '"') {
        while (text.ptr[end] != '"')
            end += text.ptr[end] == '\\' ? 2 : 1;
        return end + 1 - at;
    }
    if (strchr("{}[]:,", text.ptr[at]))
        return 1;
    while (end < text.len && !is_space(text.ptr[end]) && !strchr("{}[]:,\"", text.ptr[end]))
        end++;
    return end - at;
}

static size_t skip_space(struct str text, size_t at)
{
    while (at < text.len && is_space(text.ptr[at]))
        at++;
    return at;
}

/* The text has been parsed, so that it is well formed and no deeper than JSON_MAX_DEPTH. */
static void lay_out(struct str text, struct buf *out)
{
    size_t depth = 0;
    struct str mark = STR("\xEF\xBB\xBF");
    size_t start = str_has_prefix(text, mark) ? mark.len : 0;
    for (size_t at = skip_space(text, start); at < text.len;) {
        size_t len = token_len(text, at);
        char c = text.ptr[at];
        size_t next = skip_space(text, at + len);
        bool opens = c == '{' || c == '[';
        bool closes = c == '}' || c == ']';
        if (opens && next < text.len && (text.ptr[next] == '}' || text.ptr[next] == ']')) {
            add(out, c == '{' ? "{}" : "[]", 2);
            next = skip_space(text, next + 1);
        } else {
            depth -= closes;
            if (closes)
                break_line(out, depth);
            add(out, text.ptr + at, len);
            depth += opens;
            if (opens || c == ',')
                break_line(out, depth);
            if (c == ':')
                add(out, " ", 1);
        }
        at = next;
    }
}

/* --- for eyes --- */

/* Bytes of a control character, but for line feed and tab: of C0, DEL, or C1, which UTF-8 spells C2 80 to C2 9F. */
static size_t command_len(struct str s, size_t at)
{
    unsigned char c = (unsigned char)s.ptr[at];
    unsigned char next = at + 1 < s.len ? (unsigned char)s.ptr[at + 1] : 0;
    if (c == 0xC2 && next >= 0x80 && next <= 0x9f)
        return 2;
    return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
}

static size_t put_number(char *out, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    const char text[4] = {'\\', 'x', digits[c >> 4], digits[c & 15]};
    memcpy(out, text, sizeof text);
    return sizeof text;
}

struct str payload_harmless(struct str s, struct arena *arena)
{
    bool is_text = str_is_utf8(s);
    char *out = arena_take(arena, s.len * 4 + 1);
    size_t used = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        size_t command = is_text ? command_len(s, i) : c >= 0x80 || command_len(s, i);
        if (!command)
            out[used++] = s.ptr[i];
        else
            used += put_number(out + used, c);
        if (command == 2)
            used += put_number(out + used, (unsigned char)s.ptr[++i]);
    }
    return (struct str){out, used};
}

struct str payload_shown(struct str bytes, struct arena *arena)
{
    struct err ignored = {0};
    json_auto *doc = json_parse(bytes, &ignored);
    if (!doc)
        return payload_harmless(bytes, arena);
    buf_auto lines = {0};
    buf_init(&lines, SHOWN_MAX_BYTES);
    lay_out(bytes, &lines);
    return payload_harmless(buf_str(&lines), arena);
}

struct str payload_cut(struct str text, size_t max_bytes)
{
    size_t len = max_bytes;
    if (text.len <= max_bytes)
        return text;
    while (len > 0 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
        len--;
    return (struct str){text.ptr, len};
}

/* --- for programs --- */

static void put_base64(struct json_out *o, struct str bytes)
{
    unsigned char *text = malloc(bytes.len / 3 * 4 + 8);
    if (!text)
        abort();
    int len = EVP_EncodeBlock(text, (const unsigned char *)bytes.ptr, (int)bytes.len);
    json_put_str(o, (struct str){(const char *)text, (size_t)len});
    free(text);
}

void member_payload(struct json_out *o, const char *name, struct str bytes)
{
    char other[64];
    if (str_is_utf8(bytes)) {
        json_key(o, str_of(name));
        json_put_str(o, bytes);
        return;
    }
    (void)snprintf(other, sizeof other, "%s_base64", name);
    json_key(o, str_of(other));
    put_base64(o, bytes);
}
