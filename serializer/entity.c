/* SPDX-License-Identifier: MIT */
/*
 * The hash of a record is SHA-256 over one canonical text of it. Equal content has one text,
 * and different content never has the same: every piece begins with a tag, texts carry their
 * length, fields and members their name (a model may reorder them), lists and objects an end.
 * What has no value writes nothing.
 *
 *   record  time? named*           list    'L' item+ 'E', in byte order when items have
 *   named   'N' length name value          volatile members, else as sorted by value_cmp()
 *   text    'T' length bytes       object  'O' named+ 'E'
 *   int     'I' 8 bytes            time    'D' 8 bytes
 *   bool    'B' 1 byte             lengths and numbers are 8 bytes, big endian
 *
 * Hashes and key hashes are stored: a change of this text is a change of every entity.
 */
#include "serializer/entity.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

int version_cmp(const struct version *a, const struct version *b)
{
    if (a->gen != b->gen)
        return ORDER(a->gen, b->gen);
    if (a->map != b->map)
        return ORDER(a->map, b->map);
    if (a->page != b->page)
        return ORDER(a->page, b->page);
    if (a->answer != b->answer)
        return ORDER(a->answer, b->answer);
    return ORDER(a->ordinal, b->ordinal);
}

int source_cmp(const struct source *a, const struct source *b)
{
    int order = str_cmp(a->stream, b->stream);
    if (!order)
        order = str_cmp(a->key, b->key);
    return order ? order : str_cmp(a->link, b->link);
}

bool source_is_same(const struct source *a, const struct source *b)
{
    return str_eq(a->key, b->key) && str_eq(a->link, b->link);
}

static void put_bytes(struct buf *out, const void *bytes, size_t len)
{
    /* Memory ends long before the maximum does, and that aborts too. */
    if (!buf_add(out, (struct str){bytes, len}))
        abort();
}

static void put_tag(struct buf *out, char tag)
{
    put_bytes(out, &tag, 1);
}

static void put_number(struct buf *out, char tag, uint64_t number)
{
    unsigned char bytes[9] = {(unsigned char)tag};
    for (size_t i = 8; i > 0; i--, number >>= 8)
        bytes[i] = (unsigned char)number;
    put_bytes(out, bytes, sizeof bytes);
}

static void put_text(struct buf *out, char tag, struct str s)
{
    put_number(out, tag, s.len);
    put_bytes(out, s.ptr, s.len);
}

static bool has_volatile(const struct type *t)
{
    if (t->kind == TYPE_LIST)
        return has_volatile(t->item);
    if (t->kind != TYPE_OBJECT)
        return false;
    for (size_t i = 0; i < t->count; i++)
        if (t->members[i].is_volatile || has_volatile(&t->members[i].type))
            return true;
    return false;
}

static void put_value(struct buf *out, const struct type *t, struct value v);

static int text_cmp(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Without volatile members the items may have another order, and some may have become equal. */
static void put_sorted(struct buf *out, const struct type *item, struct value list)
{
    buf_auto text = {.max_bytes = out->max_bytes};
    struct str *parts = calloc(list.count, sizeof *parts);
    if (!parts)
        abort();
    for (uint32_t i = 0; i < list.count; i++) {
        size_t start = text.len;
        put_value(&text, item, list.items[i]);
        parts[i].len = text.len - start;
    }
    const char *start = buf_text(&text);
    for (uint32_t i = 0; i < list.count; start += parts[i++].len)
        parts[i].ptr = start;
    qsort(parts, list.count, sizeof *parts, text_cmp);
    for (uint32_t i = 0; i < list.count; i++)
        if (i == 0 || !str_eq(parts[i], parts[i - 1]))
            put_bytes(out, parts[i].ptr, parts[i].len);
    free(parts);
}

static void put_items(struct buf *out, const struct type *item, struct value list)
{
    if (list.count > 1 && has_volatile(item)) {
        put_sorted(out, item, list);
        return;
    }
    for (uint32_t i = 0; i < list.count; i++)
        put_value(out, item, list.items[i]);
}

static void put_named(struct buf *out, struct str name, const struct type *t, struct value v)
{
    size_t start = out->len;
    put_text(out, 'N', name);
    size_t before = out->len;
    put_value(out, t, v);
    if (out->len == before)
        out->len = start;
}

static void put_members(struct buf *out, const struct type *t, struct value object)
{
    for (uint32_t i = 0; i < object.count && i < t->count; i++)
        if (!t->members[i].is_volatile && object.items[i].kind != VALUE_NONE)
            put_named(out, t->members[i].name, &t->members[i].type, object.items[i]);
}

static void put_container(struct buf *out, const struct type *t, struct value v)
{
    size_t start = out->len;
    put_tag(out, v.kind == VALUE_LIST ? 'L' : 'O');
    size_t before = out->len;
    if (v.kind == VALUE_LIST)
        put_items(out, t->item, v);
    else
        put_members(out, t, v);
    if (out->len == before)
        out->len = start;
    else
        put_tag(out, 'E');
}

static void put_value(struct buf *out, const struct type *t, struct value v)
{
    switch (v.kind) {
    case VALUE_NONE:
        return;
    case VALUE_BOOL:
        put_tag(out, 'B');
        put_tag(out, (char)v.flag);
        return;
    case VALUE_INT:
        put_number(out, 'I', (uint64_t)v.number);
        return;
    case VALUE_TIME:
        put_number(out, 'D', (uint64_t)v.number);
        return;
    case VALUE_TEXT:
        put_text(out, 'T', value_str(v));
        return;
    case VALUE_LIST:
    case VALUE_OBJECT:
        put_container(out, t, v);
        return;
    }
}

static void put_fields(struct buf *out, const struct model *m, const struct value *fields)
{
    for (size_t i = 0; i < m->field_count; i++)
        if (!m->fields[i].is_volatile && fields[i].kind != VALUE_NONE)
            put_named(out, m->fields[i].name, &m->fields[i].type, fields[i]);
}

void source_hash(const struct model *m, struct source *s)
{
    if (s->gone) {
        memset(s->hash, 0, HASH_BYTES);
        return;
    }
    buf_auto text = {.max_bytes = SIZE_MAX / 4};
    if (s->has_as_of)
        put_number(&text, 'D', (uint64_t)s->as_of_ms);
    if (s->fields)
        put_fields(&text, m, s->fields);
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (!EVP_Digest(buf_text(&text), text.len, digest, NULL, EVP_sha256(), NULL))
        abort();
    memcpy(s->hash, digest, HASH_BYTES);
}

static void put_unordered(struct buf *out, const struct type *t, struct value v)
{
    if (v.kind == VALUE_LIST && v.count)
        put_sorted(out, t->item, v);
    else
        put_value(out, t, v);
}

bool value_is_same(const struct type *t, struct value a, struct value b)
{
    if (value_cmp(a, b) == 0)
        return true;
    buf_auto left = {.max_bytes = SIZE_MAX / 4};
    buf_auto right = {.max_bytes = SIZE_MAX / 4};
    put_unordered(&left, t, a);
    put_unordered(&right, t, b);
    return str_eq(buf_str(&left), buf_str(&right));
}

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
uint64_t key_hash(struct str key)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.ptr[i]) * 0x100000001b3U;
    return hash;
}
