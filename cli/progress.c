/* progress.c - a progress bar on a terminal; silent elsewhere. */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define BAR_WIDTH 30
#define DRAW_EACH_MS 100

void progress_init(struct progress *p, uint64_t total, int64_t now_ms)
{
    *p = (struct progress){
        .terminal = isatty(STDERR_FILENO), .total = total, .start_ms = now_ms, .drawn_ms = now_ms - DRAW_EACH_MS};
}

void progress_show(struct progress *p, uint64_t done, uint64_t count, const char *what, int64_t now_ms)
{
    if (!p->terminal || (now_ms - p->drawn_ms < DRAW_EACH_MS && done != p->total))
        return;
    p->drawn_ms = now_ms;
    int64_t elapsed_ms = now_ms - p->start_ms;
    uint64_t rate = elapsed_ms > 0 ? count * 1000 / (uint64_t)elapsed_ms : 0;
    if (p->total == 0) {
        fprintf(stderr, "\r\x1b[K%" PRIu64 " %s, %" PRIu64 "/s", count, what, rate);
        return;
    }
    int full = (int)(done * BAR_WIDTH / p->total);
    fprintf(stderr, "\r\x1b[K[");
    for (int i = 0; i < BAR_WIDTH; i++)
        fputc(i < full ? '#' : '.', stderr);
    fprintf(stderr, "] %3d%%  %" PRIu64 " %s, %" PRIu64 "/s", (int)(done * 100 / p->total), count, what, rate);
}

void progress_finish(struct progress *p)
{
    if (p->terminal)
        fprintf(stderr, "\r\x1b[K");
}
