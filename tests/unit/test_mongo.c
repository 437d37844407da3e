/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/mongo.h"

#include <string.h>
#include <sysexits.h>

/* --- sorting of errors --- */

struct sorting {
    const char *sentence;
    uint32_t domain, code;
    const char *message;
    const char *label;
    enum err_kind kind;
    int exit_code;
};

static const struct sorting sortings[] = {
    {"a lost connection is tried again", MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET,
     "socket error or timeout", NULL, ERR_RETRY, 0},
    {"no primary is tried again", MONGOC_ERROR_SERVER_SELECTION,
     MONGOC_ERROR_SERVER_SELECTION_FAILURE, "No suitable servers found", NULL, ERR_RETRY, 0},
    {"maxTimeMS is tried again", MONGOC_ERROR_SERVER, 50, "operation exceeded time limit", NULL,
     ERR_RETRY, 0},
    {"a step-down is tried again", MONGOC_ERROR_SERVER, 10107, "not primary", NULL, ERR_RETRY,
     0},
    {"a shutdown is tried again", MONGOC_ERROR_SERVER, 11600, "interrupted at shutdown", NULL,
     ERR_RETRY, 0},
    {"a write conflict is tried again", MONGOC_ERROR_SERVER, 112, "WriteConflict error", NULL,
     ERR_RETRY, 0},
    {"an unconfirmed majority is tried again", MONGOC_ERROR_WRITE_CONCERN, 64,
     "waiting for replication timed out", NULL, ERR_RETRY, 0},
    {"a transient transaction is tried again, whatever its code", MONGOC_ERROR_SERVER, 20,
     "anything", "TransientTransactionError", ERR_RETRY, 0},
    {"an unknown commit is tried again", MONGOC_ERROR_SERVER, 1, "anything",
     "UnknownTransactionCommitResult", ERR_RETRY, 0},
    {"a retryable write is tried again", MONGOC_ERROR_SERVER, 1, "anything",
     "RetryableWriteError", ERR_RETRY, 0},
    {"a label of no meaning to us changes nothing", MONGOC_ERROR_SERVER, 1, "anything", "Other",
     ERR_FATAL, EX_SOFTWARE},
    {"a wrong password is a person's to mend", MONGOC_ERROR_CLIENT,
     MONGOC_ERROR_CLIENT_AUTHENTICATE, "Authentication failed.", NULL, ERR_FATAL, EX_CONFIG},
    {"a connection lost during login is tried again", MONGOC_ERROR_CLIENT,
     MONGOC_ERROR_CLIENT_AUTHENTICATE, "Failed to read 4 bytes: socket error or timeout", NULL,
     ERR_RETRY, 0},
    {"a missing right is a person's to mend", MONGOC_ERROR_SERVER, 13, "not authorized", NULL,
     ERR_FATAL, EX_CONFIG},
    {"no transactions here is a person's to mend", MONGOC_ERROR_SERVER, 20,
     "Transaction numbers are only allowed on a replica set member or mongos", NULL, ERR_FATAL,
     EX_CONFIG},
    {"a duplicate key stops, unless the caller looked first", MONGOC_ERROR_SERVER, 11000,
     "E11000", NULL, ERR_FATAL, EX_SOFTWARE},
    {"a driver's code is not mistaken for a server's", MONGOC_ERROR_BSON, 50, "invalid", NULL,
     ERR_FATAL, EX_SOFTWARE},
};

static void test_errors_are_sorted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sortings / sizeof *sortings; i++) {
        const struct sorting *s = &sortings[i];
        bson_error_t error = {.domain = s->domain, .code = s->code};
        (void)snprintf(error.message, sizeof error.message, "%s", s->message);
        bson_auto reply = BSON_INITIALIZER;
        if (s->label) {
            bson_t labels;
            BSON_APPEND_ARRAY_BEGIN(&reply, "errorLabels", &labels);
            BSON_APPEND_UTF8(&labels, "0", s->label);
            bson_append_array_end(&reply, &labels);
        }
        struct err err = {0};
        assert_false(mongo_error("claim links", &error, &reply, &err));
        if (err.kind != s->kind || err.exit_code != s->exit_code)
            fail_msg("%s: got kind %d, exit code %d", s->sentence, err.kind, err.exit_code);
        assert_non_null(strstr(err.text, "claim links: "));
        assert_non_null(strstr(err.text, s->message));
    }
}

static void test_duplicate_keys_are_known(void **state)
{
    (void)state;
    bson_error_t duplicate = {.domain = MONGOC_ERROR_SERVER, .code = 11000};
    bson_error_t other = {.domain = MONGOC_ERROR_SERVER, .code = 112};
    assert_true(mongo_is_duplicate_key(&duplicate));
    assert_false(mongo_is_duplicate_key(&other));
    assert_false(mongo_has_label(NULL, "TransientTransactionError"));
}

