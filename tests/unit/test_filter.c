/* SPDX-License-Identifier: MIT */
/* Conditions of `muster show`: from words to a query, and what MongoDB cannot look at. */
#include "tests/unit/cases.h"

#include "muster/filter.h"

#include <sysexits.h>

static const char model_text[] =
    "model: thing\n"
    "collection: things\n"
    "about: A thing.\n"
    "fields:\n"
    "  name: {type: hostname, merge: newest, about: Its name.}\n"
    "  ip: {type: ip, merge: newest, about: Its address.}\n"
    "  ips: {type: [ip], merge: union, about: All its addresses.}\n"
    "  mac: {type: mac, merge: newest, about: Its hardware address.}\n"
    "  os.name: {type: string, merge: newest, about: Its system.}\n"
    "  os.kernel: {type: string, merge: newest, about: Its kernel.}\n"
    "  cloud: {type: {enum: {aws: [AWS, EC2], gcp: [GCP]}}, merge: newest, about: Its cloud.}\n"
    "  memory_mb: {type: int, merge: max, about: Its memory.}\n"
    "  virtual: {type: bool, merge: newest, about: Is it one?}\n"
    "  tags: {type: [string], merge: union, about: Its tags.}\n"
    "  sizes: {type: [int], merge: union, about: Its sizes.}\n"
    "  ports:\n"
    "    type:\n"
    "      - port: {type: int}\n"
    "        protocol: {type: string}\n"
    "        address: {type: ip}\n"
    "    merge: union\n"
    "    about: Its ports.\n"
    "  seen_at: {type: datetime, merge: max, about: When it was seen.}\n"
    "identity:\n"
    "  name_ip: [name, ip]\n";

enum { NOW_MS = 1000000000, WORDS = 4 };

struct world {
    struct arena arena;
    struct model *model;
    struct providers known;
    struct filters filters;
    struct err err;
};

static void make_world(struct world *w)
{
    static struct stream streams[] = {{.name = {"qualys/hosts", 12}},
                                      {.name = {"qualys/images", 13}}};
    static struct provider qualys = {
        .name = {"qualys", 6}, .streams = streams, .stream_count = 2};
    static struct provider *list[] = {&qualys};
    *w = (struct world){.known = {.list = list, .count = 1}};
    w->model = model_parse("thing.yaml", str_of(model_text), &w->arena, &w->err);
    if (!w->model)
        fail_msg("%s", w->err.text);
}

static void drop_world(struct world *w)
{
    arena_done(&w->arena);
}
#define world_auto __attribute__((cleanup(drop_world))) struct world

static bool parse(struct world *w, const char *const *words, bool gone)
{
    struct str list[WORDS];
    size_t count = 0;
    for (; count < WORDS && words[count]; count++)
        list[count] = str_of(words[count]);
    return filters_parse(w->model, &w->known, list, count, gone, NOW_MS, &w->arena, &w->filters,
                         &w->err);
}

/* The query as JSON with ' for " and without spaces. */
static struct str query_text(struct world *w)
{
    bson_auto query = BSON_INITIALIZER;
    filters_query(&w->filters, &w->arena, &query);
    char *json = bson_as_relaxed_extended_json(&query, NULL);
    size_t len = 0;
    for (const char *at = json; *at; at++)
        if (*at != ' ')
            json[len++] = *at == '"' ? '\'' : *at;
    struct str text = arena_copy(&w->arena, (struct str){json, len});
    bson_free(json);
    return text;
}

/* --- queries --- */

struct query_case {
    const char *sentence;
    const char *words[WORDS];
    const char *query; /* what follows the first clause */
};

#define LIKE(pattern, options) \
    "{'$regex':{'$regularExpression':{'pattern':'" pattern "','options':'" options "'}}}"

