/* SPDX-License-Identifier: MIT */
#pragma once
/* How the parts of a model file are read; for the files that read them, and nobody else. */
#include "common/model.h"

struct model_reader {
    struct arena *arena;
    struct err *err;
    struct model *model;
    struct field *fields; /* the model's, while they are made */
};

/* A type: a word, {enum: …}, [TYPE] or [{MEMBER: {type: …}}]. */
must_check bool type_parse(const struct yaml *at, struct arena *arena, struct type *out,
                           struct err *err);
/* A merge rule, for a field whose type is known. */
must_check bool merge_parse(struct model_reader *r, const struct yaml *at, struct field *f);
/* The section `never` of a model whose fields are known. */
must_check bool never_parse(struct model_reader *r, const struct yaml *root);
/* The field that a file speaks of at this place. */
must_check bool model_find_field(struct model_reader *r, const struct yaml *at, struct str name,
                                 size_t *out);
