/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * An entity read back from its document. What does not fit the model any more, as its file has changed since, is left
 * out. Lists come back in canonical order. Pure; all lives in the arena or points into the document.
 */
#include "common/doc.h"
#include "serializer/entity.h"

struct stored {
    struct entity entity; /* sources with their fields */
    const struct value *fields; /* as merged when it was written; one for each field of the model */
    bool is_redirect;
    struct object_id merged_into;
    int64_t changed_at_ms;
};

void stored_read(const bson_t *doc, const struct model *m, struct arena *arena, struct stored *out);
/* One for each field of the model, from a document that has them nested by their dots. */
const struct value *stored_fields(const bson_t *doc, const struct model *m, struct arena *arena);
