/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Paging: what the next request asks for, and whether the listing has ended. Knows nothing of HTTP or Kafka. Pure.
 */
#include "common/provider.h"

/* Where a listing stands: before the page with this index. */
struct position {
    int64_t page;
    int64_t seen;      /* records on the pages before it */
    struct str cursor; /* of that page; empty = the first, or not paged by cursor */
};

/* What a body says that paging needs. */
struct page_facts {
    int64_t records;
    int64_t total;     /* of the whole listing; -1 = the stream does not say */
    struct str cursor; /* of the next page; empty = there is none */
};

/* ${page.offset} and ${page.number} of the page with this index. */
int64_t pages_offset(const struct pages *p, int64_t page);
int64_t pages_number(const struct pages *p, int64_t page);
/* Does paging have to look into a body? Otherwise it is never parsed here. */
bool pages_need_body(const struct pages *p);
/* Is this answer, whatever its status means otherwise, the end of the listing? */
bool pages_is_end(const struct pages *p, int status, struct str body);
/* Read the facts. ERR_REJECT when the body is no JSON or has another shape. Texts live in the arena. */
must_check bool pages_read(const struct stream *s, struct str body, struct arena *arena,
                           struct page_facts *out, struct err *err);
/*
 * After the page at *at: is it the last one, and if not, where does the listing go on? `facts` is NULL when the body was
 * not needed. ERR_REJECT when the listing runs in a circle or has more pages than it may.
 */
must_check bool pages_next(const struct pages *p, const struct page_facts *facts,
                           const struct position *at, struct position *out_next,
                           bool *out_final, struct err *err);
