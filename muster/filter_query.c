/* SPDX-License-Identifier: MIT */
/*
 * Filters as a query. Conditions stand side by side under $and; parts of a list's items that are to be of one item stand together in an
 * $elemMatch, as does a range, whose two ends two items could satisfy otherwise.
 */
#include "common/hex.h"
#include "muster/filter.h"

#include <stdio.h>

static void put_regex(bson_t *doc, const char *key, const struct filter *f, struct arena *arena)
{
    BSON_APPEND_REGEX(doc, key, arena_text(arena, f->pattern), f->ignores_case ? "is" : "s");
}

static void put_id(bson_t *doc, const char *key, struct str hex)
{
    bson_oid_t oid;
    if (hex_bytes(hex, oid.bytes, sizeof oid.bytes))
        BSON_APPEND_OID(doc, key, &oid);
}

static void put_equal(bson_t *doc, const char *key, const struct filter *f)
{
    enum path_root root = f->path.root;
    if (root == PATH_ID || root == PATH_MERGED_INTO)
        put_id(doc, key, value_str(f->value));
    else if (f->value.kind == VALUE_BOOL)
        BSON_APPEND_BOOL(doc, key, f->value.flag);
    else
        doc_put_str(doc, key, value_str(f->value));
}

static void put_bound(bson_t *doc, const char *key, const struct filter *f, int64_t bound)
{
    if (f->path.single->kind == TYPE_DATETIME)
        BSON_APPEND_DATE_TIME(doc, key, bound);
    else
        BSON_APPEND_INT64(doc, key, bound);
}

/* An IPv4 address begins with the whole bytes of its network, an IPv6 one has a colon; the exact look is filters_pass(). */
static void put_network(bson_t *doc, const char *key, const struct filter *f)
{
    const struct network *n = &f->network;
    char text[64] = "^";
    size_t len = 1;
    for (unsigned i = 0; i < n->bits / 8 && !n->is_ipv6; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%u%s", n->bytes[i],
                                i < 3 ? "\\." : "$");
    BSON_APPEND_REGEX(doc, key, n->is_ipv6 ? ":" : text, "");
}

/* {$eq: …}, {$gte: …, $lte: …}, {$regex: …} or {$exists: true}: what one value must be. */
static void put_test(bson_t *test, const struct filter *f, struct arena *arena)
{
    switch (f->test) {
    case FILTER_PRESENT:
        BSON_APPEND_BOOL(test, "$exists", true);
        break;
    case FILTER_EQUAL:
        put_equal(test, "$eq", f);
        break;
    case FILTER_BETWEEN:
        if (f->min != INT64_MIN)
            put_bound(test, "$gte", f, f->min);
        if (f->max != INT64_MAX)
            put_bound(test, "$lte", f, f->max);
        break;
    case FILTER_LIKE:
        put_regex(test, "$regex", f, arena);
        break;
    case FILTER_NETWORK:
        put_network(test, "$regex", f);
        break;
    }
}

/* PATH: {…}; the range of a list is of one item. */
static void put_condition(bson_t *doc, const char *path, const struct filter *f, bool in_item,
                          struct arena *arena)
{
    bson_t test, item;
    BSON_APPEND_DOCUMENT_BEGIN(doc, path, &test);
    if (f->test == FILTER_BETWEEN && path_is_list(&f->path) && !in_item) {
        BSON_APPEND_DOCUMENT_BEGIN(&test, "$elemMatch", &item);
        put_test(&item, f, arena);
        bson_append_document_end(&test, &item);
    } else {
        put_test(&test, f, arena);
    }
    bson_append_document_end(doc, &test);
}

struct clauses {
    bson_t list;
    uint32_t count;
};

static void begin_clause(struct clauses *all, bson_t *out)
{
    char number[16];
    const char *index;
    size_t bytes = bson_uint32_to_string(all->count++, &index, number, sizeof number);
    bson_append_document_begin(&all->list, index, (int)bytes, out);
}

/* --- parts of a list's items --- */

/* Where a part stands in its item; the provider of a source is the beginning of its stream. */
static const char *member_path(const struct path *p, struct arena *arena)
{
    struct str rest = {p->name.ptr + p->root_name.len + 1, p->name.len - p->root_name.len - 1};
    if (p->root == PATH_SOURCES && str_eq(rest, STR("provider")))
        return "stream";
    return arena_text(arena, rest);
}

