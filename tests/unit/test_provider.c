/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "common/provider.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* Loading reads a folder, so each case has one, made of these files with one piece changed. */
static const char model_file[] = "model: host\ncollection: hosts\n"
                                 "fields: {name: {type: hostname}, os.name: {type: string}}\n";

static const char good[] =
    "provider: acme\n"                                                          /* 1 */
    "settings:\n"                                                               /* 2 */
    "  base_url: {default: \"https://h\"}\n"                                    /* 3 */
    "  token: {secret: true, about: \"The token\"}\n"                           /* 4 */
    "  page_size: {default: \"2\"}\n"                                           /* 5 */
    "streams:\n"                                                                /* 6 */
    "  hosts:\n"                                                                /* 7 */
    "    model: host\n"                                                         /* 8 */
    "    every: 1h\n"                                                           /* 9 */
    "    params: {kind: vm}\n"                                                  /* 10 */
    "    request:\n"                                                            /* 11 */
    "      method: POST\n"                                                      /* 12 */
    "      url: ${base_url}/hosts\n"                                            /* 13 */
    "      query: {skip: \"${page.offset}\", kind: \"${params.kind}\"}\n"       /* 14 */
    "      headers: {token: \"${token}\"}\n"                                    /* 15 */
    "      body: x\n"                                                           /* 16 */
    "    pages: {by: offset, size: \"${page_size}\", end_when: {records: 0}}\n" /* 17 */
    "    limits: {rate: 300/min, in_flight: 2}\n"                               /* 18 */
    "    records: .[]\n"                                                        /* 19 */
    "    key: ._id\n"                                                           /* 20 */
    "    as_of: .modified\n"                                                    /* 21 */
    "    fields:\n"                                                             /* 22 */
    "      name: .hostname // .fqdn\n"                                          /* 23 */
    "      os.name: '.os'\n";                                                   /* 24 */

/* A folder of its own for each test. */

static char folder[64];

static void write_file(const char *name, struct str content)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    if (!f) {
        fail_msg("cannot write %s", path);
        return;
    }
    assert_int_equal(fwrite(content.ptr, 1, content.len, f), content.len);
    assert_int_equal(fclose(f), 0);
}

