/* SPDX-License-Identifier: MIT */
#include "fetcher/complaint.h"

#include <ctype.h>

enum { EXCERPT_BYTES = 200, LOOKED_AT_BYTES = 4096 };

struct reason {
    int status;
    const char *phrase;
};

static const char *phrase_of(int status)
{
    static const struct reason reasons[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {0, NULL},
    };
    const struct reason *r = reasons;
    while (r->phrase && r->status != status)
        r++;
    return r->phrase ? r->phrase : status >= 500 ? "server error" : "an answer that is none";
}

/* The environment variables of the provider's secrets: ", MUSTER_QUALYS_TOKEN". */
static struct str secret_variables(const struct provider *p, struct arena *arena)
{
    struct str list = {0};
    for (size_t i = 0; i < p->setting_count; i++)
        if (p->settings[i].is_secret)
            list = arena_format(arena, STR_FMT "%sMUSTER_" STR_FMT "_" STR_FMT, STR_ARG(list),
                                list.len ? ", " : "", STR_ARG(p->name),
                                STR_ARG(p->settings[i].name));
    char *text = arena_text(arena, list);
    for (size_t i = 0; i < list.len; i++)
        text[i] = text[i] == '-' ? '_' : (char)toupper((unsigned char)text[i]);
    return (struct str){text, list.len};
}

static struct str hint_of(const struct stream *s, int status, struct arena *arena)
{
    struct str secrets = secret_variables(s->provider, arena);
    if (status == 401 && secrets.len)
        return arena_format(arena, ": the token was refused; check " STR_FMT, STR_ARG(secrets));
    if (status == 403 && secrets.len)
        return arena_format(
            arena, ": access was refused; check " STR_FMT " and what its account may see",
            STR_ARG(secrets));
    if (status == 404)
        return arena_format(arena, ": check the url in %s", s->provider->file);
    return (struct str){0};
}

/* The beginning of a body as one line of text. */
static struct str excerpt(const struct provider *p, struct str body, struct arena *arena)
{
    /* Masked before it is cut, as half a secret would not be found. */
    struct str head = {body.ptr, body.len < LOOKED_AT_BYTES ? body.len : LOOKED_AT_BYTES};
    struct str masked = str_trim(provider_mask(p, head, arena));
    char *text = arena_text(arena, masked);
    size_t len = masked.len < EXCERPT_BYTES ? masked.len : EXCERPT_BYTES;
    while (len && len < masked.len && ((unsigned char)text[len] & 0xC0) == 0x80)
        len--; /* not in the middle of a character */
    bool is_utf8 = str_is_utf8((struct str){text, len});
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < ' ' || c == 0x7f)
            text[i] = ' ';
        else if (c >= 0x80 && !is_utf8)
            text[i] = '?';
    }
    return (struct str){text, len};
}

struct str complaint_text(const struct stream *s, struct str kept_url, struct str what,
                          struct arena *arena)
{
    struct str text =
        arena_format(arena, "%s " STR_FMT ": " STR_FMT, s->request.is_post ? "POST" : "GET",
                     STR_ARG(kept_url), STR_ARG(what));
    return provider_mask(s->provider, text, arena);
}

struct str complaint_status(const struct stream *s, struct str kept_url, int status,
                            struct str body, struct arena *arena)
{
    struct str said = excerpt(s->provider, body, arena);
    struct str hint = hint_of(s, status, arena);
    struct str what =
        arena_format(arena, "%d %s" STR_FMT "%s" STR_FMT, status, phrase_of(status),
                     STR_ARG(hint), said.len ? ": " : "", STR_ARG(said));
    return complaint_text(s, kept_url, what, arena);
}
