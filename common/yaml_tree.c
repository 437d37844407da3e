/* SPDX-License-Identifier: MIT */
#include "common/yaml.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

const struct yaml *yaml_get(const struct yaml *map, struct str key)
{
    for (size_t i = 0; map->kind == YAML_MAP && i < map->count; i++)
        if (str_eq(map->keys[i].text, key))
            return &map->items[i];
    return NULL;
}

static bool error_at(const struct yaml *at, struct err *err, const char *text, const char *more)
{
    return err_stop(err, EX_CONFIG, "%s:%u:%u: %s%s", at->file, at->line, at->column, text,
                    more);
}

bool yaml_error(const struct yaml *at, struct err *err, const char *format, ...)
{
    char text[sizeof err->text];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_at(at, err, text, "");
}

bool yaml_unknown(const struct yaml *at, struct str word, const struct str *words, size_t count,
                  struct err *err, const char *format, ...)
{
    char text[sizeof err->text];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);

    buf_auto more;
    buf_init(&more, sizeof err->text);
    struct str nearest = str_nearest(word, words, count);
    bool fits = nearest.len
                    ? buf_addf(&more, "; did you mean \"" STR_FMT "\"?", STR_ARG(nearest))
                    : buf_add(&more, STR("; known are"));
    for (size_t i = 0; fits && !nearest.len && i < count; i++)
        fits = buf_addf(&more, "%s " STR_FMT, i ? "," : "", STR_ARG(words[i]));
    return error_at(at, err, text, buf_text(&more));
}

bool yaml_is_among(struct str word, const struct str *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(word, words[i]))
            return true;
    return false;
}

bool yaml_only(const struct yaml *map, const char *what, const struct str *words, size_t count,
               struct err *err)
{
    if (map->kind != YAML_MAP)
        return yaml_error(map, err, "%s must be a map of key: value", what);
    for (size_t i = 0; i < map->count; i++) {
        struct str key = map->keys[i].text;
        if (!yaml_is_among(key, words, count))
            return yaml_unknown(&map->keys[i], key, words, count, err,
                                "unknown key \"" STR_FMT "\" in %s", STR_ARG(key), what);
    }
    return true;
}

bool yaml_word(const struct yaml *at, const char *what, struct err *err)
{
    struct str s = at->text;
    bool ok = at->kind == YAML_SCALAR && s.len > 0 && s.ptr[0] >= 'a' && s.ptr[0] <= 'z';
    for (size_t i = 0; ok && i < s.len; i++)
        ok = (s.ptr[i] >= 'a' && s.ptr[i] <= 'z') || (s.ptr[i] >= '0' && s.ptr[i] <= '9') ||
             s.ptr[i] == '_';
    return ok || yaml_error(at, err,
                            "\"" STR_FMT "\" cannot be the name of %s: a name has a-z, 0-9 and "
                            "_, and begins with a letter",
                            STR_ARG(s), what);
}

const struct yaml *yaml_need(const struct yaml *map, const char *key, const char *what,
                             struct err *err)
{
    const struct yaml *found = yaml_get(map, str_of(key));
    if (!found)
        (void)yaml_error(map, err, "\"%s\" is missing in %s", key, what);
    return found;
}

bool yaml_text(const struct yaml *map, const char *key, struct str *out, struct err *err)
{
    const struct yaml *at = yaml_get(map, str_of(key));
    if (!at)
        return true;
    if (at->kind != YAML_SCALAR || !at->text.len)
        return yaml_error(at, err, "\"%s\" must be text", key);
    *out = at->text;
    return true;
}

bool yaml_flag(const struct yaml *map, const char *key, bool *out, struct err *err)
{
    const struct yaml *at = yaml_get(map, str_of(key));
    if (!at)
        return true;
    bool is_yes = str_eq(at->text, STR("true")) || str_eq(at->text, STR("yes"));
    if (!is_yes && !str_eq(at->text, STR("false")) && !str_eq(at->text, STR("no")))
        return yaml_error(at, err, "\"%s\" must be true or false", key);
    *out = is_yes;
    return true;
}

bool yaml_whole(const struct yaml *map, const char *key, int64_t least, int64_t most,
                int64_t *out, struct err *err)
{
    int64_t number = 0;
    const struct yaml *at = yaml_get(map, str_of(key));
    if (!at)
        return true;
    if (!str_to_int(at->text, &number) || number < least || number > most)
        return yaml_error(at, err, "\"%s\" must be a whole number from %lld to %lld", key,
                          (long long)least, (long long)most);
    *out = number;
    return true;
}

static void put_text(struct buf *out, char tag, struct str text)
{
    if (!buf_addf(out, "%c%zu:", tag, text.len) || !buf_add(out, text))
        abort();
}

/* Every piece says its kind and its length, so that no two trees give the same bytes. Depth is bounded by the reader. */
static void put_node(struct buf *out, const struct yaml *node)
{
    if (node->kind == YAML_SCALAR) {
        put_text(out, node->quoted ? 'q' : 's', node->text);
        return;
    }
    if (!buf_addf(out, "%c%zu:", node->kind == YAML_LIST ? 'l' : 'm', node->count))
        abort();
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == YAML_MAP)
            put_text(out, 'k', node->keys[i].text);
        put_node(out, &node->items[i]);
    }
}

void yaml_digest(const struct yaml *node, struct str before, uint8_t out[static 32])
{
    buf_auto text;
    buf_init(&text, SIZE_MAX / 2);
    put_text(&text, 'b', before);
    put_node(&text, node);
    if (!EVP_Digest(text.ptr, text.len, out, NULL, EVP_sha256(), NULL))
        abort();
}

bool yaml_not_yet(const struct yaml *map, const struct str *words, size_t count,
                  struct err *err)
{
    for (size_t i = 0; map->kind == YAML_MAP && i < map->count; i++)
        if (yaml_is_among(map->keys[i].text, words, count))
            return yaml_error(&map->keys[i], err, "\"" STR_FMT "\" is not supported yet",
                              STR_ARG(map->keys[i].text));
    return true;
}
