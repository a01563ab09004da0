/* conf.h - settings from one table of rows: flag, LEAT_* environment variable, file, default, help text.
 *
 * A program lists its rows (a static array, usually filled from an X-macro), and conf_load() reads, in rising precedence:
 * default, file (--config FILE or LEAT_CONFIG; lines "name = value", # comments), environment, flags. The name "queue-endpoint"
 * is --queue-endpoint, LEAT_QUEUE_ENDPOINT and queue-endpoint in the file. Each value is checked against its type and range.
 * An empty variable counts as unset. In a file that several programs share, a line "[leat-queue]" opens the part that only the
 * program of this name reads; what stands above the first such line is for all of them. */
#ifndef LEAT_COMMON_CONF_H
#define LEAT_COMMON_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum conf_type {
    CONF_TEXT,     /* char * (conf owns the string) */
    CONF_LIST,     /* struct conf_list: the flag may be repeated; in environment and file separated by spaces */
    CONF_INT,      /* int64_t, min..max */
    CONF_BYTES,    /* int64_t; accepts 64MiB, 1GiB, 512KiB, plain bytes */
    CONF_DURATION, /* int64_t milliseconds; accepts 250ms, 30s, 5m, 12h, 4d */
    CONF_BOOL      /* bool; a flag without value means true; --no-NAME means false */
};

struct conf_list {
    char **at; /* owned, count strings */
    size_t count;
};

struct conf_row {
    const char *name; /* "listen" */
    enum conf_type type;
    size_t offset;       /* of the field in the program's settings struct */
    const char *preset;  /* default as text, or NULL (text: NULL pointer, list: empty) */
    int64_t min, max;    /* INT, BYTES, DURATION (ms): inclusive range */
    const char *metavar; /* "HOST:PORT" */
    const char *help;    /* one sentence */
};

struct conf_program {
    const char *name;    /* "leat-queue" */
    const char *summary; /* second line of --help, without a dot; what stands behind a newline in it is for --help alone */
    const struct conf_row *rows;
    size_t row_count;
    const char *operands; /* what may stand beside the flags, "FILE" or "ls | peek [QUEUE]"; they are left for the caller (see
                             conf_load). NULL: nothing */
};

/* Fills settings (zeroed by the caller, one field a row). On success *first_operand is the index of the first operand after
 * permuting argv (argc if none). Returns 0; 1 when --help or --version was printed and the program should exit 0; -1 after
 * printing what is wrong and a hint to --help on `err`. conf_free releases what was loaded, in every case. */
int conf_load(const struct conf_program *program, int argc, char **argv, void *settings, int *first_operand, FILE *out,
              FILE *err);
void conf_free(const struct conf_program *program, void *settings);

/* Prints --help: usage, then one aligned line a row with default and environment variable. */
void conf_help(const struct conf_program *program, FILE *out);

/* Prints --help=man, a manual page without the prose: NAME, SYNOPSIS, OPTIONS, ENVIRONMENT (packaging/manuals adds the rest); and
 * --help=bash, the words that packaging/completion.bash completes by. Both are for the build and not in --help. */
void conf_man(const struct conf_program *program, FILE *out);
void conf_bash(const struct conf_program *program, FILE *out);

/* Their parts, for a program without a table. name: "leat up"; summary: half a sentence, up to its first newline. */
void conf_man_head(const char *name, const char *summary, const char *synopsis, FILE *out);
void conf_man_text(const char *text, FILE *out);                                        /* as text, whatever is in it */
void conf_bash_words(const char *list, const char *name, const char *words, FILE *out); /* a line of the list flags or words */

/* The types' parsers, for others that take the same notation; 0 or -1. */
int conf_parse_bytes(const char *text, int64_t *bytes);
int conf_parse_duration(const char *text, int64_t *ms);

#endif