static void make_folder(void)
{
    char path[128];
    (void)snprintf(folder, sizeof folder, "/tmp/muster-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/models", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/providers", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    write_file("models/host.yaml", str_of(model_file));
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *walk)
{
    (void)s, (void)type, (void)walk;
    return remove(path);
}

static void remove_folder(void)
{
    assert_int_equal(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static const char *const variables[] = {"MUSTER_ACME_TOKEN", "MUSTER_ACME_TOKEN_FILE",
                                        "MUSTER_ACME_PAGE_SIZE", "MUSTER_ACME_PLAIN_HTTP",
                                        "MUSTER_ACME_PRIVATE_HOSTS"};

static void clear_variables(void)
{
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        assert_int_equal(unsetenv(variables[i]), 0);
}

/* The good file with one piece changed, loaded. */
static bool load_changed(const char *find, const char *replace, bool allow_unset,
                         struct arena *arena, struct providers *out, struct err *err)
{
    const char *at = strstr(good, find);
    assert_non_null(at);
    struct str content =
        arena_format(arena, "%.*s%s%s", (int)(at - good), good, replace, at + strlen(find));
    make_folder();
    write_file("providers/acme.yaml", content);
    bool ok = providers_load(folder, STR(""), allow_unset, arena, out, err);
    remove_folder();
    return ok;
}

static const struct stream *load_stream(const char *find, const char *replace,
                                        struct arena *arena)
{
    struct providers *p = ARENA_NEW(arena, struct providers);
    struct err err = {0};
    clear_variables();
    assert_int_equal(setenv("MUSTER_ACME_TOKEN", "s3cret/+", 1), 0);
    if (!load_changed(find, replace, false, arena, p, &err))
        fail_msg("%s", err.text);
    const struct stream *s = providers_stream(p, STR("acme/hosts"));
    assert_non_null(s);
    return s;
}

static void a_good_file_is_read_whole(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct stream *s = load_stream("", "", &arena);
    const struct provider *p = s->provider;
    assert_true(str_eq(p->name, STR("acme")));
    assert_int_equal(p->setting_count, 3);
    assert_true(p->settings[1].is_secret);
    assert_true(str_eq(p->settings[1].value, STR("s3cret/+")));
    assert_false(p->plain_http);
    assert_int_equal(p->private_hosts.len, 0);
    assert_true(str_eq(s->model->name, STR("host")));
    assert_int_equal(s->every_ms, 3600000);
    assert_true(s->request.is_post);
    assert_int_equal(s->request.query_count, 2);
    assert_int_equal(s->request.header_count, 1);
    assert_int_equal(s->request.body_kind, BODY_TEXT);
    assert_int_equal(s->pages.by, PAGES_OFFSET);
    assert_int_equal(s->pages.size, 2);
    assert_true(s->pages.end_when.no_records);
    assert_int_equal(s->pages.max_pages, 100000);
    assert_true(s->limits.per_second == 5.0);
    assert_int_equal(s->limits.in_flight, 2);
    assert_true(str_eq(select_text(s->records), STR(".[]")));
    assert_non_null(s->as_of);
    assert_int_equal(s->field_count, 2);
    assert_int_equal(s->fields[1].field, 1);
    assert_int_equal(s->fields[1].line, 24);
    assert_int_equal(s->line, 7);
    assert_int_equal(s->param_count, 1);
    assert_true(str_eq(s->params[0].value.parts[0].text, STR("vm")));
}

static void limits_may_be_left_out(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct stream *s =
        load_stream("    limits: {rate: 300/min, in_flight: 2}\n", "", &arena);
    assert_true(s->limits.per_second == 0.0);
    assert_int_equal(s->limits.in_flight, 1);
}

static void one_page_is_said_in_two_ways(void **state)
{
    (void)state;
    const char *pages = "{by: offset, size: \"${page_size}\", end_when: {records: 0}}";
    const char *query = "{skip: \"${page.offset}\", kind: \"${params.kind}\"}";
    const char *all = strstr(good, query);
    assert_non_null(all);
    for (int i = 0; i < 2; i++) {
        arena_auto arena = {0};
        struct str both =
            arena_format(&arena, "%.*s", (int)(strstr(good, pages) + strlen(pages) - all), all);
        struct str with =
            arena_format(&arena, "{}\n      body: x\n    pages: %s", i ? "{by: none}" : "none");
        const struct stream *s = load_stream(both.ptr, with.ptr, &arena);
        assert_int_equal(s->pages.by, PAGES_NONE);
    }
}

static void a_cursor_ends_by_itself(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct stream *s =
        load_stream("query: {skip: \"${page.offset}\", kind: \"${params.kind}\"}\n"
                    "      headers: {token: \"${token}\"}\n"
                    "      body: x\n"
                    "    pages: {by: offset, size: \"${page_size}\", end_when: {records: 0}}",
                    "query: {after: \"${page.cursor}\"}\n"
                    "    pages: {by: cursor, cursor: .meta.next, max: 5}",
                    &arena);
    assert_int_equal(s->pages.by, PAGES_CURSOR);
    assert_true(str_eq(select_text(s->pages.cursor), STR(".meta.next")));
    assert_int_equal(s->pages.max_pages, 5);
    assert_false(pages_shift(&s->pages));
}

static void numbered_pages_may_begin_at_zero(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct stream *s = load_stream(
        "skip: \"${page.offset}\", kind: \"${params.kind}\"}\n"
        "      headers: {token: \"${token}\"}\n"
        "      body: x\n"
        "    pages: {by: offset, size: \"${page_size}\", end_when: {records: 0}}",
        "p: \"${page.number}\"}\n"
        "    pages: {by: number, size: 50, first: 0, end_when: {short: true, total: .n}}",
        &arena);
    assert_int_equal(s->pages.by, PAGES_NUMBER);
    assert_int_equal(s->pages.first, 0);
    assert_int_equal(s->pages.size, 50);
    assert_true(s->pages.end_when.short_page);
    assert_non_null(s->pages.end_when.total);
    assert_true(pages_shift(&s->pages));
}

static void a_size_that_is_not_said_is_no_name(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct providers p;
    clear_variables();
    assert_false(
        load_changed("query: {skip: \"${page.offset}\", kind: \"${params.kind}\"}\n"
                     "      headers: {token: \"${token}\"}\n"
                     "      body: x\n"
                     "    pages: {by: offset, size: \"${page_size}\", end_when: {records: 0}}",
                     "query: {after: \"${page.cursor}\", n: \"${page.size}\"}\n"
                     "    pages: {by: cursor, cursor: .next}",
                     true, &arena, &p, &err));
    assert_non_null(strstr(err.text, "unknown name ${page.size}"));
}

static bool no_names(const void *names, struct str name, struct str *out_value,
                     bool *out_secret)
{
    (void)names;
    *out_secret = false;
    *out_value = str_eq(name, STR("page.offset")) ? STR("40") : STR("a\"b");
    return true;
}

static void a_map_is_a_json_body(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct str body = {0};
    const struct stream *s = load_stream(
        "body: x",
        "body: {q: \"${token}\", from: \"${page.offset}\", n: 5, t: \"5\", on: true, l: [a, null], e: \"\"}",
        &arena);
    assert_int_equal(s->request.body_kind, BODY_JSON);
    assert_true(template_render(&s->request.body, no_names, NULL, false, &arena, &body, &err));
    assert_text(
        body.ptr, body.len,
        "{\"q\":\"a\\\"b\",\"from\":40,\"n\":5,\"t\":\"5\",\"on\":true,\"l\":[\"a\",null],\"e\":\"\"}");
}

struct rate_case {
    const char *sentence, *rate;
    double per_second;
};

static const struct rate_case rate_cases[] = {
    {"a_rate_a_second", "5/s", 5},
    {"a_rate_a_minute", "300/min", 5},
    {"a_rate_an_hour", "3600/h", 1},
    {"a_rate_a_day", "86400/d", 1},
    {"a_bare_number_is_a_second", "2.5", 2.5},
    {"blanks_do_not_matter", "'5 / s'", 5},
};

static void reads_the_rate(void **state)
{
    const struct rate_case *c = *state;
    arena_auto arena = {0};
    const struct stream *s = load_stream("300/min", c->rate, &arena);
    assert_true(s->limits.per_second == c->per_second);
}

/* Refusals. */

struct change_case {
    const char *sentence, *find, *replace, *message;
};

static const struct change_case change_cases[] = {
    {"an_unknown_key_of_a_stream_is_refused", "    records:", "    recrods:",
     "19:5: unknown key \"recrods\" in a stream; did you mean \"records\"?"},
    {"an_unknown_key_of_the_file_is_refused", "streams:", "stream:",
     "6:1: unknown key \"stream\" in a provider file; did you mean \"streams\"?"},
    {"an_unknown_key_of_a_request_is_refused", "headers:", "header:",
     "15:7: unknown key \"header\" in a request; did you mean \"headers\"?"},
    {"an_unknown_key_of_a_setting_is_refused",
     "secret:", "secrt:", "4:11: unknown key \"secrt\" in a setting; did you mean \"secret\"?"},
    {"a_coming_key_of_the_file_says_so",
     "settings:", "auth:", "2:1: \"auth\" is not supported yet"},
    {"a_coming_key_of_a_stream_says_so",
     "params:", "steps:", "10:5: \"steps\" is not supported yet"},
    {"a_coming_key_of_a_request_says_so",
     "headers:", "auth:", "15:7: \"auth\" is not supported yet"},
    {"a_file_of_another_provider_is_refused", "provider: acme", "provider: acne",
     "1:11: the file of provider \"acne\" must be called acne.yaml"},
    {"a_name_with_a_dash_is_refused", "  hosts:", "  my-hosts:",
     "7:3: \"my-hosts\" cannot be the name of a stream: a name has a-z, 0-9 and _, and begins with a letter"},
    {"a_built_in_setting_is_not_declared", "page_size: {default", "plain_http: {default",
     "5:3: every provider has the setting \"plain_http\"; it is not declared"},
    {"a_setting_called_like_its_file_is_refused", "page_size: {default", "token_file: {default",
     "5:3: the name of a setting cannot end with \"_file\""},
    {"a_secret_with_a_default_is_refused", "{secret: true,", "{secret: true, default: x,",
     "4:34: a secret has no default"},
    {"an_unknown_model_is_refused", "model: host", "model: hots",
     "8:12: there is no model \"hots\"; known are host"},
    {"a_missing_model_is_refused", "    model: host\n", "",
     "8:5: \"model\" is missing in a stream"},
    {"a_bad_time_is_refused", "every: 1h", "every: often",
     "9:12: \"every\" must be a time of at least a second, like 30s, 15m, 1h or 1d"},
    {"a_parameter_with_a_name_in_it_is_refused", "{kind: vm}", "{kind: \"${token}\"}",
     "10:20: a parameter is fixed text, without ${names}"},
    {"another_method_is_refused", "POST", "PUT",
     "12:15: the method \"PUT\" is not supported; known are GET, POST"},
    {"a_body_needs_a_post", "      method: POST\n", "",
     "15:13: only a POST has a body: add \"method: POST\""},
    {"another_scheme_is_refused", "${base_url}/hosts", "ftp://x/y",
     "13:12: a URL begins with https:// or with a setting that does"},
    {"an_unknown_name_is_refused", "\"${token}\"", "\"${tokn}\"",
     "15:24: unknown name ${tokn}; did you mean \"token\"?"},
    {"an_unknown_parameter_is_refused", "${params.kind}", "${params.knd}",
     "14:45: unknown name ${params.knd}; did you mean \"params.kind\"?"},
    {"a_name_of_another_paging_is_refused", "${page.offset}", "${page.cursor}",
     "14:21: unknown name ${page.cursor}; known are base_url, token, page_size, params.kind, page.offset, page.size"},
    {"an_unclosed_name_is_refused", "${base_url}/hosts", "${base_url/hosts",
     "13:12: \"${\" without its \"}\" (a literal \"${\" is written \"$${\")"},
    {"a_request_that_never_moves_on_is_refused", "skip: \"${page.offset}\", ", "",
     "12:7: the request never uses ${page.offset}, so all its pages are one"},
    {"a_bad_header_name_is_refused", "{token: \"${token}\"}", "{\"a b\": x}",
     "15:17: \"a b\" cannot be a header's name"},
    {"a_header_of_two_lines_is_refused", "\"${token}\"", "\"a\\nb\"",
     "15:24: a header's value is one line"},
    {"missing_pages_are_refused",
     "    pages: {by: offset, size: \"${page_size}\", end_when: {records: 0}}\n", "",
     "8:5: \"pages\" is missing in a stream; write \"pages: none\" where one answer holds all"},
    {"an_unknown_paging_is_refused", "by: offset", "by: ofset",
     "17:17: pages by \"ofset\" are unknown; did you mean \"offset\"?"},
    {"a_coming_paging_says_so", "by: offset", "by: link",
     "17:17: pages by \"link\" are not supported yet"},
    {"a_key_of_another_paging_is_refused", "by: offset,", "by: offset, cursor: .x,",
     "17:25: unknown key \"cursor\" in pages by offset; known are by, size, end_when, max"},
    {"pages_by_offset_need_a_size", "size: \"${page_size}\", ", "",
     "17:12: pages by offset need a \"size\""},
    {"a_size_that_is_no_number_is_refused", "\"${page_size}\"", "many",
     "17:31: the size \"many\" must be a whole number from 1 to 1000000"},
    {"a_size_of_an_unknown_setting_is_refused", "\"${page_size}\"", "\"${pagesize}\"",
     "17:31: unknown name ${pagesize}; did you mean \"page_size\"?"},
    {"a_listing_without_an_end_is_refused", ", end_when: {records: 0}", "",
     "17:12: \"end_when\" must say where the listing ends: records: 0, short: true, total: SELECTION, or status: NUMBER with "
     "body_has: TEXT"},
    {"an_unknown_end_is_refused", "{records: 0}", "{record: 0}",
     "17:58: unknown key \"record\" in end_when; did you mean \"records\"?"},
    {"only_no_records_end_a_listing", "{records: 0}", "{records: 1}",
     "17:67: \"records\" can only be 0: a page without records"},
    {"a_body_text_needs_a_status", "{records: 0}", "{body_has: x}",
     "17:57: \"body_has\" needs a \"status\" beside it"},
    {"a_status_of_success_alone_is_no_end", "{records: 0}", "{status: 200}",
     "17:57: a \"status\" of success ends every listing at its first page; add \"body_has\""},
    {"a_status_out_of_range_is_refused", "{records: 0}", "{status: 700}",
     "17:66: \"status\" must be a whole number from 100 to 599"},
    {"an_unknown_limit_is_refused",
     "rate:", "rat:", "18:14: unknown key \"rat\" in limits; did you mean \"rate\"?"},
    {"a_bad_rate_is_refused", "300/min", "fast",
     "18:20: the rate \"fast\" must be like 5/s, 300/min, 1000/h or 50000/d"},
    {"a_rate_of_zero_is_refused", "300/min", "0/s",
     "18:20: the rate \"0/s\" must be like 5/s, 300/min, 1000/h or 50000/d"},
    {"too_much_in_flight_is_refused", "in_flight: 2", "in_flight: 2000",
     "18:40: \"in_flight\" must be a whole number from 1 to 1000"},
    {"a_missing_key_is_refused", "    key: ._id\n", "", "8:5: \"key\" is missing in a stream"},
    {"a_bad_selection_says_the_column", ".hostname // .fqdn", ".hostname | ascii_downcase",
     "23:25: jq's function \"ascii_downcase\" is not supported yet; a member is \".ascii_downcase\""},
    {"a_bad_selection_in_quotes_says_the_column_in_it", "'.os'", "'.os + 1'",
     "24:16: in the selection, column 5: jq's arithmetic is not supported yet"},
    {"a_field_that_the_model_lacks_is_refused", "      os.name:", "      os.nam:",
     "24:7: the model \"host\" has no field \"os.nam\"; did you mean \"os.name\"?"},
    {"a_list_of_selections_is_refused", "'.os'", "[.os]",
     "24:16: a selection must be text, such as .name"},
    {"a_body_key_with_a_name_is_refused", "body: x", "body: {\"${token}\": x}",
     "16:14: a key cannot hold ${names}"},
};

static void refuses(void **state)
{
    const struct change_case *c = *state;
    arena_auto arena = {0};
    struct err err = {0};
    struct providers p = {.count = 77};
    char wanted[512];
    clear_variables();
    assert_false(load_changed(c->find, c->replace, true, &arena, &p, &err));
    (void)snprintf(wanted, sizeof wanted, "%s/providers/acme.yaml:%s", folder, c->message);
    assert_string_equal(err.text, wanted);
    assert_int_equal(err.exit_code, EX_CONFIG);
    assert_int_equal(p.count, 77);
}

/* Settings. */

static void a_missing_secret_says_what_to_set(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct providers p;
    clear_variables();
    assert_false(load_changed("", "", false, &arena, &p, &err));
    assert_string_equal(err.text,
                        "acme: setting \"token\" has no value: set MUSTER_ACME_TOKEN, or "
                        "MUSTER_ACME_TOKEN_FILE to a file that holds it");
    assert_int_equal(err.exit_code, EX_CONFIG);
    assert_true(load_changed("", "", true, &arena, &p, &err));
    assert_false(p.list[0]->settings[1].has_value);
}

static void a_size_without_a_value_is_unknown_where_that_is_allowed(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct providers p;
    clear_variables();
    assert_true(load_changed("{default: \"2\"}", "{}", true, &arena, &p, &err));
    assert_int_equal(p.list[0]->streams[0].pages.size, 0);
    assert_true(p.list[0]->streams[0].pages.has_size);
}

static void a_bad_value_of_a_setting_is_found(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct providers p;
    clear_variables();
    assert_int_equal(setenv("MUSTER_ACME_PAGE_SIZE", "-1", 1), 0);
    assert_false(load_changed("", "", true, &arena, &p, &err));
    assert_non_null(strstr(err.text, "acme.yaml:17:31: the size \"-1\" must be"));
    clear_variables();
    assert_int_equal(setenv("MUSTER_ACME_PLAIN_HTTP", "maybe", 1), 0);
    assert_false(load_changed("", "", true, &arena, &p, &err));
    assert_string_equal(err.text,
                        "acme: setting \"plain_http\" is \"maybe\"; it must be yes or no");
}

static void a_secret_is_in_no_message(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct providers p;
    clear_variables();
    assert_int_equal(setenv("MUSTER_ACME_TOKEN", "s3cret", 1), 0);
    assert_false(load_changed("300/min", "\"${token}\"", true, &arena, &p, &err));
    assert_null(strstr(err.text, "s3cret"));
    assert_non_null(strstr(err.text, "${token}"));
}

static void the_built_in_settings_are_read(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct providers p;
    clear_variables();
    assert_int_equal(setenv("MUSTER_ACME_PLAIN_HTTP", "yes", 1), 0);
    assert_int_equal(setenv("MUSTER_ACME_PRIVATE_HOSTS", "localhost,10.0.0.1", 1), 0);
    assert_true(load_changed("", "", true, &arena, &p, &err));
    assert_true(p.list[0]->plain_http);
    assert_true(str_eq(p.list[0]->private_hosts, STR("localhost,10.0.0.1")));
    clear_variables();
}

struct mask_case {
    const char *sentence, *text, *wanted;
};

/* The secret is "s3cret/+". */
static const struct mask_case mask_cases[] = {
    {"text_without_a_secret_stays", "GET /hosts", "GET /hosts"},
    {"a_secret_becomes_its_name", "t=s3cret/+&u=s3cret/+", "t=${token}&u=${token}"},
    {"an_encoded_secret_becomes_its_name", "t=s3cret%2F%2b.", "t=${token}."},
    {"a_part_of_a_secret_stays", "s3cret/", "s3cret/"},
    {"empty_text_stays", "", ""},
};

static void masks(void **state)
{
    const struct mask_case *c = *state;
    arena_auto arena = {0};
    const struct stream *s = load_stream("", "", &arena);
    struct str got = provider_mask(s->provider, str_of(c->text), &arena);
    assert_text(got.ptr, got.len, c->wanted);
}

/* Digests and folders. */

static void a_digest_follows_the_stream_and_its_model_only(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct stream *a = load_stream("", "", &arena);
    const struct stream *setting = load_stream("about: \"The token\"", "about: x", &arena);
    const struct stream *field = load_stream(".fqdn", ".name", &arena);
    assert_memory_equal(a->digest, setting->digest, sizeof a->digest);
    assert_memory_not_equal(a->digest, field->digest, sizeof a->digest);
}

static void a_shape_follows_the_selections_only(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct stream *a = load_stream("", "", &arena);
    const struct stream *every = load_stream("every: 1h", "every: 2h", &arena);
    const struct stream *field = load_stream(".fqdn", ".name", &arena);
    assert_memory_not_equal(a->digest, every->digest, sizeof a->digest);
    assert_memory_equal(a->shape, every->shape, sizeof a->shape);
    assert_memory_not_equal(a->shape, field->shape, sizeof a->shape);
}

static void only_the_named_providers_are_read(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct providers p;
    clear_variables();
    make_folder();
    write_file("providers/acme.yaml", str_of(good));
    write_file("providers/broken.yaml", STR("]"));
    write_file("providers/readme.txt", STR("]"));
    bool one = providers_load(folder, STR(" acme, "), true, &arena, &p, &err);
    size_t count = p.count;
    bool unknown = providers_load(folder, STR("acne"), true, &arena, &p, &err);
    struct str text = arena_copy(&arena, str_of(err.text));
    bool all = providers_load(folder, STR(""), true, &arena, &p, &err);
    remove_folder();
    assert_true(one);
    assert_int_equal(count, 1);
    assert_false(unknown);
    assert_true(str_has(text, STR("there is no provider \"acne\"; did you mean \"acme\"?")));
    assert_false(all);
    assert_non_null(strstr(err.text, "broken.yaml:1:1:"));
}

static void a_missing_folder_stops_with_66(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct providers p;
    assert_false(providers_load("/nonexistent", STR(""), true, &arena, &p, &err));
    assert_string_equal(err.text, "/nonexistent/models: No such file or directory");
    assert_int_equal(err.exit_code, EX_NOINPUT);
}

static void the_shipped_files_are_read(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct providers p;
    if (!providers_load("schemas", STR(""), true, &arena, &p, &err))
        fail_msg("%s", err.text);
    assert_non_null(providers_stream(&p, STR("qualys/hosts")));
    assert_non_null(providers_stream(&p, STR("crowdstrike/hosts")));
    assert_null(providers_stream(&p, STR("qualys")));
    assert_non_null(providers_model(&p, STR("host")));
    assert_null(providers_model(&p, STR("hosts")));
}

int main(void)
{
    static struct cases all;
    CASES_ADD_ONE(&all, a_good_file_is_read_whole);
    CASES_ADD_ONE(&all, limits_may_be_left_out);
    CASES_ADD_ONE(&all, one_page_is_said_in_two_ways);
    CASES_ADD_ONE(&all, a_cursor_ends_by_itself);
    CASES_ADD_ONE(&all, a_size_that_is_not_said_is_no_name);
    CASES_ADD_ONE(&all, numbered_pages_may_begin_at_zero);
    CASES_ADD_ONE(&all, a_map_is_a_json_body);
    CASES_ADD(&all, reads_the_rate, rate_cases);
    CASES_ADD(&all, refuses, change_cases);
    CASES_ADD_ONE(&all, a_missing_secret_says_what_to_set);
    CASES_ADD_ONE(&all, a_size_without_a_value_is_unknown_where_that_is_allowed);
    CASES_ADD_ONE(&all, a_bad_value_of_a_setting_is_found);
    CASES_ADD_ONE(&all, a_secret_is_in_no_message);
    CASES_ADD_ONE(&all, the_built_in_settings_are_read);
    CASES_ADD(&all, masks, mask_cases);
    CASES_ADD_ONE(&all, a_digest_follows_the_stream_and_its_model_only);
    CASES_ADD_ONE(&all, a_shape_follows_the_selections_only);
    CASES_ADD_ONE(&all, only_the_named_providers_are_read);
    CASES_ADD_ONE(&all, a_missing_folder_stops_with_66);
    CASES_ADD_ONE(&all, the_shipped_files_are_read);
    return cases_run("provider", &all);
}
