/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What one write did to one entity, in the entity itself: the member `change` of its document.
 * It is of the same write as the rest, so whoever reads the document, as the announcer does
 * from MongoDB's change stream, knows why it is as it is without asking what was before. A note
 * is made of what counts as the entity's content, as for `muster digest`: the merged fields
 * without what is volatile, and which items its living sources are. Pure.
 */
#include "serializer/document.h"

enum note_kind {
    NOTE_NONE,    /* the document says nothing: its writer makes no notes */
    NOTE_SAME,    /* written, but its content is as before */
    NOTE_CREATED, /* new; or back, after all its sources were gone */
    NOTE_CHANGED,
    NOTE_SPLIT,  /* a new entity came of some of its sources */
    NOTE_GONE,   /* all its sources are gone */
    NOTE_MERGED, /* it is a redirect now */
};
/* "created"; "" for NOTE_NONE. */
const char *note_name(enum note_kind kind);

struct note {
    enum note_kind kind;
    struct str trace;     /* traceparent of a page that caused it, or empty */
    const size_t *fields; /* those that changed, of the model's; when it lived before */
    size_t field_count;
    const struct value *was; /* what they were; one for each field of the model */
    struct object_id *from;  /* the entities that sources of it were in before */
    size_t from_count;
    struct object_id *into; /* the entities that sources of it are in now */
    size_t into_count;
};

/* Of change->now[n]; ids are those that change->now get. */
struct note note_of(const struct model *m, const struct change *change,
                    const struct object_id *ids, size_t n, struct arena *arena);
/* Of each entity that the change merges away. */
struct note note_of_merged(const struct change *change);

/* Appended to what document_write() wrote. */
void note_write(struct note note, const struct model *m, struct arena *arena, bson_t *out);
/* What the model does not know any more is left out. */
struct note note_read(const bson_t *doc, const struct model *m, struct arena *arena);