static const struct query_case query_cases[] = {
    {"nothing is asked", {NULL}, ""},
    {"a text is as it is stored", {"os.name=Debian"}, ",{'os.name':{'$eq':'Debian'}}"},
    {"a list holds it", {"tags=prod"}, ",{'tags':{'$eq':'prod'}}"},
    {"all conditions hold",
     {"tags=prod", "tags=web"},
     ",{'tags':{'$eq':'prod'}},{'tags':{'$eq':'web'}}"},
    {"a name is spelt as it is stored", {"name=WEB-1."}, ",{'name':{'$eq':'web-1'}}"},
    {"so is an address", {"ip=::FFFF:1.2.3.4"}, ",{'ip':{'$eq':'1.2.3.4'}}"},
    {"and a hardware address",
     {"mac=0A-1B-2C-3D-4E-5F"},
     ",{'mac':{'$eq':'0a:1b:2c:3d:4e:5f'}}"},
    {"a synonym is its word", {"cloud=EC2"}, ",{'cloud':{'$eq':'aws'}}"},
    {"a yes is true", {"virtual=yes"}, ",{'virtual':{'$eq':true}}"},
    {"a number is a number", {"memory_mb=8"}, ",{'memory_mb':{'$gte':8,'$lte':8}}"},
    {"less excludes", {"memory_mb<8"}, ",{'memory_mb':{'$lte':7}}"},
    {"at most includes", {"memory_mb<=8"}, ",{'memory_mb':{'$lte':8}}"},
    {"more excludes", {"memory_mb>8"}, ",{'memory_mb':{'$gte':9}}"},
    {"at least includes", {"memory_mb>=8"}, ",{'memory_mb':{'$gte':8}}"},
    {"more than the greatest is nothing",
     {"memory_mb>9223372036854775807"},
     ",{'memory_mb':{'$gte':1,'$lte':0}}"},
    {"a range of a list is of one item",
     {"sizes=5"},
     ",{'sizes':{'$elemMatch':{'$gte':5,'$lte':5}}}"},
    {"not is also true of nothing",
     {"os.name!=Debian"},
     ",{'$nor':[{'os.name':{'$eq':'Debian'}}]}"},
    {"not in a range",
     {"sizes!=5"},
     ",{'$nor':[{'sizes':{'$elemMatch':{'$gte':5,'$lte':5}}}]}"},
    {"nothing there", {"os.name="}, ",{'$nor':[{'os.name':{'$exists':true}}]}"},
    {"something there", {"os.name!="}, ",{'os.name':{'$exists':true}}"},
    {"a star is anything",
     {"os.name=Ubuntu*"},
     ",{'os.name':" LIKE("\\\\AUbuntu.*\\\\z", "s") "}"},
    {"the rest of a pattern is meant as it stands",
     {"os.name=*(x.y)+"},
     ",{'os.name':" LIKE("\\\\A.*\\\\(x\\\\.y\\\\)\\\\+\\\\z", "s") "}"},
    {"an escaped star is a star", {"os.name=a\\*b"}, ",{'os.name':{'$eq':'a*b'}}"},
    {"also beside a star that is none",
     {"os.name=a\\**"},
     ",{'os.name':" LIKE("\\\\Aa\\\\*.*\\\\z", "s") "}"},
    {"a backslash before anything else is one",
     {"os.name=C:\\Windows"},
     ",{'os.name':{'$eq':'C:\\\\Windows'}}"},
    {"a pattern for names is lower case, as names are",
     {"name=WEB-*"},
     ",{'name':" LIKE("\\\\Aweb-.*\\\\z", "s") "}"},
    {"holding has no case", {"os.name~ubuntu"}, ",{'os.name':" LIKE("ubuntu", "is") "}"},
    {"and knows no star", {"os.name~a*"}, ",{'os.name':" LIKE("a\\\\*", "is") "}"},
    {"a day is all of it",
     {"seen_at=1970-01-02"},
     ",{'seen_at':{'$gte':{'$date':'1970-01-02T00:00:00Z'},'$lte':{'$date':'1970-01-02T23:59:59.999Z'}}}"},
    {"after a day is after all of it",
     {"seen_at>1970-01-02"},
     ",{'seen_at':{'$gte':{'$date':'1970-01-03T00:00:00Z'}}}"},
    {"before a day is before any of it",
     {"seen_at<1970-01-02"},
     ",{'seen_at':{'$lte':{'$date':'1970-01-01T23:59:59.999Z'}}}"},
    {"a second is all of it",
     {"seen_at=1970-01-02T00:00:05Z"},
     ",{'seen_at':{'$gte':{'$date':'1970-01-02T00:00:05Z'},'$lte':{'$date':'1970-01-02T00:00:05.999Z'}}}"},
    {"a time ago", {"seen_at>=-1d"}, ",{'seen_at':{'$gte':{'$date':'1970-01-11T13:46:40Z'}}}"},
    {"parts are of one item",
     {"ports.port=22", "ports.protocol=tcp"},
     ",{'ports':{'$elemMatch':{'$and':[{'port':{'$gte':22,'$lte':22}},{'protocol':{'$eq':'tcp'}}]}}}"},
    {"a part named again is of another",
     {"ports.port=22", "ports.protocol=tcp", "ports.port=53"},
     ",{'ports':{'$elemMatch':{'$and':[{'port':{'$gte':22,'$lte':22}},{'protocol':{'$eq':'tcp'}}]}}}"
     ",{'ports':{'$elemMatch':{'$and':[{'port':{'$gte':53,'$lte':53}}]}}}"},
    {"what follows is of that one",
     {"ports.port=22", "ports.port=53", "ports.protocol=udp"},
     ",{'ports':{'$elemMatch':{'$and':[{'port':{'$gte':22,'$lte':22}}]}}}"
     ",{'ports':{'$elemMatch':{'$and':[{'port':{'$gte':53,'$lte':53}},{'protocol':{'$eq':'udp'}}]}}}"},
    {"two ends of a range are of one",
     {"ports.port>22", "ports.port<53"},
     ",{'ports':{'$elemMatch':{'$and':[{'port':{'$gte':23}},{'port':{'$lte':52}}]}}}"},
    {"other conditions may stand between",
     {"ports.port=22", "tags=a", "ports.protocol=tcp"},
     ",{'ports':{'$elemMatch':{'$and':[{'port':{'$gte':22,'$lte':22}},{'protocol':{'$eq':'tcp'}}]}}}"
     ",{'tags':{'$eq':'a'}}"},
    {"no item is",
     {"ports.protocol!=tcp", "ports.port=22"},
     ",{'ports':{'$not':{'$elemMatch':{'$and':[{'protocol':{'$eq':'tcp'}}]}}}}"
     ",{'ports':{'$elemMatch':{'$and':[{'port':{'$gte':22,'$lte':22}}]}}}"},
    {"a provider knows it",
     {"sources.provider=qualys"},
     ",{'sources':{'$elemMatch':{'$and':[{'stream':" LIKE("\\\\Aqualys/",
                                                          "s") "},{'gone':{'$ne':true}}]}}}"},
    {"a provider does not",
     {"sources.provider!=qualys"},
     ",{'sources':{'$not':{'$elemMatch':{'$and':[{'stream':" LIKE(
         "\\\\Aqualys/", "s") "},{'gone':{'$ne':true}}]}}}}"},
    {"a source by stream and key",
     {"sources.stream=qualys/hosts", "sources.key=7"},
     ",{'sources':{'$elemMatch':{'$and':[{'stream':{'$eq':'qualys/hosts'}},{'key':{'$eq':'7'}},{'gone':{'$ne':true}}]}}}"},
    {"any of some providers",
     {"sources.provider=q*"},
     ",{'sources':{'$elemMatch':{'$and':[{'stream':" LIKE("\\\\Aq[^/]*/",
                                                          "s") "},{'gone':{'$ne':true}}]}}}"},
    {"an id",
     {"_id=0123456789abcdef01234567"},
     ",{'_id':{'$eq':{'$oid':'0123456789abcdef01234567'}}}"},
    {"a network is looked at roughly", {"ip=10.16.0.0/12"}, ",{'ip':" LIKE("^10\\\\.", "") "}"},
    {"a whole address as a network",
     {"ip=10.1.2.3/32"},
     ",{'ip':" LIKE("^10\\\\.1\\\\.2\\\\.3$", "") "}"},
    {"a network of version 6", {"ips=2001:db8::/33"}, ",{'ips':" LIKE(":", "") "}"},
    {"not in a network is not looked at", {"ip!=10.0.0.0/8"}, ""},
};

