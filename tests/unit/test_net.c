/* test_net.c - sockets over ipc and tcp in one process: what is refused, what is dropped, what comes through unchanged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/limits.h"
#include "common/net.h"

#define PATIENCE_MS 5000

struct fixture {
    char folder[PATH_MAX / 2];
    char endpoint[PATH_MAX];
    zsock_t *router, *dealer;
    struct err e;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *base = getenv("TMPDIR");
    assert_non_null(f);
    snprintf(f->folder, sizeof f->folder, "%s/leat-net-XXXXXX", base && strlen(base) < 60 ? base : "/tmp");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->endpoint, sizeof f->endpoint, "ipc://%s/s", f->folder);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    zsock_destroy(&f->dealer);
    zsock_destroy(&f->router);
    unlink(f->endpoint + strlen("ipc://"));
    int result = rmdir(f->folder);
    free(f);
    return result;
}

static void wait_readable(zsock_t *s)
{
    struct pollfd fd = {.fd = net_fd(s), .events = POLLIN};
    poll(&fd, 1, 50);
}

static enum net_result receive(zsock_t *s, struct net_frame *f, enum net_result (*receive_once)(zsock_t *, struct net_frame *))
{
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    for (;;) {
        enum net_result result = receive_once(s, f);
        if (result != NET_AGAIN || clock_mono_ms() > until)
            return result;
        wait_readable(s);
    }
}

static void send_from_dealer(zsock_t *s, struct buf *b)
{
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    enum net_result result;
    while ((result = net_dealer_send(s, b)) == NET_AGAIN && clock_mono_ms() < until)
        wait_readable(s);
    assert_int_equal(result, NET_OK);
    assert_int_equal(b->len, 0);
}

static void send_text(zsock_t *s, const char *text)
{
    struct buf b = {0};
    buf_text(&b, text);
    send_from_dealer(s, &b);
    buf_finish(&b);
}

static void start(struct fixture *f)
{
    f->router = net_router(f->endpoint, &f->e);
    assert_non_null(f->router);
    f->dealer = net_dealer(net_endpoint(f->router), &f->e);
    assert_non_null(f->dealer);
}

static void assert_frame(struct net_frame *f, const char *text)
{
    struct slice bytes = net_frame_bytes(f);
    assert_int_equal(bytes.len, strlen(text));
    assert_memory_equal(bytes.ptr, text, bytes.len);
}

/* Dealer to router and back. */
static struct net_peer round_trip(struct fixture *f)
{
    struct net_frame frame;
    send_text(f->dealer, "ask");
    assert_int_equal(receive(f->router, &frame, net_router_receive), NET_OK);
    assert_frame(&frame, "ask");
    struct net_peer peer = frame.peer;
    net_frame_done(&frame);
    assert_int_equal(peer.len, 5);

    struct buf b = {0};
    buf_text(&b, "answer");
    assert_int_equal(net_router_send(f->router, &peer, &b), NET_OK);
    assert_int_equal(b.len, 0);
    buf_finish(&b);
    assert_int_equal(receive(f->dealer, &frame, net_dealer_receive), NET_OK);
    assert_frame(&frame, "answer");
    net_frame_done(&frame);
    assert_int_equal(net_dealer_receive(f->dealer, &frame), NET_AGAIN);
    assert_int_equal(net_router_receive(f->router, &frame), NET_AGAIN);
    return peer;
}

static void test_round_trip_over_ipc(void **state)
{
    struct fixture *f = *state;
    start(f);
    round_trip(f);
    round_trip(f);
}

static void test_round_trip_over_tcp(void **state)
{
    struct fixture *f = *state;
    snprintf(f->endpoint, sizeof f->endpoint, "tcp://127.0.0.1:*");
    start(f);
    assert_null(strchr(net_endpoint(f->router), '*'));
    round_trip(f);
    snprintf(f->endpoint, sizeof f->endpoint, "ipc://none");
}

