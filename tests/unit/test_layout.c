/* SPDX-License-Identifier: MIT */
#include "tests/unit/cases.h"

#include "muster/layout.h"

static const char model_text[] =
    "model: thing\n"
    "collection: things\n"
    "about: A thing.\n"
    "fields:\n"
    "  name: {type: string, merge: newest, about: Its name.}\n"
    "  site.code: {type: string, merge: newest, about: Where it is.}\n"
    "identity:\n"
    "  name_site: [name, site.code]\n"
    "  name_alone: [name]\n";

static struct layout make(struct arena *arena, size_t models)
{
    struct err err = {0};
    struct model *m = model_parse("thing.yaml", str_of(model_text), arena, &err);
    if (!m)
        fail_msg("%s", err.text);
    struct model *list[] = {m, m};
    return layout_make(list, models, arena);
}

static const struct index_spec *find(const struct layout *l, const char *collection,
                                     const char *name)
{
    for (size_t i = 0; i < l->index_count; i++)
        if (str_eq(l->indexes[i].collection, str_of(collection)) &&
            str_eq(l->indexes[i].name, str_of(name)))
            return &l->indexes[i];
    fail_msg("no index %s.%s", collection, name);
    return NULL;
}

static void each_rule_has_a_unique_sparse_index_over_its_tuples(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct layout l = make(&arena, 1);
    const struct index_spec *i = find(&l, "things", "identity.name_site");
    assert_text(i->keys.ptr, i->keys.len, "identity.name_site.name,identity.name_site.code");
    assert_true(i->unique && i->sparse);
    i = find(&l, "things", "identity.name_alone");
    assert_text(i->keys.ptr, i->keys.len, "identity.name_alone.name");
    assert_true(i->unique && i->sparse);
    i = find(&l, "things", "identity.item");
    assert_text(i->keys.ptr, i->keys.len, "identity.item.stream,identity.item.key");
    assert_true(i->unique && i->sparse);
}

static void a_source_stands_in_one_entity_only(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct layout l = make(&arena, 1);
    const struct index_spec *i = find(&l, "things", "source");
    assert_text(i->keys.ptr, i->keys.len, "sources.link,sources.key");
    assert_true(i->unique && i->sparse);
    assert_true(find(&l, "things", "crowd")->sparse);
}

static void what_is_gone_is_found_without_the_rest(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct layout l = make(&arena, 1);
    const char *const names[] = {"gone", "merged_into"};
    for (size_t i = 0; i < 2; i++) {
        const struct index_spec *index = find(&l, "things", names[i]);
        assert_text(index->keys.ptr, index->keys.len, names[i]);
        assert_true(index->sparse && !index->unique);
    }
}

static void a_claim_has_its_index(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct layout l = make(&arena, 0);
    const struct index_spec *i = find(&l, "links", "due");
    assert_text(i->keys.ptr, i->keys.len, "gone,stream,due_at,bucket");
    assert_false(i->unique || i->sparse || i->partial);
}

static void a_collection_is_named_once(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct layout l = make(&arena, 2);
    for (size_t i = 0; i < l.collection_count; i++)
        for (size_t k = i + 1; k < l.collection_count; k++)
            assert_false(str_eq(l.collections[i], l.collections[k]));
    assert_int_equal(l.collection_count,
                     8); /* links, lanes, maps, rejects, replays, seen, issues, things */
}

static void an_index_is_named_once(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct layout l = make(&arena, 1);
    for (size_t i = 0; i < l.index_count; i++)
        for (size_t k = i + 1; k < l.index_count; k++)
            assert_false(str_eq(l.indexes[i].collection, l.indexes[k].collection) &&
                         str_eq(l.indexes[i].name, l.indexes[k].name));
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD_ONE(&all, each_rule_has_a_unique_sparse_index_over_its_tuples);
    CASES_ADD_ONE(&all, a_source_stands_in_one_entity_only);
    CASES_ADD_ONE(&all, what_is_gone_is_found_without_the_rest);
    CASES_ADD_ONE(&all, a_claim_has_its_index);
    CASES_ADD_ONE(&all, a_collection_is_named_once);
    CASES_ADD_ONE(&all, an_index_is_named_once);
    return cases_run("layout", &all);
}
