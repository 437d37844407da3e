/* SPDX-License-Identifier: MIT */
/* Text that becomes a JSON string may come from anywhere; what leaves here is valid UTF-8. */
#include "common/json.h"

#include <stdio.h>

static void put(struct json_out *o, struct str s)
{
    if (!o->failed && !buf_add(o->buf, s))
        o->failed = true;
}

/* What stands before a value: the comma after the one before it. */
static void separate(struct json_out *o)
{
    if (o->needs_comma)
        put(o, STR(","));
    o->needs_comma = true;
}

void json_open(struct json_out *o, char bracket)
{
    separate(o);
    put(o, (struct str){&bracket, 1});
    o->needs_comma = false;
}

void json_close(struct json_out *o, char bracket)
{
    put(o, (struct str){&bracket, 1});
    o->needs_comma = true;
}

/* Bytes of the character that s begins with, 0 when it is none. */
static size_t character_bytes(struct str s)
{
    for (size_t len = 1; len <= 4 && len <= s.len; len++)
        if (str_is_utf8((struct str){s.ptr, len}))
            return len;
    return 0;
}

static void put_escaped(struct json_out *o, unsigned char c)
{
    static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *form = short_forms; *form; form += 2)
        if (c == (unsigned char)form[0]) {
            put(o, STR("\\"));
            put(o, (struct str){form + 1, 1});
            return;
        }
    char text[7];
    put(o, (struct str){text, (size_t)snprintf(text, sizeof text, "\\u%04x", c)});
}

static void put_quoted(struct json_out *o, struct str s)
{
    size_t done = 0;
    put(o, STR("\""));
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.ptr[i];
        size_t bytes = c < 0x80 ? 1 : character_bytes((struct str){s.ptr + i, s.len - i});
        bool is_plain = bytes && c >= ' ' && c != '"' && c != '\\';
        if (!is_plain) {
            put(o, (struct str){s.ptr + done, i - done});
            if (bytes)
                put_escaped(o, c);
            else
                put(o, STR("\xEF\xBF\xBD"));
            done = i + 1;
        }
        i += bytes ? bytes : 1;
    }
    if (done < s.len)
        put(o, (struct str){s.ptr + done, s.len - done});
    put(o, STR("\""));
}

void json_key(struct json_out *o, struct str key)
{
    separate(o);
    put_quoted(o, key);
    put(o, STR(":"));
    o->needs_comma = false;
}

void json_put_str(struct json_out *o, struct str s)
{
    separate(o);
    put_quoted(o, s);
}

void json_put_int(struct json_out *o, int64_t number)
{
    char text[24];
    separate(o);
    put(o, (struct str){text, (size_t)snprintf(text, sizeof text, "%lld", (long long)number)});
}

void json_put_bool(struct json_out *o, bool flag)
{
    separate(o);
    put(o, flag ? STR("true") : STR("false"));
}

void json_put_null(struct json_out *o)
{
    separate(o);
    put(o, STR("null"));
}

void json_put_json(struct json_out *o, struct str text)
{
    separate(o);
    put(o, text);
}
