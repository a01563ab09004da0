/* bench_http.c - many users on one epoll loop: each has a keep-alive connection and one request under way.
 *
 *     RETIRED ──the profile wants it──▶ CONNECTING ──▶ WAITING ──answer──▶ WAITING ...
 *        ▲                                  │ failed      │ closed, broken, too late
 *        └── the profile wants it no more   └─▶ RESTING ◀─┘   (for a moment)
 *
 * With --rate a user whose next turn has not come yet is IDLE between WAITING and WAITING.
 *
 * Sockets are registered once, edge-triggered, for reading and writing; a request costs one send and one receive. The clock is read once
 * an answer: the end of one request is the beginning of the next. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/bench_response.h"
#include "cli/bench_run.h"
#include "cli/bench_target.h"
#include "common/clock.h"

#define EVENTS 64 /* small turns: the server works on the first requests while the last answers are read */
#define READ_BYTES 65536
#define REST_US INT64_C(100000)
#define OTHER_FILES 64 /* descriptors besides those of the users */

#define NO_TURN UINT64_MAX

enum user_state { USER_RETIRED, USER_RESTING, USER_CONNECTING, USER_IDLE, USER_WAITING };

struct user {
    enum user_state state;
    int fd; /* -1: none */
    uint32_t number;
    int64_t since_us;   /* CONNECTING, WAITING: begun; RESTING: until */
    int64_t planned_us; /* WAITING: what latency is counted from */
    uint64_t turn;      /* with --rate: the next one of the pace that is this user's; NO_TURN: to be found */
    struct bench_response response;
    struct buf unsent; /* what the socket did not take of the request, from unsent_at on */
    size_t unsent_at;
};

struct load {
    struct bench_run *run;
    struct bench_target target;
    struct user *users;
    uint32_t user_count, working; /* working: not RETIRED */
    uint32_t under_way;           /* WAITING */
    int epoll;
    struct buf body, request;
    unsigned char in[READ_BYTES];
};

static void set_state(struct load *l, struct user *u, enum user_state state)
{
    l->working += (state != USER_RETIRED) - (u->state != USER_RETIRED);
    l->under_way += (state == USER_WAITING) - (u->state == USER_WAITING);
    u->state = state;
}

static void hang_up(struct user *u)
{
    if (u->fd >= 0)
        close(u->fd); /* takes it out of the epoll set, too */
    u->fd = -1;
    u->unsent_at = 0;
    buf_reset(&u->unsent);
}

static void retire(struct load *l, struct user *u)
{
    hang_up(u);
    u->turn = NO_TURN;
    set_state(l, u, USER_RETIRED);
}

/* A moment without a connection, so that a server that is down or full is not stormed. */
static void rest(struct load *l, struct user *u, int64_t now_us)
{
    hang_up(u);
    set_state(l, u, USER_RESTING);
    u->since_us = now_us + REST_US;
}

static void fail(struct load *l, struct user *u, enum bench_fault fault, int64_t now_us)
{
    bench_tally_fault(l->run->tally, fault);
    rest(l, u, now_us);
}

/* -- Requests ----------------------------------------------------------------------------------------------------------------- */
static struct slice make_request(struct load *l)
{
    int64_t batch = l->run->s->batch;
    buf_reset(&l->request);
    const struct bench_job *job = bench_jobs_next(l->run->jobs);
    if (batch == 1) {
        bench_target_put(&l->target, buf_slice(&job->json), &l->request);
        return buf_slice(&l->request);
    }
    buf_reset(&l->body);
    for (int64_t i = 0; i < batch; i++) {
        buf_append(&l->body, job->json.data, job->json.len);
        buf_byte(&l->body, '\n');
        job = i + 1 < batch ? bench_jobs_next(l->run->jobs) : job;
    }
    bench_target_put(&l->target, buf_slice(&l->body), &l->request);
    return buf_slice(&l->request);
}

static bool send_failed(struct load *l, struct user *u, int64_t now_us)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return false;
    fail(l, u, BENCH_FAULT_CLOSED, now_us);
    return true;
}

static void begin_request(struct load *l, struct user *u, int64_t planned_us, int64_t now_us)
{
    struct slice request = make_request(l);
    set_state(l, u, USER_WAITING);
    u->since_us = now_us;
    u->planned_us = planned_us;
    bench_response_reset(&u->response);
    ssize_t n = send(u->fd, request.ptr, request.len, MSG_NOSIGNAL);
    if (n < 0 && send_failed(l, u, now_us))
        return;
    size_t sent = n < 0 ? 0 : (size_t)n;
    l->run->tally->bytes_out += sent;
    if (sent < request.len)
        buf_append(&u->unsent, request.ptr + sent, request.len - sent); /* without memory it ends in a time-out */
}

/* The user is free: its next request now, or when its turn comes. What it missed while it was not free, in an outage too, follows at once. */
static void next_request(struct load *l, struct user *u, int64_t now_us)
{
    const struct bench_pace *pace = &l->run->pace;
    int64_t planned_us = pace->rate > 0 ? bench_pace_at_us(pace, u->turn) : now_us;
    if (planned_us > now_us) {
        set_state(l, u, USER_IDLE);
        return;
    }
    u->turn += pace->lanes;
    begin_request(l, u, planned_us, now_us);
}

