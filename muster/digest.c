/* SPDX-License-Identifier: MIT */
#include "muster/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX_BYTES = 64 << 20 };

static void sha256(const void *bytes, size_t count, uint8_t out[static DIGEST_BYTES])
{
    if (!EVP_Digest(bytes, count, out, NULL, EVP_sha256(), NULL))
        abort();
}

static void put(struct buf *text, struct str s)
{
    uint8_t length[8];
    for (size_t i = 0; i < 8; i++)
        length[i] = (uint8_t)((uint64_t)s.len >> (56 - 8 * i));
    if (!buf_add(text, (struct str){(const char *)length, sizeof length}) || !buf_add(text, s))
        abort(); /* keys have a maximum, and so has the number of sources */
}

static int by_stream_and_key(const void *a, const void *b)
{
    const struct source *x = *(const struct source *const *)a,
                        *y = *(const struct source *const *)b;
    int order = str_cmp(x->stream, y->stream);
    return order ? order : str_cmp(x->key, y->key);
}

bool digest_entity(const struct model *m, const struct document *s, struct arena *arena,
                   struct digest_part *out)
{
    const struct source **living = ARENA_ARRAY(arena, const struct source *, s->entity.count);
    struct source merged = {.fields = s->fields};
    size_t count = 0;
    buf_auto text = {0};
    for (size_t i = 0; i < s->entity.count; i++)
        if (!s->entity.sources[i].gone)
            living[count++] = &s->entity.sources[i];
    if (s->is_redirect || count == 0)
        return false;

    qsort((void *)living, count, sizeof *living, by_stream_and_key);
    buf_init(&text, TEXT_MAX_BYTES);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 &&
            by_stream_and_key((const void *)&living[i - 1], (const void *)&living[i]) == 0)
            continue;
        if (!buf_add(&text, STR("S")))
            abort();
        put(&text, living[i]->stream);
        put(&text, living[i]->key);
    }
    source_hash(m, &merged);
    if (!buf_add(&text, STR("F")) ||
        !buf_add(&text, (struct str){(const char *)merged.hash, sizeof merged.hash}))
        abort();
    sha256(text.ptr, text.len, out->bytes);
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, DIGEST_BYTES);
}

void digest_all(struct digest_part *parts, size_t count, uint8_t out[static DIGEST_BYTES])
{
    if (count)
        qsort(parts, count, sizeof *parts, by_bytes);
    sha256(parts, count * sizeof *parts, out);
}
