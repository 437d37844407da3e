/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * How several sources of one entity become one value for each field, by the model's merge
 * rules. A function of the set of sources alone.
 *
 *   newest  the source that is newest by its own clock (as_of), then the smaller source
 *           (source_cmp)
 *   first   the first provider of the rule's list that has a value; those not listed come last;
 *           then newest
 *   union   all items, each once; where the rule names members that tell items apart, the
 *           newest source's item stands for the rest
 *   min max the smallest or greatest value
 *
 * Under newest and first, a value that never identifies loses to any other.
 */
#include "serializer/entity.h"

/* Where a merged value came from, when it is not the index of one source. */
enum { FROM_NONE = -1, FROM_SEVERAL = -2 };

/*
 * The sources are alive and have fields. Both outputs have one element for each field of the
 * model; from[] holds indexes or FROM_….
 */
void merge_fields(const struct model *m, struct source *const *sources, size_t count,
                  struct arena *arena, struct value *out_fields, int32_t *out_from);
