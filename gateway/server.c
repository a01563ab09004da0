/* server.c - the loop of a gateway, and who gets which callback.
 *
 * One turn: read requests and write answers (http_run), give up what is late, send what the requests put into the queue client as one
 * message, take the queue's answers; then wait, unless something is left to do. */
#include "gateway/server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "gateway/aws.h"
#include "gateway/gateway.h"
#include "gateway/http_listen.h"

#define DRAIN_MS 10000
#define PENDING_JOBS_MAX 262144u /* of all requests at once */
#define SPARE_DESCRIPTORS 1024u  /* for sockets of ZeroMQ, lingering connections, the journal of nobody */
#define BUSY_TURNS_MAX 16        /* turns in a row without looking at every descriptor */

/* -- Requests -------------------------------------------------------------------------------------------------- */
static bool refuse(struct http_request *r, const struct err *e)
{
    http_refuse(r, e);
    return false;
}

static bool on_begin(void *self, struct http_request *r)
{
    static bool (*const begins[])(struct gateway *, struct http_request *) = {
#define X(symbol, name, pattern, methods, any_case, begin, serve) begin,
        ROUTES(X)
#undef X
    };
    struct err e;
    char allow[32];
    int i = routes_find(r->path, &r->parameter);
    if (i < 0) {
        err_set(&e, ERR_NOT_FOUND, "there is nothing under this path");
        aws_begin_elsewhere(r);
        return refuse(r, &e);
    }
    const struct route *route = route_at((enum route_index)i);
    r->route = route;
    if (!(route->methods & r->method)) {
        routes_allow(route->methods, allow);
        err_set(&e, ERR_METHOD_NOT_ALLOWED, "this path takes %s only", allow);
        http_put_header(r, "Allow", "%s", allow);
        return refuse(r, &e);
    }
    return !begins[i] || begins[i](self, r);
}

static int index_of(const void *route)
{
    return route ? (int)((const struct route *)route - route_at((enum route_index)0)) : -1;
}

static void on_request(void *self, struct http_request *r)
{
    static void (*const serve[])(struct gateway *, struct http_request *) = {
#define X(symbol, name, pattern, methods, any_case, begin, function) function,
        ROUTES(X)
#undef X
    };
    serve[index_of(r->route)](self, r);
}

/* What it asked of a queue is given up as well: a receive that nobody reads would take messages with it. */
static void on_gone(void *self, struct http_request *r)
{
    struct gateway *g = self;
    struct pending_request *p = r->state;
    for (uint32_t i = 0; p->kind->response && i < p->count; i++)
        if (!p->jobs[i]->settled)
            queue_client_forget(g->queue, pending_tag(p->jobs[i]));
    gateway_close(g, p);
}

static void on_done(void *self, const struct http_request *r, unsigned status, int64_t now_us)
{
    struct gateway *g = self;
    metrics_count(&g->metrics, index_of(r->route), status, now_us - r->begun_us);
}

struct pending_request *gateway_open(struct gateway *g, struct http_request *r, const struct pending_kind *kind, uint32_t jobs,
                                     int64_t due_ms)
{
    struct pending_request *p = pending_open(g->pending, kind, r, jobs, g->now_ms, due_ms);
    if (!p) {
        struct err e;
        err_set(&e, ERR_UNAVAILABLE, "too many jobs wait in this gateway already; nothing was changed");
        http_refuse(r, &e);
        return NULL;
    }
    r->state = p;
    return p;
}

/* Sent with MSG_WAIT, and its result has not come: nobody waits for it any more, unless another request does. */
static void unwait(struct gateway *g, struct pending_job *job)
{
    struct id id = job->sent_id;
    job->settled = true; /* not found by id any more */
    if (!pending_by_id(g->pending, &id))
        queue_client_unwait(g->queue, &id);
}

struct http_request *gateway_close(struct gateway *g, struct pending_request *p)
{
    struct http_request *r = p->owner;
    r->state = NULL;
    for (uint32_t i = 0; i < p->count; i++)
        if (p->jobs[i]->awaited)
            unwait(g, p->jobs[i]);
    limit_charge(&g->limit, &p->charged, 0);
    pending_close(g->pending, p);
    return r;
}

/* -- The queue ------------------------------------------------------------------------------------------------- */
static void on_sent(void *self, void *tag, enum msg_result result, const struct id *known)
{
    struct gateway *g = self;
    struct pending_job *job = pending_by_tag(g->pending, tag);
    if (job && job->request->kind->response)
        sqs_job_sent(g, job, result);
    else if (job)
        manager_sent(g, job, result, known);
}

