/* SPDX-License-Identifier: MIT */
#include "common/files.h"

#include "common/log.h"

#include <stdlib.h>

struct files *files_load(const struct common_settings *s, bool allow_unset, struct err *err)
{
    struct files *f = calloc(1, sizeof *f);
    if (!f)
        abort();
    if (providers_load(arena_text(&f->arena, s->schemas), s->providers, allow_unset, &f->arena,
                       &f->providers, err))
        return f;
    files_free(f);
    return NULL;
}

void files_free(struct files *f)
{
    while (f) {
        struct files *older = f->older;
        arena_done(&f->arena);
        free(f);
        f = older;
    }
}

void files_tell(const struct files *f, struct serve *serve)
{
    size_t streams = 0;
    for (size_t i = 0; i < f->providers.count; i++)
        streams += f->providers.list[i]->stream_count;
    serve_ok(serve, CHECK_FILES);
    LOG_INFO("reloaded", LOG_INT("providers", (int64_t)f->providers.count),
             LOG_INT("streams", (int64_t)streams));
}

void files_tell_failure(struct serve *serve, struct err *err)
{
    (void)err_wrap(err, "the files before go on to count");
    serve_warns(serve, CHECK_FILES, str_of(err->text));
    LOG_ERROR("not_reloaded", LOG_TEXT("error", err->text));
    err_clear(err);
}
