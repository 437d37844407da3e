/* SPDX-License-Identifier: MIT */
/* jq's grammar by recursive descent, one function for each level that binds tighter. */
#include "common/select_scan.h"
#include "common/select_tree.h"

#include <string.h>

struct parser {
    struct scan s;
    size_t nesting; /* open brackets */
    size_t objects; /* of these, how many are `{` */
    bool in_member; /* directly in `{…}`, where a comma ends the value */
};

static bool become_literal(struct parser *p, struct node *out, struct pick literal)
{
    struct pick *kept = ARENA_NEW(p->s.arena, struct pick);
    *kept = literal;
    *out = (struct node){.kind = NODE_LITERAL, .literal = kept};
    return true;
}

/* Paths. */

/* Does `.a`, `."a"` or `.[` stand here? */
static bool at_dotted_step(const struct parser *p)
{
    size_t i = 1;
    if (scan_peek(&p->s, 0) != '.')
        return false;
    if (scan_is_word_start(scan_peek(&p->s, 1)))
        return true;
    while (scan_peek(&p->s, i) == ' ')
        i++;
    return scan_peek(&p->s, i) == '"' || scan_peek(&p->s, i) == '[';
}

/* Behind `[`. */
static bool parse_bracket(struct parser *p, struct step *out)
{
    struct pick inside = {0};
    scan_space(&p->s);
    size_t start = p->s.at;
    if (scan_peek(&p->s, 0) == ']') {
        if (p->objects)
            return scan_fail(&p->s, start - 1, "iteration inside {…} is not supported yet");
        out->kind = STEP_EACH;
    } else if (scan_peek(&p->s, 0) == '"') {
        if (!scan_string(&p->s, &inside))
            return false;
        *out = (struct step){.kind = STEP_KEY, .key = inside.text};
    } else if (scan_at_number(&p->s)) {
        if (!scan_number(&p->s, &inside))
            return false;
        if (inside.literal != JSON_INT)
            return scan_fail(&p->s, start, "an index is a whole number");
        *out = (struct step){.kind = STEP_INDEX, .index = inside.number};
    } else if (scan_peek(&p->s, 0) != ':') {
        return scan_fail(&p->s, start, "only a string or a number can stand in […] so far");
    }
    if (scan_take(&p->s, ":"))
        return scan_fail(&p->s, p->s.at - 1, "jq's slices [a:b] are not supported yet");
    return scan_take(&p->s, "]") || scan_fail(&p->s, p->s.at, "\"]\" is missing");
}

static bool parse_step(struct parser *p, struct step *out)
{
    struct pick name = {0};
    if (scan_take(&p->s, ".") && scan_is_word_start(scan_peek(&p->s, 0))) {
        *out = (struct step){.kind = STEP_KEY, .key = scan_word(&p->s)};
        return true;
    }
    if (scan_take(&p->s, "["))
        return parse_bracket(p, out);
    if (!scan_string(&p->s, &name))
        return false;
    *out = (struct step){.kind = STEP_KEY, .key = name.text};
    return true;
}

static bool at_try(struct parser *p)
{
    return !(scan_peek(&p->s, 1) == '/' && scan_peek(&p->s, 2) == '/') && scan_take(&p->s, "?");
}

/* All steps that stand here in a row. A `?` right behind a step belongs to that step alone. */
static bool parse_steps(struct parser *p, size_t start, struct node *out)
{
    struct step *steps = NULL;
    size_t count = 0, room = 0;
    for (scan_space(&p->s); at_dotted_step(p) || scan_peek(&p->s, 0) == '[';
         scan_space(&p->s)) {
        struct step *step = ARENA_PUSH(p->s.arena, steps, count, room);
        if (!parse_step(p, step))
            return false;
        step->so_far = (struct str){p->s.text.ptr + start, p->s.at - start};
        scan_space(&p->s);
        step->is_optional = at_try(p);
    }
    *out = (struct node){.kind = NODE_PATH, .steps = steps, .count = count};
    return true;
}

/* Expressions. */

