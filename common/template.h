/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Text with ${names} in it, as provider files write URLs, headers and bodies. `$${` is a
 * literal "${". Compiled once; which names there are is checked by whoever compiles. Values
 * that are secret never reach what is kept: the same template renders once for the wire and
 * once, masked, with ${name} in the place of each secret. Values are put in as they are, also
 * line breaks: whoever makes a header of the result looks at it first. Pure.
 */
#include "common/arena.h"

struct template_part {
    bool is_name;
    struct str text; /* literal text, or the name */
};

struct template
{
    struct template_part *parts;
    size_t count;
    bool
        is_json; /* the text is JSON: values are put in as the content of JSON strings, escaped */
};

/*
 * Where names get their values. *out_secret says that the value must be masked. False: there is
 * no such name.
 */
typedef bool template_lookup(const void *names, struct str name, struct str *out_value,
                             bool *out_secret);

/*
 * Fails (ERR_REJECT; the caller adds the position) on an unclosed "${" and on what cannot be a
 * name.
 */
must_check bool template_compile(struct str text, struct arena *arena, struct template *out,
                                 struct err *err);
/* Fails (ERR_FATAL) when a name has no value. With masked, secrets stay as ${name}. */
must_check bool template_render(const struct template *t, template_lookup *lookup,
                                const void *names, bool masked, struct arena *arena,
                                struct str *out, struct err *err);