static void take_turns(struct load *l, int64_t now_us)
{
    uint64_t lane;
    while (bench_pace_take(&l->run->pace, now_us, &lane))
        if (l->users[lane].state == USER_IDLE)
            next_request(l, &l->users[lane], now_us);
}

static void count_missed(struct load *l, int64_t now_us)
{
    for (uint32_t i = 0; i < l->user_count; i++)
        if (l->users[i].turn != NO_TURN)
            l->run->tally->missed += bench_pace_missed_by(&l->run->pace, l->users[i].turn, now_us);
}

static void send_rest(struct load *l, struct user *u)
{
    while (u->unsent_at < u->unsent.len) {
        ssize_t n = send(u->fd, u->unsent.data + u->unsent_at, u->unsent.len - u->unsent_at, MSG_NOSIGNAL);
        if (n < 0) {
            send_failed(l, u, clock_mono_us());
            return;
        }
        u->unsent_at += (size_t)n;
        l->run->tally->bytes_out += (uint64_t)n;
    }
    u->unsent_at = 0;
    buf_reset(&u->unsent);
}

/* -- Connections -------------------------------------------------------------------------------------------------------------- */
static void begin_connection(struct load *l, struct user *u, int64_t now_us)
{
    int one = 1;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = u};
    set_state(l, u, USER_CONNECTING);
    u->since_us = now_us;
    bench_response_reset(&u->response);
    u->fd = socket(l->target.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (u->fd < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, u->fd, &event) != 0) {
        fail(l, u, BENCH_FAULT_CONNECT, now_us);
        return;
    }
    setsockopt(u->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    l->run->tally->connects++;
    int result = connect(u->fd, (const struct sockaddr *)&l->target.address, l->target.address_len);
    if (result != 0 && errno != EINPROGRESS)
        fail(l, u, BENCH_FAULT_CONNECT, now_us);
}

static void connected_well(struct load *l, struct user *u, int64_t now_us)
{
    if (u->turn == NO_TURN)
        u->turn = bench_pace_turn(&l->run->pace, u->number, now_us);
    next_request(l, u, now_us);
}

static void connected(struct load *l, struct user *u)
{
    int error = 0;
    socklen_t len = sizeof error;
    int64_t now_us = clock_mono_us();
    if (getsockopt(u->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0)
        fail(l, u, BENCH_FAULT_CONNECT, now_us);
    else if (u->number >= l->run->target)
        retire(l, u);
    else
        connected_well(l, u, now_us);
}

/* -- Answers ------------------------------------------------------------------------------------------------------------------ */
static void count_answer(struct load *l, struct user *u, int64_t now_us)
{
    const struct bench_response *r = &u->response;
    if (r->status < 300)
        bench_tally_ok(l->run->tally, now_us - u->planned_us);
    else
        bench_tally_status(l->run->tally, r->status, slice_of(r->words, r->words_len));
    l->run->tally->jobs_failed += r->scan.errors;
}

/* The answer is complete: the next request, if there is to be one. */
static void answered(struct load *l, struct user *u, int64_t now_us)
{
    count_answer(l, u, now_us);
    if (u->number >= l->run->target) {
        retire(l, u);
    } else if (u->response.close && u->response.status >= 500) {
        rest(l, u, now_us);
    } else if (u->response.close || u->unsent.len > 0) { /* answered in the middle of the request: no end to go on from */
        hang_up(u);
        begin_connection(l, u, now_us);
    } else {
        next_request(l, u, now_us);
    }
}

/* What was received; false when the connection is not the same afterwards. */
static bool take(struct load *l, struct user *u, size_t len)
{
    l->run->tally->bytes_in += len;
    size_t used = bench_response_feed(&u->response, l->in, len);
    if (u->response.state == BENCH_COMPLETE && used == len) {
        int fd = u->fd;
        answered(l, u, clock_mono_us());
        return (u->state == USER_WAITING || u->state == USER_IDLE) && u->fd == fd;
    }
    if (u->response.state == BENCH_REFUSED || used < len) { /* more than one answer to one request */
        fail(l, u, BENCH_FAULT_BROKEN, clock_mono_us());
        return false;
    }
    return true;
}

/* A server may close a connection that rests; that is no error. */
static void lost(struct load *l, struct user *u, int64_t now_us)
{
    if (u->state == USER_IDLE)
        rest(l, u, now_us);
    else
        fail(l, u, BENCH_FAULT_CLOSED, now_us);
}

/* An edge is used up when a read comes back short: what arrives later is an edge of its own, except for the end of the stream, which
 * may have come together with the bytes. */
static void receive(struct load *l, struct user *u, bool ended)
{
    for (;;) {
        ssize_t n = recv(u->fd, l->in, sizeof l->in, 0);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0) {
            lost(l, u, clock_mono_us());
            return;
        }
        if (!take(l, u, (size_t)n) || ((size_t)n < sizeof l->in && !ended))
            return;
    }
}

