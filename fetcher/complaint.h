/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What an operator reads in `muster status` when a link fails: what was asked, what came, and what to do about it. No
 * secret stands in it. Pure; texts live in the arena.
 */
#include "common/provider.h"

/* "POST https://…: 401 Unauthorized: the token was refused; check MUSTER_QUALYS_TOKEN: {"error":…" */
struct str complaint_status(const struct stream *s, struct str kept_url, int status,
                            struct str body, struct arena *arena);
/* "POST https://…: Connection refused" */
struct str complaint_text(const struct stream *s, struct str kept_url, struct str what,
                          struct arena *arena);
