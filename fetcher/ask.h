/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What to ask: one page of one link as an HTTP request, and the same URL as it may be kept, with ${name} in the place of
 * each secret. Pure.
 */
#include "common/envelope.h"
#include "fetcher/http.h"
#include "fetcher/pages.h"

/*
 * Everything lives in the arena. ERR_REJECT when no request can be made of it (a name without a value, a line break in a
 * header, plain http where it is not allowed).
 */
must_check bool ask_make(const struct stream *s, const struct task *task,
                         const struct position *at, struct arena *arena,
                         struct http_request *out, struct str *out_kept_url, struct err *err);
