/* SPDX-License-Identifier: MIT */
/*
 * Numbers are kept as the source spells them and read when somebody asks, so that no digit of a long one is lost and
 * those that no field wants cost nothing. yyjson does not recurse, but those who walk its result do: the depth is
 * bounded here.
 */
#include "common/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

/* Walking a bigger object does not look for keys that stand twice: the search is quadratic. */
enum { WALK_MAX_SEARCHED = 1024 };

const char *json_library_version(void)
{
    static char text[16];
    uint32_t v = yyjson_version();
    (void)snprintf(text, sizeof text, "%u.%u.%u", v >> 16, v >> 8 & 255, v & 255);
    return text;
}

static yyjson_val *val_of(struct json j)
{
    return j.place;
}

static bool key_is(yyjson_val *key, struct str word)
{
    if (unsafe_yyjson_get_len(key) != word.len)
        return false;
    /* Keys of one object tend to begin alike and to have few lengths; their ends tell them apart. */
    return word.len == 0 || (key->uni.str[word.len - 1] == word.ptr[word.len - 1] &&
                             memcmp(key->uni.str, word.ptr, word.len) == 0);
}

/* Reading a text. */

/* "line 3, column 14", both from 1, columns in characters. */
static bool reject_at(struct str text, size_t offset, const char *what, struct err *err)
{
    unsigned long line = 1, column = 1;
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text.ptr[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    return err_set(err, ERR_REJECT, "line %lu, column %lu: %s", line, column, what);
}

static bool reject_syntax(struct str text, const yyjson_read_err *fault, struct err *err)
{
    if (fault->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        abort();
    if (fault->code == YYJSON_READ_ERROR_UNEXPECTED_END)
        return reject_at(text, text.len, "unexpected end of data (the body is cut?)", err);
    if (fault->pos >= text.len || fault->code == YYJSON_READ_ERROR_EMPTY_CONTENT)
        return reject_at(text, fault->pos, str_trim(text).len ? fault->msg : "there is no data",
                         err);

    unsigned char found = (unsigned char)text.ptr[fault->pos];
    char what[128];
    if (found > ' ' && found < 0x7F)
        (void)snprintf(what, sizeof what, "%s, found '%c'", fault->msg, found);
    else
        (void)snprintf(what, sizeof what, "%s, found byte 0x%02x", fault->msg, found);
    return reject_at(text, fault->pos, what, err);
}

/* All values of a document stand in one array, containers before what they hold. */
static bool is_too_deep(yyjson_doc *doc)
{
    const yyjson_val *ends[JSON_MAX_DEPTH];
    size_t depth = 0;
    yyjson_val *val = yyjson_doc_get_root(doc);
    const yyjson_val *end = val + yyjson_doc_get_val_count(doc);
    for (; val < end; val++) {
        while (depth && val >= ends[depth - 1])
            depth--;
        if (!unsafe_yyjson_is_ctn(val))
            continue;
        if (depth == JSON_MAX_DEPTH)
            return true;
        ends[depth++] = unsafe_yyjson_get_next(val);
    }
    return false;
}

/* Where the bracket that is one too many stands in a text that is known to be JSON. */
static size_t too_deep_at(struct str text)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (in_string)
            continue;
        else if ((c == '[' || c == '{') && ++depth > JSON_MAX_DEPTH)
            return i;
        else if (c == ']' || c == '}')
            depth--;
    }
    return text.len;
}

struct json_doc *json_parse(struct str text, struct err *err)
{
    if (str_has_prefix(text, STR("\xEF\xBB\xBF")))
        text = (struct str){text.ptr + 3, text.len - 3};
    if (text.len == 0) {
        (void)reject_at(text, 0, "there is no data", err);
        return NULL;
    }
    yyjson_read_err fault = {0};
    /* Without YYJSON_READ_INSITU the text is only read. */
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text.ptr, text.len,
                                       YYJSON_READ_NUMBER_AS_RAW, NULL, &fault);
    if (!doc) {
        (void)reject_syntax(text, &fault, err);
        return NULL;
    }
    if (is_too_deep(doc)) {
        yyjson_doc_free(doc);
        (void)reject_at(text, too_deep_at(text), "nested deeper than 64 levels", err);
        return NULL;
    }
    return (struct json_doc *)doc;
}

void json_free(struct json_doc *doc)
{
    yyjson_doc_free((yyjson_doc *)doc);
}

struct json json_root(const struct json_doc *doc)
{
    return (struct json){((const yyjson_doc *)doc)->root};
}

/* Looking at a place. */

static struct str number_text(struct json j)
{
    return (struct str){val_of(j)->uni.str, unsafe_yyjson_get_len(val_of(j))};
}

