/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * From a page's body to records: parse, find the records, and give each field of the model its
 * value. A fault in a field is an issue, a fault in a record (no object of the page, no key) is
 * counted and described, a page that cannot be read is ERR_REJECT. Records live in the arena
 * and outlive the body; links and coords are views of what was given. Pure.
 */
#include "common/envelope.h"
#include "common/provider.h"
#include "serializer/entity.h"

struct issue {
    const struct field *field; /* NULL: of as_of */
    struct str key;            /* of the record */
    struct str text;           /* why, for a person: `"lots" is no int` */
};

struct decoded {
    struct source *records; /* versions from the head, ordinals from the place; hashed */
    size_t count;
    struct issue *issues; /* the first ISSUES_MAX: a wrong mapping makes one in each record */
    size_t issue_count, issues_left_out;
    size_t rejects;          /* records that are no objects or have no usable key */
    struct str first_reject; /* "record 3: no key at ._id"; people count from 1 */
};

enum { KEY_MAX_BYTES = 512, ISSUES_MAX = 1000 };

/*
 * A record whose key is text, a number or a boolean is taken (numbers as JSON spells them). A
 * key that comes twice is two records: their ordinals tell which is later. A body that is empty
 * or blank has no records. When more than half of the records of a page are rejects, the page
 * is (ERR_REJECT).
 */
must_check bool map_page(const struct stream *stream, const struct page_head *head,
                         struct str body, struct coords coords, struct arena *arena,
                         struct decoded *out, struct err *err);
