/* SPDX-License-Identifier: MIT */
#include "common/group.h"

struct str group_of_fetchers(struct str topics, struct arena *arena)
{
    return arena_format(arena, STR_FMT "-fetchers", STR_ARG(topics));
}

struct str group_of_serializers(struct str topics, struct str database, struct arena *arena)
{
    if (str_eq(topics, database))
        return arena_format(arena, STR_FMT "-serializers", STR_ARG(topics));
    return arena_format(arena, STR_FMT "-serializers-" STR_FMT, STR_ARG(topics),
                        STR_ARG(database));
}
