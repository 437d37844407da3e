/* SPDX-License-Identifier: MIT */
#include "common/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int param_cmp(const void *a, const void *b)
{
    return str_cmp(((const struct link_param *)a)->name, ((const struct link_param *)b)->name);
}

static bool must_escape(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f || strchr("%&=?#", c);
}

static struct str escape(struct str s, struct arena *arena)
{
    char *out = arena_take(arena, s.len * 3 + 1);
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (must_escape(s.ptr[i]))
            len += (size_t)sprintf(out + len, "%%%02X", (unsigned char)s.ptr[i]);
        else
            out[len++] = s.ptr[i];
    }
    return (struct str){out, len};
}

struct str link_id(struct str stream, struct link_param *params, size_t count,
                   struct arena *arena)
{
    struct str id = stream;
    if (count)
        qsort(params, count, sizeof *params, param_cmp);
    for (size_t i = 0; i < count; i++) {
        struct str name = escape(params[i].name, arena), value = escape(params[i].value, arena);
        id = arena_format(arena, STR_FMT "%c" STR_FMT "=" STR_FMT, STR_ARG(id), i ? '&' : '?',
                          STR_ARG(name), STR_ARG(value));
    }
    return id;
}
