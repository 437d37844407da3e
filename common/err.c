/* SPDX-License-Identifier: MIT */
#include "common/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static void fill(struct err *err, enum err_kind kind, int exit_code, const char *format,
                 va_list args) __attribute__((format(printf, 4, 0)));

static void fill(struct err *err, enum err_kind kind, int exit_code, const char *format,
                 va_list args)
{
    /* The arguments may point into the old text, so the new one is made beside it. */
    char text[sizeof err->text];
    (void)vsnprintf(text, sizeof text, format, args);
    err->kind = kind;
    err->exit_code = exit_code;
    memcpy(err->text, text, sizeof text);
}

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, kind, kind == ERR_FATAL ? EX_SOFTWARE : 0, format, args);
    va_end(args);
    return false;
}

bool err_stop(struct err *err, int exit_code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, ERR_FATAL, exit_code, format, args);
    va_end(args);
    return false;
}

bool err_wrap(struct err *err, const char *format, ...)
{
    char prefix[sizeof err->text];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);

    char inner[sizeof err->text];
    memcpy(inner, err->text, sizeof inner);
    size_t used = strlen(prefix);
    size_t room = sizeof err->text - 1;
    if (used > room / 2)
        used = room / 2; /* the cause matters more than the path to it */
    (void)snprintf(err->text, sizeof err->text, "%.*s: %.*s", (int)used, prefix,
                   (int)(room - used - 2), inner);
    return false;
}

void err_clear(struct err *err)
{
    *err = (struct err){0};
}