static bool parse_level(struct parser *p, size_t level, struct node *out);

static bool nest(struct parser *p, bool in_object)
{
    if (p->nesting == SELECT_MAX_NESTING)
        return scan_fail(&p->s, p->s.at, "nested deeper than %d brackets", SELECT_MAX_NESTING);
    p->nesting++;
    p->objects += in_object;
    p->in_member = in_object;
    return true;
}

/* Behind `(`. */
static bool parse_group(struct parser *p, struct node *out)
{
    bool outer = p->in_member;
    if (!nest(p, false) || !parse_level(p, 0, out))
        return false;
    p->nesting--;
    p->in_member = outer;
    return scan_take(&p->s, ")") || scan_refuse(&p->s);
}

static bool parse_member_key(struct parser *p, struct str *out)
{
    struct pick name = {0};
    scan_space(&p->s);
    if (scan_peek(&p->s, 0) == '(')
        return scan_fail(&p->s, p->s.at, "computed keys in {…} are not supported yet");
    if (scan_peek(&p->s, 0) != '"' && !scan_is_word_start(scan_peek(&p->s, 0)))
        return scan_refuse(&p->s);
    if (scan_peek(&p->s, 0) != '"') {
        *out = scan_word(&p->s);
        return true;
    }
    if (!scan_string(&p->s, &name))
        return false;
    *out = name.text;
    return true;
}

/* `name` alone stands for `name: .name`. */
static bool parse_member_value(struct parser *p, struct str key, struct node *out)
{
    if (scan_take(&p->s, ":"))
        return parse_level(p, 0, out);
    struct step *step = ARENA_NEW(p->s.arena, struct step);
    *step = (struct step){.kind = STEP_KEY, .key = key, .so_far = key};
    *out = (struct node){.kind = NODE_PATH, .steps = step, .count = 1};
    return true;
}

static bool parse_members(struct parser *p, struct node *out)
{
    struct str *keys = NULL;
    struct node *values = NULL;
    size_t key_count = 0, key_room = 0, count = 0, room = 0;
    while (!scan_take(&p->s, "}")) {
        size_t start = p->s.at;
        struct str *key = ARENA_PUSH(p->s.arena, keys, key_count, key_room);
        if (!parse_member_key(p, key) ||
            !parse_member_value(p, *key, ARENA_PUSH(p->s.arena, values, count, room)))
            return false;
        for (const struct str *other = keys; other < key; other++)
            if (str_eq(*other, *key))
                return scan_fail(&p->s, start, "\"" STR_FMT "\" stands twice in {…}",
                                 STR_ARG(*key));
        scan_space(&p->s);
        if (!scan_take(&p->s, ",") && scan_peek(&p->s, 0) != '}')
            return scan_refuse(&p->s);
    }
    *out = (struct node){.kind = NODE_OBJECT, .keys = keys, .children = values, .count = count};
    return true;
}

/* Behind `{`. */
static bool parse_object(struct parser *p, struct node *out)
{
    bool outer = p->in_member;
    if (!nest(p, true) || !parse_members(p, out))
        return false;
    p->nesting--;
    p->objects--;
    p->in_member = outer;
    return true;
}

static bool parse_word(struct parser *p, struct node *out)
{
    size_t start = p->s.at;
    struct str word = scan_word(&p->s);
    if (str_eq(word, STR("null")))
        return become_literal(p, out,
                              (struct pick){.kind = PICK_LITERAL, .literal = JSON_NULL});
    if (str_eq(word, STR("empty"))) {
        if (p->objects)
            return scan_fail(&p->s, start, "\"empty\" inside {…} is not supported yet");
        *out = (struct node){.kind = NODE_COMMA}; /* no results, joined */
        return true;
    }
    bool is_true = str_eq(word, STR("true"));
    if (is_true || str_eq(word, STR("false")))
        return become_literal(
            p, out, (struct pick){.kind = PICK_LITERAL, .literal = JSON_BOOL, .flag = is_true});
    return scan_refuse_word(&p->s, start, word);
}

