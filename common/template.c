/* SPDX-License-Identifier: MIT */
#include "common/template.h"

#include "common/json.h"

#include <string.h>

enum { RENDER_MAX_BYTES = 1024 * 1024 };

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '.' || c == '-';
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_name_char(s.ptr[i]))
            return false;
    return s.len > 0;
}

/* The name of the "${name}" that `ahead` begins with. */
static bool read_name(struct str ahead, struct str *out_name, struct err *err)
{
    const char *end = memchr(ahead.ptr, '}', ahead.len);
    if (!end)
        return err_set(err, ERR_REJECT,
                       "\"${\" without its \"}\" (a literal \"${\" is written \"$${\")");
    struct str name = {ahead.ptr + 2, (size_t)(end - ahead.ptr) - 2};
    if (!is_name(name))
        return err_set(err, ERR_REJECT,
                       "\"${" STR_FMT "}\": a name has letters, digits, \"_\", \".\" and \"-\"",
                       STR_ARG(name));
    *out_name = name;
    return true;
}

static void add_part(struct template *t, size_t *room, struct arena *arena, bool is_name_part,
                     struct str text)
{
    if (text.len)
        *ARENA_PUSH(arena, t->parts, t->count, *room) =
            (struct template_part){is_name_part, text};
}

bool template_compile(struct str text, struct arena *arena, struct template *out,
                      struct err *err)
{
    struct template t = {0};
    size_t room = 0, start = 0, i = 0;
    text = arena_copy(arena, text);
    while (i < text.len) {
        struct str ahead = {text.ptr + i, text.len - i}, name = {0};
        bool is_escape = str_has_prefix(ahead, STR("$${"));
        if (!is_escape && !str_has_prefix(ahead, STR("${"))) {
            i++;
            continue;
        }
        add_part(&t, &room, arena, false, (struct str){text.ptr + start, i - start});
        if (is_escape) {
            start = i + 1;
            i += 3;
            continue;
        }
        if (!read_name(ahead, &name, err))
            return false;
        add_part(&t, &room, arena, true, name);
        start = i += name.len + 3;
    }
    add_part(&t, &room, arena, false, (struct str){text.ptr + start, text.len - start});
    *out = t;
    return true;
}

static bool add_json_content(struct buf *out, struct str value)
{
    buf_auto quoted;
    buf_init(&quoted, RENDER_MAX_BYTES);
    struct json_out json = {.buf = &quoted};
    json_put_str(&json, value);
    return !json.failed && buf_add(out, (struct str){quoted.ptr + 1, quoted.len - 2});
}

static bool add_value(const struct template *t, struct buf *out, struct str name,
                      struct str value, bool hidden)
{
    if (hidden)
        return buf_addf(out, "${" STR_FMT "}", STR_ARG(name));
    return t->is_json ? add_json_content(out, value) : buf_add(out, value);
}

bool template_render(const struct template *t, template_lookup *lookup, const void *names,
                     bool masked, struct arena *arena, struct str *out, struct err *err)
{
    buf_auto text;
    buf_init(&text, RENDER_MAX_BYTES);
    for (size_t i = 0; i < t->count; i++) {
        struct str part = t->parts[i].text, value = {0};
        bool is_secret = false;
        if (t->parts[i].is_name && !lookup(names, part, &value, &is_secret))
            return err_set(err, ERR_FATAL, "${" STR_FMT "} has no value", STR_ARG(part));
        bool fits = t->parts[i].is_name ? add_value(t, &text, part, value, masked && is_secret)
                                        : buf_add(&text, part);
        if (!fits)
            return err_set(err, ERR_FATAL, "the text grows over 1 MiB at ${" STR_FMT "}",
                           STR_ARG(part));
    }
    *out = arena_copy(arena, buf_str(&text));
    return true;
}