static void a_query(void **state)
{
    const struct query_case *c = *state;
    static const char head[] = "{'$and':[{'merged_into':{'$exists':false},'gone':{'$ne':true}}";
    world_auto w;
    make_world(&w);
    if (!parse(&w, c->words, false))
        fail_msg("%s", w.err.text);
    struct str text = query_text(&w);
    struct str wanted = arena_format(&w.arena, "%s%s]}", head, c->query);
    assert_text(text.ptr, text.len, wanted.ptr);
}

static void the_gone_are_asked_for_by_what_they_have(void **state)
{
    (void)state;
    world_auto w;
    make_world(&w);
    assert_true(parse(&w, (const char *[WORDS]){"sources.key=7"}, true));
    struct str text = query_text(&w);
    assert_text(text.ptr, text.len,
                "{'$and':[{'$or':[{'gone':true},{'merged_into':{'$exists':true}}]},"
                "{'sources':{'$elemMatch':{'$and':[{'key':{'$eq':'7'}}]}}}]}");
    assert_false(parse(&w, (const char *[WORDS]){"name=x"}, true));
    assert_non_null(strstr(w.err.text, "what is gone has no fields"));
}

/* --- mistakes --- */

struct mistake {
    const char *sentence;
    const char *word;
    const char *says;
};

