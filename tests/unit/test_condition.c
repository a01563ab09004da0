/* test_condition.c - what conditions say of one item: every operator and function on every kind of value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/expr_fixture.h"
#include "tests/lib/table_fixture.h"

static const char item_json[] =
    "{'s':'hello','e':'','n':5,'neg':-2.5,'b':{'$binary':'aGVsbG8='},'t':true,'f':false,'z':null,"
    "'l':[1,'two',[3],{'k':'v'},null],'m':{'k':'v','deep':{'lst':[{'x':10}]}},"
    "'ss':{'$stringSet':['a','b','c']},'ns':{'$numberSet':[1,2.5,3]},'bs':{'$binarySet':['aGVsbG8=','YQ==']}}";
static const char values[] =
    "{':s':'hello',':he':'he',':ell':'ell',':e':'',':zz':'zz',':n':5,':n4':4,':n6':6,':d':5.0,':one':1,':two':2,':five':'5',"
    "':b':{'$binary':'aGVsbG8='},':ba':{'$binary':'YQ=='},':bell':{'$binary':'ZWxs'},':bhe':{'$binary':'aGU='},':t':true,':f':"
    "false,"
    "':z':null,':l3':[3],':kv':{'k':'v'},':l':[1,'two',[3],{'k':'v'},null],':ss':{'$stringSet':['c','a','b']},':a':'a',"
    "':ss2':{'$stringSet':['a','b']},':ns':{'$numberSet':[3,1,2.5]},':half':2.5,':neg':-2.5,':m':{'deep':{'lst':[{'x':10}]},'"
    "k':'v'},"
    "':S':'S',':N':'N',':M':'M',':NULL':'NULL',':BOOL':'BOOL',':SS':'SS',':x10':10}";

struct row {
    const char *expression;
    bool expected;
};

static void check_rows(const struct row *rows, size_t count, bool item_exists)
{
    for (size_t i = 0; i < count; i++) {
        struct expr_fixture f;
        struct value item = {.type = VALUE_NONE};
        expr_fixture_init(&f, NULL, values);
        if (item_exists)
            item = fixture_value(&f.keep, item_json);
        struct node *node = parse_condition(&f.context, "ConditionExpression", slice_text(rows[i].expression), &f.err);
        if (!node)
            fail_msg("%s: %s", rows[i].expression, f.err.text);
        if (condition_eval(node, &item) != rows[i].expected)
            fail_msg("%s must be %s", rows[i].expression, rows[i].expected ? "true" : "false");
        expr_fixture_finish(&f);
    }
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof rows / sizeof *(rows), true)

static void test_equality(void **state)
{
    static const struct row rows[] = {
        {"s = :s", true},   {"s = :he", false},   {"s <> :he", true},   {"s <> :s", false},  {"n = :n", true},
        {"n = :d", true},   {"n = :five", false}, {"n <> :five", true}, {"b = :b", true},    {"b = :s", false},
        {"t = :t", true},   {"t = :f", false},    {"f = :f", true},     {"z = :z", true},    {"z = :f", false},
        {"l = :l", true},   {"l[2] = :l3", true}, {"l[3] = :kv", true}, {"m = :m", true},    {"m = :kv", false},
        {"ss = :ss", true}, {"ss = :ss2", false}, {"ns = :ns", true},   {"ss = :ns", false}, {"neg = :neg", true},
        {"e = :e", true},   {"e = :s", false},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_missing_attributes(void **state)
{
    static const struct row rows[] = {
        {"nope = :s", false},
        {"nope <> :s", true},
        {"nope < :s", false},
        {"nope >= :s", false},
        {"nope = nada", false},
        {"nope <> nada", true},
        {"nope BETWEEN :n4 AND :n6", false},
        {"nope IN (:s)", false},
        {"NOT nope = :s", true},
        {"size(nope) = :n", false},
        {"size(nope) <> :n", true},
        {"contains(nope, :s)", false},
        {"begins_with(nope, :s)", false},
        {"attribute_type(nope, :S)", false},
    };

    (void)state;
    CHECK_ROWS(rows);
    check_rows(rows, sizeof rows / sizeof *rows, false);
}

static void test_order(void **state)
{
    static const struct row rows[] = {
        {"n < :n6", true},
        {"n < :n", false},
        {"n <= :n", true},
        {"n > :n4", true},
        {"n > :n", false},
        {"n >= :d", true},
        {"neg < :one", true},
        {"neg < :half", true},
        {"s > :he", true},
        {"s < :zz", true},
        {"s < :he", false},
        {"e < :s", true},
        {"s < :n6", false},
        {"s > :n6", false},
        {"b > :ba", true},
        {"b <= :ba", false},
        {"b < :zz", false},
        {"t < :n6", false},
        {"n BETWEEN :n4 AND :n6", true},
        {"n BETWEEN :n AND :n", true},
        {"neg BETWEEN :n4 AND :n6", false},
        {"s BETWEEN :he AND :zz", true},
        {"s BETWEEN :n4 AND :n6", false},
        {":n BETWEEN neg AND :n6", true},
        {":n BETWEEN neg AND s", false},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_in(void **state)
{
    static const struct row rows[] = {
        {"n IN (:s, :n4, :d)", true}, {"n IN (:five, :n4)", false}, {"l IN (:s, :l)", true},
        {":n IN (s, n)", true},       {"z IN (:z)", true},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_existence_and_types(void **state)
{
    static const struct row rows[] = {
        {"attribute_exists(s)", true},
        {"attribute_exists(z)", true},
        {"attribute_exists(nope)", false},
        {"attribute_not_exists(nope)", true},
        {"attribute_exists(m.deep.lst[0].x)", true},
        {"attribute_exists(m.deep.lst[1])", false},
        {"attribute_exists(m.deep.lst.x)", false},
        {"attribute_exists(m[0])", false},
        {"attribute_exists(s.x)", false},
        {"attribute_exists(l[4])", true},
        {"attribute_exists(l[5])", false},
        {"attribute_type(s, :S)", true},
        {"attribute_type(n, :S)", false},
        {"attribute_type(n, :N)", true},
        {"attribute_type(m, :M)", true},
        {"attribute_type(z, :NULL)", true},
        {"attribute_type(t, :BOOL)", true},
        {"attribute_type(ss, :SS)", true},
        {"m.deep.lst[0].x = :x10", true},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_contains_and_begins(void **state)
{
    static const struct row rows[] = {
        {"begins_with(s, :he)", true},    {"begins_with(s, :s)", true},   {"begins_with(s, :ell)", false},
        {"begins_with(s, :e)", true},     {"begins_with(b, :bhe)", true}, {"begins_with(b, :he)", false},
        {"begins_with(n, :five)", false}, {"begins_with(e, :he)", false}, {"contains(s, :ell)", true},
        {"contains(s, :zz)", false},      {"contains(s, :e)", true},      {"contains(b, :bell)", true},
        {"contains(b, :ell)", false},     {"contains(ss, :a)", true},     {"contains(ss, :zz)", false},
        {"contains(ss, :ss2)", false},    {"contains(ns, :half)", true},  {"contains(ns, :n)", false},
        {"contains(ns, :a)", false},      {"contains(bs, :ba)", true},    {"contains(bs, :bell)", false},
        {"contains(l, :one)", true},      {"contains(l, :two)", false},   {"contains(l, :l3)", true},
        {"contains(l, :kv)", true},       {"contains(l, :z)", true},      {"contains(l, :t)", false},
        {"contains(m, :kv)", false},      {"contains(n, :n)", false},     {"contains(t, :t)", false},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_size(void **state)
{
    static const struct row rows[] = {
        {"size(s) = :n", true},
        {"size(e) < :one", true},
        {"size(b) = :n", true},
        {"size(l) = :n", true},
        {"size(m) = :two", true},
        {"size(ss) > :two", true},
        {"size(ns) <= :two", false},
        {"size(bs) = :two", true},
        {"size(n) = :one", false},
        {"size(t) <> :one", true},
        {"size(s) = size(l)", true},
        {"size(l) = n", true},
        {"size(m) IN (:one, :two)", true},
        {"size(l) BETWEEN :n4 AND :n6", true},
        {"contains(ns, size(m))", false},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_logic(void **state)
{
    static const struct row rows[] = {
        {"s = :s AND n = :n", true},
        {"s = :s AND n = :n4", false},
        {"s = :he OR n = :n", true},
        {"s = :he OR n = :n4", false},
        {"NOT s = :he", true},
        {"NOT (s = :s AND n = :n)", false},
        {"s = :he OR s = :zz OR s = :s", true},
        {"s = :s AND n = :n AND t = :f", false},
        {"s = :he AND n = :n OR t = :t", true},
        {"s = :he AND (n = :n OR t = :t)", false},
        {"NOT NOT s = :s", true},
    };

    (void)state;
    CHECK_ROWS(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_missing_attributes),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_in),
        cmocka_unit_test(test_existence_and_types),
        cmocka_unit_test(test_contains_and_begins),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_logic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
