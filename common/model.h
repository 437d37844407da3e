/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A model file, read: the canonical fields of one kind of thing, their types, how several
 * sources of one field are merged, which values identify, and which never do. Fields are
 * leaves: `os.name` is one field whose name has a dot and which is stored nested. Immutable
 * once loaded; lives in the arena it was loaded into.
 */
#include "common/value.h"
#include "common/yaml.h"

enum type_kind {
    TYPE_STRING,   /* VALUE_TEXT: UTF-8, trimmed, not empty */
    TYPE_HOSTNAME, /* VALUE_TEXT: lower case, no dot at the end */
    TYPE_IP,       /* VALUE_TEXT: RFC 5952 */
    TYPE_MAC,      /* VALUE_TEXT: 0a:1b:2c:3d:4e:5f */
    TYPE_DATETIME, /* VALUE_TIME */
    TYPE_INT,      /* VALUE_INT */
    TYPE_BOOL,     /* VALUE_BOOL */
    TYPE_ENUM,     /* VALUE_TEXT: one of the type's words */
    TYPE_LIST,     /* VALUE_LIST of item */
    TYPE_OBJECT,   /* VALUE_OBJECT of members */
};

struct type {
    enum type_kind kind;
    const struct type *item;      /* TYPE_LIST */
    const struct member *members; /* TYPE_OBJECT */
    const struct word *words;     /* TYPE_ENUM */
    size_t count;                 /* members or words */
};

struct member {
    struct str name;
    struct type type;
    bool is_volatile;
};

/*
 * A word of an enum and every spelling that means it, its own included; spellings are compared
 * without case.
 */
struct word {
    struct str name;
    const struct str *spellings;
    size_t count;
};

enum merge_kind { MERGE_NEWEST, MERGE_FIRST, MERGE_UNION, MERGE_MIN, MERGE_MAX };

struct merge {
    enum merge_kind kind;
    const struct str *providers; /* MERGE_FIRST: in order of trust */
    size_t provider_count;
    const size_t
        *key; /* MERGE_UNION of objects: members that tell items apart; none = the whole item */
    size_t key_count;
};

/*
 * Values of one field that never identify, cast to its type, and for addresses also classes of
 * them.
 */
struct never {
    const struct value *values;
    size_t count;
    bool loopback, private_, link_local, unspecified;
};

struct field {
    struct str name; /* "os.name" */
    struct str about;
    struct type type;
    struct merge merge;
    struct never never;
    bool is_volatile; /* outside hash, merge and digest */
};

enum { RULE_MAX_FIELDS = 4, MODEL_MAX_RULES = 8 };

/* Sources with equal values in all fields of a rule are one entity. */
struct rule {
    struct str name;
    size_t fields[RULE_MAX_FIELDS]; /* indexes; single values only */
    struct str keys
        [RULE_MAX_FIELDS]; /* how the tuple names them in the database: the last part of the field's name */
    size_t count;
};

struct model {
    struct str name, collection, about;
    const struct field *fields;
    size_t field_count;
    const struct rule *rules;
    size_t rule_count;
    uint8_t digest[32]; /* SHA-256 of what the file says */
    /* SHA-256 of what decides the values of a source: names and types of the fields. Not how they identify and are merged. */
    uint8_t shape[32];
};

/* Exit code 78 with file, line and column when the file is not right. */
struct model *model_load(const char *file, struct arena *arena, struct err *err);
struct model *model_parse(const char *file, struct str content, struct arena *arena,
                          struct err *err);
/* Index of a field, or -1. */
int model_field(const struct model *m, struct str name);
/* The type's name as a person would write it: "ip", "list of mac", "object". */
struct str type_name(const struct type *t, struct arena *arena);
/* Does this value never identify? */
bool field_is_never(const struct field *f, struct value v);
/*
 * Is the textual address, IPv4 or IPv6, in one of the classes named by `classes` (its values
 * are ignored)? An IPv6 address that carries an IPv4 one (mapped, compatible, NAT64, 6to4) is
 * in its classes too. Text that is no address is in none.
 */
bool address_is_in(struct str address, const struct never *classes);
/* Two spellings of one address? */
bool address_is_same(struct str a, struct str b);
bool address_is_valid(struct str address);
