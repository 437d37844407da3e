/* SPDX-License-Identifier: MIT */
#pragma once
/* How the parts of a provider file are read; for the files that read them, and nobody else. */
#include "common/provider.h"

struct provider_reader {
    struct arena *arena;
    struct err *err;
    const struct providers *loaded; /* the models are there */
    struct provider *provider;
    bool allow_unset;
    const struct stream *stream; /* the one being read: what its templates may name */
};

/* The section `settings`, and the settings that every provider has; values are looked up. */
must_check bool settings_parse(struct provider_reader *r, const struct yaml *root);
const struct provider_setting *settings_find(const struct provider *p, struct str name);

must_check bool stream_parse(struct provider_reader *r, const struct yaml *key,
                             const struct yaml *at, struct stream *out);
/* The sections `pages` and `limits` of a stream. */
must_check bool pages_parse(struct provider_reader *r, const struct yaml *stream,
                            struct pages *out);
must_check bool limits_parse(struct provider_reader *r, const struct yaml *stream,
                             struct limits *out);
/* The section `request` of a stream whose pages and params are known. */
must_check bool request_parse(struct provider_reader *r, const struct yaml *stream,
                              struct request *out);

/* A scalar that is a selection; the complaint is about the place in the file. */
const struct select *select_parse(struct provider_reader *r, const struct yaml *at);
/* A scalar that is a template over the settings, and of a stream over its params and pages. */
must_check bool template_parse(struct provider_reader *r, const struct yaml *at,
                               struct template *out);
/* The text of a template over the settings, secrets masked; *out_known is false when one of them has no value. */
must_check bool template_expand(struct provider_reader *r, const struct yaml *at,
                                struct str *out, bool *out_known);
