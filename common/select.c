/* SPDX-License-Identifier: MIT */
/*
 * A program runs as jq's do: each node hands each of its results to whoever comes next, before it makes another one. So there
 * are no lists between the stages of a pipe, and a plain path costs a look at each object on its way and nothing else.
 */
#include "common/select_tree.h"

struct run {
    struct arena *arena;
    struct err *err;
};

/* Where results go. The sinks below begin with one, so that they can find themselves again. */
struct sink {
    bool (*take)(struct sink *self, const struct pick *result);
};

static bool run_node(struct run *run, const struct node *node, const struct pick *input,
                     struct sink *out);

static struct pick pick_of(struct json j)
{
    if (!j.place)
        return (struct pick){.kind = PICK_LITERAL, .literal = JSON_NULL};
    return (struct pick){.kind = PICK_JSON, .json = j};
}

/* Paths. */

static bool take_key(const struct step *step, struct pick *at)
{
    struct pick member = pick_member(at, step->key);
    bool is_missing = member.kind == PICK_JSON && !member.json.place;
    if (is_missing) {
        enum json_kind kind = pick_kind_of(at);
        if (kind != JSON_OBJECT)
            return kind == JSON_NULL;
        member = pick_of(member.json);
    }
    *at = member;
    return true;
}

static bool take_index(const struct step *step, struct pick *at)
{
    enum json_kind kind = pick_kind_of(at);
    if (kind != JSON_ARRAY)
        return kind == JSON_NULL;
    int64_t size = (int64_t)json_size(at->json);
    int64_t index = step->index < 0 ? step->index + size : step->index;
    bool is_inside = index >= 0 && index < size;
    *at = pick_of(is_inside ? json_item(at->json, (size_t)index) : (struct json){0});
    return true;
}

static bool wrong_shape(const struct run *run, const struct step *step, const struct pick *at)
{
    static const char *const wanted[] = {
        [STEP_KEY] = "an object", [STEP_INDEX] = "a list", [STEP_EACH] = "a list or an object"};
    return err_set(run->err, ERR_REJECT, STR_FMT ": wants %s and found %s",
                   STR_ARG(step->so_far), wanted[step->kind], json_kind_name(pick_kind_of(at)));
}

static bool run_steps(struct run *run, const struct step *step, const struct step *end,
                      struct pick at, struct sink *out);

static bool run_each(struct run *run, const struct step *step, const struct step *end,
                     const struct pick *at, struct sink *out)
{
    enum json_kind kind = pick_kind_of(at);
    if (kind != JSON_ARRAY && kind != JSON_OBJECT)
        return kind == JSON_NULL || step->is_optional || wrong_shape(run, step, at);
    if (at->kind == PICK_OBJECT) {
        for (size_t i = 0; i < at->count; i++)
            if (!run_steps(run, step + 1, end, at->members[i], out))
                return false;
        return true;
    }
    for (struct json_walk w = json_walk(at->json); json_next(&w);)
        if (!run_steps(run, step + 1, end, pick_of(w.value), out))
            return false;
    return true;
}

static bool run_steps(struct run *run, const struct step *step, const struct step *end,
                      struct pick at, struct sink *out)
{
    for (; step < end; step++) {
        if (step->kind == STEP_EACH)
            return run_each(run, step, end, &at, out);
        if (!(step->kind == STEP_KEY ? take_key : take_index)(step, &at))
            return step->is_optional || wrong_shape(run, step, &at);
    }
    return out->take(out, &at);
}

/* a | b */

struct pipe_sink {
    struct sink sink;
    struct run *run;
    const struct node *node, *end; /* the stages that are left */
    struct sink *out;
};

static bool run_pipe(struct run *run, const struct node *node, const struct node *end,
                     const struct pick *input, struct sink *out);

static bool pipe_take(struct sink *self, const struct pick *result)
{
    struct pipe_sink *s = (struct pipe_sink *)self;
    return run_pipe(s->run, s->node, s->end, result, s->out);
}

static bool run_pipe(struct run *run, const struct node *node, const struct node *end,
                     const struct pick *input, struct sink *out)
{
    if (node + 1 == end)
        return run_node(run, node, input, out);
    struct pipe_sink rest = {{pipe_take}, run, node + 1, end, out};
    return run_node(run, node, input, &rest.sink);
}

/* a, b */

static bool run_comma(struct run *run, const struct node *node, const struct pick *input,
                      struct sink *out)
{
    for (size_t i = 0; i < node->count; i++)
        if (!run_node(run, &node->children[i], input, out))
            return false;
    return true;
}

