/* SPDX-License-Identifier: MIT */
#include "muster/find.h"

#include "common/hex.h"

#include <string.h>

static bool run_query(struct muster *m, const struct model *model, const bson_t *filter,
                      struct found *out, struct err *err)
{
    bson_auto opts = BSON_INITIALIZER;
    BCON_APPEND(&opts, "maxTimeMS", BCON_INT32(LOOK_MS), "limit", BCON_INT64(FOUND_MAX), "sort",
                "{", "_id", BCON_INT32(1), "}");
    collection_auto *from =
        mongo_collection(&m->mongo, arena_text(&m->arena, model->collection));
    cursor_auto *cursor = mongoc_collection_find_with_opts(from, filter, &opts, NULL);
    const bson_t *doc = NULL, *reply = NULL;
    bson_error_t error = {0};
    out->list = ARENA_ARRAY(&m->arena, struct document, FOUND_MAX);
    out->count = 0;
    while (out->count < FOUND_MAX && mongoc_cursor_next(cursor, &doc))
        document_read(doc, model, &m->arena, &out->list[out->count++]);
    return !mongoc_cursor_error_document(cursor, &error, &reply) ||
           mongo_error("find an entity", &error, reply, err);
}

static void put_id(bson_t *doc, const char *key, const struct object_id *id)
{
    bson_oid_t oid;
    memcpy(oid.bytes, id->bytes, sizeof oid.bytes);
    BSON_APPEND_OID(doc, key, &oid);
}

static bool by_id(struct muster *m, const struct model *model, const struct object_id *id,
                  struct found *out, struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    put_id(&filter, "_id", id);
    return run_query(m, model, &filter, out, err);
}

/* {KEY: {$in: the stream asked for, or all}, key: KEY}. */
static void put_item(bson_t *match, const struct muster *m, const char *name, struct str stream,
                     struct str key)
{
    bson_t streams, list;
    size_t count = 0;
    BSON_APPEND_DOCUMENT_BEGIN(match, name, &streams);
    BSON_APPEND_ARRAY_BEGIN(&streams, "$in", &list);
    if (stream.len)
        doc_push_str(&list, count++, stream);
    for (size_t i = 0; i < m->providers.count && !stream.len; i++)
        for (size_t k = 0; k < m->providers.list[i]->stream_count; k++)
            doc_push_str(&list, count++, m->providers.list[i]->streams[k].name);
    bson_append_array_end(&streams, &list);
    bson_append_document_end(match, &streams);
    doc_put_str(match, "key", key);
}

/*
 * A living source by its identity `item`; a gone one, which has none, by the link of its stream that
 * has no parameters.
 */
static bool by_key(struct muster *m, const struct model *model, struct str stream,
                   struct str key, struct found *out, struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_t either, clause, list, match;
    BSON_APPEND_ARRAY_BEGIN(&filter, "$or", &either);
    BSON_APPEND_DOCUMENT_BEGIN(&either, "0", &clause);
    BSON_APPEND_DOCUMENT_BEGIN(&clause, "identity.item", &list);
    BSON_APPEND_DOCUMENT_BEGIN(&list, "$elemMatch", &match);
    put_item(&match, m, "stream", stream, key);
    bson_append_document_end(&list, &match);
    bson_append_document_end(&clause, &list);
    BCON_APPEND(&clause, "identity.item.stream", "{", "$exists", BCON_BOOL(true), "}");
    bson_append_document_end(&either, &clause);
    BSON_APPEND_DOCUMENT_BEGIN(&either, "1", &clause);
    BSON_APPEND_DOCUMENT_BEGIN(&clause, "sources", &list);
    BSON_APPEND_DOCUMENT_BEGIN(&list, "$elemMatch", &match);
    put_item(&match, m, "link", stream, key);
    bson_append_document_end(&list, &match);
    bson_append_document_end(&clause, &list);
    BCON_APPEND(&clause, "sources.link", "{", "$exists", BCON_BOOL(true), "}");
    bson_append_document_end(&either, &clause);
    bson_append_array_end(&filter, &either);
    return run_query(m, model, &filter, out, err);
}

static bool by_path(struct muster *m, const struct model *model, struct str path,
                    struct str value, struct found *out, struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    doc_put_str(&filter, arena_text(&m->arena, path), value);
    return run_query(m, model, &filter, out, err);
}

static struct str lower(struct str s, struct arena *arena)
{
    char *text = arena_text(arena, s);
    for (size_t i = 0; i < s.len; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] | 0x20);
    return (struct str){text, s.len};
}

/* The first field of a rule leads its index; the others mean a look through the whole collection, and come last. */
static bool by_identity(struct muster *m, const struct model *model, struct str value,
                        struct found *out, struct err *err)
{
    for (size_t k = 0; k < RULE_MAX_FIELDS; k++) {
        for (size_t r = 0; r < model->rule_count; r++) {
            const struct rule *rule = &model->rules[r];
            if (k >= rule->count)
                continue;
            enum type_kind kind = model->fields[rule->fields[k]].type.kind;
            struct str path = arena_format(&m->arena, "identity." STR_FMT "." STR_FMT,
                                           STR_ARG(rule->name), STR_ARG(rule->keys[k]));
            struct str wanted =
                kind == TYPE_STRING || kind == TYPE_ENUM ? value : lower(value, &m->arena);
            if (!by_path(m, model, path, wanted, out, err))
                return false;
            if (out->count)
                return true;
        }
    }
    return true;
}

/* A value of a host that has no complete tuple is in its field all the same. */
static bool by_field(struct muster *m, const struct model *model, struct str value,
                     struct found *out, struct err *err)
{
    for (size_t r = 0; r < model->rule_count; r++) {
        for (size_t k = 0; k < model->rules[r].count; k++) {
            const struct field *field = &model->fields[model->rules[r].fields[k]];
            struct str wanted =
                field->type.kind == TYPE_STRING ? value : lower(value, &m->arena);
            if (!by_path(m, model, field->name, wanted, out, err))
                return false;
            if (out->count)
                return true;
        }
    }
    return true;
}

static bool by_word(struct muster *m, const struct model *model, struct str word,
                    struct found *out, struct err *err)
{
    struct object_id id = {0};
    if (hex_bytes(word, id.bytes, sizeof id.bytes)) {
        if (!by_id(m, model, &id, out, err))
            return false;
        if (out->count)
            return true;
    }
    if (!by_key(m, model, (struct str){0}, word, out, err))
        return false;
    if (out->count)
        return true;
    return by_identity(m, model, word, out, err) &&
           (out->count || by_field(m, model, word, out, err));
}

static bool follow_redirects(struct muster *m, const struct model *model, struct found *out,
                             struct err *err)
{
    while (out->count == 1 && out->list[0].is_redirect && out->redirect_count < REDIRECTS_MAX) {
        out->redirects[out->redirect_count++] = out->list[0].entity.id;
        struct object_id next = out->list[0].merged_into;
        if (!by_id(m, model, &next, out, err))
            return false;
    }
    return true;
}

bool find_entities(struct muster *m, const struct model *model, struct found *out,
                   struct err *err)
{
    *out = (struct found){0};
    bool ok = m->word_count > 2 ? by_key(m, model, m->words[1], m->words[2], out, err)
                                : by_word(m, model, m->words[1], out, err);
    return ok && follow_redirects(m, model, out, err);
}
