/* progress.h - a progress bar on a terminal; silent elsewhere. */
#ifndef LEAT_CLI_PROGRESS_H
#define LEAT_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool terminal;
    uint64_t total; /* 0: unknown */
    int64_t start_ms, drawn_ms;
};

void progress_init(struct progress *p, uint64_t total, int64_t now_ms); /* draws on standard error if that is a terminal */
/* done of total, count of whatever unit is called `what`; redraws at most ten times a second. */
void progress_show(struct progress *p, uint64_t done, uint64_t count, const char *what, int64_t now_ms);
void progress_finish(struct progress *p); /* clears the line */

#endif
