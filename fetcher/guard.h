/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Whom a transfer may talk to: which addresses, and whether a redirect stays where it was. Reads URLs with libcurl's own parser, so
 * that there are no two opinions about what a URL means. Pure.
 */
#include "common/str.h"

enum { GUARD_HOST_MAX = 256 };

/* Same scheme, host and port. */
bool guard_is_same_origin(const char *url_a, const char *url_b);
/* May a request for this URL connect to this address? Private ones only when it, or the URL's host, is listed (with commas). */
bool guard_allows(const char *url, struct str private_hosts, const char *address);
/* The host of a URL, into out, for people; "an unknown host" when it has none. */
const char *guard_host(const char *url, char out[static GUARD_HOST_MAX]);
