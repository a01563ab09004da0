/* guard.c - the guard's own loop: it waits for signals with a time-out and looks at its child and at the members in between. */
#include "worker/guard.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "worker/guard_wait.h"

#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 2000
#define STOP_PATIENCE_MS 15000 /* a child that leaves waits up to 10 s for the broker */
#define RECOVERY_PATIENCE 10

struct guard {
    const struct guard_config *config;
    struct members members;
    struct guard_shared *shared;
    struct guard_wait wait;
    pid_t child; /* 0: none runs */
    char member[MEMBER_NAME_BYTES];
    uint64_t progress;                                 /* when it was last seen to move */
    int64_t moved_ms, restart_ms, backoff_ms, stop_ms; /* monotonic, but backoff_ms */
    bool stopping, killed;
    bool healing, healed; /* the child is killed for another's death; the one before it ended so */
    int status;           /* of the guard, once done */
    bool done;
};

static uint64_t make_incarnation(void)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        random = (uint64_t)clock_wall_ms() << 20 ^ (uint64_t)getpid();
    return random;
}

static _Noreturn void run_child(struct guard *g, uint64_t incarnation, pid_t guard_pid)
{
    sigset_t chld;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    sigprocmask(SIG_UNBLOCK, &chld, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != guard_pid)
        _exit(GUARD_EXIT_AGAIN); /* the guard died before the kernel knew our wish */
    struct guard_link link = {.shared = g->shared,
                              .members = &g->members,
                              .incarnation = incarnation,
                              .guard_pid = guard_pid,
                              .healed = g->healed,
                              .descriptor = -1};
    memcpy(link.member, g->member, sizeof link.member);
    _exit(g->config->child(g->config->self, &link));
}

static void start_child(struct guard *g, int64_t now_ms)
{
    uint64_t incarnation = make_incarnation();
    members_name(g->member, g->config->name, incarnation);
    atomic_store(&g->shared->ready, false);
    atomic_store(&g->shared->recovering, false);
    g->moved_ms = now_ms;
    g->killed = g->healing = false;
    pid_t guard_pid = getpid();
    pid_t pid = fork();
    if (pid == 0)
        run_child(g, incarnation, guard_pid);
    if (pid < 0) {
        log_error("worker.start", "name=%s error=\"%s\"", g->config->name, strerror(errno));
        g->restart_ms = now_ms + BACKOFF_MAX_MS;
        return;
    }
    g->child = pid;
    log_info("worker.start", "name=%s child=%ld incarnation=%016llx", g->config->name, (long)pid,
             (unsigned long long)incarnation);
}

static void kill_child(struct guard *g, const char *reason)
{
    if (g->killed)
        return;
    g->killed = true;
    log_warn("worker.kill", "name=%s child=%ld reason=%s", g->config->name, (long)g->child, reason);
    kill(g->child, SIGKILL);
}

static bool others_died(const struct guard *g)
{
    struct members_seen seen;
    return members_scan(&g->members, &seen) == 0 && seen.dead > (members_died(&g->members, g->member) ? 1u : 0u);
}

/* Did the child end because another one had died? What a store says that is panicked over it (GUARD_EXIT_AGAIN) counts as well. A child
 * that never came to work has nothing to answer for: the judgement on the one before stands. */
static bool ended_by_heal(const struct guard *g, int status)
{
    if (!atomic_load(&g->shared->ready))
        return g->healed;
    if (WIFSIGNALED(status))
        return g->healing && WTERMSIG(status) == SIGKILL;
    return WEXITSTATUS(status) == GUARD_EXIT_HEAL || (WEXITSTATUS(status) == GUARD_EXIT_AGAIN && others_died(g));
}

