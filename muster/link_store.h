/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Links as the command line writes them: made, found again in the files or gone from them, made due. What a claim and a page
 * change of a link is written by the stages. Each call is one command; blocks as mongo.h says.
 */
#include "common/link.h"
#include "common/mongo.h"

struct new_link {
    struct str id, stream;
    const struct link_param *params;
    size_t param_count;
    int64_t every_ms;
};

enum link_put { LINK_KEPT, LINK_CHANGED, LINK_ADDED };

/* Make the link, stale since 1970 and so due at once; one that is there gets the interval and is no longer gone. */
must_check bool link_put(struct mongo *mongo, const struct new_link *link, enum link_put *out,
                         struct err *err);

/* {$set: {field: value}} on all links that match; *out_count says how many changed. */
must_check bool links_set_gone(struct mongo *mongo, const bson_t *filter, bool gone,
                               int64_t *out_count, struct err *err);
must_check bool links_make_due(struct mongo *mongo, const bson_t *filter, int64_t *out_count,
                               struct err *err);
