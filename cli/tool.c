/* tool.c - runs one of leat's other programs to its end. */
#include "cli/tool.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATUS_NOT_STARTED 70
#define ARGUMENTS_MAX 16

static int not_started(const char *program)
{
    fprintf(stderr, "leat: cannot start %s: %s\n", program, strerror(errno));
    return STATUS_NOT_STARTED;
}

int tool_run(const char *program, const char *const *arguments)
{
    char path[PATH_MAX + 64];
    char *argv[ARGUMENTS_MAX + 2] = {path};
    int status;
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
    if (n <= 0)
        return not_started(program);
    path[n] = '\0';
    char *name = strrchr(path, '/') + 1;
    snprintf(name, sizeof path - (size_t)(name - path), "%s", program);
    for (size_t i = 0; i < ARGUMENTS_MAX && arguments[i]; i++)
        argv[i + 1] = (char *)arguments[i]; /* execv's promise: it changes nothing */
    pid_t pid = fork();
    if (pid == 0) {
        execv(path, argv);
        _exit(not_started(path));
    }
    if (pid < 0)
        return not_started(path);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return not_started(path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
