/* SPDX-License-Identifier: MIT */
#include "common/places.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef MUSTER_TO_SHARE
#define MUSTER_TO_SHARE "../share/muster" /* from the folder of the installed programs */
#endif
#ifndef MUSTER_ETC
#define MUSTER_ETC "/etc/muster"
#endif

struct str places_share_of(struct str folder, struct arena *arena)
{
    char real[PATH_MAX];
    struct str share = arena_format(arena, STR_FMT "/" MUSTER_TO_SHARE, STR_ARG(folder));
    struct str schemas = arena_format(arena, STR_FMT "/schemas", STR_ARG(share));
    if (access(schemas.ptr, F_OK) != 0 || !realpath(share.ptr, real))
        return STR(".");
    return arena_copy(arena, str_of(real));
}

struct str places_share(struct arena *arena)
{
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program);
    const char *slash = len > 0 ? memrchr(program, '/', (size_t)len) : NULL;
    if (!slash)
        return STR(".");
    return places_share_of((struct str){program, (size_t)(slash - program)}, arena);
}

struct str places_config(struct arena *arena)
{
    static const char file[] = MUSTER_ETC "/muster.yaml";
    bool is_installed = !str_eq(places_share(arena), STR("."));
    return is_installed && access(file, F_OK) == 0 ? str_of(file) : (struct str){0};
}
