/* up.c - leat up: the whole stack in the foreground.
 *
 * Start: queue, workers, gateways at once; "leat ready URL" on standard output when /readyz says so. While it runs, a part that dies is
 * restarted. Stop (SIGTERM, SIGINT): gateways first, so that nothing new comes in, then workers, then the queue; a second signal kills.
 * DIR/run/processes.json always tells who runs, for leat status. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/http.h"
#include "cli/parts.h"
#include "cli/up_settings.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"

#define READY_POLL_MS 25
#define STOP_MS 15000 /* for each kind of part, then SIGKILL */

struct up {
    struct up_settings s;
    struct parts parts;
    char program_folder[3072];
    char run_folder[3072];
    char address[300]; /* HOST:PORT, port resolved */
    int reservation;   /* the bound, not listening socket that keeps the port ours */
    int lock, signals;
    bool ready, interrupted;
    int64_t ready_check_ms;
    struct http *http;
};

/* -- Preparation ----------------------------------------------------------------------------------------------- */
static int fail(const char *what, const char *which)
{
    fprintf(stderr, "leat up: %s %s: %s\n", what, which, strerror(errno));
    return -1;
}

static int make_folders(struct up *u)
{
    snprintf(u->run_folder, sizeof u->run_folder, "%s/run", u->s.data);
    if ((mkdir(u->s.data, 0700) != 0 && errno != EEXIST) || (mkdir(u->run_folder, 0700) != 0 && errno != EEXIST))
        return fail("cannot make", u->run_folder);
    char name[4096];
    snprintf(name, sizeof name, "%s/up.lock", u->run_folder);
    u->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (u->lock < 0)
        return fail("cannot open", name);
    if (flock(u->lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    fprintf(stderr, "leat up: another leat up is running on %s\n", u->s.data);
    return -1;
}

static int find_programs(struct up *u)
{
    ssize_t n = readlink("/proc/self/exe", u->program_folder, sizeof u->program_folder - 1);
    if (n <= 0)
        return fail("cannot find", "my own program");
    u->program_folder[n] = '\0';
    *strrchr(u->program_folder, '/') = '\0';
    return 0;
}

/* Binds HOST:PORT without listening: the port is known (also for port 0), stays ours, and gateways share it by SO_REUSEPORT. */
static int reserve_port(struct up *u)
{
    char host[256];
    const char *colon = strrchr(u->s.listen, ':');
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    if (!colon || (size_t)(colon - u->s.listen) >= sizeof host) {
        fprintf(stderr, "leat up: --listen wants HOST:PORT, not \"%s\"\n", u->s.listen);
        return -1;
    }
    bool bracketed = u->s.listen[0] == '[' && colon[-1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(colon - u->s.listen) - (bracketed ? 2 : 0), u->s.listen + (bracketed ? 1 : 0));
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        fprintf(stderr, "leat up: cannot resolve \"%s\"\n", u->s.listen);
        return -1;
    }
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    char port[16];
    int one = 1, fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0 &&
                setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
                bind(fd, found->ai_addr, found->ai_addrlen) == 0 && getsockname(fd, (struct sockaddr *)&bound, &len) == 0 &&
                getnameinfo((struct sockaddr *)&bound, len, NULL, 0, port, sizeof port, NI_NUMERICSERV) == 0;
    freeaddrinfo(found);
    u->reservation = fd;
    if (!good)
        return fail("cannot listen on", u->s.listen);
    snprintf(u->address, sizeof u->address, bracketed ? "[%s]:%s" : "%s:%s", host, port);
    return 0;
}

static int add_part(struct up *u, enum part_role role, int64_t number, const char *const *options)
{
    char program[4096], name[32];
    const char *argv[32] = {program};
    size_t n = 1;
    snprintf(program, sizeof program, "%s/leat-%s", u->program_folder, part_role_name(role));
    snprintf(name, sizeof name, number ? "%s-%lld" : "%s", part_role_name(role), (long long)number);
    for (size_t i = 0; options[i]; i++)
        argv[n++] = options[i];
    if (role != PART_GATEWAY) {
        argv[n++] = "--data";
        argv[n++] = u->s.data;
    }
    if (role == PART_WORKER) {
        argv[n++] = "--name";
        argv[n++] = name;
    }
    argv[n] = NULL;
    return parts_add(&u->parts, role, name, argv);
}

static int add_parts(struct up *u)
{
    char endpoint[4096];
    const char *none[] = {NULL}, *listen[] = {"--listen", u->address, "--queue-endpoint", endpoint, NULL};
    snprintf(endpoint, sizeof endpoint, "ipc://%s/client.sock", u->run_folder);
    if (add_part(u, PART_QUEUE, 0, none) != 0)
        return -1;
    for (int64_t i = 1; i <= u->s.workers; i++)
        if (add_part(u, PART_WORKER, i, none) != 0)
            return -1;
    for (int64_t i = 1; i <= u->s.gateways; i++)
        if (add_part(u, PART_GATEWAY, u->s.gateways > 1 ? i : 0, listen) != 0)
            return -1;
    return 0;
}

static int catch_signals(struct up *u)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    u->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return u->signals < 0 ? fail("cannot", "receive signals") : 0;
}

/* -- processes.json -------------------------------------------------------------------------------------------- */
static void put_processes(const struct up *u, struct buf *out)
{
    buf_printf(out, "{\"url\":\"http://%s\",\"pid\":%d,\"processes\":[", u->address, (int)getpid());
    buf_printf(out, "{\"role\":\"supervisor\",\"name\":\"leat\",\"pid\":%d,\"state\":\"running\",\"restarts\":0}",
               (int)getpid());
    for (uint32_t i = 0; i < u->parts.count; i++) {
        const struct part *part = &u->parts.at[i];
        buf_printf(out, ",{\"role\":\"%s\",\"name\":\"%s\",\"pid\":%d,\"state\":\"%s\",\"restarts\":%u}",
                   part_role_name(part->role), part->name, (int)(part->pid > 0 ? part->pid : 0), part_state_name(part->state),
                   part->restarts);
    }
    buf_text(out, "]}\n");
}

