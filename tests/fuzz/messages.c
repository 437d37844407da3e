/* SPDX-License-Identifier: MIT */
/* Any bytes as a task, and as the headers of a page: one header a line, NAME=VALUE. */
#include "common/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    arena_auto arena = {0};
    struct task task;
    struct page_head head;
    struct header headers[HEADERS_MAX];
    size_t count = 0;
    struct str rest = {(const char *)data, size};
    (void)!task_decode(rest, &arena, &task, &err);
    while (rest.len && count < HEADERS_MAX) {
        struct str value = str_cut(&rest, '\n');
        struct str name = str_cut(&value, '=');
        headers[count++] = (struct header){arena_text(&arena, name), value};
    }
    (void)!page_decode(headers, count, &head, &err);
    return 0;
}
