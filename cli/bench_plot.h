/* bench_plot.h - one plot over time, as inline SVG. Pure. */
#ifndef LEAT_CLI_BENCH_PLOT_H
#define LEAT_CLI_BENCH_PLOT_H

#include "cli/bench_tally.h"

struct bench_line {
    const char *name, *color;
    size_t offset; /* of its column in struct bench_sample */
};

struct bench_plot {
    const char *title;
    bool time;   /* the columns are microseconds, not counts */
    bool filled; /* the first line's area is tinted */
    bool moment; /* the columns tell what was at the end of each sample, not what happened in it */
    const struct bench_line *lines;
    size_t line_count;
};

/* The smallest of 1, 2, 5, 10, 20, 50, ... that cuts `most` into at most `parts` parts. */
uint64_t bench_plot_step(uint64_t most, unsigned parts);

/* The samples' at_ms must rise. Nothing is drawn without samples. */
void bench_plot_put(const struct bench_plot *plot, const struct bench_sample *samples, size_t count, struct buf *out);

#endif