enum json_kind json_kind_of(struct json j)
{
    int64_t ignored;
    if (!j.place)
        return JSON_NONE;
    switch (unsafe_yyjson_get_type(j.place)) {
    case YYJSON_TYPE_NULL:
        return JSON_NULL;
    case YYJSON_TYPE_BOOL:
        return JSON_BOOL;
    case YYJSON_TYPE_RAW:
        return str_to_int(number_text(j), &ignored) ? JSON_INT : JSON_REAL;
    case YYJSON_TYPE_STR:
        return JSON_TEXT;
    case YYJSON_TYPE_ARR:
        return JSON_ARRAY;
    case YYJSON_TYPE_OBJ:
        return JSON_OBJECT;
    default:
        return JSON_NONE;
    }
}

const char *json_kind_name(enum json_kind kind)
{
    static const char *const names[] = {
        [JSON_NONE] = "nothing", [JSON_NULL] = "null",        [JSON_BOOL] = "true or false",
        [JSON_INT] = "a number", [JSON_REAL] = "a number",    [JSON_TEXT] = "a string",
        [JSON_ARRAY] = "a list", [JSON_OBJECT] = "an object",
    };
    return names[kind];
}

bool json_flag(struct json j)
{
    return yyjson_is_true(val_of(j));
}

int64_t json_int(struct json j)
{
    int64_t number = 0;
    if (!yyjson_is_raw(val_of(j)) || !str_to_int(number_text(j), &number))
        return 0;
    return number;
}

double json_real(struct json j)
{
    /* yyjson ends what it keeps raw with NUL, which strtod() needs. */
    return yyjson_is_raw(val_of(j)) ? strtod(val_of(j)->uni.str, NULL) : 0;
}

struct str json_str(struct json j)
{
    if (!yyjson_is_str(val_of(j)))
        return (struct str){0};
    return (struct str){val_of(j)->uni.str, unsafe_yyjson_get_len(val_of(j))};
}

size_t json_size(struct json j)
{
    return yyjson_is_ctn(val_of(j)) ? unsafe_yyjson_get_len(val_of(j)) : 0;
}

struct json json_member(struct json j, struct str key)
{
    struct json found = {0};
    if (!yyjson_is_obj(val_of(j)))
        return found;
    yyjson_val *at = unsafe_yyjson_get_first(val_of(j));
    for (size_t left = unsafe_yyjson_get_len(val_of(j)); left; left--) {
        if (key_is(at, key))
            found.place = at + 1;
        at = unsafe_yyjson_get_next(at + 1);
    }
    return found;
}

struct json json_item(struct json j, size_t index)
{
    return (struct json){yyjson_arr_get(val_of(j), index)};
}

struct json_walk json_walk(struct json j)
{
    struct json_walk w = {.container = j, .size = json_size(j)};
    if (w.size)
        w.place = unsafe_yyjson_get_first(val_of(j));
    return w;
}

/* Does the key stand again further on? */
static bool is_superseded(const struct json_walk *w)
{
    yyjson_val *at = w->place;
    for (size_t i = w->index; i < w->size && w->size <= WALK_MAX_SEARCHED; i++) {
        if (key_is(at, w->key))
            return true;
        at = unsafe_yyjson_get_next(at + 1);
    }
    return false;
}

bool json_next(struct json_walk *w)
{
    bool of_object = yyjson_is_obj(val_of(w->container));
    while (w->index < w->size) {
        yyjson_val *at = w->place;
        if (of_object) {
            w->key = (struct str){at->uni.str, unsafe_yyjson_get_len(at)};
            at++;
        }
        w->value.place = at;
        w->place = unsafe_yyjson_get_next(at);
        w->index++;
        if (!of_object || !is_superseded(w))
            return true;
    }
    return false;
}

static void free_text(char **text)
{
    free(*text);
}

struct str json_shorten(struct str text, size_t max_bytes, struct arena *arena)
{
    if (text.len <= max_bytes)
        return arena_copy(arena, text);
    while (max_bytes && ((unsigned char)text.ptr[max_bytes] & 0xC0) == 0x80)
        max_bytes--;
    return arena_format(arena, "%.*s…", (int)max_bytes, text.ptr);
}

struct str json_text(struct json j, size_t max_bytes, struct arena *arena)
{
    size_t len = 0;
    if (!j.place)
        return (struct str){0};
    __attribute__((cleanup(free_text))) char *text =
        yyjson_val_write(val_of(j), YYJSON_WRITE_NOFLAG, &len);
    if (!text)
        abort();
    return json_shorten((struct str){text, len}, max_bytes, arena);
}
