/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The names and numbers of machines, each in its one canonical spelling, so that providers
 * which write them differently mean the same host. Each function takes trimmed text without NUL
 * bytes and returns false when it is no such address; *out lives in the arena. Pure.
 */
#include "common/arena.h"

/* Lower case, without the last dot, at most 253 bytes; letters, digits, '-' and '_'. */
must_check bool address_hostname(struct str s, struct arena *arena, struct str *out);
/* RFC 5952. Brackets and a zone are dropped, an IPv4 address mapped into IPv6 becomes IPv4. */
must_check bool address_ip(struct str s, struct arena *arena, struct str *out);
/* 0a:1b:2c:3d:4e:5f, from twelve hex digits; ':', '-' or '.' may part the pairs, all alike. */
must_check bool address_mac(struct str s, struct arena *arena, struct str *out);
