/* child.c - the event loop of a worker; see child.h for the turn. */
#include "worker/child.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/queue_client.h"
#include "worker/echoes.h"
#include "worker/inbox.h"
#include "worker/keeper.h"

#define BATCH_MAX 250u
#define CREDIT_JOBS (2 * BATCH_MAX) /* the next batch is here while one is applied */
#define CREDIT_CALLS 256u
#define CALLS_BYTES (8u * 1024u * 1024u) /* of the calls in one batch, but for the first */
#define ECHO_AHEAD_MS 1000 /* with slow echoes, no more is taken than can be answered in this time, but at least two */
#define LEAVE_MS 10000
#define WAIT_MAX_MS 200 /* beats are due so often */

static_assert(BATCH_MAX <= APPLY_MAX, "a batch is one call of apply_run()");

struct child {
    const struct child_config *config;
    struct guard_link *link;
    struct kv *kv;
    struct tables *tables;
    struct apply *apply;
    struct keeper *keeper;
    struct queue_worker *queue;
    struct inbox jobs, calls;
    struct buf catalog; /* as published last */
    int signals;        /* signalfd */
    uint32_t credit_jobs;
    struct echoes echoes; /* in use with --echo-delay */
    int64_t leave_by_ms;
    bool leaving, left, joined;
};

/* -- What the broker says ---------------------------------------------------------------------------------------------------- */

static void on_jobs(void *self, uint64_t low_seq, struct msg *m)
{
    struct child *c = self;
    keeper_low_seq(c->keeper, low_seq);
    if (inbox_add_jobs(&c->jobs, m, c->credit_jobs) != 0)
        log_warn("worker.refused", "what=jobs entries=%u held=%zu", (unsigned)m->left, c->jobs.held);
}

static void on_calls(void *self, struct msg *m)
{
    struct child *c = self;
    if (inbox_add_calls(&c->calls, m, CREDIT_CALLS) != 0)
        log_warn("worker.refused", "what=calls entries=%u held=%zu", (unsigned)m->left, c->calls.held);
}

static void on_link(void *self, bool up)
{
    struct child *c = self;
    inbox_clear(&c->jobs);
    inbox_clear(&c->calls);
    echoes_reset(&c->echoes);
    if (up)
        queue_worker_credit(c->queue, c->credit_jobs, CREDIT_CALLS);
    if (up && !c->joined)
        log_info("worker.ready", "name=%s incarnation=%016llx", c->config->name, (unsigned long long)c->link->incarnation);
    else
        log_event(up ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "worker.link", "name=%s up=%s", c->config->name, up ? "true" : "false");
    c->joined |= up;
}

static void on_left(void *self) { ((struct child *)self)->left = true; }

/* -- Work ---------------------------------------------------------------------------------------------------------------------- */

static void progress(void *self) { guard_progress(((struct child *)self)->link); }

static void pause_us(int64_t us)
{
    nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}, NULL);
}

/* Tells the gateways when key schemas have changed. */
static void publish(struct child *c)
{
    struct slice now = tables_catalog(c->tables);
    if (slice_equal(now, buf_slice(&c->catalog)))
        return;
    buf_reset(&c->catalog);
    if (buf_append(&c->catalog, now.ptr, now.len) != 0)
        buf_reset(&c->catalog); /* the next change is compared with nothing, and sent */
    queue_worker_tables(c->queue, now);
}

static void answer_job(struct child *c, const struct apply_job *job)
{
    struct msg_done done = {.seq = job->seq, .lease = (uint32_t)job->tag, .disposition = MSG_DONE_OK, .outcome = job->outcome};
    if (job->end == APPLY_GIVE_BACK) {
        done.disposition = MSG_DONE_RETRY;
        done.retry_ms = job->retry_ms;
        done.outcome = (struct slice){NULL, 0};
    }
    queue_worker_done(c->queue, &done);
}

static void answer_call(struct child *c, const struct apply_job *job)
{
    struct msg_reply reply = {.call = job->tag, .status = MSG_CALL_OK, .body = job->outcome};
    if (job->end == APPLY_GIVE_BACK) {
        reply.status = MSG_CALL_BUSY;
        reply.body = (struct slice){NULL, 0};
    }
    queue_worker_answer(c->queue, &reply);
}

/* Applies a part of what waits and answers it. Returns how many ended, -1 if the store is damaged. */
static int work_on(struct child *c, struct inbox *in, struct apply_job *const *jobs, size_t count)
{
    bool changed = false;
    uint32_t ended = 0;
    if (apply_run(c->apply, jobs, count, &changed) != KV_OK)
        return -1;
    if (changed)
        publish(c);
    for (size_t i = 0; i < count; i++) {
        if (jobs[i]->end == APPLY_NOT_YET)
            continue;
        (in == &c->jobs ? answer_job : answer_call)(c, jobs[i]);
        ended++;
    }
    inbox_drop_ended(in);
    queue_worker_credit(c->queue, in == &c->jobs ? ended : 0, in == &c->calls ? ended : 0);
    return (int)ended;
}

