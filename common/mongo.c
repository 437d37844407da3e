/* SPDX-License-Identifier: MIT */
#include "common/mongo.h"

#include "common/clock.h"

#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

enum {
    CONNECT_MS = 2000,
    SELECT_MS = 2000,
    SOCKET_MS = 5000,
    COMMAND_MS = 3000,
    RETRY_PAUSE_MS = 200
};

void mongo_cursor_cleanup(mongoc_cursor_t **cursor)
{
    mongoc_cursor_destroy(*cursor);
}

void mongo_collection_cleanup(mongoc_collection_t **collection)
{
    if (*collection)
        mongoc_collection_destroy(*collection);
}

void mongo_bulk_cleanup(mongoc_bulk_operation_t **bulk)
{
    mongoc_bulk_operation_destroy(*bulk);
}

void mongo_session_cleanup(mongoc_client_session_t **session)
{
    if (*session)
        mongoc_client_session_destroy(*session);
}

static void uri_cleanup(mongoc_uri_t **uri)
{
    mongoc_uri_destroy(*uri);
}

static void concern_cleanup(mongoc_write_concern_t **concern)
{
    mongoc_write_concern_destroy(*concern);
}

/* --- opening --- */

static void limit(mongoc_uri_t *uri, const char *option, int64_t ms)
{
    if (!mongoc_uri_has_option(uri, option))
        mongoc_uri_set_option_as_int32(uri, option, (int32_t)ms);
}

static void want_majority(mongoc_uri_t *uri)
{
    if (mongoc_uri_has_option(uri, MONGOC_URI_W))
        return;
    __attribute__((cleanup(concern_cleanup))) mongoc_write_concern_t *concern =
        mongoc_write_concern_new();
    mongoc_write_concern_set_wmajority(concern, COMMAND_MS);
    mongoc_uri_set_write_concern(uri, concern);
}

/* With the driver's defaults one insert on a frozen connection blocks for 320 s. */
static void set_options(mongoc_uri_t *uri, int64_t socket_timeout_ms)
{
    limit(uri, MONGOC_URI_CONNECTTIMEOUTMS, CONNECT_MS);
    limit(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, SELECT_MS);
    limit(uri, MONGOC_URI_SOCKETTIMEOUTMS, socket_timeout_ms ? socket_timeout_ms : SOCKET_MS);
    /* A client without threads gives up at the first try otherwise, as in every election. */
    if (!mongoc_uri_has_option(uri, MONGOC_URI_SERVERSELECTIONTRYONCE))
        mongoc_uri_set_option_as_bool(uri, MONGOC_URI_SERVERSELECTIONTRYONCE, false);
    /* One host in the URI means that one server and no other to this driver, unlike all others. */
    if (!mongoc_uri_has_option(uri, MONGOC_URI_DIRECTCONNECTION))
        mongoc_uri_set_option_as_bool(uri, MONGOC_URI_DIRECTCONNECTION, false);
    want_majority(uri);
}

static mongoc_uri_t *parse_uri(struct str text, struct arena *arena, struct err *err)
{
    bson_error_t error = {0};
    mongoc_uri_t *uri = mongoc_uri_new_with_error(arena_text(arena, text), &error);
    /* The driver's message may repeat what it read, a password included. */
    if (!uri)
        err_stop(err, EX_CONFIG, "the MongoDB URI is malformed%s%s",
                 str_has(text, STR("@")) ? "" : ": ",
                 str_has(text, STR("@")) ? "" : error.message);
    return uri;
}

bool mongo_open(const struct mongo_settings *s, struct mongo *out, struct err *err)
{
    /* There is no mongoc_cleanup(): after it the driver cannot be started again in the same process. */
    mongoc_init();
    mongoc_log_set_handler(NULL, NULL); /* it would log what is returned here as an error */

    arena_auto arena = {0};
    __attribute__((cleanup(uri_cleanup))) mongoc_uri_t *uri = parse_uri(s->uri, &arena, err);
    if (!uri)
        return false;
    set_options(uri, s->socket_timeout_ms);
    if (s->client.len)
        mongoc_uri_set_appname(uri, arena_text(&arena, s->client));

    bson_error_t error = {0};
    mongoc_client_t *client = mongoc_client_new_from_uri_with_error(uri, &error);
    if (!client)
        return err_stop(err, EX_CONFIG, "open MongoDB: %s", error.message);
    mongoc_client_set_error_api(client, MONGOC_ERROR_API_VERSION_2);
    out->client = client;
    out->database = mongoc_client_get_database(client, arena_text(&arena, s->database));
    return true;
}

void mongo_close(struct mongo *m)
{
    if (m->database)
        mongoc_database_destroy(m->database);
    mongoc_client_destroy(m->client);
    *m = (struct mongo){0};
}