static void on_response(void *self, void *tag, const struct queue_response *response)
{
    struct gateway *g = self;
    struct pending_job *job = pending_by_tag(g->pending, tag);
    if (job)
        job->request->kind->response(g, job, response);
}

static void on_result(void *self, const struct id *id, struct slice outcome) { track_result(self, id, outcome); }

static void on_reply(void *self, void *tag, enum msg_call_status status, struct slice body)
{
    struct gateway *g = self;
    struct pending_job *job = pending_by_tag(g->pending, tag);
    if (!job)
        return;
    if (job->request->kind->reply)
        job->request->kind->reply(g, job, status, body);
    else
        track_reply(g, job, status, body);
}

static void on_state(void *self, void *tag, const struct msg_state_reply *state)
{
    struct gateway *g = self;
    struct pending_job *job = pending_by_tag(g->pending, tag);
    if (job)
        track_state(g, job, state);
}

static void on_admin(void *self, void *tag, unsigned err_code, struct slice value)
{
    struct gateway *g = self;
    if (admin_answer(g, tag, err_code, value))
        return;
    struct pending_job *job = pending_by_tag(g->pending, tag);
    if (job)
        jobs_listed(g, job, err_code, value);
}

static void on_catalog(void *self, struct slice catalog)
{
    struct gateway *g = self;
    if (schemas_update(&g->schemas, catalog) != 0)
        log_warn("gateway.catalog", "bytes=%zu error=unreadable", catalog.len);
}

static void on_link(void *self, bool up)
{
    struct gateway *g = self;
    g->link_up = up;
    g->stats_waits = false;
    g->stats_asked_ms = g->now_ms - GATEWAY_ANSWER_MS; /* ask at once */
    buf_reset(&g->stats);
    log_info("gateway.link", "up=%d", up);
}

/* -- Start and end --------------------------------------------------------------------------------------------- */
static void finish(struct gateway *g)
{
    http_server_destroy(&g->http); /* first: requests that wait let go of the rest */
    queue_client_destroy(&g->queue);
    pending_destroy(&g->pending);
    json_parser_destroy(&g->json);
    shape_reader_destroy(&g->shapes);
    aws_error_finish(&g->error);
    buf_finish(&g->path);
    buf_finish(&g->home);
    buf_finish(&g->coded);
    schemas_finish(&g->schemas);
    buf_finish(&g->value);
    buf_finish(&g->body);
    buf_finish(&g->stats);
}

/* As many connections as the kernel lets us have. */
static uint64_t raise_descriptors(int64_t max_connections)
{
    struct rlimit l;
    uint64_t want = (uint64_t)max_connections + SPARE_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &l) != 0)
        return (uint64_t)max_connections;
    if (l.rlim_cur < want) {
        l.rlim_cur = want < l.rlim_max ? want : l.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &l) != 0)
            getrlimit(RLIMIT_NOFILE, &l);
    }
    if (l.rlim_cur >= want)
        return (uint64_t)max_connections;
    uint64_t usable = l.rlim_cur > 2 * SPARE_DESCRIPTORS ? l.rlim_cur - SPARE_DESCRIPTORS : l.rlim_cur / 2;
    log_warn("gateway.descriptors", "limit=%llu max_connections=%llu", (unsigned long long)l.rlim_cur,
             (unsigned long long)usable);
    return usable;
}

static int start(struct gateway *g, const struct gateway_config *config, struct err *e)
{
    static const struct queue_client_events queue_events = {.sent = on_sent,
                                                            .result = on_result,
                                                            .reply = on_reply,
                                                            .state = on_state,
                                                            .admin = on_admin,
                                                            .response = on_response,
                                                            .catalog = on_catalog,
                                                            .link = on_link};
    g->now_ms = clock_mono_ms();
    g->credentials = config->credentials;
    g->account = config->account;
    g->credential_count = config->credential_count;
    g->call_timeout_ms = config->call_timeout_ms;
    limit_init(&g->limit, config->request_timeout_ms, config->idle_timeout_ms, raise_descriptors(config->max_connections),
               LIMIT_GATEWAY_BYTES);
    if (schemas_init(&g->schemas, config->tables, config->table_count, e) != 0)
        return -1;
    g->pending = pending_create(PENDING_JOBS_MAX, g->now_ms);
    g->json = json_parser_create();
    g->shapes = shape_reader_create();
    if (!g->pending || !g->json || !g->shapes || id_maker_init(&g->ids) != 0)
        return err_set(e, ERR_INTERNAL, "out of memory");
    g->queue = queue_client_create(config->queue_endpoint, "gateway", "gateway", &queue_events, g, g->now_ms, e);
    return g->queue ? 0 : -1;
}

