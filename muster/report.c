/* SPDX-License-Identifier: MIT */
#include "muster/report.h"

#include "common/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { TEXT_MAX_BYTES = 16 << 20, LINE_MAX_BYTES = 1024 };

void report_init(struct report *r, bool as_json)
{
    *r = (struct report){.as_json = as_json};
    buf_init(&r->text, TEXT_MAX_BYTES);
    r->json.buf = &r->text;
    json_open(&r->json, '{');
    json_key(&r->json, STR("did"));
    json_open(&r->json, '[');
}

void report_done(struct report *r)
{
    buf_done(&r->text);
}

void report_line(struct report *r, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    r->count++;
    if (r->as_json)
        json_put_str(&r->json, str_of(line));
    else
        (void)printf("%s\n", line);
}

void report_end(struct report *r, const char *nothing)
{
    if (!r->as_json) {
        if (r->count == 0)
            (void)printf("%s\n", nothing);
        return;
    }
    json_close(&r->json, ']');
    json_close(&r->json, '}');
    print_json(&r->text);
}

void print_json(const struct buf *text)
{
    (void)fwrite(text->ptr, 1, text->len, stdout);
    (void)putchar('\n');
}

bool print_all(const struct buf *text, bool *out_is_closed, struct err *err)
{
    size_t bytes = text->len;
    if ((!bytes || fwrite(text->ptr, 1, bytes, stdout) == bytes) && fflush(stdout) == 0)
        return true;
    *out_is_closed = errno == EPIPE;
    return *out_is_closed || err_stop(err, EX_IOERR, "write to stdout: %s", strerror(errno));
}

void member_str(struct json_out *o, const char *key, struct str value)
{
    json_key(o, str_of(key));
    json_put_str(o, value);
}

void member_int(struct json_out *o, const char *key, int64_t value)
{
    json_key(o, str_of(key));
    json_put_int(o, value);
}

void member_time(struct json_out *o, const char *key, int64_t unix_ms)
{
    char iso[25];
    clock_iso(unix_ms, iso);
    member_str(o, key, str_of(iso));
}
