/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The end of runs: is a run whole now, what did it not list, and what does the link hear of it.
 * A part of a batch, after its marks are written; one step is at most one call of the store,
 * and can be repeated. Whatever is left undone by a crash is found undone by the next batch
 * that touches the link.
 */
#include "common/provider.h"
#include "serializer/store.h"

struct runs;

struct runs *runs_new(const struct store *store, struct arena *arena);
/*
 * Look after this link, and after this run of it (0: only the link), for the page of this trace.
 * Repetitions are ignored.
 */
void runs_add(struct runs *r, const struct stream *stream, struct str link, int64_t run,
              struct str trace);
bool runs_is_done(const struct runs *r);
must_check bool runs_step(struct runs *r, struct err *err);

int64_t runs_gone_count(const struct runs *r);
int64_t runs_whole_count(const struct runs *r);
int64_t runs_doubtful_count(const struct runs *r);

/*
 * The keys that the line's run listed. ERR_RETRY when its marks are no longer all there: the
 * link has moved on.
 */
must_check bool runs_listed(const struct store *store, struct str link,
                            const struct whole *line, struct arena *arena, struct key_set *out,
                            struct err *err);