/* a // b: what of `a` is neither null nor false; if there is no such thing, `b`. */

struct or_sink {
    struct sink sink;
    bool has_found;
    struct sink *out;
};

static bool or_take(struct sink *self, const struct pick *result)
{
    struct or_sink *s = (struct or_sink *)self;
    enum json_kind kind = pick_kind_of(result);
    if (kind == JSON_NULL || (kind == JSON_BOOL && !pick_flag(result)))
        return true;
    s->has_found = true;
    return s->out->take(s->out, result);
}

static bool run_or(struct run *run, const struct node *node, const struct pick *input,
                   struct sink *out)
{
    const struct node *last = &node->children[node->count - 1];
    for (const struct node *child = node->children; child < last; child++) {
        struct or_sink good = {{or_take}, false, out};
        bool ok = run_node(run, child, input, &good.sink);
        if (!ok || good.has_found)
            return ok;
    }
    return run_node(run, last, input, out);
}

/* (a)? */

struct try_sink {
    struct sink sink;
    bool has_failed_later; /* down the pipe, which is not ours to catch */
    struct sink *out;
};

static bool try_take(struct sink *self, const struct pick *result)
{
    struct try_sink *s = (struct try_sink *)self;
    bool ok = s->out->take(s->out, result);
    s->has_failed_later = !ok;
    return ok;
}

static bool run_try(struct run *run, const struct node *node, const struct pick *input,
                    struct sink *out)
{
    struct try_sink guard = {{try_take}, false, out};
    if (run_node(run, node->children, input, &guard.sink))
        return true;
    if (guard.has_failed_later)
        return false;
    err_clear(run->err);
    return true;
}

/* {a, b: c} */

struct member_sink {
    struct sink sink;
    struct pick *member;
    bool has_result;
};

static bool member_take(struct sink *self, const struct pick *result)
{
    struct member_sink *s = (struct member_sink *)self;
    *s->member = *result;
    s->has_result = true;
    return true;
}

static bool run_object(struct run *run, const struct node *node, const struct pick *input,
                       struct sink *out)
{
    struct pick *members = ARENA_ARRAY(run->arena, struct pick, node->count);
    for (size_t i = 0; i < node->count; i++) {
        struct member_sink one = {{member_take}, &members[i], false};
        if (!run_node(run, &node->children[i], input, &one.sink))
            return false;
        if (!one.has_result) /* as in jq: a member without a result, as of `.a?`, leaves no object */
            return true;
    }
    struct pick object = {
        .kind = PICK_OBJECT, .keys = node->keys, .members = members, .count = node->count};
    return out->take(out, &object);
}

/* Programs. */

static bool run_node(struct run *run, const struct node *node, const struct pick *input,
                     struct sink *out)
{
    switch (node->kind) {
    case NODE_PATH:
        /* `.` has no steps, and no list of them to point into. */
        return node->count == 0
                   ? out->take(out, input)
                   : run_steps(run, node->steps, node->steps + node->count, *input, out);
    case NODE_LITERAL:
        return out->take(out, node->literal);
    case NODE_OBJECT:
        return run_object(run, node, input, out);
    case NODE_PIPE:
        return run_pipe(run, node->children, node->children + node->count, input, out);
    case NODE_COMMA:
        return run_comma(run, node, input, out);
    case NODE_OR:
        return run_or(run, node, input, out);
    case NODE_TRY:
        return run_try(run, node, input, out);
    }
    return true;
}

struct result_sink {
    struct sink sink;
    struct arena *arena;
    struct pick *list;
    size_t count, room;
};

static bool result_take(struct sink *self, const struct pick *result)
{
    struct result_sink *s = (struct result_sink *)self;
    if (!s->list) {
        /* Nearly all programs have one result, and arena_grow() begins with eight. */
        s->list = ARENA_NEW(s->arena, struct pick);
        s->room = 1;
    }
    *ARENA_PUSH(s->arena, s->list, s->count, s->room) = *result;
    return true;
}

bool select_run(const struct select *program, struct json input, struct arena *arena,
                struct pick **out_picks, size_t *out_count, struct err *err)
{
    struct run run = {arena, err};
    struct result_sink results = {.sink = {result_take}, .arena = arena};
    struct pick start = pick_of(input);
    if (!run_node(&run, &program->root, &start, &results.sink))
        return false;
    *out_picks = results.list;
    *out_count = results.count;
    return true;
}

struct str select_text(const struct select *program)
{
    return program->text;
}
