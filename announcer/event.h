/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What happened to an entity, as a message of the changes topic: a CloudEvent in Kafka's binary
 * mode, whose value is JSON. docs/changes.md is written for those who read it. Pure.
 */
#include "common/envelope.h"
#include "serializer/note.h"

/* An entity's document, and where it stands in the order of all writes. */
struct change_seen {
    const struct model *model;
    const bson_t *doc;
    uint32_t seconds, increment; /* MongoDB's cluster time of the write */
    bool is_survey;              /* found by looking through all, not by its write */
};

/* What an event may say happened. */
enum { EVENT_CHANGES = 6 };
extern const char *const event_changes[EVENT_CHANGES];

struct event {
    const char *change;    /* one of event_changes */
    int64_t changed_at_ms; /* when the entity was written, unix ms */
    struct str key;        /* the entity's id, so that one partition has all of it, in order */
    struct str value;
    struct header headers[HEADERS_MAX];
    size_t header_count;
};

/*
 * False when there is nothing to tell: the write left the entity's content as it was. Lives in
 * the arena.
 */
bool event_of(const struct change_seen *seen, struct arena *arena, struct event *out);
