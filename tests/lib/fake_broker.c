/* fake_broker.c - see fake_broker.h. Waits are polls on descriptors with an end; nothing sleeps. */
#include "tests/lib/fake_broker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

#define GLANCE_MS 5

void fake_broker_start(struct fake_broker *f)
{
    struct err e = {0};
    f->router = net_router(f->endpoint, &e);
    if (!f->router)
        print_error("%s\n", e.text);
    assert_non_null(f->router);
}

void fake_broker_open(struct fake_broker *f, void (*turn)(void *self), void *self)
{
    const char *base = getenv("TMPDIR");
    *f = (struct fake_broker){.turn = turn, .self = self};
    snprintf(f->folder, sizeof f->folder, "%s/leat-wire-XXXXXX", base && strlen(base) < 60 ? base : "/tmp");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->endpoint, sizeof f->endpoint, "ipc://%s/s", f->folder);
    fake_broker_start(f);
}

static void drop_frame(struct fake_broker *f)
{
    if (f->has_frame)
        net_frame_done(&f->frame);
    f->has_frame = false;
}

void fake_broker_stop(struct fake_broker *f)
{
    drop_frame(f);
    zsock_destroy(&f->router);
}

void fake_broker_close(struct fake_broker *f)
{
    fake_broker_stop(f);
    buf_finish(&f->out);
    unlink(f->endpoint + strlen("ipc://"));
    rmdir(f->folder);
}

void fake_broker_glance(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    poll(&poll_fd, 1, GLANCE_MS);
}

struct msg fake_broker_next(struct fake_broker *f)
{
    struct msg m = {.kind = MSG_KIND_COUNT};
    int64_t until = clock_mono_ms() + FAKE_BROKER_PATIENCE_MS;
    drop_frame(f);
    for (;;) {
        f->turn(f->self);
        if (net_router_receive(f->router, &f->frame) == NET_OK)
            break;
        if (clock_mono_ms() > until)
            fail_msg("no frame came");
        fake_broker_glance(net_fd(f->router));
    }
    f->has_frame = true;
    f->peer = f->frame.peer;
    assert_int_equal(msg_open(net_frame_bytes(&f->frame), &m), 0);
    return m;
}

struct msg fake_broker_expect(struct fake_broker *f, enum msg_kind kind)
{
    struct msg m = fake_broker_next(f);
    assert_string_equal(msg_kind_name(m.kind), msg_kind_name(kind));
    return m;
}

void fake_broker_answer(struct fake_broker *f)
{
    assert_false(buf_failed(&f->out));
    assert_int_equal(net_router_send(f->router, &f->peer, &f->out), NET_OK);
}

void fake_broker_settle(struct fake_broker *f, int fd, struct buf *text, const char *expected)
{
    int64_t until = clock_mono_ms() + FAKE_BROKER_PATIENCE_MS;
    size_t len = strlen(expected);
    for (f->turn(f->self); text->len < len && clock_mono_ms() < until; f->turn(f->self))
        fake_broker_glance(fd);
    buf_byte(text, 0);
    assert_false(buf_failed(text));
    assert_string_equal((const char *)text->data, expected);
    buf_reset(text);
}