static void write_processes(struct up *u)
{
    char name[4096], temporary[4096];
    struct buf text = {0};
    snprintf(name, sizeof name, "%s/processes.json", u->run_folder);
    snprintf(temporary, sizeof temporary, "%s/processes.json.new", u->run_folder);
    put_processes(u, &text);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len;
    if (fd >= 0)
        close(fd);
    if (!good || rename(temporary, name) != 0)
        log_warn("up.unsaved", "file=%s error=\"%s\"", name, strerror(errno));
    buf_finish(&text);
    u->parts.changed = false;
}

/* -- The loop -------------------------------------------------------------------------------------------------- */
static void check_ready(struct up *u, int64_t now_ms)
{
    char url[400];
    struct buf body = {0};
    if (u->ready || now_ms < u->ready_check_ms)
        return;
    u->ready_check_ms = now_ms + READY_POLL_MS;
    /* Without workers of its own it is ready when it accepts: others may serve the queue. */
    snprintf(url, sizeof url, "http://%s/%s", u->address, u->s.workers > 0 ? "readyz" : "healthz");
    if (http_get(u->http, url, &body, NULL) == 200) {
        u->ready = true;
        printf("leat ready http://%s\n", u->address);
        fflush(stdout);
    }
    buf_finish(&body);
}

/* A part that cannot start for a reason that stays (bad settings 64, damaged data 74) ends the start instead of being tried for ever. */
static int hopeless(const struct up *u)
{
    for (uint32_t i = 0; !u->ready && i < u->parts.count; i++) {
        const struct part *part = &u->parts.at[i];
        int status = part->state == PART_WAITING && WIFEXITED(part->last_status) ? WEXITSTATUS(part->last_status) : 0;
        if (status == 64 || status == 74)
            return status;
    }
    return 0;
}

static void read_signals(struct up *u, int64_t now_ms)
{
    struct signalfd_siginfo info;
    while (read(u->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            parts_reap(&u->parts, now_ms);
        else if (u->interrupted) /* asked twice: no more patience */
            for (enum part_role role = 0; role < PART_ROLES; role++)
                parts_signal(&u->parts, role, SIGKILL);
        else
            u->interrupted = true;
    }
}

static void wait_and_forward(struct up *u, int64_t wait_ms)
{
    struct pollfd fds[PARTS_MAX + 1] = {{.fd = u->signals, .events = POLLIN}};
    for (uint32_t i = 0; i < u->parts.count; i++)
        fds[i + 1] = (struct pollfd){.fd = u->parts.at[i].pipe, .events = POLLIN};
    if (poll(fds, u->parts.count + 1, (int)wait_ms) <= 0)
        return;
    for (uint32_t i = 0; i < u->parts.count; i++)
        if (fds[i + 1].revents)
            parts_forward(&u->parts, &u->parts.at[i]);
    read_signals(u, clock_mono_ms());
}

static int run(struct up *u)
{
    int status = 0;
    for (enum part_role role = 0; role < PART_ROLES; role++)
        parts_start(&u->parts, role, clock_mono_ms());
    while (!u->interrupted && (status = hopeless(u)) == 0) {
        int64_t now = clock_mono_ms(), next = parts_tick(&u->parts, now);
        if (u->parts.changed)
            write_processes(u);
        check_ready(u, now);
        int64_t wait = next == INT64_MAX ? 1000 : next - now;
        if (!u->ready && wait > READY_POLL_MS)
            wait = READY_POLL_MS;
        wait_and_forward(u, wait < 0 ? 0 : wait > 1000 ? 1000 : wait);
    }
    return status;
}

static void stop_role(struct up *u, enum part_role role)
{
    int64_t until = clock_mono_ms() + STOP_MS;
    parts_signal(&u->parts, role, SIGTERM);
    while (parts_running(&u->parts, role)) {
        if (clock_mono_ms() > until)
            parts_signal(&u->parts, role, SIGKILL);
        wait_and_forward(u, 50);
        parts_reap(&u->parts, clock_mono_ms());
    }
}

static void stop(struct up *u)
{
    u->parts.stopping = true;
    u->interrupted = true;
    parts_tick(&u->parts, clock_mono_ms());
    stop_role(u, PART_GATEWAY);
    stop_role(u, PART_WORKER);
    stop_role(u, PART_QUEUE);
    write_processes(u);
}

int command_up(int argc, char **argv)
{
    static struct up up; /* large */
    struct up *u = &up;
    int status = 64, loaded;
    u->reservation = u->lock = u->signals = -1;
    loaded = up_settings_load(argc, argv, &u->s);
    if (loaded != 0) {
        up_settings_free(&u->s);
        return loaded == 1 ? 0 : 64;
    }
    u->parts.prefix = strcmp(u->s.log_format, "json") != 0;
    log_init("up", LOG_LEVEL_INFO, u->parts.prefix ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON);
    u->http = http_create(1000);
    if (u->http && find_programs(u) == 0 && make_folders(u) == 0 && reserve_port(u) == 0 && catch_signals(u) == 0 &&
        add_parts(u) == 0) {
        status = run(u);
        stop(u);
    }
    parts_finish(&u->parts);
    http_destroy(&u->http);
    up_settings_free(&u->s);
    if (u->reservation >= 0)
        close(u->reservation);
    if (u->signals >= 0)
        close(u->signals);
    if (u->lock >= 0)
        close(u->lock);
    return status;
}
