/* parts.c - the processes that leat up supervises. */
#include "cli/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS 2000
#define STEADY_MS 10000       /* a part that ran for so long starts with no back-off again */
#define LINE_MAX_BYTES 65536u /* a longer line is cut in two */
#define PIPE_BYTES (1 << 20)  /* lines that wait for us; if the kernel grants less, that */

const char *part_role_name(enum part_role role)
{
    static const char *const names[PART_ROLES] = {"queue", "worker", "gateway"};
    return names[role];
}

const char *part_state_name(enum part_state state)
{
    static const char *const names[PART_STATES] = {"stopped", "running", "restarting"};
    return names[state];
}

static void free_argv(char **argv)
{
    for (size_t i = 0; argv && argv[i]; i++)
        free(argv[i]);
    free(argv);
}

static char **copy_argv(const char *const *argv)
{
    size_t count = 0;
    while (argv[count])
        count++;
    char **copy = calloc(count + 1, sizeof *copy);
    for (size_t i = 0; copy && i < count; i++)
        if (!(copy[i] = strdup(argv[i]))) {
            free_argv(copy);
            return NULL;
        }
    return copy;
}

int parts_add(struct parts *p, enum part_role role, const char *name, const char *const *argv)
{
    if (p->count == PARTS_MAX)
        return -1;
    struct part *part = &p->at[p->count];
    *part = (struct part){.role = role, .state = PART_STOPPED, .pid = -1, .pipe = -1};
    snprintf(part->name, sizeof part->name, "%s", name);
    part->argv = copy_argv(argv);
    if (!part->argv)
        return -1;
    p->count++;
    return 0;
}

void parts_finish(struct parts *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        free_argv(p->at[i].argv);
        buf_finish(&p->at[i].line);
        if (p->at[i].pipe >= 0)
            close(p->at[i].pipe);
    }
    p->count = 0;
}

/* In the child: own group, standard error into the pipe, end with the parent, signals as a fresh program expects them. */
static void become(const struct part *part, int pipe_end, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(pipe_end, STDOUT_FILENO);
    dup2(pipe_end, STDERR_FILENO);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (getppid() != parent)
        _exit(75);
    execv(part->argv[0], part->argv);
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", part->argv[0], strerror(errno));
    _exit(64);
}

static void plan_restart(struct parts *p, struct part *part, int64_t now_ms)
{
    part->state = p->stopping ? PART_STOPPED : PART_WAITING;
    part->start_ms = now_ms + part->backoff_ms;
    part->backoff_ms = part->backoff_ms == 0 ? BACKOFF_FIRST_MS : part->backoff_ms * 2;
    if (part->backoff_ms > BACKOFF_MAX_MS)
        part->backoff_ms = BACKOFF_MAX_MS;
    p->changed = true;
}

static void start(struct parts *p, struct part *part, int64_t now_ms)
{
    int ends[2];
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0) {
        plan_restart(p, part, now_ms);
        return;
    }
    /* Its end must not block either: while we stand still, it loses lines, not its life. */
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
    pid_t pid = fork();
    if (pid == 0)
        become(part, ends[1], parent);
    close(ends[1]);
    if (pid < 0) {
        log_error("up.fork", "part=%s error=\"%s\"", part->name, strerror(errno));
        close(ends[0]);
        plan_restart(p, part, now_ms);
        return;
    }
    if (part->pipe >= 0)
        close(part->pipe);
    part->pipe = ends[0];
    part->pid = pid;
    part->state = PART_RUNNING;
    part->start_ms = now_ms;
    p->changed = true;
}

void parts_start(struct parts *p, enum part_role role, int64_t now_ms)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (p->at[i].role == role && p->at[i].state == PART_STOPPED)
            start(p, &p->at[i], now_ms);
}

int64_t parts_tick(struct parts *p, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (uint32_t i = 0; i < p->count; i++) {
        struct part *part = &p->at[i];
        if (part->state != PART_WAITING)
            continue;
        if (p->stopping) {
            part->state = PART_STOPPED;
        } else if (part->start_ms <= now_ms) {
            part->restarts++;
            start(p, part, now_ms);
        } else if (part->start_ms < next) {
            next = part->start_ms;
        }
    }
    return next;
}

static void ended(struct parts *p, struct part *part, int status, int64_t now_ms)
{
    parts_forward(p, part);
    if (WIFSIGNALED(status))
        log_warn("part.died", "part=%s pid=%d signal=%d", part->name, (int)part->pid, WTERMSIG(status));
    else if (!p->stopping || WEXITSTATUS(status) != 0)
        log_warn("part.exited", "part=%s pid=%d status=%d", part->name, (int)part->pid, WEXITSTATUS(status));
    if (now_ms - part->start_ms >= STEADY_MS)
        part->backoff_ms = 0;
    part->pid = -1;
    part->last_status = status;
    plan_restart(p, part, now_ms);
}

void parts_reap(struct parts *p, int64_t now_ms)
{
    int status;
    for (uint32_t i = 0; i < p->count; i++)
        if (p->at[i].pid > 0 && waitpid(p->at[i].pid, &status, WNOHANG) == p->at[i].pid)
            ended(p, &p->at[i], status, now_ms);
}

/* One write a line, so that lines of several parts do not mix; what cannot be written (a closed terminal) is not worth dying for. */
static void put_line(const struct parts *p, const struct part *part, const unsigned char *bytes, size_t len)
{
    struct buf out = {0};
    if (p->prefix)
        buf_printf(&out, "%-10s | ", part->name);
    buf_append(&out, bytes, len);
    buf_byte(&out, '\n');
    if (!buf_failed(&out)) {
        ssize_t written = write(STDERR_FILENO, out.data, out.len);
        (void)written;
    }
    buf_finish(&out);
}

static void put_lines(struct parts *p, struct part *part)
{
    size_t begin = 0;
    for (size_t i = 0; i < part->line.len; i++)
        if (part->line.data[i] == '\n') {
            put_line(p, part, part->line.data + begin, i - begin);
            begin = i + 1;
        }
    if (part->line.len - begin > LINE_MAX_BYTES) {
        put_line(p, part, part->line.data + begin, part->line.len - begin);
        begin = part->line.len;
    }
    memmove(part->line.data, part->line.data + begin, part->line.len - begin);
    part->line.len -= begin;
}

void parts_forward(struct parts *p, struct part *part)
{
    unsigned char chunk[8192];
    while (part->pipe >= 0) {
        ssize_t n = read(part->pipe, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            close(part->pipe);
            part->pipe = -1;
            return;
        }
        if (buf_append(&part->line, chunk, (size_t)n) != 0)
            buf_reset(&part->line);
        put_lines(p, part);
    }
}

void parts_signal(struct parts *p, enum part_role role, int signal_number)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (p->at[i].role == role && p->at[i].pid > 0)
            kill(p->at[i].pid, signal_number);
}

bool parts_running(const struct parts *p, enum part_role role)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (p->at[i].role == role && p->at[i].pid > 0)
            return true;
    return false;
}