static void test_large_frames(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = {0, 1, 16 * 1024 - 1, 16 * 1024, 5 * 1024 * 1024};
    start(f);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buf b = {0};
        struct net_frame frame;
        assert_int_equal(buf_reserve(&b, sizes[i] + 1), 0);
        memset(b.data, (int)('a' + i), sizes[i]);
        b.len = sizes[i];
        send_from_dealer(f->dealer, &b);
        buf_finish(&b);
        assert_int_equal(receive(f->router, &frame, net_router_receive), NET_OK);
        struct slice bytes = net_frame_bytes(&frame);
        assert_int_equal(bytes.len, sizes[i]);
        for (size_t at = 0; at < bytes.len; at += 997)
            assert_int_equal(bytes.ptr[at], 'a' + i);
        net_frame_done(&frame);
    }
}

static void test_order_is_kept(void **state)
{
    struct fixture *f = *state;
    struct net_frame frame;
    char text[16];
    start(f);
    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof text, "%d", i);
        send_text(f->dealer, text);
    }
    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof text, "%d", i);
        assert_int_equal(receive(f->router, &frame, net_router_receive), NET_OK);
        assert_frame(&frame, text);
        net_frame_done(&frame);
    }
}

/* -- What is refused ------------------------------------------------------------------------------------------------------- */
static void test_endpoints(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"",           "tcp:/",       "ipc://", "tcp://",       "tcp://host",
                                      "inproc://x", "http://a:80", "/path",  "tcp://%s%n:1", "tcp://127.0.0.1:notaport"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        f->e = (struct err){0};
        assert_null(net_router(bad[i], &f->e));
        assert_true(f->e.code != ERR_NONE && strlen(f->e.text) > 10);
    }
    char longest[300] = "ipc:///";
    memset(longest + 7, 'x', 200);
    f->e = (struct err){0};
    assert_null(net_dealer(longest, &f->e));
    assert_non_null(strstr(f->e.text, "longer"));
    assert_null(net_dealer("nonsense", NULL));
}

static void test_missing_folder(void **state)
{
    struct fixture *f = *state;
    char endpoint[PATH_MAX + 16];
    snprintf(endpoint, sizeof endpoint, "ipc://%s/no/such", f->folder);
    assert_null(net_router(endpoint, &f->e));
    assert_non_null(strstr(f->e.text, "folder"));
    assert_non_null(strstr(f->e.text, f->folder));
    snprintf(endpoint, sizeof endpoint, "ipc:///dev/null/s");
    f->e = (struct err){0};
    assert_null(net_router(endpoint, &f->e));
    assert_non_null(strstr(f->e.text, "not a folder"));
}

static void test_stale_socket_file(void **state)
{
    struct fixture *f = *state;
    FILE *file = fopen(f->endpoint + strlen("ipc://"), "w");
    assert_non_null(file);
    fclose(file);
    start(f);
    round_trip(f);
}

static void test_unknown_peer(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = {6, 100000}; /* copied, and handed over */
    start(f);
    struct net_peer nobody = {.bytes = {0, 9, 9, 9, 9}, .len = 5};
    for (size_t i = 0; i < 2; i++) {
        struct buf b = {0};
        assert_int_equal(buf_reserve(&b, sizes[i]), 0);
        memset(b.data, 'x', sizes[i]);
        b.len = sizes[i];
        unsigned char *data = b.data;
        assert_int_equal(net_router_send(f->router, &nobody, &b), NET_GONE);
        assert_true(b.data == data && b.len == sizes[i] && b.data[sizes[i] - 1] == 'x');
        buf_finish(&b);
    }
    round_trip(f); /* the router is not left in the middle of a message */
}

