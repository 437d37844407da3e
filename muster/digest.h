/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The digest of a model: one SHA-256 that two databases share exactly when they hold the same things.
 *
 *   entity  SHA-256 of: for each living source, ordered by stream and key, each pair once:
 *             'S', length of stream (8 bytes, big endian), stream, length of key, key;
 *           then 'F' and the hash that a source with the entity's merged fields would have (source_hash: typed values by field name, lists
 *           in canonical order, volatile fields and members left out)
 *   digest  SHA-256 of all entities' 32 bytes, in byte order
 *
 * Not in it: ids, revs, versions, links, coordinates of pages, times of writing, gone sources, entities without a living source,
 * redirects. Memory is 32 bytes an entity. Pure.
 */
#include "serializer/document.h"

enum { DIGEST_BYTES = 32 };

struct digest_part {
    uint8_t bytes[DIGEST_BYTES];
};

/* False when the entity has no part in the digest. Its sources need no fields. */
bool digest_entity(const struct model *m, const struct document *s, struct arena *arena,
                   struct digest_part *out);
/* Sorts parts. */
void digest_all(struct digest_part *parts, size_t count, uint8_t out[static DIGEST_BYTES]);
