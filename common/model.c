/* SPDX-License-Identifier: MIT */
#include "common/model_read.h"

/* What Muster itself keeps in an entity. */
static bool is_reserved_field(struct str word)
{
    const struct str words[] = {STR("_id"),        STR("rev"),    STR("identity"),
                                STR("sources"),    STR("from"),   STR("created_at"),
                                STR("changed_at"), STR("change"), STR("merged_into"),
                                STR("crowd"),      STR("gone")};
    return yaml_is_among(word, words, COUNT_OF(words));
}

static bool is_reserved_collection(struct str word)
{
    const struct str words[] = {STR("links"), STR("seen"),  STR("issues"),  STR("rejects"),
                                STR("maps"),  STR("lanes"), STR("replays"), STR("muster")};
    return yaml_is_among(word, words, COUNT_OF(words));
}

/* Fields. */

/* Every part of a dotted name is a word. */
static bool check_field_name(struct model_reader *r, const struct yaml *at)
{
    struct str rest = at->text;
    struct yaml part = *at;
    if (rest.len && rest.ptr[rest.len - 1] == '.')
        return yaml_error(at, r->err, "a name cannot end with a dot");
    do {
        part.text = str_cut(&rest, '.');
        if (!yaml_word(&part, "a field", r->err))
            return false;
    } while (rest.len);
    struct str whole = at->text, first = str_cut(&whole, '.');
    return !is_reserved_field(first) ||
           yaml_error(at, r->err, "\"" STR_FMT "\" is a name that Muster itself keeps",
                      STR_ARG(first));
}

/* `os` and `os.name` cannot both be stored. */
static bool check_nesting(struct model_reader *r, const struct yaml *at, size_t count)
{
    struct str name = at->text;
    for (size_t i = 0; i < count; i++) {
        struct str other = r->fields[i].name;
        struct str shorter = other.len < name.len ? other : name;
        struct str longer = other.len < name.len ? name : other;
        if (str_has_prefix(longer, shorter) && longer.ptr[shorter.len] == '.')
            return yaml_error(at, r->err,
                              "\"" STR_FMT "\" and \"" STR_FMT "\" cannot both be fields: one "
                              "holds the other",
                              STR_ARG(shorter), STR_ARG(longer));
    }
    return true;
}

static bool parse_field(struct model_reader *r, const struct yaml *at, struct field *f)
{
    const struct str known[] = {STR("type"), STR("merge"), STR("volatile"), STR("about")};
    const struct yaml *type = NULL, *merge = yaml_get(at, STR("merge"));
    if (!yaml_only(at, "a field", known, COUNT_OF(known), r->err) ||
        !(type = yaml_need(at, "type", "a field", r->err)) ||
        !type_parse(type, r->arena, &f->type, r->err) ||
        !yaml_text(at, "about", &f->about, r->err) ||
        !yaml_flag(at, "volatile", &f->is_volatile, r->err))
        return false;
    f->merge.kind = f->type.kind == TYPE_LIST ? MERGE_UNION : MERGE_NEWEST;
    return !merge || merge_parse(r, merge, f);
}

static bool parse_fields(struct model_reader *r, const struct yaml *root)
{
    const struct yaml *at = yaml_need(root, "fields", "a model", r->err);
    if (!at)
        return false;
    if (at->kind != YAML_MAP || at->count == 0)
        return yaml_error(at, r->err, "\"fields\" must be a map of NAME: {type: …}");
    r->fields = ARENA_ARRAY(r->arena, struct field, at->count);
    for (size_t i = 0; i < at->count; i++) {
        r->fields[i].name = at->keys[i].text;
        if (!check_field_name(r, &at->keys[i]) || !check_nesting(r, &at->keys[i], i) ||
            !parse_field(r, &at->items[i], &r->fields[i]))
            return false;
    }
    r->model->fields = r->fields;
    r->model->field_count = at->count;
    return true;
}

/* Identity. */

static struct str last_part(struct str name)
{
    struct str part = {0};
    while (name.len)
        part = str_cut(&name, '.');
    return part;
}

static bool add_rule_field(struct model_reader *r, const struct yaml *at, struct rule *rule)
{
    size_t index = 0;
    if (!model_find_field(r, at, at->text, &index))
        return false;
    const struct field *f = &r->fields[index];
    struct str key = last_part(f->name);
    if (f->type.kind == TYPE_LIST)
        return yaml_error(at, r->err, "a list cannot identify");
    if (f->is_volatile)
        return yaml_error(at, r->err, "a volatile field cannot identify");
    if (yaml_is_among(key, rule->keys, rule->count))
        return yaml_error(at, r->err, "two fields of this rule are called \"" STR_FMT "\"",
                          STR_ARG(key));
    rule->keys[rule->count] = key;
    rule->fields[rule->count++] = index;
    return true;
}