static void test_dealer_without_connection(void **state)
{
    struct fixture *f = *state;
    struct buf b = {0};
    f->dealer = net_dealer(f->endpoint, &f->e);
    assert_non_null(f->dealer);
    assert_int_equal(buf_reserve(&b, 20000), 0);
    memset(b.data, 'y', 20000);
    b.len = 20000;
    unsigned char *data = b.data;
    assert_int_equal(net_dealer_send(f->dealer, &b), NET_AGAIN);
    assert_true(b.data == data && b.len == 20000 && b.data[19999] == 'y');
    f->router = net_router(f->endpoint, &f->e); /* the dealer tries again by itself */
    assert_non_null(f->router);
    send_from_dealer(f->dealer, &b);
    buf_finish(&b);
    struct net_frame frame;
    assert_int_equal(receive(f->router, &frame, net_router_receive), NET_OK);
    assert_int_equal(net_frame_bytes(&frame).len, 20000);
    net_frame_done(&frame);
    round_trip(f);
}

static void test_full_peer(void **state)
{
    struct fixture *f = *state;
    start(f);
    struct net_peer peer = round_trip(f);
    struct buf b = {0};
    enum net_result result = NET_OK;
    int sent = 0;
    for (; result == NET_OK && sent < 200000; sent++) { /* the dealer does not read */
        buf_reset(&b);
        assert_int_equal(buf_reserve(&b, 1000), 0);
        b.len = 1000;
        memset(b.data, 'z', b.len);
        result = net_router_send(f->router, &peer, &b);
    }
    assert_int_equal(result, NET_AGAIN);
    assert_int_equal(b.len, 1000);
    assert_true(sent > 1000);
    struct net_frame frame;
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    while (net_router_send(f->router, &peer, &b) != NET_OK && clock_mono_ms() < until)
        if (receive(f->dealer, &frame, net_dealer_receive) == NET_OK)
            net_frame_done(&frame);
    assert_int_equal(b.len, 0);
    buf_finish(&b);
}

static void test_failed_buffer(void **state)
{
    struct fixture *f = *state;
    start(f);
    struct net_peer peer = round_trip(f);
    struct buf b = {.failed = true};
    assert_int_equal(net_dealer_send(f->dealer, &b), NET_FAILED);
    assert_int_equal(net_router_send(f->router, &peer, &b), NET_FAILED);
    round_trip(f);
}

/* -- Strangers ------------------------------------------------------------------------------------------------------------- */
static void test_multipart_is_noise(void **state)
{
    struct fixture *f = *state;
    struct net_frame frame;
    start(f);
    struct net_peer peer = round_trip(f);
    zstr_sendx(f->dealer, "one", "two", "three", NULL);
    assert_int_equal(receive(f->router, &frame, net_router_receive), NET_OK);
    assert_int_equal(net_frame_bytes(&frame).len, 0);
    assert_int_equal(frame.peer.len, peer.len);
    net_frame_done(&frame);
    round_trip(f);

    zmsg_t *noise = zmsg_new();
    zmsg_addmem(noise, peer.bytes, peer.len);
    zmsg_addstr(noise, "one");
    zmsg_addstr(noise, "two");
    assert_int_equal(zmsg_send(&noise, f->router), 0);
    assert_int_equal(receive(f->dealer, &frame, net_dealer_receive), NET_OK);
    assert_int_equal(net_frame_bytes(&frame).len, 0);
    net_frame_done(&frame);
    round_trip(f);
}

static void test_long_identity_is_noise(void **state)
{
    struct fixture *f = *state;
    struct net_frame frame;
    start(f);
    zsock_t *stranger = zsock_new(ZMQ_DEALER);
    assert_non_null(stranger);
    char identity[101];
    memset(identity, 'i', 100);
    identity[100] = '\0';
    zsock_set_identity(stranger, identity);
    assert_int_equal(zsock_connect(stranger, "%s", f->endpoint), 0);
    assert_int_equal(zstr_send(stranger, "hello"), 0);
    assert_int_equal(receive(f->router, &frame, net_router_receive), NET_OK);
    assert_true(net_frame_bytes(&frame).len == 0 && frame.peer.len == 0);
    net_frame_done(&frame);
    zsock_destroy(&stranger);
    round_trip(f);
}

