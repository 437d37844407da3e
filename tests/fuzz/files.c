/* SPDX-License-Identifier: MIT */
/* Any bytes as a model file: read, or refused with a place and a reason. */
#include "common/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    arena_auto arena = {0};
    if (!model_parse("fuzz.yaml", (struct str){(const char *)data, size}, &arena, &err))
        return err.text[0] ? 0 : (__builtin_trap(), 0);
    return 0;
}
