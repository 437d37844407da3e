/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a page's body: parsed or refused with a reason, and what is parsed can be walked
 * and written again.
 */
#include "common/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    arena_auto arena = {0};
    json_auto *doc = json_parse((struct str){(const char *)data, size}, &err);
    if (!doc)
        return err.kind == ERR_REJECT && err.text[0] ? 0 : (__builtin_trap(), 0);
    (void)json_text(json_root(doc), 1000, &arena);
    return 0;
}
