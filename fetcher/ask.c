/* SPDX-License-Identifier: MIT */
#include "fetcher/ask.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX_BYTES = 64 * 1024 };

/* Where the templates' names get their values. */
struct names {
    const struct stream *stream;
    const struct position *at;
    struct str cursor; /* as the provider gave it, or masked, when the text is to be kept */
    struct json params;
    bool
        in_path; /* what came from outside is percent-encoded: it must not add a path or a query */
    struct arena *arena;
};

static bool is_plain(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* Percent-encoding (RFC 3986, 2.3). Of a text to be kept, ${name} stays readable. */
static struct str encode(struct str text, bool is_kept, struct arena *arena)
{
    char *out = arena_take(arena, text.len * 3 + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        struct str rest = {text.ptr + i, text.len - i};
        const char *end =
            is_kept && str_has_prefix(rest, STR("${")) ? memchr(rest.ptr, '}', rest.len) : NULL;
        if (end) {
            size_t name = (size_t)(end - rest.ptr) + 1;
            memcpy(out + len, rest.ptr, name);
            len += name;
            i += name - 1;
        } else if (is_plain(text.ptr[i])) {
            out[len++] = text.ptr[i];
        } else {
            unsigned char c = (unsigned char)text.ptr[i];
            out[len++] = '%';
            out[len++] = "0123456789ABCDEF"[c >> 4];
            out[len++] = "0123456789ABCDEF"[c & 15];
        }
    }
    return (struct str){out, len};
}

static struct str number(const struct names *n, int64_t value)
{
    return arena_format(n->arena, "%lld", (long long)value);
}

static struct str from_outside(const struct names *n, struct str value)
{
    return n->in_path ? encode(value, false, n->arena) : value;
}

static bool find_page(const struct names *n, struct str name, struct str *out)
{
    const struct pages *p = &n->stream->pages;
    if (str_eq(name, STR("page.offset")))
        *out = number(n, pages_offset(p, n->at->page));
    else if (str_eq(name, STR("page.number")))
        *out = number(n, pages_number(p, n->at->page));
    else if (str_eq(name, STR("page.size")))
        *out = number(n, p->size);
    else if (str_eq(name, STR("page.cursor")))
        *out = from_outside(n, n->cursor);
    else
        return false;
    return true;
}

static bool find_param(const struct names *n, struct str name, struct str *out)
{
    struct str rest = name;
    if (!str_eq(str_cut(&rest, '.'), STR("params")))
        return false;
    struct json param = json_member(n->params, rest);
    enum json_kind kind = json_kind_of(param);
    if (kind == JSON_NONE || kind == JSON_NULL)
        return false;
    *out = from_outside(n, kind == JSON_TEXT ? json_str(param)
                                             : json_text(param, URL_MAX_BYTES, n->arena));
    return true;
}

static const struct provider_setting *find_setting(const struct provider *p, struct str name)
{
    for (size_t i = 0; i < p->setting_count; i++)
        if (p->settings[i].has_value && str_eq(p->settings[i].name, name))
            return &p->settings[i];
    return NULL;
}

static bool find_name(const void *context, struct str name, struct str *out_value,
                      bool *out_secret)
{
    const struct names *n = context;
    *out_secret = false;
    if (find_page(n, name, out_value) || find_param(n, name, out_value))
        return true;
    const struct provider_setting *setting = find_setting(n->stream->provider, name);
    if (!setting)
        return false;
    *out_value = setting->value;
    *out_secret = setting->is_secret;
    return true;
}

static bool find_secret(const void *context, struct str name, struct str *out_value,
                        bool *out_secret)
{
    const struct provider_setting *setting = find_setting(context, name);
    if (!setting || !setting->is_secret)
        return false;
    *out_value = setting->value;
    *out_secret = true;
    return true;
}

/* A cursor travels masked; a provider may put any text into it, so what is no name of ours stays as it is. */
static struct str unmask(const struct provider *p, struct str cursor, struct arena *arena)
{
    struct template text;
    struct err ignored = {0};
    struct str plain;
    if (!str_has(cursor, STR("${")) || !template_compile(cursor, arena, &text, &ignored) ||
        !template_render(&text, find_secret, p, false, arena, &plain, &ignored))
        return cursor;
    return plain;
}

/* The URL with its query; with `kept`, secrets stay as ${name}. */
static bool make_url(struct names *n, bool kept, struct str *out, struct err *err)
{
    const struct request *r = &n->stream->request;
    struct str base;
    buf_auto url;
    buf_init(&url, URL_MAX_BYTES);
    n->in_path = true;
    n->cursor = kept ? n->at->cursor : unmask(n->stream->provider, n->at->cursor, n->arena);
    if (!template_render(&r->url, find_name, n, kept, n->arena, &base, err))
        return err_wrap(err, "url");
    n->in_path = false;
    bool fits = buf_add(&url, base);
    for (size_t i = 0; i < r->query_count && fits; i++) {
        struct str value, name = encode(r->query[i].name, kept, n->arena);
        if (!template_render(&r->query[i].value, find_name, n, kept, n->arena, &value, err))
            return err_wrap(err, "query " STR_FMT, STR_ARG(r->query[i].name));
        value = encode(value, kept, n->arena);
        fits = buf_addf(&url, "%c" STR_FMT "=", str_has(buf_str(&url), STR("?")) ? '&' : '?',
                        STR_ARG(name)) &&
               buf_add(&url, value);
    }
    *out = fits ? arena_copy(n->arena, buf_str(&url)) : (struct str){0};
    return fits || err_set(err, ERR_REJECT, "the URL is over %d bytes", URL_MAX_BYTES);
}

static bool has_line_break(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '\r' || s.ptr[i] == '\n' || s.ptr[i] == '\0')
            return true;
    return false;
}

