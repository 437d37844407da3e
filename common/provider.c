/* SPDX-License-Identifier: MIT */
#include "common/provider_read.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* One file. */

static bool parse_streams(struct provider_reader *r, const struct yaml *root)
{
    struct provider *p = r->provider;
    const struct yaml *at = yaml_need(root, "streams", "a provider file", r->err);
    if (!at)
        return false;
    if (at->kind != YAML_MAP || at->count == 0)
        return yaml_error(at, r->err, "\"streams\" must be a map of NAME: {model: …}");
    p->streams = ARENA_ARRAY(r->arena, struct stream, at->count);
    for (size_t i = 0; i < at->count; i++)
        if (!stream_parse(r, &at->keys[i], &at->items[i], &p->streams[i]))
            return false;
    p->stream_count = at->count;
    return true;
}

static bool parse_provider(struct provider_reader *r, const struct yaml *root, struct str stem)
{
    const struct str coming[] = {STR("auth"),   STR("accounts"), STR("retry"),
                                 STR("limits"), STR("errors"),   STR("request")};
    const struct str known[] = {STR("provider"), STR("about"), STR("settings"), STR("streams")};
    const struct yaml *name = NULL;
    if (!yaml_not_yet(root, coming, COUNT_OF(coming), r->err) ||
        !yaml_only(root, "a provider file", known, COUNT_OF(known), r->err) ||
        !(name = yaml_need(root, "provider", "a provider file", r->err)) ||
        !yaml_word(name, "a provider", r->err))
        return false;
    if (!str_eq(name->text, stem))
        return yaml_error(name, r->err,
                          "the file of provider \"" STR_FMT "\" must be called " STR_FMT
                          ".yaml",
                          STR_ARG(name->text), STR_ARG(name->text));
    r->provider->name = name->text;
    r->provider->file = root->file;
    return yaml_text(root, "about", &r->provider->about, r->err) && settings_parse(r, root) &&
           parse_streams(r, root);
}

/* Folders. */

struct folder {
    const char *path;
    struct str *stems; /* of its *.yaml files, in order */
    size_t count;
};

static struct str stem_of(const char *name)
{
    struct str s = str_of(name), suffix = STR(".yaml");
    if (s.len <= suffix.len || s.ptr[0] == '.' ||
        !str_eq((struct str){s.ptr + s.len - suffix.len, suffix.len}, suffix))
        return (struct str){0};
    return (struct str){s.ptr, s.len - suffix.len};
}

static int stem_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void close_folder(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}

static bool read_folder(const char *dir, const char *name, struct arena *arena,
                        struct folder *out, struct err *err)
{
    out->path = arena_format(arena, "%s/%s", dir, name).ptr;
    __attribute__((cleanup(close_folder))) DIR *d = opendir(out->path);
    if (!d)
        return err_stop(err, EX_NOINPUT, "%s: %s", out->path, strerror(errno));
    out->stems = ARENA_ARRAY(arena, struct str, PROVIDER_MAX_FILES);
    for (const struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
        struct str stem = stem_of(entry->d_name);
        if (!stem.len)
            continue;
        if (out->count == PROVIDER_MAX_FILES)
            return err_stop(err, EX_CONFIG, "%s: more than %d files", out->path,
                            PROVIDER_MAX_FILES);
        out->stems[out->count++] = arena_copy(arena, stem);
    }
    qsort(out->stems, out->count, sizeof *out->stems, stem_order);
    return true;
}

static const char *file_of(const struct folder *f, size_t i, struct arena *arena)
{
    return arena_format(arena, "%s/" STR_FMT ".yaml", f->path, STR_ARG(f->stems[i])).ptr;
}

static bool load_models(const char *dir, struct arena *arena, struct providers *out,
                        struct err *err)
{
    struct folder folder = {0};
    if (!read_folder(dir, "models", arena, &folder, err))
        return false;
    out->models = ARENA_ARRAY(arena, struct model *, folder.count);
    for (size_t i = 0; i < folder.count; i++) {
        const char *file = file_of(&folder, i, arena);
        struct model *m = model_load(file, arena, err);
        if (!m)
            return false;
        if (!str_eq(m->name, folder.stems[i]))
            return err_stop(err, EX_CONFIG,
                            "%s: the file of model \"" STR_FMT "\" must be called " STR_FMT
                            ".yaml",
                            file, STR_ARG(m->name), STR_ARG(m->name));
        out->models[out->model_count++] = m;
    }
    return true;
}

static bool no_provider(const struct folder *f, struct str name, struct err *err)
{
    struct str nearest = str_nearest(name, f->stems, f->count);
    return err_stop(err, EX_CONFIG, "%s: there is no provider \"" STR_FMT "\"%s" STR_FMT "%s",
                    f->path, STR_ARG(name), nearest.len ? "; did you mean \"" : "",
                    STR_ARG(nearest), nearest.len ? "\"?" : "");
}

/* Leaves the files of the providers that are named. */
static bool keep_only(struct folder *f, struct str only, struct arena *arena, struct err *err)
{
    struct str *kept = ARENA_ARRAY(arena, struct str, f->count);
    size_t count = 0;
    while (only.len) {
        struct str name = str_trim(str_cut(&only, ','));
        if (!name.len || yaml_is_among(name, kept, count))
            continue;
        if (!yaml_is_among(name, f->stems, f->count))
            return no_provider(f, name, err);
        kept[count++] = name;
    }
    qsort(kept, count, sizeof *kept, stem_order);
    f->stems = kept;
    f->count = count;
    return true;
}

static bool load_providers(const struct folder *folder, bool allow_unset, struct arena *arena,
                           struct providers *out, struct err *err)
{
    struct provider_reader r = {
        .arena = arena, .err = err, .loaded = out, .allow_unset = allow_unset};
    out->list = ARENA_ARRAY(arena, struct provider *, folder->count);
    for (size_t i = 0; i < folder->count; i++) {
        struct yaml root;
        r.provider = ARENA_NEW(arena, struct provider);
        if (!yaml_load(file_of(folder, i, arena), arena, &root, err) ||
            !parse_provider(&r, &root, folder->stems[i]))
            return false;
        out->list[out->count++] = r.provider;
    }
    return true;
}

bool providers_load(const char *dir, struct str only, bool allow_unset, struct arena *arena,
                    struct providers *out, struct err *err)
{
    struct providers loaded = {0};
    struct folder folder = {0};
    if (!load_models(dir, arena, &loaded, err) ||
        !read_folder(dir, "providers", arena, &folder, err) ||
        (str_trim(only).len && !keep_only(&folder, only, arena, err)) ||
        !load_providers(&folder, allow_unset, arena, &loaded, err))
        return false;
    *out = loaded;
    return true;
}

const struct stream *providers_stream(const struct providers *p, struct str name)
{
    for (size_t i = 0; i < p->count; i++)
        for (size_t j = 0; j < p->list[i]->stream_count; j++)
            if (str_eq(p->list[i]->streams[j].name, name))
                return &p->list[i]->streams[j];
    return NULL;
}

const struct model *providers_model(const struct providers *p, struct str name)
{
    for (size_t i = 0; i < p->model_count; i++)
        if (str_eq(p->models[i]->name, name))
            return p->models[i];
    return NULL;
}