mongoc_collection_t *mongo_collection(struct mongo *m, const char *name)
{
    return mongoc_database_get_collection(m->database, name);
}

/* --- waiting for a primary --- */

/* How many servers are known, and is one of this type ("RSGhost", …)? */
static size_t known_servers(const struct mongo *m, const char *type, bool *out_has_type)
{
    size_t count = 0;
    mongoc_server_description_t **all =
        mongoc_client_get_server_descriptions(m->client, &count);
    *out_has_type = false;
    for (size_t i = 0; i < count; i++)
        *out_has_type =
            *out_has_type || strcmp(mongoc_server_description_type(all[i]), type) == 0;
    mongoc_server_descriptions_destroy_all(all, count);
    return count;
}

static bool ping(struct mongo *m, struct err *err)
{
    bson_auto command = BSON_INITIALIZER;
    bson_t reply;
    BSON_APPEND_INT32(&command, "ping", 1);
    if (!mongo_command(m, &command, &reply, "ping MongoDB", err))
        return false;
    bson_destroy(&reply);
    return true;
}

static const char *seed(const struct mongo *m)
{
    const mongoc_host_list_t *hosts = mongoc_uri_get_hosts(mongoc_client_get_uri(m->client));
    return hosts ? hosts->host_and_port : "its address";
}

static bool no_replica_set(const struct mongo *m, struct err *err)
{
    const char *name = mongoc_uri_get_replica_set(mongoc_client_get_uri(m->client));
    return err_stop(
        err, EX_CONFIG,
        "MongoDB at %s is not in replica set %s, and transactions need one: start mongod with "
        "--replSet %s, then run: mongosh --host %s --eval 'rs.initiate()'",
        seed(m), name ? name : "rs0", name ? name : "rs0", seed(m));
}

bool mongo_look(struct mongo *m, struct err *err)
{
    bson_error_t error = {0};
    bool ignored = false;
    mongoc_server_description_t *server =
        mongoc_client_select_server(m->client, true, NULL, &error);
    /* Where the URI names a replica set, the driver strikes a server that is in none off its list, for good. */
    /* One that does not answer is not known either, but then the message says what calling it met. */
    if (!server && !strstr(error.message, " calling ") && known_servers(m, "", &ignored) == 0)
        return no_replica_set(m, err);
    if (!server)
        return mongo_error("find a primary", &error, NULL, err);
    const char *type = mongoc_server_description_type(server);
    bool is_alone = strcmp(type, "Standalone") == 0;
    bool is_primary = strcmp(type, "RSPrimary") == 0 || strcmp(type, "Mongos") == 0;
    mongoc_server_description_destroy(server);
    if (is_alone)
        return no_replica_set(m, err);
    if (!is_primary)
        return err_set(err, ERR_RETRY, "the server is no primary");
    return ping(m, err);
}