/* "Name:" takes a header of curl's away, "Name;" sends an empty one. */
static bool make_headers(struct names *n, const char *const **out, struct err *err)
{
    const struct request *r = &n->stream->request;
    const char **lines = ARENA_ARRAY(n->arena, const char *, r->header_count + 2);
    size_t count = 0;
    bool has_type = false;
    for (size_t i = 0; i < r->header_count; i++) {
        struct str name = r->headers[i].name, value;
        if (!template_render(&r->headers[i].value, find_name, n, false, n->arena, &value, err))
            return err_wrap(err, "header " STR_FMT, STR_ARG(name));
        if (has_line_break(name) || has_line_break(value))
            return err_set(err, ERR_REJECT, "header " STR_FMT ": its value has a line break",
                           STR_ARG(name));
        has_type |= name.len == 12 && strncasecmp(name.ptr, "content-type", 12) == 0;
        struct str line = value.len ? arena_format(n->arena, STR_FMT ": " STR_FMT,
                                                   STR_ARG(name), STR_ARG(value))
                                    : arena_format(n->arena, STR_FMT ";", STR_ARG(name));
        lines[count++] = line.ptr;
    }
    if (r->is_post && !has_type && r->body_kind != BODY_TEXT)
        lines[count++] =
            r->body_kind == BODY_JSON ? "Content-Type: application/json" : "Content-Type:";
    *out = lines;
    return true;
}

static bool make_body(struct names *n, struct str *out, struct err *err)
{
    const struct request *r = &n->stream->request;
    if (r->body_kind == BODY_NONE)
        return true;
    return template_render(&r->body, find_name, n, false, n->arena, out, err) ||
           err_wrap(err, "body");
}

static bool check_scheme(const struct provider *p, struct str kept_url, struct err *err)
{
    if (str_has_prefix(kept_url, STR("https://")) ||
        (p->plain_http && str_has_prefix(kept_url, STR("http://"))))
        return true;
    return err_set(err, ERR_REJECT, STR_FMT ": only https:// is asked%s", STR_ARG(kept_url),
                   p->plain_http ? " and http://"
                                 : "; the provider's setting plain_http allows http://");
}

bool ask_make(const struct stream *s, const struct task *task, const struct position *at,
              struct arena *arena, struct http_request *out, struct str *out_kept_url,
              struct err *err)
{
    struct names n = {.stream = s, .at = at, .arena = arena};
    struct http_request request = {.is_post = s->request.is_post,
                                   .plain_http = s->provider->plain_http,
                                   .private_hosts = s->provider->private_hosts};
    struct str url, kept;
    json_auto *params = json_parse(task->params, err);
    if (!params)
        return err_wrap(err, "params");
    n.params = json_root(params);
    if (!make_url(&n, true, &kept, err) || !make_url(&n, false, &url, err) ||
        !make_headers(&n, &request.headers, err) || !make_body(&n, &request.body, err))
        return false;
    kept = provider_mask(s->provider, kept, arena);
    if (!check_scheme(s->provider, kept, err))
        return false;
    request.url = url.ptr;
    *out_kept_url = kept;
    *out = request;
    return true;
}
