/* SPDX-License-Identifier: MIT */
#include "serializer/mongo_store.h"

#include "common/index.h"
#include "serializer/document.h"
#include "serializer/mongo_issues.h"
#include "serializer/mongo_links.h"
#include "serializer/note.h"

#include <string.h>

static mongoc_collection_t *entities(const struct mongo_store *s, const struct model *m,
                                     struct arena *arena)
{
    return mongo_collection(s->mongo, arena_text(arena, m->collection));
}

/* A set of values under one key of a query: {KEY: {$in: […]}}, each value once. */
struct value_set {
    bson_t list;
    struct index known;
    uint32_t count;
};

static void set_init(struct value_set *set, struct arena *arena, size_t expected)
{
    bson_init(&set->list);
    index_init(&set->known, arena, expected);
    set->count = 0;
}

static void set_add(struct value_set *set, struct str s)
{
    if (index_put(&set->known, s, set->count) == set->count)
        doc_push_str(&set->list, set->count++, s);
}

/* As document_write() stores them; one rule's key has values of one kind. */
static void set_add_value(struct value_set *set, struct value v, struct arena *arena)
{
    char digits[16];
    const char *index;
    int64_t number = v.kind == VALUE_BOOL ? v.flag : v.number;
    if (v.kind == VALUE_TEXT) {
        set_add(set, value_str(v));
        return;
    }
    struct str text = arena_format(arena, "%lld", (long long)number);
    if (index_put(&set->known, text, set->count) != set->count)
        return;
    size_t bytes = bson_uint32_to_string(set->count++, &index, digits, sizeof digits);
    if (v.kind == VALUE_BOOL)
        bson_append_bool(&set->list, index, (int)bytes, v.flag);
    else if (v.kind == VALUE_TIME)
        bson_append_date_time(&set->list, index, (int)bytes, number);
    else
        bson_append_int64(&set->list, index, (int)bytes, number);
}

static void set_put(bson_t *doc, struct str key, struct value_set *set)
{
    bson_t in;
    bson_append_document_begin(doc, key.ptr, (int)key.len, &in);
    BSON_APPEND_ARRAY(&in, "$in", &set->list);
    bson_append_document_end(doc, &in);
    bson_destroy(&set->list);
}

/* The clauses of {$or: […]}. */
struct clauses {
    bson_t list;
    uint32_t count;
};

static void clause_begin(struct clauses *c, bson_t *clause)
{
    char number[16];
    const char *index;
    size_t bytes = bson_uint32_to_string(c->count++, &index, number, sizeof number);
    bson_append_document_begin(&c->list, index, (int)bytes, clause);
}

/* {sources: {$elemMatch: {link: L, key: {$in: […]}}}}, one for each link. */
static void want_sources(struct clauses *c, const struct want *want, struct arena *arena)
{
    struct index links;
    index_init(&links, arena, 16);
    for (size_t i = 0; i < want->source_count; i++) {
        struct str link = want->sources[i].link;
        if (index_put(&links, link, (int64_t)i) != (int64_t)i)
            continue;
        struct value_set keys;
        bson_t clause, sources, match;
        set_init(&keys, arena, want->source_count);
        for (size_t j = i; j < want->source_count; j++)
            if (str_eq(want->sources[j].link, link))
                set_add(&keys, want->sources[j].key);
        clause_begin(c, &clause);
        BSON_APPEND_DOCUMENT_BEGIN(&clause, "sources", &sources);
        BSON_APPEND_DOCUMENT_BEGIN(&sources, "$elemMatch", &match);
        doc_put_str(&match, "link", link);
        set_put(&match, STR("key"), &keys);
        bson_append_document_end(&sources, &match);
        bson_append_document_end(&clause, &sources);
        bson_append_document_end(&c->list, &clause);
    }
}

/*
 * {identity.RULE: {$elemMatch: {KEY: {$in: […]}, …}}, identity.RULE.KEY: {$exists: true}}: one
 * clause for a whole rule. It also finds entities that mix the values of several tuples; they
 * do no harm. $exists lets the planner use the sparse index.
 */