/* A stage blocks its signals before it waits here and reads them later. */
static bool is_asked_to_stop(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

bool mongo_gave_up(const struct mongo *m, int64_t waited_ms, const struct err *last,
                   struct err *err)
{
    bool has_ghost = false;
    (void)known_servers(m, "RSGhost", &has_ghost);
    if (has_ghost)
        return err_stop(
            err, EX_CONFIG,
            "MongoDB at %s is not yet a replica set: run: mongosh --host %s --eval 'rs.initiate()'",
            seed(m), seed(m));
    return err_stop(err, EX_UNAVAILABLE, "waited %lld s for MongoDB at %s: %s",
                    (long long)(waited_ms / 1000), seed(m), last->text);
}

bool mongo_wait_ready(struct mongo *m, int64_t timeout_ms, struct err *err)
{
    const struct timespec pause = {.tv_nsec = RETRY_PAUSE_MS * 1000000L};
    int64_t end_ms = clock_ms() + timeout_ms;
    struct err last = {0};

    while (!mongo_look(m, &last)) {
        if (last.kind != ERR_RETRY) {
            *err = last;
            return false;
        }
        if (is_asked_to_stop())
            return err_stop(err, EX_UNAVAILABLE, "stopped while waiting for MongoDB at %s",
                            seed(m));
        if (clock_ms() < end_ms) {
            (void)nanosleep(&pause, NULL);
            continue;
        }
        return mongo_gave_up(m, timeout_ms, &last, err);
    }
    return true;
}

/* --- errors --- */

/* Server codes that the same call may not meet again (src/mongo/base/error_codes.yml). */
static const uint32_t passing_codes[] = {
    6,     /* HostUnreachable */
    7,     /* HostNotFound */
    24,    /* LockTimeout */
    43,    /* CursorNotFound */
    46,    /* LockBusy */
    50,    /* MaxTimeMSExpired */
    64,    /* WriteConcernTimeout */
    89,    /* NetworkTimeout */
    91,    /* ShutdownInProgress */
    112,   /* WriteConflict */
    117,   /* ConflictingOperationInProgress */
    133,   /* FailedToSatisfyReadPreference */
    134,   /* ReadConcernMajorityNotAvailableYet */
    175,   /* QueryPlanKilled */
    189,   /* PrimarySteppedDown */
    202,   /* NetworkInterfaceExceededTimeLimit */
    225,   /* TransactionTooOld */
    237,   /* CursorKilled */
    239,   /* SnapshotTooOld */
    246,   /* SnapshotUnavailable */
    251,   /* NoSuchTransaction */
    262,   /* ExceededTimeLimit */
    290,   /* TransactionExceededLifetimeLimitSeconds */
    9001,  /* SocketException */
    10058, /* LegacyNotPrimary */
    10107, /* NotWritablePrimary */
    11600, /* InterruptedAtShutdown */
    11601, /* Interrupted */
    11602, /* InterruptedDueToReplStateChange */
    12586, /* BackgroundOperationInProgressForDatabase */
    12587, /* BackgroundOperationInProgressForNamespace */
    13388, /* StaleConfig */
    13435, /* NotPrimaryNoSecondaryOk */
    13436, /* NotPrimaryOrSecondary */
    14031, /* OutOfDiskSpace */
};

static bool is_passing(uint32_t code)
{
    for (size_t i = 0; i < sizeof passing_codes / sizeof *passing_codes; i++)
        if (passing_codes[i] == code)
            return true;
    return false;
}

/* Only a person can mend these: credentials, rights, a server that lacks a command or transactions. */
static bool is_setup(uint32_t code)
{
    return code == 13 /* Unauthorized */ || code == 18 /* AuthenticationFailed */ ||
           code == 20 /* IllegalOperation: no transactions here */ ||
           code == 59 /* CommandNotFound */;
}

static bool has_retry_label(const bson_t *reply)
{
    return mongo_has_label(reply, "TransientTransactionError") ||
           mongo_has_label(reply, "UnknownTransactionCommitResult") ||
           mongo_has_label(reply, "RetryableWriteError");
}

static bool is_from_server(const bson_error_t *error)
{
    return error->domain == MONGOC_ERROR_SERVER || error->domain == MONGOC_ERROR_WRITE_CONCERN;
}

static bool is_retry(const bson_error_t *error, const bson_t *reply)
{
    if (error->domain == MONGOC_ERROR_STREAM || error->domain == MONGOC_ERROR_SERVER_SELECTION)
        return true;
    /* A single client's own look at the topology reports a lost connection under another domain. */
    if (!is_from_server(error) && error->code >= MONGOC_ERROR_STREAM_NAME_RESOLUTION &&
        error->code <= MONGOC_ERROR_STREAM_NOT_ESTABLISHED)
        return true;
    /* A connection lost while it logs in is reported as a failed login. */
    if (error->domain == MONGOC_ERROR_CLIENT && error->code == MONGOC_ERROR_CLIENT_AUTHENTICATE)
        return strstr(error->message, "socket error or timeout") != NULL;
    return has_retry_label(reply) || (is_from_server(error) && is_passing(error->code));
}

bool mongo_error(const char *what, const bson_error_t *error, const bson_t *reply,
                 struct err *err)
{
    if (is_retry(error, reply))
        return err_set(err, ERR_RETRY, "%s: %s", what, error->message);
    bool is_login =
        error->domain == MONGOC_ERROR_CLIENT && error->code == MONGOC_ERROR_CLIENT_AUTHENTICATE;
    if (is_login || (is_from_server(error) && is_setup(error->code)))
        return err_stop(err, EX_CONFIG, "%s: MongoDB: %s", what, error->message);
    return err_set(err, ERR_FATAL, "%s: MongoDB error %u: %s", what, error->code,
                   error->message);
}

bool mongo_has_label(const bson_t *reply, const char *label)
{
    return reply && mongoc_error_has_label(reply, label);
}

bool mongo_is_duplicate_key(const bson_error_t *error)
{
    return is_from_server(error) &&
           (error->code == 11000 || error->code == 11001 || error->code == 12582);
}

bool mongo_command(struct mongo *m, const bson_t *command, bson_t *reply, const char *what,
                   struct err *err)
{
    bson_auto limited = BSON_INITIALIZER;
    bson_error_t error = {0};
    bson_concat(&limited, command);
    if (!bson_has_field(command, "maxTimeMS"))
        BSON_APPEND_INT32(&limited, "maxTimeMS", COMMAND_MS);

    if (mongoc_database_command_simple(m->database, &limited, NULL, reply, &error))
        return true;
    mongo_error(what, &error, reply, err);
    bson_destroy(reply);
    return false;
}

const char *mongo_library_version(void)
{
    return mongoc_get_version();
}
