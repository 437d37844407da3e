/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A provider file, read: settings, and for each stream how to ask, how to page, how fast, and
 * which value goes to which field of its model. Loading compiles every template and selection,
 * so that whatever can be wrong with a file is said at once, with file, line and column.
 * Immutable once loaded; lives in the arena it was loaded into.
 */
#include "common/model.h"
#include "common/select.h"
#include "common/template.h"

enum { PROVIDER_MAX_FILES = 256 };

struct provider_setting {
    struct str name, about;
    bool is_secret;
    bool has_value;
    struct str value; /* resolved: environment, file, default */
};

/* name -> template, of a query, of headers or of params. */
struct named_template {
    struct str name;
    struct template value;
};

enum body_kind { BODY_NONE, BODY_TEXT, BODY_JSON };

struct request {
    bool is_post;
    struct template url;
    struct named_template *query;
    size_t query_count;
    struct named_template *headers;
    size_t header_count;
    enum body_kind body_kind;
    /*
     * BODY_JSON: the JSON text, compact. Names stand in strings, escaped, but a leaf that is
     * only ${page.offset}, ${page.number} or ${page.size} becomes a number.
     */
    struct template body;
};

enum pages_by { PAGES_NONE, PAGES_OFFSET, PAGES_NUMBER, PAGES_CURSOR };

/*
 * Where a listing ends. All that are set are tried; at least one is, unless by is PAGES_NONE.
 */
struct end_when {
    bool no_records;            /* the page has none */
    bool short_page;            /* it has fewer than size */
    const struct select *total; /* this many records have been seen: a number in the body */
    int status;                 /* an answer with this status, 0 = not used … */
    struct str body_has;        /* … whose body holds this text */
    /* PAGES_CURSOR ends by itself where the cursor is missing, null or empty. */
};

struct pages {
    enum pages_by by;
    bool has_size; /* the file says one, so that ${page.size} is a name */
    int64_t size;  /* records asked for; 0 = not said, or its setting has no value */
    int64_t first; /* the first page's number, for PAGES_NUMBER; default 1 */
    const struct select *cursor; /* PAGES_CURSOR: where the next one stands in the body */
    struct end_when end_when;
    int64_t max_pages; /* more than this is an error of the link; default 100,000 */
};

struct limits {
    double per_second; /* requests; 0 = no limit, or its setting has no value */
    int in_flight;     /* transfers at once; default 1 */
};

struct field_map {
    size_t field; /* index in the model */
    const struct select *select;
    unsigned line;
};

struct stream {
    struct str name; /* "qualys/hosts" */
    const struct provider *provider;
    const struct model *model;
    int64_t every_ms;
    struct request request;
    struct pages pages;
    struct limits limits;
    const struct select *records;
    const struct select *key;
    const struct select *as_of; /* or NULL */
    struct field_map *fields;
    size_t field_count;
    bool incremental; /* lists only what changed; no file can say so yet */
    struct named_template *
        params; /* the stream's one link's parameters: fixed text without names; usually none */
    size_t param_count;
    uint8_t digest
        [32]; /* SHA-256 of the stream's section and its model file: a change is a new map */
    /* SHA-256 of what makes sources of a page: selections, and the model's shape. Sources of maps with one shape are alike. */
    uint8_t shape[32];
    unsigned line;
};

struct provider {
    struct str name, about;
    const char *file;
    struct provider_setting *settings;
    size_t setting_count;
    bool plain_http; /* built-in setting `plain_http`: http:// is allowed */
    struct str
        private_hosts; /* built-in setting `private_hosts`: comma-separated names or addresses that may be private */
    struct stream *streams;
    size_t stream_count;
};

struct providers {
    struct provider **list;
    size_t count;
    struct model **models;
    size_t model_count;
};

/*
 * Load DIR/models/ *.yaml and DIR/providers/ *.yaml. With `only` (comma-separated names; empty
 * = all) the others are not read. Settings get their values; a setting without one is an error
 * (78) that names the variable to set, unless `allow_unset` (for `muster check` and the
 * serializer, which needs none).
 */
must_check bool providers_load(const char *dir, struct str only, bool allow_unset,
                               struct arena *arena, struct providers *out, struct err *err);
/* NULL when there is none. */
const struct stream *providers_stream(const struct providers *p, struct str name);
const struct model *providers_model(const struct providers *p, struct str name);
/*
 * Does a list that is asked for this way shift when an item vanishes (offset and page number)?
 */
bool pages_shift(const struct pages *p);
/*
 * Put ${name} in the place of every secret value of the provider that stands in text, as it is
 * or percent-encoded. Of two that begin at one place the longer goes.
 */
struct str provider_mask(const struct provider *p, struct str text, struct arena *arena);