static void want_rule(struct clauses *c, struct str rule, const struct str *keys,
                      struct value_set *sets, size_t count, struct arena *arena)
{
    bson_t clause, any, match;
    struct str path = arena_format(arena, "identity." STR_FMT, STR_ARG(rule));
    struct str first =
        arena_format(arena, STR_FMT "." STR_FMT, STR_ARG(path), STR_ARG(keys[0]));
    clause_begin(c, &clause);
    bson_append_document_begin(&clause, path.ptr, (int)path.len, &any);
    BSON_APPEND_DOCUMENT_BEGIN(&any, "$elemMatch", &match);
    for (size_t i = 0; i < count; i++)
        set_put(&match, keys[i], &sets[i]);
    bson_append_document_end(&any, &match);
    bson_append_document_end(&clause, &any);
    BCON_APPEND(&clause, first.ptr, "{", "$exists", BCON_BOOL(true), "}");
    bson_append_document_end(&c->list, &clause);
}

static void want_tuples(struct clauses *c, const struct model *m, size_t r,
                        const struct want *want, struct arena *arena)
{
    const struct rule *rule = &m->rules[r];
    struct value_set sets[RULE_MAX_FIELDS];
    bool is_empty = true;
    for (size_t i = 0; i < rule->count; i++)
        set_init(&sets[i], arena, want->source_count);
    for (size_t s = 0; s < want->source_count; s++) {
        struct tuple tuples[MODEL_MAX_RULES];
        size_t count = fold_tuples(m, &want->sources[s], tuples);
        for (size_t t = 0; t < count; t++)
            for (size_t i = 0; tuples[t].rule == r && i < rule->count; i++) {
                set_add_value(&sets[i], tuples[t].values[i], arena);
                is_empty = false;
            }
    }
    if (!is_empty) {
        want_rule(c, rule->name, rule->keys, sets, rule->count, arena);
        return;
    }
    for (size_t i = 0; i < rule->count; i++)
        bson_destroy(&sets[i].list);
}

static void want_items(struct clauses *c, const struct want *want, struct arena *arena)
{
    static const struct str keys[] = {{"stream", 6}, {"key", 3}};
    struct value_set sets[2];
    set_init(&sets[0], arena, 16);
    set_init(&sets[1], arena, want->source_count);
    for (size_t i = 0; i < want->source_count; i++) {
        set_add(&sets[0], want->sources[i].stream);
        set_add(&sets[1], want->sources[i].key);
    }
    want_rule(c, STR(DOCUMENT_ITEM_RULE), keys, sets, 2, arena);
}

static void want_crowd(struct clauses *c, const struct model *m, const struct want *want,
                       struct arena *arena)
{
    struct value_set texts;
    bson_t clause;
    set_init(&texts, arena, want->source_count * 2);
    for (size_t i = 0; i < want->source_count; i++) {
        struct str names[MODEL_MAX_RULES + 1];
        size_t count = fold_identity(m, &want->sources[i], arena, names);
        for (size_t n = 0; n < count; n++)
            set_add(&texts, names[n]);
    }
    clause_begin(c, &clause);
    set_put(&clause, STR("crowd"), &texts);
    bson_append_document_end(&c->list, &clause);
}

static void put_query(bson_t *query, const struct model *m, const struct want *want,
                      struct arena *arena)
{
    struct clauses c = {.count = 0};
    BSON_APPEND_ARRAY_BEGIN(query, "$or", &c.list);
    want_sources(&c, want, arena);
    if (want->by_identity) {
        for (size_t r = 0; r < m->rule_count; r++)
            want_tuples(&c, m, r, want, arena);
        want_items(&c, want, arena);
        want_crowd(&c, m, want, arena);
    }
    bson_append_array_end(query, &c.list);
}

/* Without fields: what deciding needs. */
static void put_light(bson_t *opts)
{
    static const char *const paths[] = {
        "rev",         "crowd",           "created_at",   "sources.link", "sources.stream",
        "sources.key", "sources.version", "sources.hash", "sources.gone"};
    bson_t projection;
    BSON_APPEND_DOCUMENT_BEGIN(opts, "projection", &projection);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        BSON_APPEND_INT32(&projection, paths[i], 1);
    bson_append_document_end(opts, &projection);
}

