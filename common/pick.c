/* SPDX-License-Identifier: MIT */
/* What a selection gave, whether it stands in the page, is a literal of the program or was made by it. */
#include "common/select.h"

#include <stdio.h>

enum { TEXT_MAX_BYTES = 64 * 1024 * 1024 };

enum json_kind pick_kind_of(const struct pick *p)
{
    if (p->kind == PICK_OBJECT)
        return JSON_OBJECT;
    return p->kind == PICK_JSON ? json_kind_of(p->json) : p->literal;
}

static bool is_literal(const struct pick *p, enum json_kind kind)
{
    return p->kind == PICK_LITERAL && p->literal == kind;
}

struct str pick_str(const struct pick *p)
{
    if (p->kind == PICK_JSON)
        return json_str(p->json);
    return is_literal(p, JSON_TEXT) ? p->text : (struct str){0};
}

int64_t pick_int(const struct pick *p)
{
    if (p->kind == PICK_JSON)
        return json_int(p->json);
    return is_literal(p, JSON_INT) ? p->number : 0;
}

double pick_real(const struct pick *p)
{
    if (p->kind == PICK_JSON)
        return json_real(p->json);
    return is_literal(p, JSON_REAL) ? p->real : (double)pick_int(p);
}

bool pick_flag(const struct pick *p)
{
    return p->kind == PICK_JSON ? json_flag(p->json) : is_literal(p, JSON_BOOL) && p->flag;
}

struct pick pick_member(const struct pick *p, struct str key)
{
    if (p->kind == PICK_JSON)
        return (struct pick){.kind = PICK_JSON, .json = json_member(p->json, key)};
    for (size_t i = 0; p->kind == PICK_OBJECT && i < p->count; i++)
        if (str_eq(p->keys[i], key))
            return p->members[i];
    return (struct pick){.kind = PICK_JSON};
}

static void put_literal(struct json_out *o, const struct pick *p)
{
    char text[32];
    if (p->literal == JSON_TEXT)
        json_put_str(o, p->text);
    else if (p->literal == JSON_INT)
        json_put_int(o, p->number);
    else if (p->literal == JSON_BOOL)
        json_put_bool(o, p->flag);
    else if (p->literal == JSON_REAL)
        json_put_json(
            o, (struct str){text, (size_t)snprintf(text, sizeof text, "%.17g", p->real)});
    else
        json_put_null(o);
}

/* Objects nest as deep as the program that made them. */
static void put_pick(struct json_out *o, const struct pick *p, size_t max_bytes,
                     struct arena *arena)
{
    if (p->kind == PICK_LITERAL) {
        put_literal(o, p);
        return;
    }
    if (p->kind == PICK_JSON) {
        json_put_json(o, json_text(p->json, max_bytes, arena));
        return;
    }
    json_open(o, '{');
    for (size_t i = 0; i < p->count; i++) {
        json_key(o, p->keys[i]);
        put_pick(o, &p->members[i], max_bytes, arena);
    }
    json_close(o, '}');
}

struct str pick_text(const struct pick *p, size_t max_bytes, struct arena *arena)
{
    buf_auto text;
    buf_init(&text, TEXT_MAX_BYTES);
    struct json_out out = {.buf = &text};
    put_pick(&out, p, max_bytes, arena);
    return json_shorten(buf_str(&text), max_bytes, arena);
}
