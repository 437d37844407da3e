/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The store of a batch over MongoDB: collections `links`, `seen` (marks), `issues` and the
 * models' own. Every call is one attempt of bounded time; see store.h for what each promises
 * and design of the documents in ARCHITECTURE.md.
 */
#include "common/mongo.h"
#include "serializer/store.h"

struct mongo_store {
    struct mongo *mongo;
    int64_t (*now_ms)(void); /* clock_unix_ms(); for created_at and changed_at only */
    bool notes;              /* write what changed into each entity: see note.h */
};

struct store mongo_store(struct mongo_store *s);