static int listen_http(struct gateway *g, const struct gateway_config *config, char url[static HTTP_URL_BYTES], struct err *e)
{
    static const struct http_events events = {.begin = on_begin, .request = on_request, .gone = on_gone, .done = on_done};
    int fd = http_listen(config->listen, url, e);
    if (fd < 0)
        return -1;
    g->http = http_server_create(fd, &g->limit, &events, g, g->now_ms, e);
    if (!g->http)
        close(fd);
    return g->http ? 0 : -1;
}

/* -- The loop -------------------------------------------------------------------------------------------------- */
static void turn(struct gateway *g, bool knocks)
{
    g->now_ms = clock_mono_ms();
    g->wall_ms = clock_wall_ms();
    http_run(g->http, g->now_ms, knocks);
    for (struct pending_request *p; (p = pending_late(g->pending, g->now_ms)) != NULL;)
        p->kind->late(g, p, g->now_ms);
    admin_turn(g);
    queue_client_flush(g->queue, g->now_ms);
    queue_client_process(g->queue, g->now_ms);
}

static int wait_ms_of(const struct gateway *g, int64_t stop_ms)
{
    int64_t due[] = {http_deadline(g->http, g->now_ms), pending_deadline(g->pending), admin_deadline(g),
                     queue_client_deadline(g->queue), stop_ms};
    int64_t first = due[0];
    for (size_t i = 1; i < sizeof due / sizeof due[0]; i++)
        if (due[i] < first)
            first = due[i];
    if (first == INT64_MAX)
        return -1;
    int64_t wait = first - g->now_ms;
    return wait < 0 ? 0 : wait > 60000 ? 60000 : (int)wait;
}

static void serve(struct gateway *g, int stop_fd)
{
    int64_t stop_ms = INT64_MAX;
    int busy = 0;
    for (bool knocks = true;;) {
        turn(g, knocks);
        knocks = false;
        if (g->stopping && (limit_requests(&g->limit) == 0 || g->now_ms >= stop_ms))
            return;
        int wait_ms = wait_ms_of(g, stop_ms);
        if (wait_ms == 0 && ++busy < BUSY_TURNS_MAX)
            continue;
        busy = 0;
        struct pollfd fds[] = {{.fd = http_epoll_fd(g->http), .events = POLLIN},
                               {.fd = http_listen_fd(g->http), .events = POLLIN},
                               {.fd = queue_client_fd(g->queue), .events = POLLIN},
                               {.fd = http_watch_fd(g->http), .events = POLLIN},
                               {.fd = g->stopping ? -1 : stop_fd, .events = POLLIN}};
        if (poll(fds, 5, wait_ms) <= 0)
            continue;
        knocks = fds[1].revents & POLLIN;
        if (!(fds[4].revents & POLLIN))
            continue;
        log_info("gateway.stopping", "requests=%llu", (unsigned long long)limit_requests(&g->limit));
        g->stopping = true;
        stop_ms = g->now_ms + DRAIN_MS;
        http_drain(g->http);
    }
}

int gateway_run(const struct gateway_config *config)
{
    struct gateway *g = calloc(1, sizeof *g);
    struct err e = {0};
    char url[HTTP_URL_BYTES], quoted[512];
    int result = 0;
    if (!g)
        err_set(&e, ERR_INTERNAL, "out of memory");
    if (!g || start(g, config, &e) != 0 || listen_http(g, config, url, &e) != 0) {
        log_error("gateway.failed", "error=%s", log_value(e.text, quoted, sizeof quoted));
        result = e.code == ERR_VALIDATION ? 64 : e.code == ERR_UNAVAILABLE ? 75 : 70;
        goto done;
    }
    log_info("gateway.ready", "url=%s queue=%s", url, log_value(config->queue_endpoint, quoted, sizeof quoted));
    serve(g, config->stop_fd);
    log_info("gateway.stopped", "requests=%llu", (unsigned long long)limit_requests(&g->limit));
done:
    if (g)
        finish(g);
    free(g);
    return result;
}
