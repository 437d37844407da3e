/* SPDX-License-Identifier: MIT */
/* A selection up to the first NUL, and a page behind it. */
#include "common/select.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    arena_auto arena = {0};
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t program_bytes = end ? (size_t)(end - data) : size;
    const struct select *program =
        select_compile((struct str){(const char *)data, program_bytes}, &arena, &err);
    if (!program || !end)
        return 0;
    json_auto *doc =
        json_parse((struct str){(const char *)end + 1, size - program_bytes - 1}, &err);
    struct pick *picks;
    size_t count;
    if (doc && select_run(program, json_root(doc), &arena, &picks, &count, &err))
        for (size_t i = 0; i < count; i++)
            (void)pick_text(&picks[i], 200, &arena);
    return 0;
}
