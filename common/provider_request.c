/* SPDX-License-Identifier: MIT */
#include "common/provider_read.h"

enum { BODY_MAX_BYTES = 1024 * 1024 };

static bool parse_method(const struct provider_reader *r, const struct yaml *request,
                         struct request *out)
{
    const struct str known[] = {STR("GET"), STR("POST")};
    const struct yaml *at = yaml_get(request, STR("method"));
    if (!at)
        return true;
    if (!yaml_is_among(at->text, known, COUNT_OF(known)))
        return yaml_unknown(at, at->text, known, COUNT_OF(known), r->err,
                            "the method \"" STR_FMT "\" is not supported", STR_ARG(at->text));
    out->is_post = str_eq(at->text, known[1]);
    return true;
}

static bool parse_url(struct provider_reader *r, const struct yaml *request,
                      struct template *out)
{
    const struct yaml *at = yaml_need(request, "url", "a request", r->err);
    if (!at || !template_parse(r, at, out))
        return false;
    bool begins_with_name = out->count && out->parts[0].is_name;
    return begins_with_name || str_has_prefix(at->text, STR("https://")) ||
           str_has_prefix(at->text, STR("http://")) ||
           yaml_error(at, r->err, "a URL begins with https:// or with a setting that does");
}

static bool parse_named(struct provider_reader *r, const struct yaml *request, const char *key,
                        struct named_template **out, size_t *out_count)
{
    const struct yaml *at = yaml_get(request, str_of(key));
    if (!at)
        return true;
    if (at->kind != YAML_MAP)
        return yaml_error(at, r->err, "\"%s\" must be a map of NAME: value", key);
    *out = ARENA_ARRAY(r->arena, struct named_template, at->count);
    *out_count = at->count;
    for (size_t i = 0; i < at->count; i++) {
        (*out)[i].name = at->keys[i].text;
        if (!template_parse(r, &at->items[i], &(*out)[i].value))
            return false;
    }
    return true;
}

/* RFC 9110: a token; without the rare marks, which are a mistake more often than a name. */
static bool is_header_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return s.len > 0;
}

static bool check_headers(const struct provider_reader *r, const struct yaml *request)
{
    const struct yaml *at = yaml_get(request, STR("headers"));
    for (size_t i = 0; at && i < at->count; i++) {
        struct str value = at->items[i].text;
        if (!is_header_name(at->keys[i].text))
            return yaml_error(&at->keys[i], r->err, "\"" STR_FMT "\" cannot be a header's name",
                              STR_ARG(at->keys[i].text));
        if (str_has(value, STR("\n")) || str_has(value, STR("\r")))
            return yaml_error(&at->items[i], r->err, "a header's value is one line");
    }
    return true;
}

/* Bodies. */

static bool is_number_name(struct str name)
{
    return str_eq(name, STR("page.offset")) || str_eq(name, STR("page.number")) ||
           str_eq(name, STR("page.size"));
}

/* Of what stands without quotes, what JSON would read as something else than a string. */
static bool is_bare(const struct yaml *at)
{
    struct err ignored = {0};
    if (at->quoted)
        return false;
    json_auto *doc = json_parse(at->text, &ignored);
    enum json_kind kind = doc ? json_kind_of(json_root(doc)) : JSON_NONE;
    return kind == JSON_NULL || kind == JSON_BOOL || kind == JSON_INT || kind == JSON_REAL;
}

static bool put_leaf(struct provider_reader *r, const struct yaml *at, struct json_out *out)
{
    struct template leaf = {0};
    if (!template_parse(r, at, &leaf))
        return false;
    bool is_number =
        leaf.count == 1 && leaf.parts[0].is_name && is_number_name(leaf.parts[0].text);
    if (is_number || is_bare(at))
        json_put_json(out, at->text);
    else
        json_put_str(out, at->text);
    return true;
}

/* The depth is bounded by the reader of the file. */
static bool put_node(struct provider_reader *r, const struct yaml *at, struct json_out *out)
{
    bool is_map = at->kind == YAML_MAP;
    if (at->kind == YAML_SCALAR)
        return put_leaf(r, at, out);
    json_open(out, is_map ? '{' : '[');
    for (size_t i = 0; i < at->count; i++) {
        if (is_map && str_has(at->keys[i].text, STR("${")))
            return yaml_error(&at->keys[i], r->err, "a key cannot hold ${names}");
        if (is_map)
            json_key(out, at->keys[i].text);
        if (!put_node(r, &at->items[i], out))
            return false;
    }
    json_close(out, is_map ? '}' : ']');
    return true;
}

static bool parse_json_body(struct provider_reader *r, const struct yaml *at,
                            struct request *request)
{
    buf_auto text;
    buf_init(&text, BODY_MAX_BYTES);
    struct json_out out = {.buf = &text};
    struct err fault = {0};
    if (!put_node(r, at, &out))
        return false;
    if (out.failed)
        return yaml_error(at, r->err, "the body is over 1 MiB");
    if (!template_compile(buf_str(&text), r->arena, &request->body, &fault))
        return yaml_error(at, r->err, "%s", fault.text);
    request->body_kind = BODY_JSON;
    request->body.is_json = true;
    return true;
}

static bool parse_body(struct provider_reader *r, const struct yaml *at, struct request *out)
{
    const struct yaml *body = yaml_get(at, STR("body"));
    if (!body)
        return true;
    if (!out->is_post)
        return yaml_error(body, r->err, "only a POST has a body: add \"method: POST\"");
    if (body->kind != YAML_SCALAR)
        return parse_json_body(r, body, out);
    out->body_kind = BODY_TEXT;
    return template_parse(r, body, &out->body);
}

/* Pages. */

static bool uses(const struct template *t, struct str name)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->parts[i].is_name && str_eq(t->parts[i].text, name))
            return true;
    return false;
}

static bool any_uses(const struct named_template *list, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (uses(&list[i].value, name))
            return true;
    return false;
}

/* A request that never says which page it wants would get the first one again and again. */
static bool check_pages(const struct provider_reader *r, const struct yaml *at,
                        const struct request *q)
{
    const struct str names[] = {[PAGES_NONE] = {0},
                                [PAGES_OFFSET] = STR("page.offset"),
                                [PAGES_NUMBER] = STR("page.number"),
                                [PAGES_CURSOR] = STR("page.cursor")};
    struct str name = names[r->stream->pages.by];
    return !name.len || uses(&q->url, name) || uses(&q->body, name) ||
           any_uses(q->query, q->query_count, name) ||
           any_uses(q->headers, q->header_count, name) ||
           yaml_error(at, r->err,
                      "the request never uses ${" STR_FMT "}, so all its pages are one",
                      STR_ARG(name));
}

bool request_parse(struct provider_reader *r, const struct yaml *stream, struct request *out)
{
    const struct str coming[] = {STR("auth"), STR("form"), STR("timeout"), STR("retry")};
    const struct str known[] = {STR("method"), STR("url"), STR("query"), STR("headers"),
                                STR("body")};
    const struct yaml *at = yaml_need(stream, "request", "a stream", r->err);
    return at && yaml_not_yet(at, coming, COUNT_OF(coming), r->err) &&
           yaml_only(at, "a request", known, COUNT_OF(known), r->err) &&
           parse_method(r, at, out) && parse_url(r, at, &out->url) &&
           parse_named(r, at, "query", &out->query, &out->query_count) &&
           parse_named(r, at, "headers", &out->headers, &out->header_count) &&
           check_headers(r, at) && parse_body(r, at, out) && check_pages(r, at, out);
}
