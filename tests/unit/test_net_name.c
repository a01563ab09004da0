/* test_net_name.c - look-ups beside the loop, and a link whose broker is behind a name. getaddrinfo() is this file's own: it knows one
 * name, can be held up, and counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/net_name.h"
#include "common/queue_link.h"

#define PATIENCE_MS 10000

/* -- The name server ------------------------------------------------------------------------------------------------------- */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    char address[INET_ADDRSTRLEN]; /* of broker.test; empty: unknown */
    bool held;
    int asked, answered;
} server = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int answer_with(const char *address, const char *service, struct addrinfo **found)
{
    struct {
        struct addrinfo info;
        struct sockaddr_in at;
    } *answer = calloc(1, sizeof *answer);
    assert_non_null(answer);
    answer->at.sin_family = AF_INET;
    answer->at.sin_port = htons((uint16_t)(service ? atol(service) : 0));
    answer->info = (struct addrinfo){.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_addrlen = sizeof answer->at};
    answer->info.ai_addr = (struct sockaddr *)&answer->at;
    *found = &answer->info;
    return inet_pton(AF_INET, address, &answer->at.sin_addr) == 1 ? 0 : EAI_NONAME;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    (void)hints;
    if (strcmp(name, "broker.test") != 0)
        return answer_with(name, service, found); /* ZeroMQ's: an address */
    pthread_mutex_lock(&server.mutex);
    server.asked++;
    pthread_cond_broadcast(&server.changed);
    while (server.held)
        pthread_cond_wait(&server.changed, &server.mutex);
    int result = server.address[0] ? answer_with(server.address, service, found) : EAI_AGAIN;
    server.answered++;
    pthread_cond_broadcast(&server.changed);
    pthread_mutex_unlock(&server.mutex);
    return result;
}

void freeaddrinfo(struct addrinfo *found) { free(found); }

static void server_set(const char *address, bool held)
{
    pthread_mutex_lock(&server.mutex);
    snprintf(server.address, sizeof server.address, "%s", address);
    server.held = held;
    pthread_cond_broadcast(&server.changed);
    pthread_mutex_unlock(&server.mutex);
}

static void server_wait(const int *count, int least)
{
    pthread_mutex_lock(&server.mutex);
    while (*count < least)
        pthread_cond_wait(&server.changed, &server.mutex);
    pthread_mutex_unlock(&server.mutex);
}

static int reset(void **state)
{
    (void)state;
    server_set("", false);
    server_wait(&server.answered, server.asked);
    server.asked = server.answered = 0;
    return 0;
}

/* -- Names ----------------------------------------------------------------------------------------------------------------- */
static void wait_readable(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&look, 1, PATIENCE_MS), 1);
}

static void test_what_is_a_name(void **state)
{
    (void)state;
    static const char *const others[] = {
        "tcp://127.0.0.1:5555", "ipc:///tmp/broker.test:1", "tcp://*:5555",       "tcp://:5555",
        "tcp://broker.test",    "tcp://broker.test:",       "tcp://[::1]:5555",   "tcp://broker.test:x",
        "tcp://broker.test:0",  "tcp://broker.test:65536",  "tcp://a:1;broker:2", "broker.test:5555"};
    assert_true(net_name_needed("tcp://broker.test:5555"));
    assert_true(net_name_needed("tcp://queue:65535"));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(net_name_needed(others[i]));
}

static void test_a_name_is_found(void **state)
{
    (void)state;
    char endpoint[NET_NAME_BYTES];
    struct net_name *n = net_name_create("tcp://broker.test:65535");
    assert_false(net_name_take(n, endpoint));
    server_set("255.255.255.254", false);
    net_name_ask(n);
    wait_readable(net_name_fd(n));
    assert_true(net_name_take(n, endpoint));
    assert_string_equal(endpoint, "tcp://255.255.255.254:65535");
    assert_false(net_name_take(n, endpoint));
    net_name_destroy(&n);
    assert_null(n);
    net_name_destroy(&n);
}

static void test_an_unknown_name_can_be_asked_for_again(void **state)
{
    (void)state;
    char endpoint[NET_NAME_BYTES];
    struct net_name *n = net_name_create("tcp://broker.test:1");
    net_name_ask(n);
    wait_readable(net_name_fd(n));
    assert_false(net_name_take(n, endpoint));
    struct pollfd look = {.fd = net_name_fd(n), .events = POLLIN};
    assert_int_equal(poll(&look, 1, 0), 0);
    server_set("127.0.0.1", false);
    net_name_ask(n);
    wait_readable(net_name_fd(n));
    assert_true(net_name_take(n, endpoint));
    net_name_destroy(&n);
}

static void test_one_look_up_at_a_time_and_nobody_waits(void **state)
{
    (void)state;
    char endpoint[NET_NAME_BYTES];
    struct net_name *n = net_name_create("tcp://broker.test:1");
    server_set("127.0.0.1", true);
    for (int i = 0; i < 10; i++)
        net_name_ask(n);
    server_wait(&server.asked, 1);
    assert_false(net_name_take(n, endpoint));
    server_set("127.0.0.1", false);
    wait_readable(net_name_fd(n));
    assert_true(net_name_take(n, endpoint));
    assert_int_equal(server.asked, 1);
    net_name_destroy(&n);
}