/* Merged fields are wanted for notes alone. */
static bool read_entities(mongoc_cursor_t *cursor, const struct model *m, bool with_merged,
                          struct arena *arena, struct entity **out, size_t *out_count,
                          struct err *err)
{
    const bson_t *doc;
    struct entity *list = NULL;
    size_t count = 0;
    size_t room = 0;
    while (mongoc_cursor_next(cursor, &doc)) {
        struct entity *e = ARENA_PUSH(arena, list, count, room);
        document_entity(doc, m, arena, e);
        if (with_merged)
            e->fields = document_merged(doc, m, arena);
    }
    bson_error_t error;
    const bson_t *reply = NULL;
    if (mongoc_cursor_error_document(cursor, &error, &reply))
        return mongo_error("read entities", &error, reply, err);
    *out = list;
    *out_count = count;
    return true;
}

static bool store_entities_read(void *self, const struct model *m, const struct want *want,
                                struct arena *arena, struct entity **out, size_t *out_count,
                                struct err *err)
{
    struct mongo_store *s = self;
    collection_auto *collection = entities(s, m, arena);
    bson_auto query = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    put_query(&query, m, want, arena);
    if (!want->whole)
        put_light(&opts);
    cursor_auto *cursor = mongoc_collection_find_with_opts(collection, &query, &opts, NULL);
    return read_entities(cursor, m, want->whole && s->notes, arena, out, out_count, err);
}

static bool store_sources_of_link(void *self, const struct model *m, struct str link,
                                  int64_t gen, struct arena *arena, struct source **out,
                                  size_t *out_count, struct err *err)
{
    struct mongo_store *s = self;
    collection_auto *collection = entities(s, m, arena);
    bson_auto query = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    struct entity *found = NULL;
    size_t found_count = 0;
    size_t room = 0;
    doc_put_str(&query, "sources.link", link);
    put_light(&opts);
    cursor_auto *cursor = mongoc_collection_find_with_opts(collection, &query, &opts, NULL);
    if (!read_entities(cursor, m, false, arena, &found, &found_count, err))
        return false;
    *out = NULL;
    *out_count = 0;
    for (size_t e = 0; e < found_count; e++)
        for (size_t i = 0; i < found[e].count; i++) {
            const struct source *source = &found[e].sources[i];
            if (!source->gone && source->version.gen <= gen && str_eq(source->link, link))
                *ARENA_PUSH(arena, *out, *out_count, room) = *source;
        }
    return true;
}

static struct object_id fresh_id(void)
{
    bson_oid_t oid;
    struct object_id id;
    bson_oid_init(&oid, NULL);
    memcpy(id.bytes, oid.bytes, sizeof id.bytes);
    return id;
}

static bool is_none(const struct object_id *id)
{
    static const struct object_id none;
    return memcmp(id, &none, sizeof none) == 0;
}

static void put_id(bson_t *doc, const char *key, const struct object_id *id)
{
    bson_oid_t oid;
    memcpy(oid.bytes, id->bytes, sizeof oid.bytes);
    BSON_APPEND_OID(doc, key, &oid);
}

static void put_id_and_rev(bson_t *filter, const struct entity *e)
{
    put_id(filter, "_id", &e->id);
    put_id(filter, "rev", &e->rev);
}

/* One insert or one guarded replace; anything more is a move. */
static bool is_plain(const struct change *c)
{
    return c->now_count == 1 &&
           (c->old_count == 0 || (c->old_count == 1 && !is_none(&c->now[0].id)));
}

/* Plain changes on their way in one bulk. */
struct plain {
    const struct mongo_store *store;
    const struct model *model;
    struct arena *arena;
    mongoc_collection_t *collection;
    const bson_t *unchecked; /* options of each operation */
    size_t *changes;         /* index of the change behind each operation */
    struct object_id *ids, *revs;
    size_t count, bytes;
    bool has_replace;
};

enum { BULK_BYTES = 4 * 1024 * 1024 };

