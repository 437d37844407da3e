/* SPDX-License-Identifier: MIT */
#include "muster/layout.h"

#include "serializer/document.h"

static void add_collection(struct layout *l, struct str name, struct arena *arena)
{
    for (size_t i = 0; i < l->collection_count; i++)
        if (str_eq(l->collections[i], name))
            return;
    *ARENA_PUSH(arena, l->collections, l->collection_count, l->collection_room) = name;
}

static void add_index(struct layout *l, struct index_spec spec, struct arena *arena)
{
    add_collection(l, spec.collection, arena);
    *ARENA_PUSH(arena, l->indexes, l->index_count, l->index_room) = spec;
}

/* identity.RULE is an array of {KEY: value}: two arrays could not share a compound index, one array of both keys can. */
static void add_rule(struct layout *l, const struct model *m, const struct rule *rule,
                     struct arena *arena)
{
    struct str keys = {0};
    for (size_t i = 0; i < rule->count; i++)
        keys = arena_format(arena, STR_FMT "%sidentity." STR_FMT "." STR_FMT, STR_ARG(keys),
                            i ? "," : "", STR_ARG(rule->name), STR_ARG(rule->keys[i]));
    struct str name = arena_format(arena, "identity." STR_FMT, STR_ARG(rule->name));
    add_index(l, (struct index_spec){m->collection, name, keys, true, true, NULL}, arena);
}

static void add_model(struct layout *l, const struct model *m, struct arena *arena)
{
    const struct index_spec specs[] = {
        {m->collection, STR("identity." DOCUMENT_ITEM_RULE),
         STR("identity." DOCUMENT_ITEM_RULE ".stream,identity." DOCUMENT_ITEM_RULE ".key"),
         true, true, NULL},
        {m->collection, STR("source"), STR("sources.link,sources.key"), true, true, NULL},
        {m->collection, STR("link"), STR("sources.link"), false, false, NULL},
        {m->collection, STR("crowd"), STR("crowd"), false, true, NULL},
        /* What is not there any more is counted and listed without a look at what is. */
        {m->collection, STR("gone"), STR("gone"), false, true, NULL},
        {m->collection, STR("merged_into"), STR("merged_into"), false, true, NULL},
    };
    for (size_t i = 0; i < m->rule_count; i++)
        add_rule(l, m, &m->rules[i], arena);
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        add_index(l, specs[i], arena);
}

struct layout layout_make(struct model *const *models, size_t count, struct arena *arena)
{
    /* The order of `due` is that of a claim's query: two equalities, then the order asked for, then a filter on the key alone. */
    const struct index_spec fixed[] = {
        {STR("links"), STR("due"), STR("gone,stream,due_at,bucket"), false, false, NULL},
        {STR("lanes"), STR("lane"), STR("lanes"), true, false, NULL},
        {STR("seen"), STR("final"), STR("_id.link,_id.run"), false, false, "{\"final\": true}"},
        {STR("issues"), STR("field"), STR("stream,field"), false, false, NULL},
        {STR("issues"), STR("record"), STR("link,key"), false, false, NULL},
    };
    struct layout l = {0};
    add_collection(&l, STR("maps"), arena);
    add_collection(&l, STR("rejects"), arena);
    add_collection(&l, STR("replays"), arena);
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        add_index(&l, fixed[i], arena);
    for (size_t i = 0; i < count; i++)
        add_model(&l, models[i], arena);
    return l;
}
