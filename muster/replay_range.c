/* SPDX-License-Identifier: MIT */
#include "muster/replay_range.h"

#include "common/clock.h"
#include "common/conf.h"

#include <sysexits.h>

bool replay_since(struct str text, int64_t now_unix_ms, int64_t *out_unix_ms, struct err *err)
{
    int64_t ago_ms = 0;
    int64_t since_ms = 0;
    if (text.len && conf_parse_duration(text, &ago_ms))
        since_ms = now_unix_ms - ago_ms;
    else if (text.len && !clock_parse_iso(text, &since_ms))
        return err_stop(
            err, EX_USAGE,
            "--since " STR_FMT
            ": a time is expected (2024-05-01T06:00:00Z, or 2024-05-01), or how long "
            "ago (90m, 36h, 7d)",
            STR_ARG(text));
    if (text.len && since_ms > now_unix_ms)
        return err_stop(err, EX_USAGE, "--since " STR_FMT ": that is in the future",
                        STR_ARG(text));
    *out_unix_ms = since_ms > 0 ? since_ms : 0;
    return true;
}

static bool parse_place(struct str text, int64_t *out_partition, int64_t *out_offset,
                        struct err *err)
{
    struct str offset = text;
    struct str partition = str_cut(&offset, ':');
    if (!str_to_int(partition, out_partition) || !str_to_int(offset, out_offset) ||
        *out_partition < 0 || *out_offset < 0)
        return err_stop(err, EX_USAGE,
                        "--from " STR_FMT ": PARTITION:OFFSET is expected, several with commas",
                        STR_ARG(text));
    return true;
}

static struct kafka_range *find(struct kafka_range *ranges, size_t count, int64_t partition)
{
    for (size_t i = 0; i < count; i++)
        if (ranges[i].partition == partition)
            return &ranges[i];
    return NULL;
}

static bool check(struct str rest, struct kafka_range *ranges, size_t count, struct err *err)
{
    while (rest.len) {
        int64_t partition = 0, offset = 0;
        struct str text = str_trim(str_cut(&rest, ','));
        if (!parse_place(text, &partition, &offset, err))
            return false;
        const struct kafka_range *r = find(ranges, count, partition);
        if (!r)
            return err_stop(err, EX_USAGE,
                            "--from " STR_FMT ": the pages topic has partitions 0 to %zu",
                            STR_ARG(text), count - 1);
        if (offset > r->until)
            return err_stop(err, EX_USAGE,
                            "--from " STR_FMT ": partition %lld ends at offset %lld",
                            STR_ARG(text), (long long)partition, (long long)r->until);
    }
    return true;
}

bool replay_from(struct str text, struct kafka_range *ranges, size_t count, struct err *err)
{
    struct err ignored = {0};
    if (!text.len)
        return true;
    if (!check(text, ranges, count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct kafka_range *r = &ranges[i];
        int64_t from = r->until;
        for (struct str rest = text; rest.len;) {
            int64_t partition = 0, offset = 0;
            if (parse_place(str_trim(str_cut(&rest, ',')), &partition, &offset, &ignored) &&
                partition == r->partition)
                from = offset > r->from ? offset : r->from;
        }
        r->from = from;
    }
    return true;
}
