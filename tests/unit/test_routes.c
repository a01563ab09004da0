/* Paths to routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/routes.h"

#define NONE (-1)

static void every_path_has_its_route(void **state)
{
    static const struct {
        const char *path;
        int route;
        const char *parameter;
    } rows[] = {
        {"/DynamoDBManager", ROUTE_MANAGER, ""},
        {"/dynamodbmanager", ROUTE_MANAGER, ""},
        {"/DYNAMODBMANAGER", ROUTE_MANAGER, ""},
        {"/prod/DynamoDBManager", ROUTE_MANAGER_STAGE, "prod"},
        {"/Staging/dynamodbmanager", ROUTE_MANAGER_STAGE, "Staging"},
        {"/jobs/DynamoDBManager", ROUTE_MANAGER_STAGE, "jobs"},
        {"/jobs/0190-abc", ROUTE_JOB, "0190-abc"},
        {"/jobs", ROUTE_JOBS, ""},
        {"/healthz", ROUTE_HEALTH, ""},
        {"/readyz", ROUTE_READY, ""},
        {"/metrics", ROUTE_METRICS, ""},
        {"/", ROUTE_AWS, ""},
        {"", NONE, ""},
        {"//", NONE, ""},
        {"//DynamoDBManager", NONE, ""},
        {"/DynamoDBManager/", NONE, ""},
        {"/DynamoDBManagers", NONE, ""},
        {"/a/b/DynamoDBManager", NONE, ""},
        {"/Jobs", NONE, ""},
        {"/jobs/", NONE, ""},
        {"/jobs/a/b", NONE, ""},
        {"/healthz/x", ROUTE_QUEUE_URL, "x"},
        {"/HEALTHZ", NONE, ""},
        {"healthz", NONE, ""},
        {"/jobs%2Fabc", NONE, ""},
        {"/../metrics", ROUTE_QUEUE_URL, "metrics"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slice parameter;
        int route = routes_find(rows[i].path, &parameter);
        if (route != rows[i].route)
            fail_msg("%s: route %d, not %d", rows[i].path, route, rows[i].route);
        if (route >= 0)
            assert_true(slice_equal(parameter, slice_text(rows[i].parameter)));
    }
}

static void methods(void **state)
{
    (void)state;
    assert_int_equal(route_at(ROUTE_MANAGER)->methods, HTTP_POST);
    assert_int_equal(route_at(ROUTE_MANAGER_STAGE)->methods, HTTP_POST);
    assert_true(route_at(ROUTE_JOB)->methods & HTTP_DELETE);
    assert_false(route_at(ROUTE_METRICS)->methods & HTTP_POST);
    for (int i = 0; i < ROUTE_COUNT; i++) {
        unsigned m = route_at((enum route_index)i)->methods;
        assert_int_equal((m & HTTP_OTHER) != 0, i == ROUTE_AWS || i == ROUTE_QUEUE_URL); /* every method, as AWS does */
        assert_int_equal((m & HTTP_GET) != 0, (m & HTTP_HEAD) != 0);
    }
}

static void allow_lists_them(void **state)
{
    char text[32];
    (void)state;
    routes_allow(HTTP_POST, text);
    assert_string_equal(text, "POST");
    routes_allow(HTTP_GET | HTTP_HEAD | HTTP_DELETE, text);
    assert_string_equal(text, "GET, HEAD, DELETE");
    routes_allow(HTTP_GET | HTTP_HEAD | HTTP_POST | HTTP_DELETE | HTTP_OTHER, text);
    assert_string_equal(text, "GET, HEAD, POST, DELETE");
    routes_allow(0, text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_has_its_route),
        cmocka_unit_test(methods),
        cmocka_unit_test(allow_lists_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