static void test_a_look_up_may_outlive_its_owner(void **state)
{
    (void)state;
    struct net_name *n = net_name_create("tcp://broker.test:1");
    server_set("127.0.0.1", true);
    net_name_ask(n);
    server_wait(&server.asked, 1);
    net_name_destroy(&n);
    server_set("127.0.0.1", false);
    server_wait(&server.answered, 1);
}

/* -- A link to a name ------------------------------------------------------------------------------------------------------ */
struct wire {
    struct queue_link link;
    int64_t now_ms;
    int lost;
};

static void open_wire(struct wire *w, const char *broker)
{
    char endpoint[NET_NAME_BYTES];
    struct err e = {0};
    *w = (struct wire){.now_ms = 1000};
    snprintf(endpoint, sizeof endpoint, "tcp://broker.test:%s", strrchr(broker, ':') + 1);
    assert_int_equal(queue_link_init(&w->link, endpoint, 250, false, w->now_ms, &e), 0);
}

static void turn(struct wire *w)
{
    struct buf hello = {0};
    enum queue_link_need need = queue_link_turn(&w->link, w->now_ms);
    if (need == QUEUE_LINK_LOST) {
        w->lost++;
        need = queue_link_turn(&w->link, w->now_ms);
    }
    msg_put_bare(&hello, MSG_PING);
    if (need == QUEUE_LINK_GREET)
        queue_link_greeted(&w->link, queue_link_send(&w->link, &hello));
    else if (need == QUEUE_LINK_PING)
        queue_link_pinged(&w->link, queue_link_send(&w->link, &hello));
    buf_finish(&hello);
}

/* Turns the link, ten milliseconds of its time after the other, until the broker hears it. */
static void expect_heard(struct wire *w, zsock_t *broker)
{
    struct net_frame frame;
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    while (net_router_receive(broker, &frame) != NET_OK) {
        assert_true(clock_mono_ms() < until);
        turn(w);
        struct pollfd look[] = {{.fd = w->link.poll_fd, .events = POLLIN}, {.fd = net_fd(broker), .events = POLLIN}};
        poll(look, 2, 10);
        w->now_ms += 10;
    }
    net_frame_done(&frame);
}

/* A port that was given up a moment ago is closed by a thread of ZeroMQ, soon. */
static zsock_t *bind_at(const char *endpoint)
{
    struct err e = {0};
    zsock_t *broker;
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    while (!(broker = net_router(endpoint, &e)) && clock_mono_ms() < until)
        poll(NULL, 0, 1);
    assert_non_null(broker);
    return broker;
}

static void test_a_link_waits_for_the_name_without_blocking(void **state)
{
    (void)state;
    struct wire w;
    zsock_t *broker = bind_at("tcp://127.0.0.1:*");
    server_set("127.0.0.1", true);
    open_wire(&w, net_endpoint(broker));
    for (int i = 0; i < 100; i++, w.now_ms += 250)
        turn(&w);
    assert_null(w.link.socket);
    assert_int_equal(w.lost, 0);
    server_set("127.0.0.1", false);
    expect_heard(&w, broker);
    assert_int_equal(w.lost, 0);
    queue_link_finish(&w.link);
    zsock_destroy(&broker);
}

/* The name server is dead from the moment of the broker's death on. */
static void test_a_broker_that_comes_back_needs_no_name(void **state)
{
    (void)state;
    struct wire w;
    char endpoint[NET_NAME_BYTES];
    zsock_t *broker = bind_at("tcp://127.0.0.1:*");
    snprintf(endpoint, sizeof endpoint, "%s", net_endpoint(broker));
    server_set("127.0.0.1", false);
    open_wire(&w, endpoint);
    expect_heard(&w, broker);
    zsock_destroy(&broker);
    server_set("", true);
    for (int i = 0; i < 100; i++, w.now_ms += 250)
        turn(&w);
    broker = bind_at(endpoint);
    expect_heard(&w, broker);
    queue_link_finish(&w.link);
    zsock_destroy(&broker);
}

static void test_a_broker_that_moved_is_followed(void **state)
{
    (void)state;
    struct wire w;
    char endpoint[NET_NAME_BYTES];
    zsock_t *broker = bind_at("tcp://127.0.0.1:*");
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.2:%s", strrchr(net_endpoint(broker), ':') + 1);
    server_set("127.0.0.1", false);
    open_wire(&w, net_endpoint(broker));
    expect_heard(&w, broker);
    assert_true(queue_link_welcome(&w.link, MSG_VERSION, 7));
    w.link.up = true;
    zsock_destroy(&broker);
    broker = bind_at(endpoint);
    server_set("127.0.0.2", false);
    expect_heard(&w, broker);
    assert_int_equal(w.lost, 1);
    assert_false(w.link.welcomed);
    queue_link_finish(&w.link);
    zsock_destroy(&broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_what_is_a_name, reset),
        cmocka_unit_test_teardown(test_a_name_is_found, reset),
        cmocka_unit_test_teardown(test_an_unknown_name_can_be_asked_for_again, reset),
        cmocka_unit_test_teardown(test_one_look_up_at_a_time_and_nobody_waits, reset),
        cmocka_unit_test_teardown(test_a_look_up_may_outlive_its_owner, reset),
        cmocka_unit_test_teardown(test_a_link_waits_for_the_name_without_blocking, reset),
        cmocka_unit_test_teardown(test_a_broker_that_comes_back_needs_no_name, reset),
        cmocka_unit_test_teardown(test_a_broker_that_moved_is_followed, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
