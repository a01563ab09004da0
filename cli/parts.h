/* parts.h - the processes that leat up supervises: start, log forwarding, restart with back-off, orderly stop.
 *
 * Single-threaded. Each part is a child in a process group of its own (a Ctrl-C reaches leat up alone, which then stops them in order)
 * that gets SIGTERM when leat up dies. What a part writes to its standard error is forwarded line by line behind its name. */
#ifndef LEAT_CLI_PARTS_H
#define LEAT_CLI_PARTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/buf.h"

#define PARTS_MAX 256

enum part_role { PART_QUEUE, PART_WORKER, PART_GATEWAY, PART_ROLES };
enum part_state { PART_STOPPED, PART_RUNNING, PART_WAITING /* to be restarted at start_ms */, PART_STATES };

struct part {
    enum part_role role;
    enum part_state state;
    char name[32]; /* "worker-1" */
    char **argv;   /* owned, NULL-terminated */
    pid_t pid;
    int pipe;         /* its standard error; -1: none */
    struct buf line;  /* bytes of a line not yet complete */
    int64_t start_ms; /* RUNNING: since; WAITING: until */
    int64_t backoff_ms;
    uint32_t restarts;
    int last_status; /* as of waitpid */
};

struct parts {
    struct part at[PARTS_MAX];
    uint32_t count;
    bool prefix;   /* false: forward lines as they are (JSON) */
    bool stopping; /* nothing is restarted any more */
    bool changed;  /* since the owner last looked: a part came or went */
};

const char *part_role_name(enum part_role role);    /* "queue" "worker" "gateway" */
const char *part_state_name(enum part_state state); /* "stopped" "running" "restarting" */

/* Adds a part; argv is copied. -1: full or no memory. */
int parts_add(struct parts *p, enum part_role role, const char *name, const char *const *argv);
void parts_finish(struct parts *p); /* of stopped parts */

void parts_start(struct parts *p, enum part_role role, int64_t now_ms);
/* Starts what is due; returns when the next one is (monotonic ms, INT64_MAX: none). */
int64_t parts_tick(struct parts *p, int64_t now_ms);
/* After SIGCHLD: collects who ended and plans the restart (at once at first, then 50 ms doubling to 2 s). */
void parts_reap(struct parts *p, int64_t now_ms);
void parts_forward(struct parts *p, struct part *part); /* its pipe is readable */
void parts_signal(struct parts *p, enum part_role role, int signal_number);
bool parts_running(const struct parts *p, enum part_role role);

#endif
