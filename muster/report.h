/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a command changed, line by line on stdout as it happens; with --json one object at the end, {"did": ["…", …]}.
 */
#include "common/json.h"

struct report {
    bool as_json;
    size_t count;
    struct buf text;
    struct json_out json;
};

#define report_auto __attribute__((cleanup(report_done))) struct report

void report_init(struct report *r, bool as_json);
void report_done(struct report *r);
void report_line(struct report *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Says `nothing` when there was no line. */
void report_end(struct report *r, const char *nothing);

/* A finished JSON text and a newline, to stdout. */
void print_json(const struct buf *text);

/*
 * All of a text at once, to stdout. *out_is_closed when nobody reads any more (`| head`), which is no failure; exit code 74 when
 * it cannot be written otherwise.
 */
must_check bool print_all(const struct buf *text, bool *out_is_closed, struct err *err);

/* A member of an object under construction: key and value. Times become ISO 8601. */
void member_str(struct json_out *o, const char *key, struct str value);
void member_int(struct json_out *o, const char *key, int64_t value);
void member_time(struct json_out *o, const char *key, int64_t unix_ms);