static bool add_plain(struct plain *p, mongoc_bulk_operation_t *bulk, const struct change *c,
                      size_t index, bson_error_t *error)
{
    bson_auto doc = BSON_INITIALIZER;
    struct object_id id = is_none(&c->now[0].id) ? fresh_id() : c->now[0].id;
    struct object_id rev = fresh_id();
    document_write(p->model, &c->now[0], &id, &rev, p->store->now_ms(), p->arena, &doc);
    if (p->store->notes)
        note_write(note_of(p->model, c, &id, 0, p->arena), p->model, p->arena, &doc);
    p->changes[p->count] = index;
    p->ids[p->count] = id;
    p->revs[p->count++] = rev;
    p->bytes += doc.len;
    if (c->old_count == 0)
        return mongoc_bulk_operation_insert_with_opts(bulk, &doc, p->unchecked, error);
    bson_auto filter = BSON_INITIALIZER;
    put_id_and_rev(&filter, c->old[0]);
    p->has_replace = true;
    return mongoc_bulk_operation_replace_one_with_opts(bulk, &filter, &doc, p->unchecked,
                                                       error);
}

/*
 * A duplicate key says that another writer was there first. Everything else is an error of the
 * whole bulk.
 */
static bool mark_errors(const struct plain *p, const bson_t *reply, enum written *out,
                        bool *out_only_collisions)
{
    bson_iter_t at, errors, error;
    *out_only_collisions = true;
    if (!bson_iter_init_find(&at, reply, "writeErrors") || !bson_iter_recurse(&at, &errors))
        return false;
    bool any = false;
    while (bson_iter_next(&errors)) {
        int64_t index = -1;
        int64_t code = 0;
        if (bson_iter_recurse(&errors, &error) && bson_iter_find(&error, "index"))
            index = bson_iter_as_int64(&error);
        if (bson_iter_recurse(&errors, &error) && bson_iter_find(&error, "code"))
            code = bson_iter_as_int64(&error);
        any = true;
        *out_only_collisions &= code == 11000;
        if (index >= 0 && (size_t)index < p->count)
            out[p->changes[index]] = WRITTEN_COLLIDED;
    }
    return any;
}

/* A replace whose guard did not match says nothing: those whose rev is not stored collided. */
static bool check_revs(const struct plain *p, enum written *out, struct err *err)
{
    bson_auto query = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    bson_t id, list;
    struct index stored;
    index_init(&stored, p->arena, p->count);
    BSON_APPEND_DOCUMENT_BEGIN(&query, "_id", &id);
    BSON_APPEND_ARRAY_BEGIN(&id, "$in", &list);
    for (size_t i = 0; i < p->count; i++) {
        char number[16];
        const char *key;
        (void)bson_uint32_to_string((uint32_t)i, &key, number, sizeof number);
        put_id(&list, key, &p->ids[i]);
    }
    bson_append_array_end(&id, &list);
    bson_append_document_end(&query, &id);
    BCON_APPEND(&opts, "projection", "{", "rev", BCON_INT32(1), "}");
    cursor_auto *cursor = mongoc_collection_find_with_opts(p->collection, &query, &opts, NULL);
    const bson_t *doc;
    bson_iter_t at;
    while (mongoc_cursor_next(cursor, &doc))
        if (bson_iter_init_find(&at, doc, "rev") && BSON_ITER_HOLDS_OID(&at)) {
            struct str rev = {(const char *)bson_iter_oid(&at)->bytes,
                              sizeof(struct object_id)};
            index_put(&stored, arena_copy(p->arena, rev), 1);
        }
    bson_error_t error;
    if (mongoc_cursor_error(cursor, &error))
        return mongo_error("check what was written", &error, NULL, err);
    for (size_t i = 0; i < p->count; i++)
        if (index_get(&stored,
                      (struct str){(const char *)p->revs[i].bytes, sizeof p->revs[i]}) < 0)
            out[p->changes[i]] = WRITTEN_COLLIDED;
    return true;
}

static bool flush_plain(struct plain *p, mongoc_bulk_operation_t *bulk, enum written *out,
                        struct err *err)
{
    bson_error_t error;
    bson_t reply;
    bool only_collisions = true;
    if (!p->count)
        return true;
    bool ok = mongoc_bulk_operation_execute(bulk, &reply, &error) != 0;
    bool any = mark_errors(p, &reply, out, &only_collisions);
    if (!ok && !(any && only_collisions))
        (void)mongo_error("write entities", &error, &reply, err);
    else
        ok = !p->has_replace || check_revs(p, out, err);
    bson_destroy(&reply);
    p->count = 0;
    p->bytes = 0;
    p->has_replace = false;
    return ok;
}