static int work_on_jobs(struct child *c)
{
    struct apply_job *jobs[BATCH_MAX];
    bool slow = c->config->echo_delay_ms > 0;
    if (slow)
        echoes_look(&c->echoes, clock_mono_ms());
    size_t count = inbox_next(&c->jobs, jobs, BATCH_MAX, slow ? echoes_stop : NULL, &c->echoes);
    if (count == 0 || (slow && echoes_hold(&c->echoes, count)))
        return 0;
    int ended = work_on(c, &c->jobs, jobs, count);
    if (slow && ended > 0)
        echoes_ended(&c->echoes, (size_t)ended);
    return ended;
}

/* A batch of large calls ends early: a commit of all that fits the credit would take longer than the broker waits for a word. */
static bool stop_when_large(void *self, size_t count, struct slice body)
{
    size_t *bytes = self;
    *bytes += body.len;
    return count > 0 && *bytes > CALLS_BYTES;
}

static int work_on_calls(struct child *c)
{
    struct apply_job *calls[APPLY_MAX];
    size_t bytes = 0, count = inbox_next(&c->calls, calls, APPLY_MAX, stop_when_large, &bytes);
    return count > 0 ? work_on(c, &c->calls, calls, count) : 0;
}

/* -- The loop ------------------------------------------------------------------------------------------------------------------ */

static struct msg_beat beat_of(const struct child *c)
{
    struct kv_counters store;
    struct apply_counters work;
    kv_counters(c->kv, &store);
    apply_counters(c->apply, &work);
    return (struct msg_beat){store.commits, store.recoveries, work.applied, work.failed};
}

static void leave(struct child *c, int64_t now_ms)
{
    if (c->leaving)
        return;
    log_info("worker.leaves", "name=%s jobs=%zu calls=%zu", c->config->name, c->jobs.held, c->calls.held);
    c->leaving = true;
    c->leave_by_ms = now_ms + LEAVE_MS;
    queue_worker_leave(c->queue);
}

static void read_signals(struct child *c, int64_t now_ms)
{
    struct signalfd_siginfo info;
    while (read(c->signals, &info, sizeof info) == (ssize_t)sizeof info)
        leave(c, now_ms);
}

static int wait_ms(const struct child *c, int64_t now_ms)
{
    int64_t until_ms = now_ms + WAIT_MAX_MS;
    int64_t due_ms = queue_worker_deadline(c->queue);
    if (due_ms < until_ms)
        until_ms = due_ms;
    if (echoes_deadline(&c->echoes) < until_ms)
        until_ms = echoes_deadline(&c->echoes);
    return until_ms > now_ms ? (int)(until_ms - now_ms) : 0;
}

static int wait_for_events(struct child *c, bool busy)
{
    struct pollfd fds[] = {{.fd = queue_worker_fd(c->queue), .events = POLLIN}, {.fd = c->signals, .events = POLLIN}};
    if (poll(fds, 2, busy ? 0 : wait_ms(c, clock_mono_ms())) < 0 && errno != EINTR) {
        log_error("worker.poll", "error=\"%s\"", strerror(errno));
        return -1;
    }
    return 0;
}

static bool finished(const struct child *c, int64_t now_ms)
{
    if (!c->leaving)
        return false;
    if (now_ms >= c->leave_by_ms)
        log_warn("worker.leaves", "name=%s error=\"the broker did not let go in time\" jobs=%zu", c->config->name,
                 c->jobs.held);
    return now_ms >= c->leave_by_ms || (c->left && c->jobs.held == 0 && c->calls.held == 0);
}

/* 0 after leaving; -1 when the store is damaged or polling fails. */
static int loop(struct child *c)
{
    int64_t now_ms = clock_mono_ms();
    while (!finished(c, now_ms)) {
        queue_worker_process(c->queue, now_ms);
        int calls = work_on_calls(c), jobs = calls < 0 ? -1 : work_on_jobs(c);
        if (calls < 0 || jobs < 0)
            return -1;
        struct msg_beat beat = beat_of(c);
        queue_worker_flush(c->queue, clock_mono_ms(), &beat);
        if (wait_for_events(c, calls + jobs > 0) != 0)
            return -1;
        guard_progress(c->link);
        now_ms = clock_mono_ms();
        read_signals(c, now_ms);
    }
    return 0;
}

