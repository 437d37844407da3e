/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What becomes of a page, and of its records: the fence's rules put to one page of a batch.
 * Pure.
 */
#include "serializer/batch.h"

/* The mark that the page will get; its keys come later. */
struct mark judge_mark(const struct page *p);
/*
 * Fill verdict, may_skip and, of an identical page, the keys. `own` and `before` of the page
 * must be read. `link` is as stored, `line` its fence line.
 */
void judge_page(struct page *p, const struct link_state *link, const struct whole *line);
/*
 * Where a batch holds one page of a run twice, the first one's mark stands for what will be
 * stored when the second is judged.
 */
void judge_look_back(struct page *pages, size_t count, struct arena *arena);
/*
 * The first one's bytes are no page: the next one stands for it, to be judged anew. NULL when
 * there is none.
 */
struct page *judge_next_twin(const struct page *bad, struct page *pages, size_t count);
/*
 * Of a decoded page: each key once, versions and traces, and what the mark says of the records.
 * Rejects among them make the page one.
 */
void judge_records(struct page *p, struct arena *arena);
