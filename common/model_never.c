/* SPDX-License-Identifier: MIT */
/* Values that never identify. Texts are kept in lower case, and compared so: nobody is called "LOCALHOST" either. */
#include "common/model_read.h"

#include <strings.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* A MAC address is written with colons, a hostname without the last dot. */
static struct value plain_text(struct model_reader *r, const struct field *f, struct str s)
{
    s = str_trim(s);
    if (f->type.kind == TYPE_HOSTNAME && s.len && s.ptr[s.len - 1] == '.')
        s.len--;
    char *text = arena_text(r->arena, s);
    for (size_t i = 0; i < s.len; i++) {
        bool is_dash = f->type.kind == TYPE_MAC && text[i] == '-';
        text[i] = is_dash ? ':' : lower(text[i]);
    }
    return value_text((struct str){text, s.len});
}

static bool *class_named(struct never *n, struct str word)
{
    const struct {
        struct str word;
        bool *flag;
    } classes[] = {
        {STR("loopback"), &n->loopback},
        {STR("private"), &n->private_},
        {STR("link_local"), &n->link_local},
        {STR("unspecified"), &n->unspecified},
    };
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        if (str_eq(word, classes[i].word))
            return classes[i].flag;
    return NULL;
}

static bool add_address(struct model_reader *r, const struct yaml *at, struct never *n,
                        struct value *out)
{
    const struct str words[] = {STR("loopback"), STR("private"), STR("link_local"),
                                STR("unspecified")};
    bool *class = class_named(n, at->text);
    if (class)
        *class = true;
    else if (address_is_valid(at->text))
        *out = value_text(at->text);
    else
        return yaml_unknown(at, at->text, words, COUNT_OF(words), r->err,
                            "\"" STR_FMT "\" is neither an address nor a class of them",
                            STR_ARG(at->text));
    return true;
}

/* A class of addresses is no value: *out stays VALUE_NONE. */
static bool add_value(struct model_reader *r, const struct yaml *at, struct field *f,
                      struct value *out)
{
    int64_t number = 0;
    if (at->kind != YAML_SCALAR)
        return yaml_error(at, r->err, "a value that never identifies must be text");
    if (f->type.kind == TYPE_IP)
        return add_address(r, at, &f->never, out);
    if (f->type.kind != TYPE_INT) {
        *out = plain_text(r, f, at->text);
        return true;
    }
    if (!str_to_int(at->text, &number))
        return yaml_error(at, r->err, "\"" STR_FMT "\" is no whole number", STR_ARG(at->text));
    *out = value_int(number);
    return true;
}

static bool can_have_never(enum type_kind kind)
{
    return kind != TYPE_LIST && kind != TYPE_BOOL && kind != TYPE_DATETIME;
}

static bool parse_values(struct model_reader *r, const struct yaml *at, struct field *f)
{
    if (!can_have_never(f->type.kind))
        return yaml_error(at, r->err, "\"" STR_FMT "\" is of a type that does not identify",
                          STR_ARG(f->name));
    if (at->kind != YAML_LIST)
        return yaml_error(at, r->err, "values that never identify must be a list");
    struct value *values = ARENA_ARRAY(r->arena, struct value, at->count);
    for (size_t i = 0; i < at->count; i++) {
        struct value *next = &values[f->never.count];
        if (!add_value(r, &at->items[i], f, next))
            return false;
        f->never.count += next->kind != VALUE_NONE;
    }
    f->never.values = values;
    return true;
}

bool never_parse(struct model_reader *r, const struct yaml *root)
{
    const struct yaml *at = yaml_get(root, STR("never"));
    if (!at)
        return true;
    if (at->kind != YAML_MAP)
        return yaml_error(at, r->err, "\"never\" must be a map of FIELD: [values]");
    for (size_t i = 0; i < at->count; i++) {
        size_t index = 0;
        if (!model_find_field(r, &at->keys[i], at->keys[i].text, &index) ||
            !parse_values(r, &at->items[i], &r->fields[index]))
            return false;
    }
    return true;
}

static bool is_same(const struct field *f, struct value never, struct value v)
{
    struct str a = value_str(never), b = value_str(v);
    if (f->type.kind == TYPE_IP)
        return address_is_same(a, b);
    if (v.kind != VALUE_TEXT)
        return value_cmp(never, v) == 0;
    b = str_trim(b);
    return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

bool field_is_never(const struct field *f, struct value v)
{
    for (size_t i = 0; i < f->never.count; i++)
        if (is_same(f, f->never.values[i], v))
            return true;
    return f->type.kind == TYPE_IP && address_is_in(value_str(v), &f->never);
}