/* The child has ended: leave with it, or start it again, at once unless it never came up. */
static void child_ended(struct guard *g, int status, int64_t now_ms)
{
    bool exited = WIFEXITED(status);
    int code = exited ? WEXITSTATUS(status) : WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    bool clean = exited && code == 0;
    bool ready = atomic_load(&g->shared->ready);
    g->child = 0;
    g->healed = ended_by_heal(g, status);
    log_event(clean ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "worker.died", "name=%s %s=%d ready=%s", g->config->name,
              exited ? "status" : "signal", code, ready ? "true" : "false");
    if (g->stopping || (exited && code == GUARD_EXIT_USAGE)) {
        g->status = exited && code == GUARD_EXIT_USAGE ? GUARD_EXIT_USAGE : 0;
        g->done = true;
        return;
    }
    if (ready)
        g->backoff_ms = 0;
    else if (g->backoff_ms == 0)
        g->backoff_ms = BACKOFF_MIN_MS;
    else
        g->backoff_ms = g->backoff_ms * 2 < BACKOFF_MAX_MS ? g->backoff_ms * 2 : BACKOFF_MAX_MS;
    g->restart_ms = now_ms + g->backoff_ms;
}

static void reap(struct guard *g, int64_t now_ms)
{
    int status;
    pid_t pid = g->child > 0 ? waitpid(g->child, &status, WNOHANG) : 0;
    if (pid == g->child && pid > 0)
        child_ended(g, status, now_ms);
}

/* Somebody died and our child is one of those who had the store open with it. If it is our child itself that is dying, it will be reaped. */
static void check_members(struct guard *g)
{
    struct members_seen seen;
    /* Own file first: while it exists, the dead that are seen died after the last recovery. */
    if (members_has(&g->members, g->member) && members_scan(&g->members, &seen) == 0 && seen.dead > 0 &&
        !members_died(&g->members, g->member)) {
        g->healing |= !g->killed;
        kill_child(g, "member-died");
    }
}

static void check_progress(struct guard *g, int64_t now_ms)
{
    uint64_t progress = atomic_load(&g->shared->progress);
    if (progress != g->progress) {
        g->progress = progress;
        g->moved_ms = now_ms;
    }
    int64_t patience_ms = g->config->stall_ms * (atomic_load(&g->shared->recovering) ? RECOVERY_PATIENCE : 1);
    if (now_ms - g->moved_ms > patience_ms)
        kill_child(g, "stalled");
    if (g->stopping && now_ms - g->stop_ms > STOP_PATIENCE_MS)
        kill_child(g, "did-not-leave");
}

static void stop(struct guard *g, int64_t now_ms)
{
    if (!g->stopping)
        log_info("worker.stop", "name=%s", g->config->name);
    if (!g->stopping)
        g->stop_ms = now_ms;
    g->stopping = true;
    if (g->child > 0)
        kill(g->child, SIGTERM);
    else
        g->done = true;
}

static void turn(struct guard *g)
{
    int64_t now_ms = clock_mono_ms();
    if (g->child == 0 && now_ms >= g->restart_ms)
        start_child(g, now_ms);
    int got = guard_wait(&g->wait, g->child == 0 ? g->restart_ms - clock_mono_ms() : g->config->stall_ms / 4 + 1);
    now_ms = clock_mono_ms();
    if (got == SIGTERM || got == SIGINT)
        stop(g, now_ms);
    reap(g, now_ms);
    if (g->child > 0) {
        check_members(g);
        check_progress(g, now_ms);
    }
}

int guard_run(const struct guard_config *config)
{
    struct guard g = {.config = config};
    struct err e;
    if (members_init(&g.members, config->store_folder, &e) != 0) {
        char text[sizeof e.text + 2];
        log_error("worker.start", "name=%s error=%s", config->name, log_value(e.text, text, sizeof text));
        return GUARD_EXIT_USAGE;
    }
    void *page = mmap(NULL, sizeof *g.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return GUARD_EXIT_AGAIN;
    g.shared = page;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    if (guard_wait_init(&g.wait, g.members.folder) != 0) {
        log_error("worker.start", "name=%s error=\"signalfd: %s\"", config->name, strerror(errno));
        munmap(page, sizeof *g.shared);
        return GUARD_EXIT_AGAIN;
    }
    while (!g.done)
        turn(&g);
    guard_wait_finish(&g.wait);
    munmap(page, sizeof *g.shared);
    return g.status;
}
