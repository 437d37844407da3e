/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The part of the store that keeps issues: fields of records that would not take their type,
 * and sources that are crowded out of their entity. `self` is a struct mongo_store.
 */
#include "serializer/mongo_store.h"

/*
 * As struct store: only of records that were written; an identical one has the issues that it
 * had.
 */
bool mongo_issues_write(void *self, const struct stream *stream, struct str link,
                        const struct decoded *decoded, struct err *err);
/*
 * After a change is written: note who stands alone now, and forget those who did and no longer
 * do.
 */
bool mongo_issues_of_crowd(void *self, const struct change *change, struct err *err);
