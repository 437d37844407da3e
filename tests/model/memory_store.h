/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The store of a batch, in memory: the same promises as MongoDB gives (unique indexes, a guard
 * on rev, a transaction that is whole or not at all), and failures at will. Everything it keeps
 * is copied; everything it gives is copied again.
 */
#include "serializer/store.h"

enum { MEMORY_MAX_LINKS = 8, MEMORY_MAX_ENTITIES = 256, MEMORY_MAX_MARKS = 1024 };

struct memory_link {
    struct link_state state;
    bool wants_again;      /* told to be read again at once */
    struct link_news last; /* of the newest gen that ended */
};

/*
 * What somebody knows who only reads the notes that each write leaves (serializer/note.h), one
 * after the other; *fault says what did not fit what was known before.
 */
struct hearsay {
    struct heard {
        struct object_id id;
        struct str state; /* content as text; empty when it is no more */
    } entities[MEMORY_MAX_ENTITIES * 4];
    size_t count;
    uint64_t events;
    const char *fault;
};

struct memory_store {
    const struct model *model;
    struct arena arena; /* of all that is kept */
    struct memory_link links[MEMORY_MAX_LINKS];
    size_t link_count;
    struct mark marks[MEMORY_MAX_MARKS];
    size_t mark_count;
    struct entity entities[MEMORY_MAX_ENTITIES];
    size_t entity_count;
    uint64_t last_id;
    uint64_t writes;      /* entities written */
    uint32_t fail_one_in; /* 0 = never */
    uint64_t *dice;
    struct hearsay hearsay;
};

void memory_open(struct memory_store *m, const struct model *model, uint64_t *dice);
void memory_close(struct memory_store *m);
struct store memory_store(struct memory_store *m);
/* NULL when the notes of all writes, applied one after the other, give what is stored. */
const char *memory_hearsay_fault(struct memory_store *m);
struct memory_link *memory_link(struct memory_store *m, struct str id);
uint64_t roll(uint64_t *dice); /* xorshift: the test's only chance */
uint64_t roll_below(uint64_t *dice, uint64_t below);
