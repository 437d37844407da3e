/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "common/model.h"

#include <stdlib.h>
#include <sysexits.h>

/* A good file; each case breaks or changes one piece of it. */
static const char good[] =
    "model: host\n"                                                /* 1 */
    "collection: hosts\n"                                          /* 2 */
    "fields:\n"                                                    /* 3 */
    "  name: {type: hostname}\n"                                   /* 4 */
    "  ip: {type: ip, merge: newest}\n"                            /* 5 */
    "  os.name: {type: string, merge: {first: [qualys, crowd]}}\n" /* 6 */
    "  kind: {type: {enum: {vm: [VM, virtual], metal: []}}}\n"     /* 7 */
    "  size: {type: int, merge: max}\n"                            /* 8 */
    "  seen_at: {type: datetime, merge: max, volatile: true}\n"    /* 9 */
    "  macs: {type: [mac]}\n"                                      /* 10 */
    "  ports: {type: [{port: {type: int}, at: {type: datetime, volatile: true}}], merge: {union: [port]}}\n" /* 11 */
    "identity:\n"                   /* 12 */
    "  name_ip: [name, ip]\n"       /* 13 */
    "never:\n"                      /* 14 */
    "  name: [LocalHost]\n"         /* 15 */
    "  ip: [loopback, 192.0.2.1]\n" /* 16 */
    "  size: [0]\n"                 /* 17 */
    "  os.name: [Unknown]\n";

static struct str changed(const char *find, const char *replace, struct arena *arena)
{
    const char *at = strstr(good, find);
    assert_non_null(at);
    return arena_format(arena, "%.*s%s%s", (int)(at - good), good, replace, at + strlen(find));
}

static struct model *parse(const char *find, const char *replace, struct arena *arena)
{
    struct err err = {0};
    struct model *m = model_parse("host.yaml", changed(find, replace, arena), arena, &err);
    if (!m)
        fail_msg("%s", err.text);
    return m;
}

static void a_good_file_is_read_whole(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct model *m = parse("", "", &arena);
    assert_true(str_eq(m->name, STR("host")));
    assert_true(str_eq(m->collection, STR("hosts")));
    assert_int_equal(m->field_count, 8);
    assert_int_equal(model_field(m, STR("os.name")), 2);
    assert_int_equal(model_field(m, STR("os")), -1);
    assert_int_equal(m->rule_count, 1);
    assert_int_equal(m->rules[0].count, 2);
    assert_int_equal(m->rules[0].fields[1], 1);
    assert_true(str_eq(m->rules[0].keys[0], STR("name")));

    const struct field *first = &m->fields[2], *kind = &m->fields[3], *ports = &m->fields[7];
    assert_int_equal(first->merge.kind, MERGE_FIRST);
    assert_true(str_eq(first->merge.providers[1], STR("crowd")));
    assert_int_equal(kind->type.kind, TYPE_ENUM);
    assert_int_equal(kind->type.words[0].count, 3);
    assert_true(str_eq(kind->type.words[0].spellings[0], STR("vm")));
    assert_true(m->fields[5].is_volatile);
    assert_int_equal(ports->type.item->kind, TYPE_OBJECT);
    assert_true(ports->type.item->members[1].is_volatile);
    assert_int_equal(ports->merge.key_count, 1);
}

static void merge_rules_have_defaults(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct model *m = parse("", "", &arena);
    assert_int_equal(m->fields[0].merge.kind, MERGE_NEWEST);
    assert_int_equal(m->fields[6].merge.kind, MERGE_UNION);
    assert_int_equal(m->fields[6].merge.key_count, 0);
}

static void types_have_names_for_people(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct model *m = parse("", "", &arena);
    struct str list = type_name(&m->fields[6].type, &arena),
               objects = type_name(&m->fields[7].type, &arena);
    assert_text(list.ptr, list.len, "list of mac");
    assert_text(objects.ptr, objects.len, "list of object");
    assert_true(str_eq(type_name(&m->fields[3].type, &arena), STR("enum")));
}

static void names_may_begin_alike(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct model *m =
        parse("  size: {type", "  os.names: {type: [string]}\n  size: {type", &arena);
    assert_int_equal(model_field(m, STR("os.names")), 4);
}

static void identity_and_never_may_be_left_out(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    const struct model *m = model_parse(
        "m.yaml", STR("model: m\ncollection: ms\nfields: {a: {type: string}}\n"), &arena, &err);
    assert_non_null(m);
    assert_int_equal(m->rule_count, 0);
}

