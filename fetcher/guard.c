/* SPDX-License-Identifier: MIT */
#include "fetcher/guard.h"

#include "common/model.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* NULL when the URL has no such part; curl_free() it. */
static char *url_part(const char *url, CURLUPart part)
{
    char *text = NULL;
    CURLU *parsed = curl_url();
    if (parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK)
        (void)curl_url_get(parsed, part, &text, CURLU_DEFAULT_PORT);
    curl_url_cleanup(parsed);
    return text;
}

static void free_part(char **part)
{
    curl_free(*part);
}
#define part_auto __attribute__((cleanup(free_part))) char

static bool is_same_part(const char *a, const char *b, CURLUPart part)
{
    part_auto *of_a = url_part(a, part);
    part_auto *of_b = url_part(b, part);
    return of_a && of_b && strcasecmp(of_a, of_b) == 0;
}

bool guard_is_same_origin(const char *a, const char *b)
{
    return is_same_part(a, b, CURLUPART_SCHEME) && is_same_part(a, b, CURLUPART_HOST) &&
           is_same_part(a, b, CURLUPART_PORT);
}

static bool is_listed(struct str list, const char *name)
{
    size_t len = name ? strlen(name) : 0;
    while (list.len) {
        struct str item = str_trim(str_cut(&list, ','));
        if (item.len && item.len == len && strncasecmp(item.ptr, name, len) == 0)
            return true;
    }
    return false;
}

bool guard_allows(const char *url, struct str private_hosts, const char *address)
{
    static const struct never classes = {
        .loopback = true, .private_ = true, .link_local = true, .unspecified = true};
    if (!address_is_in(str_of(address), &classes) || is_listed(private_hosts, address))
        return true;
    part_auto *host = url_part(url, CURLUPART_HOST);
    return is_listed(private_hosts, host);
}

const char *guard_host(const char *url, char out[static GUARD_HOST_MAX])
{
    part_auto *host = url_part(url, CURLUPART_HOST);
    (void)snprintf(out, GUARD_HOST_MAX, "%.200s", host ? host : "an unknown host");
    return out;
}
