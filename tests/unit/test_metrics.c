/* The text that Prometheus reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/metrics.h"

static struct buf out, figures;

static const char *text_of(const struct metrics *m, bool link_up, const struct value *broker)
{
    struct limit limit;
    limit_init(&limit, 1, 1, 10, 10);
    buf_reset(&out);
    metrics_put(m, &limit, link_up, broker, &out);
    buf_byte(&out, '\0');
    assert_false(buf_failed(&out));
    return (const char *)out.data;
}

static void put_number(const char *name, int64_t number)
{
    mp_put_text(&figures, name);
    value_put_int(&figures, number);
}

static struct value broker_figures(const char *queue_name, int64_t others)
{
    buf_reset(&figures);
    mp_put_map(&figures, 7);
    put_number("workers", 3);
    put_number("queueCount", 400);
    mp_put_text(&figures, "otherQueues");
    mp_put_map(&figures, 3);
    put_number("count", others);
    put_number("ready", 70);
    put_number("oldestSeconds", 90);
    put_number("accepted", 1000000);
    put_number("dead", 2);
    mp_put_text(&figures, "queues");
    mp_put_array(&figures, 1);
    mp_put_map(&figures, 4);
    mp_put_text(&figures, "name");
    mp_put_text(&figures, queue_name);
    put_number("ready", 7);
    put_number("inflight", 8);
    put_number("oldestSeconds", 9);
    mp_put_text(&figures, "fsync");
    mp_put_map(&figures, 3);
    mp_put_text(&figures, "buckets");
    mp_put_array(&figures, 2);
    value_put_int(&figures, 4);
    value_put_int(&figures, 1);
    put_number("count", 5);
    put_number("sumUs", 500);
    return value_of(buf_slice(&figures));
}

static void requests_are_counted_by_route_and_status(void **state)
{
    static struct metrics m;
    struct value none = {.type = VALUE_NONE};
    (void)state;
    metrics_count(&m, ROUTE_MANAGER, 202, 100);
    metrics_count(&m, ROUTE_MANAGER_STAGE, 202, 100); /* one route, two patterns */
    metrics_count(&m, ROUTE_JOB, 200, 100);
    metrics_count(&m, -1, 404, 100);
    metrics_count(&m, ROUTE_JOB, 418, 100); /* counted under its class */
    metrics_count(&m, ROUTE_JOB, 599, -5);
    const char *text = text_of(&m, false, &none);
    assert_non_null(strstr(text, "leat_http_requests_total{route=\"manager\",code=\"202\"} 2\n"));
    assert_non_null(strstr(text, "leat_http_requests_total{route=\"job\",code=\"200\"} 1\n"));
    assert_non_null(strstr(text, "leat_http_requests_total{route=\"none\",code=\"404\"} 1\n"));
    assert_non_null(strstr(text, "leat_http_requests_total{route=\"job\",code=\"400\"} 1\n"));
    assert_non_null(strstr(text, "leat_http_requests_total{route=\"job\",code=\"500\"} 1\n"));
    assert_non_null(strstr(text, "leat_http_request_seconds_count 6\n"));
    assert_non_null(strstr(text, "leat_gateway_link_up 0\n"));
    assert_null(strstr(text, "leat_workers"));
}

static void the_brokers_figures_have_their_names(void **state)
{
    static struct metrics m;
    struct value broker = broker_figures("leat-jobs", 0);
    const char *text = text_of(&m, true, &broker);
    (void)state;
    assert_non_null(strstr(text, "\nleat_workers 3\n"));
    assert_non_null(strstr(text, "\nleat_queues 400\n"));
    assert_null(strstr(text, "others"));
    assert_non_null(strstr(text, "\nleat_jobs_accepted_total 1000000\n"));
    assert_non_null(strstr(text, "\nleat_jobs_finished_total{outcome=\"dead\"} 2\n"));
    assert_non_null(strstr(text, "\nleat_jobs_finished_total{outcome=\"failed\"} 0\n"));
    assert_non_null(strstr(text, "\nleat_queue_messages{queue=\"leat-jobs\",state=\"ready\"} 7\n"));
    assert_non_null(strstr(text, "\nleat_queue_messages{queue=\"leat-jobs\",state=\"inflight\"} 8\n"));
    assert_non_null(strstr(text, "\nleat_queue_messages{queue=\"leat-jobs\",state=\"delayed\"} 0\n"));
    assert_non_null(strstr(text, "\nleat_queue_oldest_message_seconds{queue=\"leat-jobs\"} 9\n"));
    assert_non_null(strstr(text, "\nleat_queue_fsync_seconds_count 5\n"));
    assert_non_null(strstr(text, "\nleat_store_commits_total 0\n"));
    assert_non_null(strstr(text, "\nleat_gateway_link_up 1\n"));
}

static void queues_beyond_those_that_are_named_are_a_sum(void **state)
{
    static struct metrics m;
    struct value broker = broker_figures("eu-west-1/orders", 399);
    const char *text = text_of(&m, true, &broker);
    (void)state;
    assert_non_null(strstr(text, "\nleat_queue_messages{queue=\"eu-west-1/orders\",state=\"ready\"} 7\n"));
    assert_non_null(strstr(text, "\nleat_queue_messages{queue=\"(others)\",state=\"ready\"} 70\n"));
    assert_non_null(strstr(text, "\nleat_queue_messages{queue=\"(others)\",state=\"delayed\"} 0\n"));
    assert_non_null(strstr(text, "\nleat_queue_oldest_message_seconds{queue=\"(others)\"} 90\n"));
}

static void a_strange_queue_name_cannot_forge_a_line(void **state)
{
    static struct metrics m;
    struct value broker = broker_figures("a\"} 1\nforged 1", 0);
    (void)state;
    assert_null(strstr(text_of(&m, true, &broker), "forged"));
}

static void figures_of_another_shape_are_harmless(void **state)
{
    static struct metrics m;
    struct value broker;
    (void)state;
    buf_reset(&figures);
    mp_put_map(&figures, 3);
    mp_put_text(&figures, "queues");
    mp_put_text(&figures, "none");
    mp_put_text(&figures, "fsync");
    mp_put_nil(&figures);
    mp_put_text(&figures, "workers");
    mp_put_text(&figures, "many");
    broker = value_of(buf_slice(&figures));
    assert_non_null(strstr(text_of(&m, true, &broker), "\nleat_workers 0\n"));
}

static int teardown(void **state)
{
    (void)state;
    buf_finish(&out);
    buf_finish(&figures);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_counted_by_route_and_status),
        cmocka_unit_test(the_brokers_figures_have_their_names),
        cmocka_unit_test(queues_beyond_those_that_are_named_are_a_sum),
        cmocka_unit_test(a_strange_queue_name_cannot_forge_a_line),
        cmocka_unit_test(figures_of_another_shape_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