static void only_what_the_file_says_is_in_the_digest(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct model *a = parse("", "", &arena);
    const struct model *same = parse("fields:\n", "# a comment\n\nfields:\n", &arena);
    const struct model *other = parse("merge: max}\n", "merge: min}\n", &arena);
    assert_memory_equal(a->digest, same->digest, sizeof a->digest);
    assert_memory_not_equal(a->digest, other->digest, sizeof a->digest);
}

static void what_a_source_says_is_in_the_shape_and_how_it_is_merged_is_not(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct model *a = parse("", "", &arena);
    const struct model *merge = parse("merge: max}\n", "merge: min}\n", &arena);
    const struct model *rule = parse("[name, ip]", "[name]", &arena);
    const struct model *type = parse("macs: {type: [mac]}", "macs: {type: [string]}", &arena);
    const struct model *shown = parse(", volatile: true}\n", "}\n", &arena);
    const struct model *more = parse("identity:", "  more: {type: int}\nidentity:", &arena);
    assert_memory_equal(a->shape, merge->shape, sizeof a->shape);
    assert_memory_equal(a->shape, rule->shape, sizeof a->shape);
    assert_memory_not_equal(a->shape, type->shape, sizeof a->shape);
    assert_memory_not_equal(a->shape, shown->shape, sizeof a->shape);
    assert_memory_not_equal(a->shape, more->shape, sizeof a->shape);
}

/* Refusals. */

struct change_case {
    const char *sentence, *find, *replace, *message;
};

static const struct change_case change_cases[] = {
    {"an_unknown_key_is_refused", "collection", "colection",
     "2:1: unknown key \"colection\" in a model file; did you mean \"collection\"?"},
    {"an_unknown_section_is_refused",
     "never:", "nevr:", "14:1: unknown key \"nevr\" in a model file; did you mean \"never\"?"},
    {"a_missing_name_is_refused", "model: host\n", "",
     "1:1: \"model\" is missing in a model file"},
    {"a_name_with_capitals_is_refused", "model: host", "model: Host",
     "1:8: \"Host\" cannot be the name of a model: a name has a-z, 0-9 and _, and begins with a letter"},
    {"a_collection_of_musters_own_is_refused", "hosts", "links",
     "2:13: the collection \"links\" is one that Muster itself keeps"},
    {"an_unknown_type_is_refused", "hostname", "hostnam",
     "4:16: unknown type \"hostnam\"; did you mean \"hostname\"?"},
    {"a_coming_type_says_so", "type: int", "type: decimal",
     "8:16: the type \"decimal\" is not supported yet"},
    {"a_missing_type_is_refused", "type: ip, ", "", "5:7: \"type\" is missing in a field"},
    {"an_unknown_key_of_a_field_is_refused", "volatile", "volatil",
     "9:41: unknown key \"volatil\" in a field; did you mean \"volatile\"?"},
    {"a_single_object_is_refused", "type: int, merge: max", "type: {a: {type: int}}",
     "8:16: a single object is no type: give its members fields of their own with dotted names (\"os.name\"), or make it a "
     "list of objects"},
    {"a_list_of_two_types_is_refused", "[mac]", "[mac, ip]",
     "10:16: a list type has one item, the type of what it holds: [string]"},
    {"a_list_in_a_list_is_refused", "[mac]", "[[mac]]",
     "10:17: a list within a list is not supported yet"},
    {"a_list_in_an_object_is_refused", "port: {type: int}", "port: {type: [int]}",
     "11:32: a list within a list is not supported yet"},
    {"an_enum_without_words_is_refused", "{vm: [VM, virtual], metal: []}", "{}",
     "7:23: an enum must be a map of WORD: [spellings]"},
    {"an_enum_as_a_list_is_refused", "{vm: [VM, virtual], metal: []}", "[vm]",
     "7:23: an enum must be a map of WORD: [spellings]"},
    {"an_unknown_merge_rule_is_refused", "newest", "newst",
     "5:25: unknown merge rule \"newst\"; did you mean \"newest\"?"},
    {"first_needs_providers", "{first: [qualys, crowd]}", "first",
     "6:34: \"first\" wants a list of providers: {first: [a, b]}"},
    {"a_provider_twice_is_refused", "[qualys, crowd]", "[qualys, qualys]",
     "6:51: this provider stands twice"},
    {"a_list_is_not_merged_by_newest", "[mac]", "[mac], merge: newest",
     "10:30: a list is merged by \"union\""},
    {"a_single_value_is_not_united", "merge: newest", "merge: union",
     "5:25: \"union\" is for lists, and \"ip\" is none"},
    {"text_has_no_least", "merge: newest", "merge: min",
     "5:25: \"min\" and \"max\" are for int and datetime"},
    {"a_union_by_a_missing_member_is_refused", "[port]", "[prot]",
     "11:94: the object has no member \"prot\"; known are port, at"},
    {"a_union_by_a_volatile_member_is_refused", "[port]", "[at]",
     "11:94: a volatile member cannot tell items apart"},
    {"a_union_by_members_is_for_objects", "[mac]", "[mac], merge: {union: [a]}",
     "10:38: only a list of objects is united by members"},
    {"a_name_of_musters_own_is_refused", "  size: {type", "  sources: {type",
     "8:3: \"sources\" is a name that Muster itself keeps"},
    {"a_dotted_name_of_musters_own_is_refused", "  size: {type", "  from.size: {type",
     "8:3: \"from\" is a name that Muster itself keeps"},
    {"a_field_that_holds_another_is_refused", "  size: {type", "  os: {type",
     "8:3: \"os\" and \"os.name\" cannot both be fields: one holds the other"},
    {"a_field_that_stands_twice_is_refused", "  size: {type", "  ip: {type",
     "8:3: the key \"ip\" stands twice, first in line 5"},
    {"an_empty_part_of_a_name_is_refused", "  size: {type", "  a..b: {type",
     "8:3: \"\" cannot be the name of a field: a name has a-z, 0-9 and _, and begins with a letter"},
    {"a_dot_at_the_end_is_refused", "  size: {type", "  a.: {type",
     "8:3: a name cannot end with a dot"},
    {"a_rule_of_an_unknown_field_is_refused", "[name, ip]", "[nam, ip]",
     "13:13: the model has no field \"nam\"; did you mean \"name\"?"},
    {"a_rule_of_a_list_is_refused", "[name, ip]", "[name, macs]",
     "13:19: a list cannot identify"},
    {"a_rule_of_a_volatile_field_is_refused", "[name, ip]", "[name, seen_at]",
     "13:19: a volatile field cannot identify"},
    {"a_rule_of_five_fields_is_refused", "[name, ip]", "[name, ip, kind, size, os.name]",
     "13:12: an identity rule is a list of one to 4 fields"},
    {"a_rule_with_two_fields_of_one_name_is_refused", "[name, ip]", "[name, os.name]",
     "13:19: two fields of this rule are called \"name\""},
    {"an_empty_rule_is_refused", "[name, ip]", "[]",
     "13:12: an identity rule is a list of one to 4 fields"},
    {"never_of_an_unknown_field_is_refused", "  size: [0]", "  siz: [0]",
     "17:3: the model has no field \"siz\"; did you mean \"size\"?"},
    {"never_of_a_list_is_refused", "  size: [0]", "  macs: [x]",
     "17:9: \"macs\" is of a type that does not identify"},
    {"never_of_a_number_must_be_one", "size: [0]", "size: [x]",
     "17:10: \"x\" is no whole number"},
    {"an_unknown_class_of_addresses_is_refused", "loopback", "loopbak",
     "16:8: \"loopbak\" is neither an address nor a class of them; did you mean \"loopback\"?"},
};

