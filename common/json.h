/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * JSON, read and written. Reading gives views into a document that lives as long as its `struct
 * json_doc`; a parsed string may hold NUL bytes and says its length. A whole number that does
 * not fit int64 is a JSON_REAL; its text keeps all digits. A key that stands twice in one
 * object: the last one counts (RFC 8259 leaves it open); only a walk over an object of more
 * than 1,024 members shows both. json.c is the only file that knows yyjson. Never blocks.
 */
#include "common/arena.h"

const char *json_library_version(void);

enum json_kind {
    JSON_NONE,
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,
    JSON_REAL,
    JSON_TEXT,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json_doc;
/* A place in a document, passed by value; {0} is "nothing there" (JSON_NONE). */
struct json {
    void *place;
};

enum { JSON_MAX_DEPTH = 64 };

/*
 * Parse one JSON text (RFC 8259, UTF-8 checked; a byte order mark is skipped). ERR_REJECT with
 * the line and column when it is cut, malformed, not UTF-8, or nested deeper than
 * JSON_MAX_DEPTH.
 */
struct json_doc *json_parse(struct str text, struct err *err);
void json_free(struct json_doc *doc);
struct json json_root(const struct json_doc *doc);
static inline void json_cleanup(struct json_doc **doc)
{
    json_free(*doc);
}
#define json_auto __attribute__((cleanup(json_cleanup))) struct json_doc

enum json_kind json_kind_of(struct json j);
/* "a string", "a list", ... for messages. */
const char *json_kind_name(enum json_kind kind);
bool json_flag(struct json j);      /* JSON_BOOL */
int64_t json_int(struct json j);    /* JSON_INT, else 0 */
double json_real(struct json j);    /* JSON_INT or JSON_REAL; may be infinite */
struct str json_str(struct json j); /* JSON_TEXT, else empty */
size_t json_size(struct json j);    /* items of an array, members of an object, else 0 */
/* Member of an object, or nothing. */
struct json json_member(struct json j, struct str key);
struct json json_item(struct json j, size_t index);

/*
 * for (struct json_walk w = json_walk(j); json_next(&w);) uses w.value and, of an object,
 * w.key.
 */
struct json_walk {
    struct json container, value;
    struct str key;
    size_t index, size;
    void *place;
};
struct json_walk json_walk(struct json j);
bool json_next(struct json_walk *w);

/*
 * The JSON text of a place, compact, as the source spells numbers; ends at max_bytes with "…"
 * when longer.
 */
struct str json_text(struct json j, size_t max_bytes, struct arena *arena);
/* The text, or as many whole characters of it as fit max_bytes, and "…". */
struct str json_shorten(struct str text, size_t max_bytes, struct arena *arena);

/*
 * Writing: text is made in a buffer, commas come by themselves. False when the buffer is full.
 */
struct json_out {
    struct buf *buf;
    bool needs_comma;
    bool failed;
};
void json_open(struct json_out *o, char bracket); /* '{' or '[' */
void json_close(struct json_out *o, char bracket);
void json_key(struct json_out *o, struct str key);
void json_put_str(struct json_out *o, struct str s); /* bytes that are no UTF-8 become U+FFFD */
void json_put_int(struct json_out *o, int64_t number);
void json_put_bool(struct json_out *o, bool flag);
void json_put_null(struct json_out *o);
void json_put_json(struct json_out *o, struct str text); /* what is JSON already */