static bool write_plain(struct mongo_store *s, const struct model *m,
                        const struct change *changes, size_t count, struct arena *arena,
                        enum written *out, struct err *err)
{
    collection_auto *collection = entities(s, m, arena);
    bson_auto unchecked = BSON_INITIALIZER;
    struct plain p = {.store = s,
                      .model = m,
                      .arena = arena,
                      .collection = collection,
                      .unchecked = &unchecked};
    /* Texts were found to be UTF-8 when they were read; libmongoc would go through each document again. */
    BSON_APPEND_BOOL(&unchecked, "validate", false);
    p.changes = ARENA_ARRAY(arena, size_t, count);
    p.ids = ARENA_ARRAY(arena, struct object_id, count);
    p.revs = ARENA_ARRAY(arena, struct object_id, count);
    bson_auto opts = BSON_INITIALIZER;
    BSON_APPEND_BOOL(&opts, "ordered", false);
    for (size_t i = 0; i < count;) {
        bulk_auto *bulk = mongoc_collection_create_bulk_operation_with_opts(collection, &opts);
        bson_error_t error;
        for (; i < count && p.bytes < BULK_BYTES; i++)
            if (is_plain(&changes[i]) && !add_plain(&p, bulk, &changes[i], i, &error))
                return mongo_error("write entities", &error, NULL, err);
        if (!flush_plain(&p, bulk, out, err))
            return false;
    }
    return true;
}

/*
 * Identity moves between stored entities: in one transaction all let go of it, and then take
 * what they shall have.
 */
struct move {
    const struct model *model;
    const struct change *change;
    struct arena *arena;
    mongoc_collection_t *collection;
    const bson_t *opts; /* with the session */
    int64_t now_ms;
    bool notes;
    struct object_id *ids; /* of change->now */
};

static bool let_go(const struct move *m, const struct entity *e, bool *out_matched,
                   bson_t *reply, bson_error_t *error)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto update = BSON_INITIALIZER;
    int64_t matched = 0;
    put_id_and_rev(&filter, e);
    BCON_APPEND(&update, "$unset", "{", "identity", BCON_INT32(1), "sources", BCON_INT32(1),
                "crowd", BCON_INT32(1), "}");
    bool ok =
        mongoc_collection_update_one(m->collection, &filter, &update, m->opts, reply, error);
    if (ok)
        (void)doc_int(reply, "matchedCount", &matched);
    *out_matched = matched == 1;
    return ok;
}

static bool take_on(const struct move *m, size_t n, bson_t *reply, bson_error_t *error)
{
    bson_auto doc = BSON_INITIALIZER;
    bson_auto filter = BSON_INITIALIZER;
    struct object_id rev = fresh_id();
    document_write(m->model, &m->change->now[n], &m->ids[n], &rev, m->now_ms, m->arena, &doc);
    if (m->notes)
        note_write(note_of(m->model, m->change, m->ids, n, m->arena), m->model, m->arena, &doc);
    if (is_none(&m->change->now[n].id))
        return mongoc_collection_insert_one(m->collection, &doc, m->opts, reply, error);
    put_id(&filter, "_id", &m->ids[n]);
    return mongoc_collection_replace_one(m->collection, &filter, &doc, m->opts, reply, error);
}

static bool leave_redirect(const struct move *m, const struct entity *old,
                           const struct object_id *heir, bson_t *reply, bson_error_t *error)
{
    bson_auto doc = BSON_INITIALIZER;
    bson_auto filter = BSON_INITIALIZER;
    struct object_id rev = fresh_id();
    put_id(&filter, "_id", &old->id);
    put_id(&doc, "_id", &old->id);
    put_id(&doc, "rev", &rev);
    put_id(&doc, "merged_into", heir);
    BSON_APPEND_DATE_TIME(&doc, "changed_at", m->now_ms);
    if (m->notes)
        note_write(note_of_merged(m->change), m->model, m->arena, &doc);
    return mongoc_collection_replace_one(m->collection, &filter, &doc, m->opts, reply, error);
}

/*
 * False with *error when the server says no; *out_matched is false when a guard did not match.
 */
