/* SPDX-License-Identifier: MIT */
#include "muster/path.h"

#include "common/hex.h"

#include <string.h>
#include <sysexits.h>

static const struct type text_type = {.kind = TYPE_STRING};
static const struct type time_type = {.kind = TYPE_DATETIME};
static const struct member source_members[] = {
    {{"provider", 8}, {.kind = TYPE_STRING}, false},
    {{"stream", 6}, {.kind = TYPE_STRING}, false},
    {{"key", 3}, {.kind = TYPE_STRING}, false},
};
enum { SOURCE_MEMBERS = sizeof source_members / sizeof *source_members };
static const struct type source_type = {
    .kind = TYPE_OBJECT, .members = source_members, .count = SOURCE_MEMBERS};
static const struct type sources_type = {.kind = TYPE_LIST, .item = &source_type};

/* What every entity has beside the model's fields. */
static const struct own {
    struct str name;
    enum path_root root;
    const struct type *type;
} owns[] = {
    {{"_id", 3}, PATH_ID, &text_type},
    {{"merged_into", 11}, PATH_MERGED_INTO, &text_type},
    {{"sources", 7}, PATH_SOURCES, &sources_type},
    {{"created_at", 10}, PATH_CREATED_AT, &time_type},
    {{"changed_at", 10}, PATH_CHANGED_AT, &time_type},
};
enum { OWNS = sizeof owns / sizeof *owns };

/* --- from a name --- */

static bool is_under(struct str name, struct str root)
{
    return str_has_prefix(name, root) && (name.len == root.len || name.ptr[root.len] == '.');
}

static bool find_root(const struct model *m, struct path *p)
{
    for (size_t i = 0; i < OWNS; i++) {
        if (is_under(p->name, owns[i].name)) {
            p->root = owns[i].root;
            p->root_name = owns[i].name;
            p->root_type = owns[i].type;
            return true;
        }
    }
    for (size_t i = 0; i < m->field_count; i++) {
        if (is_under(p->name, m->fields[i].name)) {
            p->root = PATH_FIELD;
            p->field = i;
            p->root_name = m->fields[i].name;
            p->root_type = &m->fields[i].type;
            return true;
        }
    }
    return false;
}

static const struct type *item_of(const struct type *t)
{
    while (t->kind == TYPE_LIST)
        t = t->item;
    return t;
}

/* Down from the root by the rest of the name. */
static bool find_members(struct path *p)
{
    struct str rest = {p->name.ptr + p->root_name.len, p->name.len - p->root_name.len};
    const struct type *t = item_of(p->root_type);
    (void)str_cut(&rest, '.');
    while (rest.len) {
        struct str name = str_cut(&rest, '.');
        size_t i = 0;
        while (i < t->count && t->kind == TYPE_OBJECT && !str_eq(t->members[i].name, name))
            i++;
        if (t->kind != TYPE_OBJECT || i == t->count || p->depth == PATH_MAX_DEPTH)
            return false;
        p->members[p->depth++] = i;
        t = item_of(&t->members[i].type);
    }
    p->single = t;
    return true;
}

static void set_type(struct path *p, struct arena *arena)
{
    struct type *list = NULL;
    const struct type *t = p->root_type;
    bool is_list = t->kind == TYPE_LIST;
    for (size_t i = 0; i < p->depth; i++) {
        t = &item_of(t)->members[p->members[i]].type;
        is_list = is_list || t->kind == TYPE_LIST;
    }
    p->type = p->single;
    if (is_list) {
        list = ARENA_NEW(arena, struct type);
        *list = (struct type){.kind = TYPE_LIST, .item = p->single};
        p->type = list;
    }
}

struct names {
    struct str *list;
    size_t count, room;
};

static void add_names(struct names *n, struct str name, const struct type *t,
                      struct arena *arena)
{
    *ARENA_PUSH(arena, n->list, n->count, n->room) = name;
    t = item_of(t);
    for (size_t i = 0; t->kind == TYPE_OBJECT && i < t->count; i++)
        add_names(n,
                  arena_format(arena, STR_FMT "." STR_FMT, STR_ARG(name),
                               STR_ARG(t->members[i].name)),
                  &t->members[i].type, arena);
}

static struct names all_names(const struct model *m, struct arena *arena)
{
    struct names n = {0};
    for (size_t i = 0; i < m->field_count; i++)
        add_names(&n, m->fields[i].name, &m->fields[i].type, arena);
    for (size_t i = 0; i < OWNS; i++)
        add_names(&n, owns[i].name, owns[i].type, arena);
    return n;
}

/* `kernel` for os.kernel: a name's last part says what is meant when only one name ends so. */
static struct str by_last_part(const struct names *n, struct str word)
{
    struct str found = {0};
    for (size_t i = 0; i < n->count; i++) {
        struct str name = n->list[i];
        if (name.len <= word.len || name.ptr[name.len - word.len - 1] != '.' ||
            memcmp(name.ptr + name.len - word.len, word.ptr, word.len) != 0)
            continue;
        if (found.len)
            return (struct str){0};
        found = name;
    }
    return found;
}

static bool no_such_place(const struct model *m, struct str name, struct arena *arena,
                          struct err *err)
{
    struct names n = all_names(m, arena);
    struct str nearest = by_last_part(&n, name);
    if (!nearest.len)
        nearest = str_nearest(name, n.list, n.count);
    if (nearest.len)
        return err_stop(err, EX_USAGE,
                        STR_FMT ": a " STR_FMT " has no such field; did you mean " STR_FMT "?",
                        STR_ARG(name), STR_ARG(m->name), STR_ARG(nearest));
    return err_stop(err, EX_USAGE,
                    STR_FMT ": a " STR_FMT " has no such field; schemas/models/" STR_FMT
                            ".yaml lists them",
                    STR_ARG(name), STR_ARG(m->name), STR_ARG(m->name));
}

