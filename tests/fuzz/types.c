/* SPDX-License-Identifier: MIT */
/* Any JSON as a value of every type: cast, or refused with a reason. */
#include "serializer/type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str spelling = {"AWS", 3};
    static const struct word words[] = {{{"aws", 3}, &spelling, 1}};
    struct err err = {0};
    arena_auto arena = {0};
    json_auto *doc = json_parse((struct str){(const char *)data, size}, &err);
    struct pick pick = {.kind = PICK_JSON};
    if (!doc)
        return 0;
    pick.json = json_root(doc);
    for (int kind = TYPE_STRING; kind <= TYPE_ENUM; kind++) {
        struct type type = {
            .kind = (enum type_kind)kind, .words = words, .count = kind == TYPE_ENUM};
        struct value value;
        struct str why = {0};
        if (!type_cast(&type, &pick, &arena, &value, &why) && !why.len)
            __builtin_trap();
    }
    return 0;
}
