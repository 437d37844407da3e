/* SPDX-License-Identifier: MIT */
/* `muster diff MODEL|all DATABASE`. */
#include "muster/diff_report.h"
#include "muster/muster.h"

#include <sysexits.h>

static bool is_there(struct muster *m, struct str database, struct err *err)
{
    bson_error_t error = {0};
    char **names = mongoc_client_get_database_names_with_opts(m->mongo.client, NULL, &error);
    bool found = false;
    for (size_t i = 0; names && names[i]; i++)
        found |= str_eq(str_of(names[i]), database);
    bool is_read = names != NULL;
    bson_strfreev(names);
    if (!is_read)
        return mongo_error("list the databases", &error, NULL, err);
    return found || err_stop(err, EX_NOINPUT,
                             "there is no database " STR_FMT
                             ": muster replay --into makes one from the kept pages",
                             STR_ARG(database));
}

static bool compare(struct muster *m, const struct diff_side *is, struct err *err)
{
    const struct diff_side was = {&m->mongo, m->settings.common.database};
    if (!str_eq(m->words[0], STR("all"))) {
        const struct model *model = muster_model(m, err);
        return model && diff_report(m, model, &was, is, diff_limit(m), err);
    }
    for (size_t i = 0; i < m->providers.model_count; i++)
        if (!diff_report(m, m->providers.models[i], &was, is, diff_limit(m), err))
            return false;
    return true;
}

bool diff_run(struct muster *m, struct err *err)
{
    const struct common_settings *c = &m->settings.common;
    const struct mongo_settings other = {.uri = c->mongo,
                                         .database = m->words[1],
                                         .client = STR("muster"),
                                         .socket_timeout_ms = LOOK_MS + 5000};
    struct mongo mongo = {0};
    bool ok = is_there(m, m->words[1], err) && mongo_open(&other, &mongo, err) &&
              compare(m, &(struct diff_side){&mongo, m->words[1]}, err);
    mongo_close(&mongo);
    return ok;
}