static void refuses(void **state)
{
    const struct change_case *c = *state;
    arena_auto arena = {0};
    struct err err = {0};
    char wanted[512];
    (void)snprintf(wanted, sizeof wanted, "host.yaml:%s", c->message);
    struct model *m =
        model_parse("host.yaml", changed(c->find, c->replace, &arena), &arena, &err);
    assert_string_equal(err.text, wanted);
    assert_null(m);
    assert_int_equal(err.exit_code, EX_CONFIG);
}

/* Values that never identify. */

struct never_case {
    const char *sentence, *field, *value;
    bool is_never;
};

static const struct never_case never_cases[] = {
    {"a_name_is_compared_without_case", "name", "localhost", true},
    {"text_is_compared_without_case", "os.name", "UNKNOWN", true},
    {"another_name_identifies", "name", "localhost1", false},
    {"an_address_of_a_class_never_identifies", "ip", "127.8.0.1", true},
    {"an_address_of_another_class_identifies", "ip", "10.0.0.1", false},
    {"a_listed_address_never_identifies", "ip", "192.0.2.1", true},
    {"a_listed_address_is_known_in_its_other_form", "ip", "::ffff:192.0.2.1", true},
};

static void knows_what_never_identifies(void **state)
{
    const struct never_case *c = *state;
    arena_auto arena = {0};
    const struct model *m = parse("", "", &arena);
    const struct field *f = &m->fields[model_field(m, str_of(c->field))];
    assert_int_equal(field_is_never(f, value_text(str_of(c->value))), c->is_never);
}

static void a_number_may_never_identify(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct model *m = parse("", "", &arena);
    const struct field *f = &m->fields[model_field(m, STR("size"))];
    assert_true(field_is_never(f, value_int(0)));
    assert_false(field_is_never(f, value_int(1)));
    assert_false(field_is_never(f, (struct value){0}));
}

