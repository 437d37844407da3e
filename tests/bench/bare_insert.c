/* SPDX-License-Identifier: MIT */
/*
 * bare_insert URI DATABASE FROM TO: what libmongoc alone does. Reads all documents of the collection FROM into memory, then
 * inserts them into TO, which has its indexes already, as unordered bulks of 1,000, one behind the other. The clock runs
 * for the inserts only. Prints how many, and in how many seconds.
 */
#include "common/clock.h"

#include <mongoc/mongoc.h>
#include <stdio.h>
#include <stdlib.h>

enum { BULK_DOCUMENTS = 1000 };

struct documents {
    bson_t **list;
    size_t count, room;
};

static bool read_all(mongoc_collection_t *from, struct documents *out, bson_error_t *error)
{
    const bson_t *found;
    bson_t all = BSON_INITIALIZER;
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(from, &all, NULL, NULL);
    while (mongoc_cursor_next(cursor, &found)) {
        if (out->count == out->room) {
            out->room = out->room ? out->room * 2 : 1024;
            out->list = reallocarray(out->list, out->room, sizeof(bson_t *));
            if (!out->list)
                abort();
        }
        out->list[out->count++] = bson_copy(found);
    }
    bool ok = !mongoc_cursor_error(cursor, error);
    mongoc_cursor_destroy(cursor);
    bson_destroy(&all);
    return ok;
}

static bool insert_all(mongoc_collection_t *to, const struct documents *d, bson_error_t *error)
{
    bson_t opts = BSON_INITIALIZER;
    bool ok = true;
    BSON_APPEND_BOOL(&opts, "ordered", false);
    for (size_t i = 0; ok && i < d->count;) {
        mongoc_bulk_operation_t *bulk =
            mongoc_collection_create_bulk_operation_with_opts(to, &opts);
        for (size_t end = i + BULK_DOCUMENTS; ok && i < d->count && i < end; i++)
            ok = mongoc_bulk_operation_insert_with_opts(bulk, d->list[i], NULL, error);
        ok = ok && mongoc_bulk_operation_execute(bulk, NULL, error);
        mongoc_bulk_operation_destroy(bulk);
    }
    bson_destroy(&opts);
    return ok;
}

static mongoc_client_t *client_open(const char *text)
{
    mongoc_uri_t *uri = mongoc_uri_new(text);
    mongoc_client_t *client = uri ? mongoc_client_new_from_uri(uri) : NULL;
    mongoc_write_concern_t *majority = mongoc_write_concern_new();
    mongoc_write_concern_set_wmajority(majority, 0);
    if (client)
        mongoc_client_set_write_concern(client, majority);
    mongoc_write_concern_destroy(majority);
    mongoc_uri_destroy(uri);
    return client;
}

int main(int argc, char **argv)
{
    struct documents documents = {0};
    bson_error_t error = {.message = "the URI cannot be read"};
    if (argc != 5)
        return fputs("usage: bare_insert URI DATABASE FROM TO\n", stderr), EXIT_FAILURE;
    mongoc_init();
    mongoc_client_t *client = client_open(argv[1]);
    bool ok = client != NULL;
    int64_t began_ms = 0, took_ms = 0;
    if (ok) {
        mongoc_collection_t *from = mongoc_client_get_collection(client, argv[2], argv[3]);
        mongoc_collection_t *to = mongoc_client_get_collection(client, argv[2], argv[4]);
        ok = read_all(from, &documents, &error);
        began_ms = clock_ms();
        ok = ok && insert_all(to, &documents, &error);
        took_ms = clock_ms() - began_ms;
        mongoc_collection_destroy(from);
        mongoc_collection_destroy(to);
        mongoc_client_destroy(client);
    }
    for (size_t i = 0; i < documents.count; i++)
        bson_destroy(documents.list[i]);
    free(documents.list);
    mongoc_cleanup();
    if (!ok)
        return fprintf(stderr, "bare_insert: %s\n", error.message), EXIT_FAILURE;
    (void)printf("%zu %.3f\n", documents.count, (double)took_ms / 1000);
    return EXIT_SUCCESS;
}