bool path_parse(const struct model *m, struct str name, struct arena *arena, struct path *out,
                struct err *err)
{
    struct path p = {.name = name};
    bool is_whole = name.len && name.ptr[name.len - 1] != '.';
    if (!is_whole || !find_root(m, &p) || !find_members(&p))
        return no_such_place(m, name, arena, err);
    set_type(&p, arena);
    *out = p;
    return true;
}

bool path_is_part(const struct path *p)
{
    return p->depth > 0 && p->root_type->kind == TYPE_LIST;
}

bool path_is_list(const struct path *p)
{
    return p->type->kind == TYPE_LIST;
}

/* --- several --- */

static void add_group(const struct model *m, struct str group, struct arena *arena,
                      struct paths *out)
{
    for (size_t i = 0; i < m->field_count; i++) {
        struct path p = {.name = m->fields[i].name};
        if (!is_under(p.name, group) || !find_root(m, &p) || !find_members(&p))
            continue;
        set_type(&p, arena);
        *ARENA_PUSH(arena, out->list, out->count, out->room) = p;
    }
}

bool paths_parse(const struct model *m, struct str names, struct arena *arena,
                 struct paths *out, struct err *err)
{
    struct paths found = {0};
    while (names.len) {
        struct str name = str_trim(str_cut(&names, ','));
        size_t before = found.count;
        struct path p = {.name = name};
        if (name.len && !find_root(m, &p))
            add_group(m, name, arena, &found);
        if (found.count > before)
            continue;
        if (!path_parse(m, name, arena, &p, err))
            return false;
        *ARENA_PUSH(arena, found.list, found.count, found.room) = p;
    }
    *out = found;
    return true;
}

static void add_own(enum path_root root, struct arena *arena, struct paths *out)
{
    for (size_t i = 0; i < OWNS; i++)
        if (owns[i].root == root)
            *ARENA_PUSH(arena, out->list, out->count, out->room) =
                (struct path){.name = owns[i].name,
                              .root = root,
                              .root_name = owns[i].name,
                              .root_type = owns[i].type,
                              .type = owns[i].type,
                              .single = item_of(owns[i].type)};
}

struct paths paths_all(const struct model *m, bool gone, struct arena *arena)
{
    struct paths all = {0};
    add_own(PATH_ID, arena, &all);
    for (size_t i = 0; i < m->field_count && !gone; i++)
        add_group(m, m->fields[i].name, arena, &all);
    if (gone)
        add_own(PATH_MERGED_INTO, arena, &all);
    add_own(PATH_SOURCES, arena, &all);
    add_own(PATH_CREATED_AT, arena, &all);
    add_own(PATH_CHANGED_AT, arena, &all);
    return all;
}

/* --- the value there --- */

static struct value id_value(const struct object_id *id, struct arena *arena)
{
    return value_text(hex_text(id->bytes, sizeof id->bytes, arena));
}

static struct value time_or_none(int64_t unix_ms)
{
    return unix_ms ? value_time(unix_ms) : (struct value){0};
}

static struct value sources_value(const struct document *entity, struct arena *arena)
{
    const struct entity *e = &entity->entity;
    struct value *items = ARENA_ARRAY(arena, struct value, e->count);
    bool has_living = false;
    size_t count = 0;
    for (size_t i = 0; i < e->count; i++)
        has_living = has_living || !e->sources[i].gone;
    for (size_t i = 0; i < e->count; i++) {
        struct str rest = e->sources[i].stream;
        struct value *members = ARENA_ARRAY(arena, struct value, SOURCE_MEMBERS);
        if (has_living && e->sources[i].gone)
            continue;
        members[0] = value_text(str_cut(&rest, '/'));
        members[1] = value_text(e->sources[i].stream);
        members[2] = value_text(e->sources[i].key);
        items[count++] = value_object(members, SOURCE_MEMBERS);
    }
    return count ? value_list(items, count) : (struct value){0};
}

static struct value root_value(const struct path *p, const struct document *entity,
                               struct arena *arena)
{
    switch (p->root) {
    case PATH_FIELD:
        return entity->fields[p->field];
    case PATH_ID:
        return id_value(&entity->entity.id, arena);
    case PATH_SOURCES:
        return sources_value(entity, arena);
    case PATH_CREATED_AT:
        return time_or_none(entity->entity.created_at_ms);
    case PATH_CHANGED_AT:
        return time_or_none(entity->changed_at_ms);
    case PATH_MERGED_INTO:
        return entity->is_redirect ? id_value(&entity->merged_into, arena) : (struct value){0};
    }
    return (struct value){0};
}

struct gathered {
    struct value *list;
    size_t count, room;
};

static void gather(const struct path *p, size_t depth, struct value v, struct gathered *out,
                   struct arena *arena)
{
    if (v.kind == VALUE_LIST) {
        for (uint32_t i = 0; i < v.count; i++)
            gather(p, depth, v.items[i], out, arena);
    } else if (depth < p->depth) {
        if (v.kind == VALUE_OBJECT && p->members[depth] < v.count)
            gather(p, depth + 1, v.items[p->members[depth]], out, arena);
    } else if (v.kind != VALUE_NONE) {
        *ARENA_PUSH(arena, out->list, out->count, out->room) = v;
    }
}

struct value path_value(const struct path *p, const struct document *entity,
                        struct arena *arena)
{
    struct value root = root_value(p, entity, arena);
    struct gathered all = {0};
    if (p->depth == 0)
        return root;
    gather(p, 0, root, &all, arena);
    if (all.count == 0)
        return (struct value){0};
    return path_is_list(p) ? value_list(all.list, all.count) : all.list[0];
}
