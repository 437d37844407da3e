/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Entities as documents. Fields are nested by their dots; identity holds the tuples that the
 * unique indexes look at, `item` (stream and key) among them; an entity that is crowded out has
 * `crowd` instead, the same as texts, so that it is found again. What does not fit the model
 * any more, as its file has changed since, is left out when reading. Pure; what is read lives
 * in the arena.
 */
#include "common/doc.h"
#include "serializer/fold.h"

/* Times are unix ms. `rev` is new at every write. */
void document_write(const struct model *m, const struct folded *f, const struct object_id *id,
                    const struct object_id *rev, int64_t now_ms, struct arena *arena,
                    bson_t *out);
/* Those that have a value, nested by their dots. */
void document_put_fields(bson_t *doc, const struct model *m, const struct value *fields,
                         struct arena *arena);

struct document {
    struct entity entity; /* sources with their fields, if they were read */
    const struct value
        *fields; /* as merged when it was written; one for each field of the model */
    bool is_redirect;
    struct object_id merged_into;
    int64_t changed_at_ms;
};

/* Lists come back in canonical order. Without the merged fields. */
void document_entity(const bson_t *doc, const struct model *m, struct arena *arena,
                     struct entity *out);
/* They alone, as in struct entity. */
const struct value *document_merged(const bson_t *doc, const struct model *m,
                                    struct arena *arena);
/* The entity, and what else stands in its document. */
void document_read(const bson_t *doc, const struct model *m, struct arena *arena,
                   struct document *out);
/* One for each field of the model, from a document that has them nested by their dots. */
const struct value *document_fields(const bson_t *doc, const struct model *m,
                                    struct arena *arena);

/* The name of the built-in rule under `identity`, and of its keys. */
#define DOCUMENT_ITEM_RULE "item"
