/* SPDX-License-Identifier: MIT */
/* Numbers with a unit, as people write times and sizes. */
#include "common/conf.h"

#include <ctype.h>

struct unit {
    struct str name;
    int64_t factor;
};

/* Digits and a unit. The list ends with an empty name; when that has a factor, it is the one of a bare number. */
static bool parse_units(struct str s, const struct unit *units, int64_t *out)
{
    size_t digits = 0;
    int64_t number;
    while (digits < s.len && isdigit((unsigned char)s.ptr[digits]))
        digits++;
    if (!str_to_int((struct str){s.ptr, digits}, &number))
        return false;
    struct str name = {s.ptr + digits, s.len - digits};
    const struct unit *u = units;
    while (u->name.len && !str_eq(u->name, name))
        u++;
    bool is_zero = name.len == 0 && number == 0;
    if (!is_zero && (u->factor == 0 || u->name.len != name.len))
        return false;
    return !__builtin_mul_overflow(number, u->factor, out);
}

bool conf_parse_duration(struct str s, int64_t *out_ms)
{
    static const struct unit units[] = {{{"ms", 2}, 1},       {{"s", 1}, 1000},
                                        {{"m", 1}, 60000},    {{"h", 1}, 3600000},
                                        {{"d", 1}, 86400000}, {{NULL, 0}, 0}};
    return parse_units(s, units, out_ms);
}

bool conf_parse_bytes(struct str s, int64_t *out_bytes)
{
    static const struct unit units[] = {{{"KiB", 3}, 1 << 10},
                                        {{"MiB", 3}, 1 << 20},
                                        {{"GiB", 3}, 1 << 30},
                                        {{"B", 1}, 1},
                                        {{NULL, 0}, 1}};
    return parse_units(s, units, out_bytes);
}
