/* main.c - leat: the command line. A table of subcommands; each has its own --help. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "common/conf.h"
#include "common/log.h"
#include "common/version.h"

static const struct {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"up", "run the whole stack in the foreground", command_up},
    {"status", "show the running stack: processes, queue, workers", command_status},
    {"table", "create, list, describe and drop tables", command_table},
    {"queue", "make, watch, fill, empty and remove queues", command_queue},
    {"probe", "tell whether one part is well, for health checks", command_probe},
    {"post", "post a file of jobs, one JSON object a line", command_post},
    {"backup", "copy everything to a folder, while the stack runs", command_backup},
    {"restore", "make a data folder from a backup", command_restore},
    {"verify", "check a backup, or the data of a stopped stack", command_verify},
    {"bench", "load the stack with many users, and measure it", command_bench},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static const char summary[] = "a durable gateway, queue, workers and table store on one host";

static void usage(FILE *out)
{
    fprintf(out, "Usage: leat COMMAND [OPTION]...\n\nleat is %s.\n\nCommands:\n", summary);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
    fprintf(out, "\n'leat COMMAND --help' shows a command's options.\n");
}

/* As --help=man of the commands: see conf.h. */
static void manual(FILE *out)
{
    conf_man_head("leat", summary, "COMMAND [OPTION]...", out);
    fputs(".SH COMMANDS\nEach has a page of its own.\n", out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, ".TP\n.BR leat\\-%s (1)\n%s.\n", commands[i].name, commands[i].help);
}

/* The words of leat itself, and those of all its commands. Returns the exit status. */
static int completion(FILE *out)
{
    char names[512], self[] = "leat", form[] = "--help=bash";
    int status = 0;
    for (size_t i = 0, at = 0; i < COMMANDS; i++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i ? " " : "", commands[i].name);
    conf_bash_words("flags", "leat", "--help --version", out);
    conf_bash_words("words", "leat", names, out);
    for (size_t i = 0; i < COMMANDS && status == 0; i++)
        status = commands[i].run(2, (char *[]){self, form, NULL});
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return 64;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--help=man") == 0) {
        manual(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--help=bash") == 0)
        return completion(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        printf("leat %s\n", LEAT_VERSION);
        return 0;
    }
    log_init("leat", LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "leat: no command \"%s\"; try 'leat help'\n", argv[1]);
    return 64;
}
