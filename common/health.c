/* SPDX-License-Identifier: MIT */
#include "common/health.h"

#include "common/clock.h"

#include <stdio.h>

static const char *const names[CHECK_COUNT] = {
    [CHECK_STAGE] = "stage",
    [CHECK_KAFKA] = "kafka",
    [CHECK_MONGO] = "mongo",
    [CHECK_FILES] = "files",
};

const char *health_check_name(enum check_name name)
{
    return names[name];
}

void health_say(struct health *h, enum check_name name, enum check_state state, struct str text,
                int64_t unix_ms)
{
    struct check *c = &h->checks[name];
    if (c->state != state)
        c->since_ms = unix_ms;
    c->state = state;
    (void)snprintf(c->text, sizeof c->text, "%.*s", (int)text.len, text.len ? text.ptr : "");
}

bool health_is_ready(const struct health *h)
{
    bool is_known = false;
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        if (h->checks[i].state == CHECK_WAITS)
            return false;
        is_known |= h->checks[i].state != CHECK_ABSENT;
    }
    return is_known;
}

static bool render_check(const struct check *c, const char *name, struct buf *out)
{
    char since[25];
    clock_iso(c->since_ms, since);
    switch (c->state) {
    case CHECK_ABSENT:
        return true;
    case CHECK_OK:
        return buf_addf(out, "%s ok\n", name);
    case CHECK_WARNS:
    case CHECK_WAITS:
        return buf_addf(out, "%s %s since %s: %s\n", name,
                        c->state == CHECK_WAITS ? "waits" : "warns", since, c->text);
    }
    return false;
}

bool health_render(const struct health *h, struct buf *out)
{
    bool ok = true;
    for (size_t i = 0; i < CHECK_COUNT && ok; i++)
        ok = render_check(&h->checks[i], names[i], out);
    return ok;
}
