/* SPDX-License-Identifier: MIT */
#include "tests/unit/cases.h"

#include "common/group.h"

static void each_database_has_serializers_of_its_own(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct str own = group_of_serializers(STR("m"), STR("m"), &arena),
               other = group_of_serializers(STR("m"), STR("again"), &arena),
               fetchers = group_of_fetchers(STR("m"), &arena);
    assert_text(own.ptr, own.len, "m-serializers");
    assert_text(other.ptr, other.len, "m-serializers-again");
    assert_text(fetchers.ptr, fetchers.len, "m-fetchers");
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD_ONE(&all, each_database_has_serializers_of_its_own);
    return cases_run("group", &all);
}
