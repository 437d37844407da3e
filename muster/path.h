/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The name of a place in an entity, as `muster show` takes it in filters, columns and orders: a field of the model
 * (`os.name`), a part of what a list holds (`software.name`, of each item), or what every entity has: `_id`, `sources` (and
 * `sources.provider`, `.stream`, `.key`), `created_at`, `changed_at`, `merged_into`. No field of a model may have such a name.
 * Pure; what is made lives in the arena.
 */
#include "serializer/document.h"

enum { PATH_MAX_DEPTH = 8 };

enum path_root {
    PATH_FIELD,
    PATH_ID,
    PATH_SOURCES, /* the living ones; of an entity that is gone, all */
    PATH_CREATED_AT,
    PATH_CHANGED_AT,
    PATH_MERGED_INTO,
};

struct path {
    struct str name; /* "software.name" */
    enum path_root root;
    size_t field;                   /* PATH_FIELD: in the model */
    struct str root_name;           /* "software" */
    const struct type *root_type;   /* list of object */
    size_t members[PATH_MAX_DEPTH]; /* from the root's type down */
    size_t depth;
    const struct type *type;   /* of the whole value there: list of string */
    const struct type *single; /* of one value there: string */
};

/* Exit code 64, with the nearest right name, when there is no such place. */
must_check bool path_parse(const struct model *m, struct str name, struct arena *arena,
                           struct path *out, struct err *err);
/* Is it a part of the items of a list? */
bool path_is_part(const struct path *p);
/* Has one entity several values there? */
bool path_is_list(const struct path *p);

struct paths {
    struct path *list;
    size_t count, room;
};
/* Names with commas; `os` stands for all fields that begin with "os.". */
must_check bool paths_parse(const struct model *m, struct str names, struct arena *arena,
                            struct paths *out, struct err *err);
/* All that can be shown: _id, the model's fields, sources, created_at, changed_at; of what is gone, that without the fields. */
struct paths paths_all(const struct model *m, bool gone, struct arena *arena);

/* What an entity has there, VALUE_NONE when nothing; of path->type. Parts are gathered from all items. */
struct value path_value(const struct path *p, const struct document *entity,
                        struct arena *arena);