/* -- Coming and going ----------------------------------------------------------------------------------------------------------- */

static int open_store(void *self, bool recover, struct err *e)
{
    struct child *c = self;
    struct kv_bdb_config config = {
        .folder = c->config->store_folder, .cache_bytes = c->config->cache_bytes, .recover = recover};
    c->kv = kv_bdb_open(&config, e);
    return c->kv ? 0 : -1;
}

static int open_tables(struct child *c, struct err *e)
{
    c->tables = tables_create(c->kv);
    if (!c->tables)
        return err_set(e, ERR_UNAVAILABLE, "out of memory");
    enum kv_result result = tables_load(c->tables);
    if (result != KV_OK)
        return err_set(e, result == KV_FATAL ? ERR_INTERNAL : ERR_UNAVAILABLE, "the catalog cannot be read: %s",
                       kv_result_name(result));
    return tables_ensure(c->tables, c->config->tables, c->config->table_count, clock_wall_ms(), e);
}

static int open_workings(struct child *c, struct err *e)
{
    struct apply_config apply = {c->kv, c->tables, clock_mono_us, clock_wall_ms, pause_us, progress, c};
    struct keeper_config keeper = {c->config->store_folder, c->config->cache_bytes, c->config->outcome_retention_ms};
    c->apply = apply_create(&apply);
    if (!c->apply)
        return err_set(e, ERR_UNAVAILABLE, "out of memory");
    c->keeper = keeper_create(&keeper, e);
    return c->keeper ? 0 : -1;
}

static int open_queue(struct child *c, struct err *e)
{
    static const struct queue_worker_events events = {on_jobs, on_calls, on_link, on_left};
    struct slice catalog = tables_catalog(c->tables);
    struct msg_join join = {.version = MSG_VERSION,
                            .name = slice_text(c->config->name),
                            .incarnation = c->link->incarnation,
                            .pid = (uint64_t)getpid(),
                            .guard_pid = (uint64_t)c->link->guard_pid,
                            .healed = c->link->healed,
                            .catalog = catalog};
    buf_append(&c->catalog, catalog.ptr, catalog.len);
    c->queue = queue_worker_create(c->config->queue_endpoint, &join, &events, c, clock_mono_ms(), e);
    return c->queue ? 0 : -1;
}

static int open_signals(struct child *c, struct err *e)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    c->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return c->signals >= 0 ? 0 : err_set(e, ERR_UNAVAILABLE, "signals cannot be read: %s", strerror(errno));
}

/* Closes what was opened, in reverse; then the store is whole and nobody needs to heal. */
static void close_all(struct child *c)
{
    if (c->signals >= 0)
        close(c->signals);
    queue_worker_destroy(&c->queue);
    inbox_clear(&c->jobs);
    inbox_clear(&c->calls);
    keeper_destroy(&c->keeper);
    apply_destroy(&c->apply);
    tables_destroy(&c->tables);
    buf_finish(&c->catalog);
    kv_close(&c->kv);
    guard_leave(c->link);
}

static int exit_status_of(enum err_code code)
{
    return code == ERR_RESOURCE_IN_USE || code == ERR_VALIDATION || code == ERR_LIMIT_EXCEEDED ? GUARD_EXIT_USAGE
                                                                                               : GUARD_EXIT_AGAIN;
}

int child_run(void *self, struct guard_link *link)
{
    struct child c = {.config = self, .link = link, .signals = -1};
    struct err e;
    int64_t echo_ms = c.config->echo_delay_ms, ahead = echo_ms > 0 ? ECHO_AHEAD_MS / echo_ms : CREDIT_JOBS;
    if (echo_ms > 0)
        echoes_init(&c.echoes, echo_ms);
    c.credit_jobs = ahead < 2 ? 2 : ahead > CREDIT_JOBS ? CREDIT_JOBS : (uint32_t)ahead;
    if (guard_enter(link, open_store, &c, &e) == 0 && open_tables(&c, &e) == 0 && open_workings(&c, &e) == 0 &&
        open_queue(&c, &e) == 0 && open_signals(&c, &e) == 0) {
        guard_ready(link);
        if (loop(&c) != 0)
            return GUARD_EXIT_AGAIN; /* the membership stays behind: all must heal */
        close_all(&c);
        log_info("worker.left", "name=%s", c.config->name);
        return 0;
    }
    char text[sizeof e.text + 2];
    log_error("worker.start", "name=%s error=%s", c.config->name, log_value(e.text, text, sizeof text));
    if (e.code == ERR_INTERNAL)
        return GUARD_EXIT_AGAIN;
    close_all(&c);
    return exit_status_of(e.code);
}
