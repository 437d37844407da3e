/* SPDX-License-Identifier: MIT */
#include "muster/collections.h"

#include "muster/layout.h"

#include <sysexits.h>

enum { INDEX_MS = 3600 * 1000 };
enum { INDEX_OPTIONS_CONFLICT = 85, INDEX_KEYS_CONFLICT = 86, NAMESPACE_EXISTS = 48 };

/* Explicitly, as a transaction cannot on every version. */
static bool make_collection(struct muster *m, struct str name, struct report *report,
                            struct err *err)
{
    bson_auto command = BSON_INITIALIZER;
    bson_auto reply = BSON_INITIALIZER;
    bson_error_t error = {0};
    doc_put_str(&command, "create", name);
    if (mongoc_database_command_simple(m->mongo.database, &command, NULL, &reply, &error)) {
        report_line(report, "collection " STR_FMT ": made", STR_ARG(name));
        return true;
    }
    return error.code == NAMESPACE_EXISTS ||
           mongo_error("make a collection", &error, &reply, err);
}

static void append_index(bson_t *list, const struct index_spec *spec)
{
    bson_t index, keys;
    struct str rest = spec->keys;
    BSON_APPEND_DOCUMENT_BEGIN(list, "0", &index);
    doc_put_str(&index, "name", spec->name);
    BSON_APPEND_DOCUMENT_BEGIN(&index, "key", &keys);
    while (rest.len) {
        struct str path = str_cut(&rest, ',');
        bson_append_int32(&keys, path.ptr, (int)path.len, 1);
    }
    bson_append_document_end(&index, &keys);
    if (spec->unique)
        BSON_APPEND_BOOL(&index, "unique", true);
    if (spec->sparse)
        BSON_APPEND_BOOL(&index, "sparse", true);
    if (spec->partial) {
        bson_auto partial = BSON_INITIALIZER;
        if (bson_init_from_json(&partial, spec->partial, -1, NULL))
            BSON_APPEND_DOCUMENT(&index, "partialFilterExpression", &partial);
    }
    bson_append_document_end(list, &index);
}

static bool create_index(struct muster *m, const struct index_spec *spec, bson_t *reply,
                         bson_error_t *error)
{
    bson_auto command = BSON_INITIALIZER;
    bson_t list;
    doc_put_str(&command, "createIndexes", spec->collection);
    BSON_APPEND_ARRAY_BEGIN(&command, "indexes", &list);
    append_index(&list, spec);
    bson_append_array_end(&command, &list);
    BSON_APPEND_INT32(&command, "maxTimeMS", INDEX_MS);
    return mongoc_database_command_simple(m->mongo.database, &command, NULL, reply, error);
}

/*
 * Does any entity still hold identity by the rule of this index? The values of its old fields would stand in an index over the
 * new ones, with nothing in the place of the others, and collide.
 */
static bool check_unused(struct muster *m, const struct index_spec *spec, struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    const bson_t *doc = NULL, *reply = NULL;
    bson_error_t error = {0};
    if (!spec->unique || !str_has_prefix(spec->name, STR("identity.")))
        return true;
    BCON_APPEND(&filter, arena_text(&m->arena, spec->name), "{", "$exists", BCON_BOOL(true),
                "}");
    BCON_APPEND(&opts, "limit", BCON_INT64(1), "maxTimeMS", BCON_INT32(LOOK_MS), "projection",
                "{", "_id", BCON_INT32(1), "}");
    collection_auto *entities =
        mongo_collection(&m->mongo, arena_text(&m->arena, spec->collection));
    cursor_auto *cursor = mongoc_collection_find_with_opts(entities, &filter, &opts, NULL);
    bool is_used = mongoc_cursor_next(cursor, &doc);
    if (mongoc_cursor_error_document(cursor, &error, &reply))
        return mongo_error("look whether an index is in use", &error, reply, err);
    return !is_used ||
           err_stop(
               err, EX_CONFIG,
               "the identity rule of " STR_FMT "." STR_FMT
               " has other fields than before, and what is stored still carries the old ones "
               "under its name: give the changed rule a name of its own in the model file, run "
               "muster init again, then muster refold",
               STR_ARG(spec->collection), STR_ARG(spec->name));
}

/* An index of that name with other keys is of an older model. */
static bool drop_index(struct muster *m, const struct index_spec *spec, struct err *err)
{
    bson_auto command = BSON_INITIALIZER;
    bson_t reply;
    doc_put_str(&command, "dropIndexes", spec->collection);
    doc_put_str(&command, "index", spec->name);
    if (!mongo_command(&m->mongo, &command, &reply, "drop an index", err))
        return false;
    bson_destroy(&reply);
    return true;
}

static bool make_index(struct muster *m, const struct index_spec *spec, struct report *report,
                       struct err *err)
{
    bson_error_t error = {0};
    bson_t reply;
    int64_t before = 0, after = 0;
    bool ok = create_index(m, spec, &reply, &error);
    if (!ok && (error.code == INDEX_OPTIONS_CONFLICT || error.code == INDEX_KEYS_CONFLICT)) {
        bson_destroy(&reply);
        if (!check_unused(m, spec, err) || !drop_index(m, spec, err))
            return false;
        ok = create_index(m, spec, &reply, &error);
    }
    if (!ok)
        mongo_error("make an index", &error, &reply, err);
    else if (doc_int(&reply, "numIndexesBefore", &before) &&
             doc_int(&reply, "numIndexesAfter", &after) && after > before)
        report_line(report, "index " STR_FMT "." STR_FMT ": made, on " STR_FMT,
                    STR_ARG(spec->collection), STR_ARG(spec->name), STR_ARG(spec->keys));
    bson_destroy(&reply);
    return ok;
}

bool collections_make(struct muster *m, struct report *report, struct err *err)
{
    struct layout l = layout_make(m->providers.models, m->providers.model_count, &m->arena);
    for (size_t i = 0; i < l.collection_count; i++)
        if (!make_collection(m, l.collections[i], report, err))
            return false;
    for (size_t i = 0; i < l.index_count; i++)
        if (!make_index(m, &l.indexes[i], report, err))
            return false;
    return true;
}
