/* SPDX-License-Identifier: MIT */
#include "common/version.h"

#include "common/json.h"
#include "common/kafka.h"
#include "common/mongo.h"
#include "common/serve.h"
#include "common/yaml.h"

#include <openssl/crypto.h>

#ifndef MUSTER_VERSION
#define MUSTER_VERSION "0.1.0"
#endif
#ifndef MUSTER_COMMIT
#define MUSTER_COMMIT ""
#endif

static const char *openssl_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

static const struct version_library libraries[] = {
    {"librdkafka", kafka_library_version},
    {"libmongoc", mongo_library_version},
    {"libmicrohttpd", serve_library_version},
    {"yyjson", json_library_version},
    {"libyaml", yaml_library_version},
    {"openssl", openssl_version},
    {NULL, NULL},
};

const char *version_number(void)
{
    return MUSTER_VERSION;
}

const char *version_commit(void)
{
    return MUSTER_COMMIT;
}

static bool render_list(const struct version_library *list, struct buf *out)
{
    bool ok = true;
    for (; list && list->name && ok; list++)
        ok = buf_addf(out, "  %s %s\n", list->name, list->version());
    return ok;
}

bool version_render(const char *program, const struct version_library *more, struct buf *out)
{
    const char *commit = sizeof MUSTER_COMMIT > 1 ? " (" MUSTER_COMMIT ")" : "";
    return buf_addf(out, "%s " MUSTER_VERSION "%s\n", program, commit) &&
           render_list(libraries, out) && render_list(more, out);
}

static void put_list(const struct version_library *list, struct json_out *o)
{
    for (; list && list->name; list++) {
        json_key(o, str_of(list->name));
        json_put_str(o, str_of(list->version()));
    }
}

bool version_render_json(const char *program, const struct version_library *more,
                         struct buf *out)
{
    struct json_out o = {.buf = out};
    json_open(&o, '{');
    json_key(&o, STR("program"));
    json_put_str(&o, str_of(program));
    json_key(&o, STR("version"));
    json_put_str(&o, STR(MUSTER_VERSION));
    if (sizeof MUSTER_COMMIT > 1) {
        json_key(&o, STR("commit"));
        json_put_str(&o, STR(MUSTER_COMMIT));
    }
    json_key(&o, STR("libraries"));
    json_open(&o, '{');
    put_list(libraries, &o);
    put_list(more, &o);
    json_close(&o, '}');
    json_close(&o, '}');
    return !o.failed && buf_add(out, STR("\n"));
}
