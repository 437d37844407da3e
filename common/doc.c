/* SPDX-License-Identifier: MIT */
#include "common/doc.h"

static bool find(const bson_t *doc, const char *path, bson_iter_t *out)
{
    bson_iter_t top;
    return bson_iter_init(&top, doc) && bson_iter_find_descendant(&top, path, out);
}

/* Doubles come from people at a shell: 5 is 5.0 there. */
static bool whole(double number, int64_t *out)
{
    const double limit = 9007199254740992.0; /* 2^53: whole numbers are exact up to here */
    if (!(number >= -limit && number <= limit) || (double)(int64_t)number != number)
        return false;
    *out = (int64_t)number;
    return true;
}

bool doc_int(const bson_t *doc, const char *path, int64_t *out)
{
    bson_iter_t at;
    if (!find(doc, path, &at))
        return false;
    if (BSON_ITER_HOLDS_DOUBLE(&at))
        return whole(bson_iter_double(&at), out);
    if (!BSON_ITER_HOLDS_INT32(&at) && !BSON_ITER_HOLDS_INT64(&at))
        return false;
    *out = bson_iter_as_int64(&at);
    return true;
}

bool doc_time(const bson_t *doc, const char *path, int64_t *out_unix_ms)
{
    bson_iter_t at;
    if (!find(doc, path, &at) || !BSON_ITER_HOLDS_DATE_TIME(&at))
        return false;
    *out_unix_ms = bson_iter_date_time(&at);
    return true;
}

bool doc_str(const bson_t *doc, const char *path, struct str *out)
{
    bson_iter_t at;
    uint32_t bytes = 0;
    if (!find(doc, path, &at) || !BSON_ITER_HOLDS_UTF8(&at))
        return false;
    const char *text = bson_iter_utf8(&at, &bytes);
    *out = (struct str){text, bytes};
    return true;
}

bool doc_bool(const bson_t *doc, const char *path, bool *out)
{
    bson_iter_t at;
    if (!find(doc, path, &at) || !BSON_ITER_HOLDS_BOOL(&at))
        return false;
    *out = bson_iter_bool(&at);
    return true;
}

bool doc_sub(const bson_t *doc, const char *path, bson_t *out)
{
    bson_iter_t at;
    uint32_t bytes = 0;
    const uint8_t *data = NULL;
    if (!find(doc, path, &at))
        return false;
    if (BSON_ITER_HOLDS_DOCUMENT(&at))
        bson_iter_document(&at, &bytes, &data);
    else if (BSON_ITER_HOLDS_ARRAY(&at))
        bson_iter_array(&at, &bytes, &data);
    return data && bson_init_static(out, data, bytes);
}

void doc_put_str(bson_t *doc, const char *key, struct str s)
{
    bson_append_utf8(doc, key, -1, s.len ? s.ptr : "", (int)s.len);
}

void doc_push_str(bson_t *list, size_t index, struct str s)
{
    char room[16];
    const char *key = NULL;
    bson_uint32_to_string((uint32_t)index, &key, room, sizeof room);
    doc_put_str(list, key, s);
}
