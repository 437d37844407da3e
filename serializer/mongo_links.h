/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The part of the store that keeps links and marks: the functions of struct store of the same
 * names. `self` is a struct mongo_store.
 */
#include "serializer/mongo_store.h"

bool mongo_links_read(void *self, const struct str *ids, size_t count, struct arena *arena,
                      struct link_state *out, struct err *err);
bool mongo_link_raise(void *self, struct str stream, struct str link, struct str params,
                      int64_t gen, struct err *err);
bool mongo_link_write(void *self, const struct link_state *was, const struct link_state *is,
                      bool *out_written, struct err *err);
bool mongo_link_news(void *self, const struct link_news *news, struct err *err);

bool mongo_marks_read(void *self, struct mark *in_out, size_t count, struct arena *arena,
                      struct err *err);
bool mongo_marks_write(void *self, const struct mark *marks, size_t count, struct err *err);
bool mongo_run_is_marked(void *self, struct str link, int64_t run, bool *out_yes,
                         struct err *err);
bool mongo_run_marks(void *self, struct str link, int64_t run, struct arena *arena,
                     struct mark **out, size_t *out_count, struct err *err);
bool mongo_marks_drop(void *self, struct str link, int64_t run, struct err *err);