struct class_case {
    const char *sentence, *address;
    char class; /* l, p, k for link local, u, or blank */
};

static const struct class_case class_cases[] = {
    {"loopback_is_8_bits_wide", "127.255.255.255", 'l'},
    {"after_loopback_is_public", "128.0.0.0", ' '},
    {"ten_is_private", "10.255.0.1", 'p'},
    {"eleven_is_public", "11.0.0.0", ' '},
    {"172_16_is_private", "172.16.0.0", 'p'},
    {"172_31_is_private", "172.31.255.255", 'p'},
    {"172_15_is_public", "172.15.255.255", ' '},
    {"172_32_is_public", "172.32.0.0", ' '},
    {"192_168_is_private", "192.168.1.1", 'p'},
    {"192_169_is_public", "192.169.0.0", ' '},
    {"carrier_grade_nat_begins_at_64", "100.64.0.0", 'p'},
    {"before_carrier_grade_nat_is_public", "100.63.255.255", ' '},
    {"carrier_grade_nat_ends_at_127", "100.127.255.255", 'p'},
    {"100_128_is_public", "100.128.0.0", ' '},
    {"169_254_is_link_local", "169.254.169.254", 'k'},
    {"zero_is_unspecified", "0.0.0.0", 'u'},
    {"the_whole_zero_net_is_unspecified", "0.1.2.3", 'u'},
    {"8_8_8_8_is_public", "8.8.8.8", ' '},
    {"ipv6_loopback_is_one_address", "::1", 'l'},
    {"ipv6_unspecified_is_one_address", "::", 'u'},
    {"unique_local_begins_at_fc", "fc00::1", 'p'},
    {"unique_local_ends_at_fd", "fdff::1", 'p'},
    {"fe80_is_link_local", "fe80::1%eth0", 'k'},
    {"febf_is_link_local", "febf::1", 'k'},
    {"fec0_is_public", "fec0::1", ' '},
    {"another_ipv6_address_is_public", "2001:db8::1", ' '},
    {"a_mapped_private_address_is_private", "::ffff:10.0.0.1", 'p'},
    {"a_mapped_loopback_in_hex_is_loopback", "::ffff:7f00:1", 'l'},
    {"a_compatible_private_address_is_private", "::192.168.0.1", 'p'},
    {"a_mapped_public_address_is_public", "::ffff:8.8.8.8", ' '},
    {"a_nat64_metadata_address_is_link_local", "64:ff9b::a9fe:a9fe", 'k'},
    {"a_6to4_private_address_is_private", "2002:a00:1::1", 'p'},
    {"text_is_in_no_class", "localhost", ' '},
    {"a_number_is_in_no_class", "2130706433", ' '},
    {"an_address_with_a_tail_is_in_no_class", "127.0.0.1 ", ' '},
};

static void is_in_its_class_alone(void **state)
{
    const struct class_case *c = *state;
    struct str address = str_of(c->address);
    assert_int_equal(address_is_in(address, &(struct never){.loopback = true}),
                     c->class == 'l');
    assert_int_equal(address_is_in(address, &(struct never){.private_ = true}),
                     c->class == 'p');
    assert_int_equal(address_is_in(address, &(struct never){.link_local = true}),
                     c->class == 'k');
    assert_int_equal(address_is_in(address, &(struct never){.unspecified = true}),
                     c->class == 'u');
}

static void the_shipped_host_model_is_read(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    const struct model *m = model_load("schemas/models/host.yaml", &arena, &err);
    if (!m) {
        fail_msg("%s", err.text);
        return;
    }
    assert_int_equal(m->rule_count, 2);
    assert_true(model_field(m, STR("cloud.instance_id")) >= 0);
    assert_true(str_eq(m->rules[1].keys[1], STR("instance_id")));
}

int main(void)
{
    static struct cases all;
    CASES_ADD_ONE(&all, a_good_file_is_read_whole);
    CASES_ADD_ONE(&all, merge_rules_have_defaults);
    CASES_ADD_ONE(&all, types_have_names_for_people);
    CASES_ADD_ONE(&all, names_may_begin_alike);
    CASES_ADD_ONE(&all, identity_and_never_may_be_left_out);
    CASES_ADD_ONE(&all, only_what_the_file_says_is_in_the_digest);
    CASES_ADD_ONE(&all, what_a_source_says_is_in_the_shape_and_how_it_is_merged_is_not);
    CASES_ADD(&all, refuses, change_cases);
    CASES_ADD(&all, knows_what_never_identifies, never_cases);
    CASES_ADD_ONE(&all, a_number_may_never_identify);
    CASES_ADD(&all, is_in_its_class_alone, class_cases);
    CASES_ADD_ONE(&all, the_shipped_host_model_is_read);
    return cases_run("model", &all);
}