static const struct mistake mistakes[] = {
    {"a wrong name has a nearest", "memry_mb=8", "did you mean memory_mb?"},
    {"so has a last part", "kernel=5", "did you mean os.kernel?"},
    {"so has a part", "ports.prot=22", "did you mean ports.port?"},
    {"a name that nothing is near", "zzzzzzzz=1", "schemas/models/thing.yaml lists them"},
    {"a part of what has none", "name.x=1", "no such field"},
    {"an end with a dot", "ports.=1", "no such field"},
    {"the shell took the rest", "memory_mb", "'memory_mb>8'"},
    {"an exclamation alone", "name!x", "PATH=VALUE is expected"},
    {"two signs", "name==x", "one = is enough"},
    {"no number", "memory_mb=lots", "memory_mb: \"lots\": expected is a whole number"},
    {"no number to compare with", "memory_mb>", "expected is a value"},
    {"no address", "ip=300.1.2.3", "expected is a value of type ip"},
    {"no network", "ip=10.0.0.0/33", "a network like 10.0.0.0/8"},
    {"no bits", "ip=10.0.0.0/", "a network like 10.0.0.0/8"},
    {"a network of a part", "ports.address=10.0.0.0/8", "not of a part of a list"},
    {"no word", "cloud=azure", "expected is one of aws, gcp"},
    {"neither true nor false", "virtual=maybe", "expected is true or false"},
    {"no time", "seen_at>soon", "a time like 2024-05-01"},
    {"a time without a side", "seen_at<7d", "'seen_at>-7d' is later than that"},
    {"a time too far away", "seen_at<-106751991d", "a time of the years 0 to 9999"},
    {"order of texts", "os.name>a", "a string has no order"},
    {"numbers hold no text", "memory_mb~8", "~ is for texts"},
    {"objects", "ports=22", "name a part of them, like ports.port"},
    {"a provider that is not there", "sources.provider=qualis", "did you mean qualys?"},
    {"nor when it is denied", "sources.provider!=crowdstrike", "there is no provider"},
    {"a stream that is not there", "sources.stream=qualys/host", "did you mean qualys/hosts?"},
    {"no id", "_id=12", "an id of 24 hexadecimal digits"},
    {"an id has no order", "_id>0123456789abcdef01234567", "= and != only"},
    {"no text", "os.name=\xff", "text in UTF-8"},
};

