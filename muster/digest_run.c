/* SPDX-License-Identifier: MIT */
/* `muster digest MODEL`. */
#include "common/hex.h"
#include "muster/digest.h"
#include "muster/muster.h"
#include "muster/report.h"

#include <stdio.h>

enum { ANSWER_MAX_BYTES = 1024, READ_MS = 3600 * 1000 };

struct digests {
    struct digest_part *parts;
    size_t count, room;
};

static bool read_all(struct muster *m, const struct model *model, struct digests *out,
                     struct err *err)
{
    bson_auto filter = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    arena_auto scratch = {0};
    BCON_APPEND(&filter, "merged_into", "{", "$exists", BCON_BOOL(false), "}");
    BCON_APPEND(&opts, "maxTimeMS", BCON_INT32(READ_MS), "projection", "{", "sources.fields",
                BCON_INT32(0), "sources.version", BCON_INT32(0), "sources.page", BCON_INT32(0),
                "identity", BCON_INT32(0), "from", BCON_INT32(0), "}");
    collection_auto *from =
        mongo_collection(&m->mongo, arena_text(&m->arena, model->collection));
    cursor_auto *cursor = mongoc_collection_find_with_opts(from, &filter, &opts, NULL);
    const bson_t *doc = NULL, *reply = NULL;
    bson_error_t error = {0};
    while (mongoc_cursor_next(cursor, &doc)) {
        struct document stored;
        struct digest_part part;
        arena_reset(&scratch);
        document_read(doc, model, &scratch, &stored);
        if (digest_entity(model, &stored, &scratch, &part))
            *ARENA_PUSH(&m->arena, out->parts, out->count, out->room) = part;
    }
    return !mongoc_cursor_error_document(cursor, &error, &reply) ||
           mongo_error("read entities", &error, reply, err);
}

static void print_answer(struct muster *m, const struct model *model, struct str digest,
                         size_t count)
{
    buf_auto text = {0};
    buf_init(&text, ANSWER_MAX_BYTES);
    struct json_out o = {.buf = &text};
    if (!m->settings.json) {
        (void)printf(STR_FMT "\n", STR_ARG(digest));
        return;
    }
    json_open(&o, '{');
    member_str(&o, "model", model->name);
    member_str(&o, "digest", digest);
    member_int(&o, "entities", (int64_t)count);
    json_close(&o, '}');
    print_json(&text);
}

bool digest_run(struct muster *m, struct err *err)
{
    const struct model *model = muster_model(m, err);
    struct digests digests = {0};
    uint8_t bytes[DIGEST_BYTES];
    if (!model || !read_all(m, model, &digests, err))
        return false;
    digest_all(digests.parts, digests.count, bytes);
    print_answer(m, model, hex_text(bytes, sizeof bytes, &m->arena), digests.count);
    return true;
}
