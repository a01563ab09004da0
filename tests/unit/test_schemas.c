/* Key schemas by table name: from --table and from catalogs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/limits.h"
#include "gateway/schemas.h"

static const char *const specs[] = {"lambda-apigateway:id", "orders:customer:N,at:S"};

static void put(struct buf *catalog, const char *table, const char *key)
{
    struct key_schema schema = {.partition_name = slice_text(key), .partition_type = VALUE_B};
    catalog_put(catalog, slice_text(table), &schema);
}

static const struct key_schema *find(const struct schemas *s, const char *table) { return schemas_find(s, slice_text(table)); }

static void specs_are_known_from_the_start(void **state)
{
    struct schemas s;
    struct err e;
    (void)state;
    assert_int_equal(schemas_init(&s, specs, 2, &e), 0);
    assert_true(slice_equal(find(&s, "lambda-apigateway")->partition_name, slice_text("id")));
    assert_int_equal(find(&s, "orders")->partition_type, VALUE_N);
    assert_true(slice_equal(find(&s, "orders")->sort_name, slice_text("at")));
    assert_null(find(&s, "order"));
    assert_null(find(&s, ""));
    schemas_finish(&s);
}

static void a_bad_spec_is_named(void **state)
{
    static const char *const bad[] = {"no-key"};
    struct schemas s;
    struct err e = {0};
    (void)state;
    assert_int_equal(schemas_init(&s, bad, 1, &e), -1);
    assert_int_not_equal(e.code, ERR_NONE);
    schemas_finish(&s);
}

static void a_catalog_replaces_the_one_before(void **state)
{
    struct schemas s;
    struct err e;
    struct buf catalog = {0};
    (void)state;
    assert_int_equal(schemas_init(&s, specs, 2, &e), 0);
    mp_put_map(&catalog, 2);
    put(&catalog, "first", "k1");
    put(&catalog, "orders", "other"); /* what a worker says counts more than what we were told */
    assert_int_equal(schemas_update(&s, buf_slice(&catalog)), 0);
    assert_true(slice_equal(find(&s, "first")->partition_name, slice_text("k1")));
    assert_true(slice_equal(find(&s, "orders")->partition_name, slice_text("other")));
    assert_non_null(find(&s, "lambda-apigateway"));
    buf_reset(&catalog);
    mp_put_map(&catalog, 1);
    put(&catalog, "second", "k2");
    assert_int_equal(schemas_update(&s, buf_slice(&catalog)), 0);
    buf_finish(&catalog); /* the schemas have their own copy */
    assert_null(find(&s, "first"));
    assert_true(slice_equal(find(&s, "second")->partition_name, slice_text("k2")));
    assert_true(slice_equal(find(&s, "orders")->partition_name, slice_text("customer")));
    assert_int_equal(schemas_update(&s, slice_text("")), 0);
    assert_null(find(&s, "second"));
    schemas_finish(&s);
}

static void a_damaged_catalog_changes_nothing(void **state)
{
    struct schemas s;
    struct err e;
    struct buf catalog = {0};
    (void)state;
    assert_int_equal(schemas_init(&s, specs, 2, &e), 0);
    mp_put_map(&catalog, 2);
    put(&catalog, "first", "k1");
    put(&catalog, "second", "k2");
    assert_int_equal(schemas_update(&s, buf_slice(&catalog)), 0);
    for (size_t len = 1; len < catalog.len; len++)
        assert_int_equal(schemas_update(&s, slice_of(catalog.data, len)), -1);
    assert_non_null(find(&s, "first"));
    assert_non_null(find(&s, "second"));
    assert_non_null(find(&s, "orders"));
    buf_finish(&catalog);
    schemas_finish(&s);
}

static void many_tables(void **state)
{
    enum { COUNT = LIMIT_TABLES };
    struct schemas s;
    struct err e;
    struct buf catalog = {0};
    char name[32];
    (void)state;
    assert_int_equal(schemas_init(&s, NULL, 0, &e), 0);
    assert_null(find(&s, "anything"));
    mp_put_map(&catalog, COUNT);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "table-%d", i);
        put(&catalog, name, "id");
    }
    assert_int_equal(schemas_update(&s, buf_slice(&catalog)), 0);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "table-%d", i);
        assert_non_null(find(&s, name));
    }
    assert_null(find(&s, "table-2500"));
    buf_finish(&catalog);
    schemas_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specs_are_known_from_the_start),
        cmocka_unit_test(a_bad_spec_is_named),
        cmocka_unit_test(a_catalog_replaces_the_one_before),
        cmocka_unit_test(a_damaged_catalog_changes_nothing),
        cmocka_unit_test(many_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