static bool parse_primary(struct parser *p, struct node *out)
{
    struct pick literal = {0};
    scan_space(&p->s);
    *out = (struct node){.kind = NODE_PATH};
    if (at_dotted_step(p))
        return true; /* the steps follow; they start from the input */
    if (scan_peek(&p->s, 0) == '.' && scan_peek(&p->s, 1) != '.')
        return scan_take(&p->s, ".");
    if (scan_take(&p->s, "("))
        return parse_group(p, out);
    if (scan_take(&p->s, "{"))
        return parse_object(p, out);
    if (scan_peek(&p->s, 0) == '"')
        return scan_string(&p->s, &literal) && become_literal(p, out, literal);
    if (scan_at_number(&p->s))
        return scan_number(&p->s, &literal) && become_literal(p, out, literal);
    if (scan_is_word_start(scan_peek(&p->s, 0)))
        return parse_word(p, out);
    return scan_refuse(&p->s);
}

/* A node around, or a pipe behind, what stands in *out. */
static void wrap(struct parser *p, struct node *out, const struct node *next)
{
    struct node *children = ARENA_ARRAY(p->s.arena, struct node, 2);
    children[0] = *out;
    if (next)
        children[1] = *next;
    *out = (struct node){
        .kind = next ? NODE_PIPE : NODE_TRY, .children = children, .count = next ? 2 : 1};
}

/* A primary and what is written behind it: steps, and `?` for all of it so far. */
static bool parse_postfix(struct parser *p, struct node *out)
{
    scan_space(&p->s);
    size_t start = p->s.at;
    if (!parse_primary(p, out))
        return false;
    for (;;) {
        struct node steps;
        if (!parse_steps(p, start, &steps))
            return false;
        if (out->kind == NODE_PATH && out->count == 0)
            *out = steps;
        else if (steps.count)
            wrap(p, out, &steps);
        if (!at_try(p))
            return true;
        wrap(p, out, NULL);
    }
}

enum { LEVEL_PIPE, LEVEL_COMMA, LEVEL_OR, LEVEL_POSTFIX };

static bool take_operator(struct parser *p, size_t level)
{
    static const char *const marks[] = {"|", ",", "//"};
    scan_space(&p->s);
    bool is_assignment = scan_peek(&p->s, strlen(marks[level])) == '=';
    return !is_assignment && scan_take(&p->s, marks[level]);
}

static bool parse_level(struct parser *p, size_t level, struct node *out)
{
    static const int kinds[] = {NODE_PIPE, NODE_COMMA, NODE_OR};
    struct node *children = NULL;
    size_t count = 0, room = 0;
    if (level == LEVEL_POSTFIX)
        return parse_postfix(p, out);
    if (level == LEVEL_COMMA && p->in_member)
        return parse_level(p, LEVEL_OR, out);
    do {
        if (level == LEVEL_COMMA && count && p->objects)
            return scan_fail(&p->s, p->s.at - 1,
                             "several results inside {…} are not supported yet");
        if (!parse_level(p, level + 1, ARENA_PUSH(p->s.arena, children, count, room)))
            return false;
    } while (take_operator(p, level));
    *out = children[0];
    if (count > 1)
        *out = (struct node){.kind = kinds[level], .children = children, .count = count};
    return true;
}

const struct select *select_compile(struct str program, struct arena *arena, struct err *err)
{
    struct select *select = ARENA_NEW(arena, struct select);
    select->text = arena_copy(arena, str_trim(program));
    struct parser p = {.s = {.text = select->text, .arena = arena, .err = err}};
    if (select->text.len > SELECT_MAX_BYTES) {
        (void)scan_fail(&p.s, 0, "longer than %d bytes", SELECT_MAX_BYTES);
        return NULL;
    }
    if (!parse_level(&p, LEVEL_PIPE, &select->root))
        return NULL;
    scan_space(&p.s);
    if (p.s.at < p.s.text.len) {
        (void)scan_refuse(&p.s);
        return NULL;
    }
    return select;
}