static void test_oversized_frame_cuts_its_sender_off(void **state)
{
    struct fixture *f = *state;
    struct buf b = {0};
    struct net_frame frame;
    start(f);
    assert_int_equal(buf_reserve(&b, LIMIT_WIRE_BYTES + 1), 0);
    memset(b.data, 0, LIMIT_WIRE_BYTES + 1);
    b.len = LIMIT_WIRE_BYTES + 1;
    send_from_dealer(f->dealer, &b);
    buf_finish(&b);
    zsock_t *other = net_dealer(f->endpoint, &f->e);
    assert_non_null(other);
    send_text(other, "small");
    assert_int_equal(receive(f->router, &frame, net_router_receive), NET_OK);
    assert_frame(&frame, "small");
    net_frame_done(&frame);
    zsock_destroy(&other);
}

/* -- The life of sockets --------------------------------------------------------------------------------------------------- */
static void test_restart_is_a_new_peer(void **state)
{
    struct fixture *f = *state;
    start(f);
    struct net_peer before = round_trip(f);
    net_dealer_restart(&f->dealer, f->endpoint);
    assert_non_null(f->dealer);
    struct net_peer after = round_trip(f);
    assert_true(before.len != after.len || memcmp(before.bytes, after.bytes, before.len) != 0);
    zsock_destroy(&f->dealer);
    net_dealer_restart(&f->dealer, f->endpoint); /* from none */
    assert_non_null(f->dealer);
    round_trip(f);
}

static void test_readable(void **state)
{
    struct fixture *f = *state;
    struct net_frame frame;
    start(f);
    struct net_peer peer = round_trip(f);
    assert_false(net_readable(f->dealer));
    struct buf b = {0};
    buf_text(&b, "x");
    assert_int_equal(net_router_send(f->router, &peer, &b), NET_OK);
    buf_finish(&b);
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    while (!net_readable(f->dealer) && clock_mono_ms() < until)
        wait_readable(f->dealer);
    assert_true(net_readable(f->dealer));
    assert_int_equal(net_dealer_receive(f->dealer, &frame), NET_OK);
    net_frame_done(&frame);
}

static void on_signal(int number) { (void)number; }

static void test_signals_stay_the_programs(void **state)
{
    struct fixture *f = *state;
    struct sigaction mine = {.sa_handler = on_signal}, now;
    assert_int_equal(sigaction(SIGTERM, &mine, NULL), 0);
    start(f);
    net_dealer_restart(&f->dealer, f->endpoint);
    round_trip(f);
    assert_int_equal(sigaction(SIGTERM, NULL, &now), 0);
    assert_ptr_equal(now.sa_handler, on_signal);
    mine.sa_handler = SIG_IGN; /* set after the first socket: a later one does not undo it either */
    assert_int_equal(sigaction(SIGTERM, &mine, NULL), 0);
    net_dealer_restart(&f->dealer, f->endpoint);
    assert_int_equal(sigaction(SIGTERM, NULL, &now), 0);
    assert_ptr_equal(now.sa_handler, SIG_IGN);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_signals_stay_the_programs), /* first: CZMQ starts here */
        T(test_round_trip_over_ipc),
        T(test_round_trip_over_tcp),
        T(test_large_frames),
        T(test_order_is_kept),
        T(test_endpoints),
        T(test_missing_folder),
        T(test_stale_socket_file),
        T(test_unknown_peer),
        T(test_dealer_without_connection),
        T(test_full_peer),
        T(test_failed_buffer),
        T(test_multipart_is_noise),
        T(test_long_identity_is_noise),
        T(test_oversized_frame_cuts_its_sender_off),
        T(test_restart_is_a_new_peer),
        T(test_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