static void on_event(struct load *l, struct user *u, uint32_t events)
{
    if (u->fd < 0)
        return;
    /* A server that is full may have answered and closed before it was asked: this edge is the only one there is, so it is read below. */
    if (u->state == USER_CONNECTING && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
        connected(l, u);
    if (u->unsent.len > 0 && (events & EPOLLOUT))
        send_rest(l, u);
    if ((u->state == USER_WAITING || u->state == USER_IDLE) && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
        receive(l, u, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
}

/* -- Time --------------------------------------------------------------------------------------------------------------------- */
static void tick_user(struct load *l, struct user *u, int64_t now_us)
{
    bool wanted = u->number < l->run->target;
    if ((u->state == USER_RETIRED || (u->state == USER_RESTING && now_us >= u->since_us)) && wanted) {
        begin_connection(l, u, now_us);
    } else if (!wanted && u->state != USER_WAITING && u->state != USER_RETIRED) {
        retire(l, u);
    } else if ((u->state == USER_WAITING || u->state == USER_CONNECTING) &&
               now_us - u->since_us > l->run->s->timeout_ms * 1000) {
        fail(l, u, BENCH_FAULT_TIMEOUT, now_us);
    }
}

/* False: it is over. */
static bool tick(struct load *l, int64_t now_us)
{
    bool sending = l->run->target > 0, goes_on = bench_run_turn(l->run, l->working, l->under_way, now_us);
    if (sending && l->run->target == 0)
        count_missed(l, now_us);
    for (uint32_t i = 0; goes_on && i < l->user_count; i++)
        tick_user(l, &l->users[i], now_us);
    return goes_on;
}

/* Until something happens, the next turn of the pace, or until_us. Milliseconds will do where there is no pace. */
static int wait_for_events(struct load *l, struct epoll_event *events, int64_t until_us, int64_t now_us)
{
    int64_t due_us = bench_pace_due_us(&l->run->pace);
    if (due_us == INT64_MAX)
        return epoll_wait(l->epoll, events, EVENTS, (int)((until_us - now_us + 999) / 1000));
    bench_run_wait(l->epoll, due_us < until_us ? due_us : until_us, now_us);
    return epoll_wait(l->epoll, events, EVENTS, 0);
}

static void loop(struct load *l)
{
    struct epoll_event events[EVENTS];
    int64_t now_us = clock_mono_us(), tick_us = now_us;
    bench_run_begin(l->run, l->user_count, now_us);
    for (;;) {
        if (now_us >= tick_us) {
            if (!tick(l, now_us))
                break;
            tick_us = now_us + BENCH_TURN_MS * 1000;
        }
        take_turns(l, now_us);
        int n = wait_for_events(l, events, tick_us, now_us);
        for (int i = 0; i < n; i++)
            on_event(l, events[i].data.ptr, events[i].events);
        now_us = clock_mono_us();
    }
    bench_run_end(l->run, l->under_way);
}

/* -- Beginning and end -------------------------------------------------------------------------------------------------------- */
static int raise_file_limit(uint32_t users, struct err *e)
{
    struct rlimit limit;
    rlim_t needed = (rlim_t)users + OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
        return 0;
    limit.rlim_cur = needed;
    if (limit.rlim_max < needed || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return err_set(e, ERR_LIMIT_EXCEEDED, "%u users need %lu open files, and this shell allows %lu (ulimit -n)", users,
                       (unsigned long)needed, (unsigned long)limit.rlim_max);
    return 0;
}

static int prepare(struct load *l, struct err *e)
{
    const struct bench_settings *s = l->run->s;
    l->user_count = (uint32_t)s->users;
    if (raise_file_limit(l->user_count, e) != 0 || bench_target_init(&l->target, s->url, s->wait_s, s->batch > 1, e) != 0)
        return -1;
    l->users = calloc(l->user_count, sizeof *l->users);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!l->users || l->epoll < 0)
        return err_set(e, ERR_INTERNAL, "out of memory");
    for (uint32_t i = 0; i < l->user_count; i++) {
        l->users[i].fd = -1;
        l->users[i].number = i;
        l->users[i].turn = NO_TURN;
        l->users[i].response.count_jobs = s->batch > 1;
    }
    return 0;
}

static void destroy(struct load *l)
{
    for (uint32_t i = 0; l->users && i < l->user_count; i++) {
        hang_up(&l->users[i]);
        buf_finish(&l->users[i].unsent);
        bench_response_finish(&l->users[i].response);
    }
    free(l->users);
    if (l->epoll >= 0)
        close(l->epoll);
    buf_finish(&l->body);
    buf_finish(&l->request);
    bench_target_finish(&l->target);
    free(l);
}

int bench_http_run(struct bench_run *r, struct err *e)
{
    struct load *l = calloc(1, sizeof *l);
    if (!l)
        return err_set(e, ERR_INTERNAL, "out of memory");
    l->run = r;
    l->epoll = -1;
    int result = prepare(l, e);
    if (result == 0)
        loop(l);
    destroy(l);
    return result;
}
