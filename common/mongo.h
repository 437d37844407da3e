/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * MongoDB as Muster uses it: one client, short timeouts everywhere, errors sorted into our kinds. This file and the stores (claim, links,
 * store) are the only ones that know libmongoc. Calls block at most a few seconds (connect and server selection 2 s, socket 5 s, maxTimeMS 3 s); each
 * timeout is ERR_RETRY and the caller polls Kafka and signals before it tries again.
 */
#include "common/doc.h"

#include <mongoc/mongoc.h>

struct mongo {
    mongoc_client_t *client;
    mongoc_database_t *database;
};

struct mongo_settings {
    struct str uri;      /* "mongodb://…"; what it says of timeouts and write concern is kept */
    struct str database; /* name */
    struct str client;   /* application name */
    int64_t socket_timeout_ms; /* 0 = 5 s; building an index over what is there takes longer */
};

/* For variables that end with their scope; all take NULL. */
#define cursor_auto     __attribute__((cleanup(mongo_cursor_cleanup))) mongoc_cursor_t
#define collection_auto __attribute__((cleanup(mongo_collection_cleanup))) mongoc_collection_t
#define bulk_auto       __attribute__((cleanup(mongo_bulk_cleanup))) mongoc_bulk_operation_t
#define session_auto    __attribute__((cleanup(mongo_session_cleanup))) mongoc_client_session_t
void mongo_cursor_cleanup(mongoc_cursor_t **cursor);
void mongo_collection_cleanup(mongoc_collection_t **collection);
void mongo_bulk_cleanup(mongoc_bulk_operation_t **bulk);
void mongo_session_cleanup(mongoc_client_session_t **session); /* aborts an open transaction */

must_check bool mongo_open(const struct mongo_settings *s, struct mongo *out, struct err *err);
void mongo_close(struct mongo *m);
/*
 * Wait until a primary of a replica set answers, at most timeout_ms: exit code 69, or 78 when the server is no replica set. Ends
 * early, with 69, when SIGTERM or SIGINT is blocked and pending.
 */
must_check bool mongo_wait_ready(struct mongo *m, int64_t timeout_ms, struct err *err);
/* One look for it: ERR_RETRY while there is none, exit code 78 when the server is no replica set. Blocks 2 s, 5 s at most. */
must_check bool mongo_look(struct mongo *m, struct err *err);
/* What to say after waiting in vain, when `last` is what the last look met: exit code 69 or 78. Returns false. */
bool mongo_gave_up(const struct mongo *m, int64_t waited_ms, const struct err *last,
                   struct err *err);
mongoc_collection_t *mongo_collection(struct mongo *m,
                                      const char *name); /* the caller destroys it */

/* Sort a driver's error into ours, always returning false: network, elections, timeouts and transient labels are ERR_RETRY; bad
   credentials and unknown commands ERR_FATAL (78); everything else ERR_FATAL. `what` is the verb phrase: "claim links". */
bool mongo_error(const char *what, const bson_error_t *error, const bson_t *reply,
                 struct err *err);
bool mongo_has_label(const bson_t *reply, const char *label);
bool mongo_is_duplicate_key(const bson_error_t *error);

/* {ping: 1}-like command on the database, with maxTimeMS 3 s unless it names its own; *reply is to be destroyed when true. */
must_check bool mongo_command(struct mongo *m, const bson_t *command, bson_t *reply,
                              const char *what, struct err *err);

const char *mongo_library_version(void);