static bool parse_rule(struct model_reader *r, const struct yaml *at, struct rule *rule)
{
    if (at->kind != YAML_LIST || at->count == 0 || at->count > RULE_MAX_FIELDS)
        return yaml_error(at, r->err, "an identity rule is a list of one to %d fields",
                          RULE_MAX_FIELDS);
    for (size_t i = 0; i < at->count; i++)
        if (!add_rule_field(r, &at->items[i], rule))
            return false;
    return true;
}

static bool parse_identity(struct model_reader *r, const struct yaml *root)
{
    const struct yaml *at = yaml_get(root, STR("identity"));
    if (!at)
        return true;
    if (at->kind != YAML_MAP || at->count > MODEL_MAX_RULES)
        return yaml_error(at, r->err, "\"identity\" must be a map of at most %d rules",
                          MODEL_MAX_RULES);
    struct rule *rules = ARENA_ARRAY(r->arena, struct rule, at->count);
    for (size_t i = 0; i < at->count; i++) {
        rules[i].name = at->keys[i].text;
        if (!yaml_word(&at->keys[i], "a rule", r->err) ||
            !parse_rule(r, &at->items[i], &rules[i]))
            return false;
    }
    r->model->rules = rules;
    r->model->rule_count = at->count;
    return true;
}

/* Models. */

bool model_find_field(struct model_reader *r, const struct yaml *at, struct str name,
                      size_t *out)
{
    int found = model_field(r->model, name);
    if (found >= 0) {
        *out = (size_t)found;
        return true;
    }
    struct str *words = ARENA_ARRAY(r->arena, struct str, r->model->field_count);
    for (size_t i = 0; i < r->model->field_count; i++)
        words[i] = r->model->fields[i].name;
    return yaml_unknown(at, name, words, r->model->field_count, r->err,
                        "the model has no field \"" STR_FMT "\"", STR_ARG(name));
}

static bool parse_head(struct model_reader *r, const struct yaml *root)
{
    const struct str known[] = {STR("model"),  STR("collection"), STR("about"),
                                STR("fields"), STR("identity"),   STR("never")};
    struct model *m = r->model;
    const struct yaml *name = NULL, *collection = NULL;
    if (!yaml_only(root, "a model file", known, COUNT_OF(known), r->err) ||
        !(name = yaml_need(root, "model", "a model file", r->err)) ||
        !(collection = yaml_need(root, "collection", "a model file", r->err)) ||
        !yaml_word(name, "a model", r->err) || !yaml_word(collection, "a collection", r->err) ||
        !yaml_text(root, "about", &m->about, r->err))
        return false;
    m->name = name->text;
    m->collection = collection->text;
    return !is_reserved_collection(m->collection) ||
           yaml_error(collection, r->err,
                      "the collection \"" STR_FMT "\" is one that Muster itself keeps",
                      STR_ARG(m->collection));
}

/* Each key's name, type and volatility hang on all before them. */
static void make_shape(const struct yaml *fields, uint8_t out[static 32])
{
    struct str before = STR("shape");
    for (size_t i = 0; i < fields->count; i++) {
        const struct yaml *is_volatile = yaml_get(&fields->items[i], STR("volatile"));
        yaml_digest(&fields->keys[i], before, out);
        before = (struct str){(const char *)out, 32};
        yaml_digest(yaml_get(&fields->items[i], STR("type")), before, out);
        if (is_volatile)
            yaml_digest(is_volatile, before, out);
    }
}

static struct model *parse_root(const struct yaml *root, struct arena *arena, struct err *err)
{
    struct model_reader r = {
        .arena = arena, .err = err, .model = ARENA_NEW(arena, struct model)};
    if (!parse_head(&r, root) || !parse_fields(&r, root) || !parse_identity(&r, root) ||
        !never_parse(&r, root))
        return NULL;
    yaml_digest(root, STR("model"), r.model->digest);
    make_shape(yaml_get(root, STR("fields")), r.model->shape);
    return r.model;
}

struct model *model_load(const char *file, struct arena *arena, struct err *err)
{
    struct yaml root;
    return yaml_load(file, arena, &root, err) ? parse_root(&root, arena, err) : NULL;
}

struct model *model_parse(const char *file, struct str content, struct arena *arena,
                          struct err *err)
{
    struct yaml root;
    return yaml_parse(file, content, arena, &root, err) ? parse_root(&root, arena, err) : NULL;
}

int model_field(const struct model *m, struct str name)
{
    for (size_t i = 0; i < m->field_count; i++)
        if (str_eq(m->fields[i].name, name))
            return (int)i;
    return -1;
}