static void a_mistake(void **state)
{
    const struct mistake *c = *state;
    world_auto w;
    make_world(&w);
    assert_false(parse(&w, (const char *[WORDS]){c->word}, false));
    assert_int_equal(w.err.kind, ERR_FATAL);
    assert_int_equal(w.err.exit_code, EX_USAGE);
    if (!strstr(w.err.text, c->says))
        fail_msg("\"%s\" does not say \"%s\"", w.err.text, c->says);
}

static void a_pattern_has_a_greatest_length(void **state)
{
    (void)state;
    world_auto w;
    make_world(&w);
    char word[1100] = "os.name=*";
    memset(word + 9, 'x', sizeof word - 10);
    assert_false(parse(&w, (const char *[WORDS]){word}, false));
    assert_non_null(strstr(w.err.text, "at most 1000 bytes"));
}

/* --- networks --- */

struct network_case {
    const char *sentence;
    const char *word;
    const char *entity;
    bool passes;
};

static const struct network_case network_cases[] = {
    {"inside", "ip=10.16.0.0/12", "{\"ip\": \"10.31.255.255\"}", true},
    {"outside", "ip=10.16.0.0/12", "{\"ip\": \"10.32.0.0\"}", false},
    {"the bits behind the prefix do not matter", "ip=10.16.9.9/12", "{\"ip\": \"10.17.0.1\"}",
     true},
    {"nothing is in no network", "ip=10.0.0.0/8", "{}", false},
    {"one of a list", "ips=10.0.0.0/8", "{\"ips\": [\"192.0.2.1\", \"10.1.1.1\"]}", true},
    {"none of a list", "ips=10.0.0.0/8", "{\"ips\": [\"192.0.2.1\", \"11.1.1.1\"]}", false},
    {"not: none of a list may be", "ips!=10.0.0.0/8",
     "{\"ips\": [\"192.0.2.1\", \"10.1.1.1\"]}", false},
    {"not: nothing is outside too", "ips!=10.0.0.0/8", "{}", true},
    {"the other family is outside", "ip=0.0.0.0/0", "{\"ip\": \"2001:db8::1\"}", false},
    {"version 6 inside", "ip=2001:db8:8000::/33", "{\"ip\": \"2001:db8:8000::1\"}", true},
    {"version 6 outside", "ip=2001:db8:8000::/33", "{\"ip\": \"2001:db8::1\"}", false},
    {"every address of a family", "ip=::/0", "{\"ip\": \"2001:db8::1\"}", true},
    {"other tests are not asked again", "os.name=Debian", "{}", true},
};

static void a_network(void **state)
{
    const struct network_case *c = *state;
    world_auto w;
    make_world(&w);
    struct document entity;
    bson_auto doc = BSON_INITIALIZER;
    if (!parse(&w, (const char *[WORDS]){c->word}, false))
        fail_msg("%s", w.err.text);
    assert_true(bson_init_from_json(&doc, c->entity, -1, NULL));
    document_read(&doc, w.model, &w.arena, &entity);
    assert_int_equal(filters_pass(&w.filters, &entity, &w.arena), c->passes);
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD(&all, a_query, query_cases);
    CASES_ADD_ONE(&all, the_gone_are_asked_for_by_what_they_have);
    CASES_ADD(&all, a_mistake, mistakes);
    CASES_ADD_ONE(&all, a_pattern_has_a_greatest_length);
    CASES_ADD(&all, a_network, network_cases);
    return cases_run("filter", &all);
}
