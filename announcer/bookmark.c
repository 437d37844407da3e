/* SPDX-License-Identifier: MIT */
#include "announcer/bookmark.h"

#include <string.h>

enum { COMMAND_MS = 3000 };
static const char collection[] = "bookmarks";
static const char id[] = "changes";

static void put_update(bson_t *command, const struct bookmark *p, const bson_t *token)
{
    bson_t stages, stage, set, literal;
    BSON_APPEND_ARRAY_BEGIN(command, "update", &stages);
    BSON_APPEND_DOCUMENT_BEGIN(&stages, "0", &stage);
    BSON_APPEND_DOCUMENT_BEGIN(&stage, "$set", &set);
    BCON_APPEND(&set, "owner", "{", "$literal", BCON_UTF8(p->owner), "}", "until", "{", "$add",
                "[", BCON_UTF8("$$NOW"), BCON_INT32(BOOKMARK_LEASE_MS), "]", "}", "at",
                BCON_UTF8("$$NOW"));
    if (token) {
        BSON_APPEND_DOCUMENT_BEGIN(&set, "token", &literal);
        BSON_APPEND_DOCUMENT(&literal, "$literal", token);
        bson_append_document_end(&set, &literal);
    }
    bson_append_document_end(&stage, &set);
    bson_append_document_end(&stages, &stage);
    bson_append_array_end(command, &stages);
}

/* Ours if it is nobody's, or its time is over (one that is not there is before any time). */
static void put_take(bson_t *command, const struct bookmark *p)
{
    BCON_APPEND(command, "update", "[", "{", "$set", "{", "owner", "{", "$cond", "[", "{",
                "$lt", "[", BCON_UTF8("$until"), BCON_UTF8("$$NOW"), "]", "}", "{", "$literal",
                BCON_UTF8(p->owner), "}", BCON_UTF8("$owner"), "]", "}", "}", "}", "{", "$set",
                "{", "until", "{", "$cond", "[", "{", "$eq", "[", BCON_UTF8("$owner"), "{",
                "$literal", BCON_UTF8(p->owner), "}", "]", "}", "{", "$add", "[",
                BCON_UTF8("$$NOW"), BCON_INT32(BOOKMARK_LEASE_MS), "]", "}",
                BCON_UTF8("$until"), "]", "}", "}", "}", "]");
}

static void put_majority(bson_t *command)
{
    BCON_APPEND(command, "writeConcern", "{", "w", BCON_UTF8("majority"), "wtimeout",
                BCON_INT32(COMMAND_MS), "}");
}

/* A write that is not yet with the majority may still be undone. */
static bool check_concern(const bson_t *reply, const char *what, struct err *err)
{
    return !bson_has_field(reply, "writeConcernError") ||
           err_set(err, ERR_RETRY, "%s: not acknowledged by a majority in time", what);
}

bool bookmark_take(const struct bookmark *p, bool *out_ours, bson_t *out, bool *out_has,
                   struct err *err)
{
    static const char what[] = "take the announcer's bookmark";
    bson_auto command = BSON_INITIALIZER;
    bson_auto reply = BSON_INITIALIZER;
    bson_error_t error = {0};
    bson_t token;
    struct str owner = {0};
    bson_init(out);
    *out_has = false;
    BCON_APPEND(&command, "findAndModify", BCON_UTF8(collection), "query", "{", "_id",
                BCON_UTF8(id), "}", "upsert", BCON_BOOL(true), "new", BCON_BOOL(true),
                "maxTimeMS", BCON_INT32(COMMAND_MS));
    put_take(&command, p);
    put_majority(&command);
    bson_destroy(&reply);
    *out_ours = false;
    if (!mongoc_database_command_simple(p->mongo->database, &command, NULL, &reply, &error))
        return mongo_is_duplicate_key(&error) /* another one made it at this moment */
               || mongo_error(what, &error, &reply, err);
    *out_ours = doc_str(&reply, "value.owner", &owner) && str_eq(owner, str_of(p->owner));
    *out_has = doc_sub(&reply, "value.token", &token);
    if (*out_has) {
        bson_destroy(out);
        bson_copy_to(&token, out);
    }
    return check_concern(&reply, what, err);
}

/* Of what is ours. */
static bool modify(const struct bookmark *p, const bson_t *command, const char *what,
                   bool *out_ours, struct err *err)
{
    bson_t reply;
    bson_iter_t at;
    if (!mongo_command(p->mongo, command, &reply, what, err))
        return false;
    *out_ours = bson_iter_init_find(&at, &reply, "value") && BSON_ITER_HOLDS_DOCUMENT(&at);
    bool ok = check_concern(&reply, what, err);
    bson_destroy(&reply);
    return ok;
}

bool bookmark_keep(const struct bookmark *p, const bson_t *token, bool *out_ours,
                   struct err *err)
{
    bson_auto command = BSON_INITIALIZER;
    BCON_APPEND(&command, "findAndModify", BCON_UTF8(collection), "query", "{", "_id",
                BCON_UTF8(id), "owner", BCON_UTF8(p->owner), "}");
    put_update(&command, p, token);
    put_majority(&command);
    return modify(p, &command, "keep the announcer's bookmark", out_ours, err);
}

bool bookmark_forget(const struct bookmark *p, struct err *err)
{
    bool ignored;
    bson_auto command = BSON_INITIALIZER;
    BCON_APPEND(&command, "findAndModify", BCON_UTF8(collection), "query", "{", "_id",
                BCON_UTF8(id), "owner", BCON_UTF8(p->owner), "}", "update", "{", "$unset", "{",
                "token", BCON_INT32(1), "}", "}");
    put_majority(&command);
    return modify(p, &command, "forget the announcer's bookmark", &ignored, err);
}

void bookmark_leave(const struct bookmark *p)
{
    struct err ignored = {0};
    bool was_ours;
    bson_auto command = BSON_INITIALIZER;
    BCON_APPEND(&command, "findAndModify", BCON_UTF8(collection), "query", "{", "_id",
                BCON_UTF8(id), "owner", BCON_UTF8(p->owner), "}", "update", "{", "$unset", "{",
                "owner", BCON_INT32(1), "until", BCON_INT32(1), "}", "}");
    (void)!modify(p, &command, "leave the announcer's bookmark", &was_ours, &ignored);
}