static bool move_all(const struct move *m, bool *out_matched, bson_t *reply,
                     bson_error_t *error)
{
    const struct change *c = m->change;
    *out_matched = true;
    for (size_t i = 0; i < c->old_count; i++) {
        if (i)
            bson_destroy(reply);
        if (!let_go(m, c->old[i], out_matched, reply, error))
            return false;
        if (!*out_matched)
            return true;
    }
    for (size_t i = 0; i < c->now_count; i++) {
        bson_destroy(reply);
        if (!take_on(m, i, reply, error))
            return false;
    }
    for (size_t i = 0; i < c->old_count; i++) {
        if (c->heir[i] == SIZE_MAX)
            continue;
        bson_destroy(reply);
        if (!leave_redirect(m, c->old[i], &m->ids[c->heir[i]], reply, error))
            return false;
    }
    return true;
}

enum { COMMIT_TRIES = 5 };

static bool commit(mongoc_client_session_t *session, bson_t *reply, bson_error_t *error)
{
    for (int i = 1;; i++) {
        if (mongoc_client_session_commit_transaction(session, reply, error))
            return true;
        if (i == COMMIT_TRIES || !mongo_has_label(reply, "UnknownTransactionCommitResult"))
            return false;
        bson_destroy(reply);
    }
}

/* Another transaction or writer was faster: look again. */
static bool is_collision(const bson_t *reply, const bson_error_t *error)
{
    return mongo_is_duplicate_key(error) || error->code == 112 /* WriteConflict */ ||
           (mongo_has_label(reply, "TransientTransactionError") &&
            error->domain == MONGOC_ERROR_SERVER);
}

static bool write_move(struct mongo_store *s, const struct model *m, const struct change *c,
                       struct arena *arena, enum written *out, struct err *err)
{
    bson_error_t error;
    collection_auto *collection = entities(s, m, arena);
    session_auto *session = mongoc_client_start_session(s->mongo->client, NULL, &error);
    if (!session || !mongoc_client_session_start_transaction(session, NULL, &error))
        return mongo_error("begin a transaction", &error, NULL, err);
    bson_auto opts = BSON_INITIALIZER;
    struct move move = {m, c, arena, collection, &opts, s->now_ms(), s->notes, NULL};
    move.ids = ARENA_ARRAY(arena, struct object_id, c->now_count);
    for (size_t i = 0; i < c->now_count; i++)
        move.ids[i] = is_none(&c->now[i].id) ? fresh_id() : c->now[i].id;
    bson_auto reply = BSON_INITIALIZER;
    bool matched = false;
    bool ok = mongoc_client_session_append(session, &opts, &error) &&
              move_all(&move, &matched, &reply, &error);
    if (ok && matched) {
        bson_destroy(&reply);
        ok = commit(session, &reply, &error);
    }
    *out = ok && matched ? WRITTEN_YES : WRITTEN_COLLIDED;
    if (ok || is_collision(&reply, &error))
        return true; /* the session aborts what is open when it ends */
    return mongo_error("move identity between entities", &error, &reply, err);
}

static bool store_entities_write(void *self, const struct model *m,
                                 const struct change *changes, size_t count, enum written *out,
                                 struct err *err)
{
    struct mongo_store *s = self;
    arena_auto arena = {0};
    for (size_t i = 0; i < count; i++)
        out[i] = WRITTEN_YES;
    if (!write_plain(s, m, changes, count, &arena, out, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!is_plain(&changes[i]) && !write_move(s, m, &changes[i], &arena, &out[i], err))
            return false;
    for (size_t i = 0; i < count; i++)
        if (out[i] == WRITTEN_YES && !mongo_issues_of_crowd(s, &changes[i], err))
            return false;
    return true;
}

struct store mongo_store(struct mongo_store *s)
{
    return (struct store){.self = s,
                          .links_read = mongo_links_read,
                          .link_raise = mongo_link_raise,
                          .marks_read = mongo_marks_read,
                          .marks_write = mongo_marks_write,
                          .run_is_marked = mongo_run_is_marked,
                          .run_marks = mongo_run_marks,
                          .marks_drop = mongo_marks_drop,
                          .entities_read = store_entities_read,
                          .sources_of_link = store_sources_of_link,
                          .entities_write = store_entities_write,
                          .issues_write = mongo_issues_write,
                          .link_write = mongo_link_write,
                          .link_news = mongo_link_news};
}
