/* guard_wait.c - a guard's sleep: see guard_wait.h. */
#include "worker/guard_wait.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/clock.h"

#define LOOK_MS 50          /* without a watch: heals start so late at most */
#define WATCHED_LOOK_MS 400 /* with one: in case that it missed something */
#define QUICK_LOOK_MS 3
#define QUICK_MS 60

int guard_wait_init(struct guard_wait *w, const char *members_folder)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    *w = (struct guard_wait){.signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), .changes = -1};
    if (w->signals < 0)
        return -1;
    w->changes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    /* Members hold their files open for writing; those who only look do not. */
    if (w->changes >= 0 && inotify_add_watch(w->changes, members_folder, IN_CLOSE_WRITE | IN_ONLYDIR) < 0) {
        close(w->changes);
        w->changes = -1;
    }
    return 0;
}

void guard_wait_finish(struct guard_wait *w)
{
    if (w->changes >= 0)
        close(w->changes);
    if (w->signals >= 0)
        close(w->signals);
    w->changes = w->signals = -1;
}

static int64_t look_ms(const struct guard_wait *w, int64_t now_ms)
{
    if (now_ms < w->quick_ms)
        return QUICK_LOOK_MS;
    return w->changes >= 0 ? WATCHED_LOOK_MS : LOOK_MS;
}

static void read_changes(struct guard_wait *w, int64_t now_ms)
{
    _Alignas(struct inotify_event) char events[4096];
    while (read(w->changes, events, sizeof events) > 0)
        w->quick_ms = now_ms + QUICK_MS;
}

int guard_wait(struct guard_wait *w, int64_t most_ms)
{
    struct pollfd fds[] = {{.fd = w->signals, .events = POLLIN}, {.fd = w->changes, .events = POLLIN}};
    int64_t wait_ms = look_ms(w, clock_mono_ms());
    if (most_ms < wait_ms)
        wait_ms = most_ms;
    if (poll(fds, 2, wait_ms < 0 ? 0 : (int)wait_ms) <= 0)
        return 0;
    struct signalfd_siginfo info;
    if (fds[1].revents & POLLIN)
        read_changes(w, clock_mono_ms());
    if (fds[0].revents & POLLIN && read(w->signals, &info, sizeof info) == (ssize_t)sizeof info)
        return (int)info.ssi_signo;
    return 0;
}