/* A gone source is none, unless it is what is asked for. */
static void put_living(struct clauses *parts, const struct filter *f, bool gone)
{
    bson_t clause;
    if (f->path.root != PATH_SOURCES || gone)
        return;
    begin_clause(parts, &clause);
    BCON_APPEND(&clause, "gone", "{", "$ne", BCON_BOOL(true), "}");
    bson_append_document_end(&parts->list, &clause);
}

/* {$elemMatch: {$and: […]}} of the filter at `first` and those after it that are of the same item. */
static void put_item(bson_t *doc, const struct filters *f, size_t first, struct arena *arena)
{
    const struct filter *head = &f->list[first];
    bson_t match, clause;
    struct clauses parts = {0};
    BSON_APPEND_DOCUMENT_BEGIN(doc, "$elemMatch", &match);
    BSON_APPEND_ARRAY_BEGIN(&match, "$and", &parts.list);
    for (size_t i = first; i < f->count; i++) {
        const struct filter *each = &f->list[i];
        bool is_same = path_is_part(&each->path) && !each->negated &&
                       str_eq(each->path.root_name, head->path.root_name);
        if (i > first && (head->negated || (is_same && each->begins_item)))
            break;
        if (i > first && !is_same)
            continue;
        begin_clause(&parts, &clause);
        put_condition(&clause, member_path(&each->path, arena), each, true, arena);
        bson_append_document_end(&parts.list, &clause);
    }
    put_living(&parts, head, f->gone);
    bson_append_array_end(&match, &parts.list);
    bson_append_document_end(doc, &match);
}

/* Is there a condition before this one whose item it is of? */
static bool has_item(const struct filters *f, size_t at)
{
    for (size_t i = 0; i < at && !f->list[at].begins_item; i++)
        if (path_is_part(&f->list[i].path) && !f->list[i].negated &&
            str_eq(f->list[i].path.root_name, f->list[at].path.root_name))
            return true;
    return false;
}

static void put_part(struct clauses *all, const struct filters *f, size_t at,
                     struct arena *arena)
{
    const struct filter *each = &f->list[at];
    const char *root = arena_text(arena, each->path.root_name);
    bson_t clause, list, none;
    if (!each->negated && has_item(f, at))
        return;
    begin_clause(all, &clause);
    BSON_APPEND_DOCUMENT_BEGIN(&clause, root, &list);
    if (each->negated) {
        BSON_APPEND_DOCUMENT_BEGIN(&list, "$not", &none);
        put_item(&none, f, at, arena);
        bson_append_document_end(&list, &none);
    } else {
        put_item(&list, f, at, arena);
    }
    bson_append_document_end(&clause, &list);
    bson_append_document_end(&all->list, &clause);
}

/* --- all of them --- */

static void put_field(struct clauses *all, const struct filter *f, struct arena *arena)
{
    const char *path = arena_text(arena, f->path.name);
    bson_t clause, none, inner;
    if (f->test == FILTER_NETWORK && f->negated)
        return;
    begin_clause(all, &clause);
    if (f->negated) {
        BSON_APPEND_ARRAY_BEGIN(&clause, "$nor", &none);
        BSON_APPEND_DOCUMENT_BEGIN(&none, "0", &inner);
        put_condition(&inner, path, f, false, arena);
        bson_append_document_end(&none, &inner);
        bson_append_array_end(&clause, &none);
    } else {
        put_condition(&clause, path, f, false, arena);
    }
    bson_append_document_end(&all->list, &clause);
}

void filters_query(const struct filters *f, struct arena *arena, bson_t *out)
{
    struct clauses all = {0};
    bson_t clause;
    BSON_APPEND_ARRAY_BEGIN(out, "$and", &all.list);
    begin_clause(&all, &clause);
    if (f->gone)
        BCON_APPEND(&clause, "$or", "[", "{", "gone", BCON_BOOL(true), "}", "{", "merged_into",
                    "{", "$exists", BCON_BOOL(true), "}", "}", "]");
    else
        BCON_APPEND(&clause, "merged_into", "{", "$exists", BCON_BOOL(false), "}", "gone", "{",
                    "$ne", BCON_BOOL(true), "}");
    bson_append_document_end(&all.list, &clause);
    for (size_t i = 0; i < f->count; i++) {
        if (path_is_part(&f->list[i].path))
            put_part(&all, f, i, arena);
        else
            put_field(&all, &f->list[i], arena);
    }
    bson_append_array_end(out, &all.list);
}
