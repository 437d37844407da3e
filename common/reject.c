/* SPDX-License-Identifier: MIT */
#include "common/reject.h"

#define CONNECT "__connect.errors."
#define MAP     "muster-reject-map"
#define RETRIES "muster-retries"
#define OF      "muster-reject-of"

enum { OWN_HEADERS = 6, RETRY_HEADERS = 2 };

/* --- there --- */

/* What stands on a reject alone. */
static bool is_of_reject(const char *name)
{
    return str_has_prefix(str_of(name), STR(CONNECT)) || str_eq(str_of(name), STR(MAP));
}

static size_t copy_headers(const struct header *from, size_t count, size_t max,
                           struct header *out)
{
    size_t used = 0;
    for (size_t i = 0; i < count && used < max; i++)
        if (!is_of_reject(from[i].name))
            out[used++] = from[i];
    return used;
}

bool reject_send(struct kafka_producer *p, const struct reject *r, void *ticket,
                 struct arena *arena, struct err *err)
{
    const struct header own[OWN_HEADERS] = {
        {CONNECT "topic", r->topic},
        {CONNECT "partition", arena_format(arena, "%d", (int)r->partition)},
        {CONNECT "offset", arena_format(arena, "%lld", (long long)r->offset)},
        {CONNECT "stage", r->stage},
        {CONNECT "exception.message", r->reason},
        {MAP, arena_format(arena, "%d", (int)r->map)},
    };
    struct header headers[HEADERS_MAX];
    size_t count =
        copy_headers(r->headers, r->header_count, HEADERS_MAX - OWN_HEADERS, headers);
    for (size_t i = 0; i < OWN_HEADERS; i++)
        headers[count++] = own[i];
    return kafka_send(p, "rejects", -1, r->key, r->value, headers, count, ticket, err);
}

/* --- and back --- */

struct str reject_id_text(struct reject_id id, struct arena *arena)
{
    return arena_format(arena, "%d:%lld", (int)id.partition, (long long)id.offset);
}

bool reject_id_parse(struct str text, struct reject_id *out)
{
    int64_t partition = 0;
    int64_t offset = 0;
    struct str rest = text;
    struct str first = str_cut(&rest, ':');
    if (!str_to_int(first, &partition) || !str_to_int(rest, &offset) || partition < 0 ||
        partition > INT32_MAX || offset < 0)
        return false;
    *out = (struct reject_id){(int32_t)partition, offset};
    return true;
}

/* Where a name stands twice the last one counts. */
static struct str get(const struct header *headers, size_t count, const char *name)
{
    struct str found = {0};
    for (size_t i = 0; i < count; i++)
        if (str_eq(str_of(headers[i].name), str_of(name)))
            found = headers[i].value;
    return found;
}

static int64_t get_int(const struct header *headers, size_t count, const char *name,
                       int64_t max, int64_t missing)
{
    int64_t number = 0;
    return str_to_int(get(headers, count, name), &number) && number >= 0 && number <= max
               ? number
               : missing;
}

bool reject_read(const struct kafka_message *m, struct header headers[static HEADERS_MAX],
                 struct reject *out, struct err *err)
{
    const struct header *all = m->headers;
    size_t count = m->header_count;
    struct reject r = {.stage = get(all, count, CONNECT "stage"),
                       .topic = get(all, count, CONNECT "topic"),
                       .reason = get(all, count, CONNECT "exception.message"),
                       .key = m->key,
                       .value = m->value};
    int64_t partition = get_int(all, count, CONNECT "partition", INT32_MAX, -1);
    r.offset = get_int(all, count, CONNECT "offset", INT64_MAX, -1);
    if (!r.topic.len || partition < 0 || r.offset < 0)
        return err_set(err, ERR_REJECT,
                       "no reject: headers " CONNECT
                       "topic, .partition or .offset are missing");
    r.partition = (int32_t)partition;
    r.map = (int32_t)get_int(all, count, MAP, INT32_MAX, 0);
    r.header_count = copy_headers(all, count, HEADERS_MAX, headers);
    r.headers = headers;
    *out = r;
    return true;
}

int64_t reject_retries(const struct reject *r, struct reject_id *out_of)
{
    int64_t retries = get_int(r->headers, r->header_count, RETRIES, INT32_MAX, 0);
    return reject_id_parse(get(r->headers, r->header_count, OF), out_of) ? retries : 0;
}

size_t reject_retry_headers(const struct reject *r, struct reject_id id, struct arena *arena,
                            struct header out[static HEADERS_MAX])
{
    struct reject_id ignored;
    size_t used = 0;
    for (size_t i = 0; i < r->header_count && used < HEADERS_MAX - RETRY_HEADERS; i++)
        if (!str_eq(str_of(r->headers[i].name), STR(RETRIES)) &&
            !str_eq(str_of(r->headers[i].name), STR(OF)))
            out[used++] = r->headers[i];
    out[used++] = (struct header){
        RETRIES, arena_format(arena, "%lld", (long long)reject_retries(r, &ignored) + 1)};
    out[used++] = (struct header){OF, reject_id_text(id, arena)};
    return used;
}