static void test_a_bad_uri_is_told_without_its_password(void **state)
{
    (void)state;
    struct mongo m = {0};
    struct err err = {0};
    struct mongo_settings s = {.uri = STR("mongodb://me:hush%@host"),
                               .database = STR("muster")};
    assert_false(mongo_open(&s, &m, &err));
    assert_int_equal(err.exit_code, EX_CONFIG);
    assert_null(strstr(err.text, "hush"));

    s.uri = STR("postgres://host");
    assert_false(mongo_open(&s, &m, &err));
    assert_int_equal(err.exit_code, EX_CONFIG);
}

/* --- reading documents --- */

struct document {
    bson_t doc;
};

static int make_document(void **state)
{
    static struct document d;
    bson_t child;
    bson_init(&d.doc);
    BSON_APPEND_INT32(&d.doc, "narrow", -7);
    BSON_APPEND_INT64(&d.doc, "wide", INT64_MIN);
    BSON_APPEND_DOUBLE(&d.doc, "whole", 5.0);
    BSON_APPEND_DOUBLE(&d.doc, "half", 5.5);
    BSON_APPEND_DOUBLE(&d.doc, "huge", 1e300);
    BSON_APPEND_UTF8(&d.doc, "number as text", "5");
    bson_append_utf8(&d.doc, "nul", -1, "a\0b", 3);
    BSON_APPEND_DATE_TIME(&d.doc, "time", 1700000000123);
    BSON_APPEND_BOOL(&d.doc, "flag", true);
    BSON_APPEND_NULL(&d.doc, "null");
    BSON_APPEND_DOCUMENT_BEGIN(&d.doc, "sub", &child);
    BSON_APPEND_INT32(&child, "run", 3);
    bson_append_document_end(&d.doc, &child);
    BSON_APPEND_ARRAY_BEGIN(&d.doc, "list", &child);
    BSON_APPEND_UTF8(&child, "0", "first");
    bson_append_array_end(&d.doc, &child);
    *state = &d;
    return 0;
}

static int drop_document(void **state)
{
    bson_destroy(&((struct document *)*state)->doc);
    return 0;
}

static void test_integers_of_every_width_are_read(void **state)
{
    const bson_t *doc = &((struct document *)*state)->doc;
    static const struct {
        const char *path;
        bool found;
        int64_t number;
    } cases[] = {
        {"narrow", true, -7},  {"wide", true, INT64_MIN}, {"whole", true, 5},
        {"half", false, 0},    {"huge", false, 0},        {"number as text", false, 0},
        {"null", false, 0},    {"missing", false, 0},     {"sub.run", true, 3},
        {"sub.gen", false, 0}, {"sub", false, 0},         {"time", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t number = 42;
        if (doc_int(doc, cases[i].path, &number) != cases[i].found)
            fail_msg("%s: found is not %d", cases[i].path, cases[i].found);
        assert_int_equal(number, cases[i].found ? cases[i].number : 42);
    }
}

static void test_other_types_are_read_and_told_apart(void **state)
{
    const bson_t *doc = &((struct document *)*state)->doc;
    struct str text = {0};
    int64_t ms = 0;
    bool flag = false;
    bson_t sub;

    assert_true(doc_str(doc, "list.0", &text));
    assert_true(str_eq(text, STR("first")));
    assert_true(doc_str(doc, "nul", &text));
    assert_int_equal(text.len, 3);
    assert_false(doc_str(doc, "narrow", &text));
    assert_true(doc_time(doc, "time", &ms));
    assert_int_equal(ms, 1700000000123);
    assert_false(doc_time(doc, "wide", &ms));
    assert_true(doc_bool(doc, "flag", &flag));
    assert_true(flag);
    assert_false(doc_bool(doc, "narrow", &flag));
    assert_true(doc_sub(doc, "sub", &sub));
    assert_true(doc_int(&sub, "run", &ms));
    assert_true(doc_sub(doc, "list", &sub));
    assert_int_equal(bson_count_keys(&sub), 1);
    assert_false(doc_sub(doc, "null", &sub));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_are_sorted),
        cmocka_unit_test(test_duplicate_keys_are_known),
        cmocka_unit_test(test_a_bad_uri_is_told_without_its_password),
        cmocka_unit_test_setup_teardown(test_integers_of_every_width_are_read, make_document,
                                        drop_document),
        cmocka_unit_test_setup_teardown(test_other_types_are_read_and_told_apart, make_document,
                                        drop_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
