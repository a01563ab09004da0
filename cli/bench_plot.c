/* bench_plot.c - axes with round numbers, a line a column, and a strip over each sample that tells its figures. */
#include "cli/bench_plot.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/bench_text.h"

#define WIDTH 960
#define HEIGHT 250
#define LEFT 78
#define RIGHT 18
#define TOP 12
#define BOTTOM 30
#define INNER_WIDTH (WIDTH - LEFT - RIGHT)
#define INNER_HEIGHT (HEIGHT - TOP - BOTTOM)
#define PARTS_Y 5
#define PARTS_X 12
#define DOTS_MAX 60 /* so few samples are marked one by one */

struct canvas {
    const struct bench_plot *plot;
    const struct bench_sample *samples;
    size_t count;
    uint64_t top, last_ms; /* values at the ends of the axes; neither is 0 */
    struct buf *out;
};

uint64_t bench_plot_step(uint64_t most, unsigned parts)
{
    uint64_t step = 1;
    for (unsigned turn = 0; most / step + (most % step > 0) > parts; turn++)
        step = turn % 3 == 1 ? step / 2 * 5 : step * 2; /* 1 2 5 10 */
    return step;
}

static uint64_t column(const struct bench_sample *s, const struct bench_line *line)
{
    return *(const uint64_t *)(const void *)((const char *)s + line->offset);
}

static uint64_t highest(const struct canvas *c)
{
    uint64_t most = 0;
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < c->plot->line_count; k++)
            if (column(&c->samples[i], &c->plot->lines[k]) > most)
                most = column(&c->samples[i], &c->plot->lines[k]);
    return most;
}

/* Places in tenths of a pixel; 2^53 microseconds times 10,000 would overflow, hence the division first where numbers are huge. */
static uint64_t scaled(uint64_t value, uint64_t whole, uint64_t span)
{
    uint64_t shift = whole > UINT64_MAX / 20000 ? 15 : 0;
    return (value >> shift) * span * 10 / (whole >> shift);
}

static void put_place(struct buf *out, uint64_t tenths) { buf_printf(out, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10); }

static uint64_t x_of(const struct canvas *c, uint64_t ms) { return LEFT * 10 + scaled(ms, c->last_ms, INNER_WIDTH); }

static uint64_t y_of(const struct canvas *c, uint64_t value)
{
    return (TOP + INNER_HEIGHT) * 10 - scaled(value < c->top ? value : c->top, c->top, INNER_HEIGHT);
}

static const char *text_of(const struct bench_plot *plot, uint64_t value, char text[static BENCH_TEXT_BYTES])
{
    return plot->time ? bench_text_us(value, text) : bench_text_count(value, text);
}

/* -- Axes --------------------------------------------------------------------------------------------------------------------- */
/* Labels of the latency axis: whole milliseconds without decimals read best. */
static const char *tick_text(const struct bench_plot *plot, uint64_t value, uint64_t step, char text[static BENCH_TEXT_BYTES])
{
    if (!plot->time)
        return bench_text_count(value, text);
    bool whole_ms = step % 1000 == 0;
    char number[BENCH_TEXT_BYTES];
    snprintf(text, BENCH_TEXT_BYTES, "%.20s %s", bench_text_count(whole_ms ? value / 1000 : value, number),
             whole_ms ? "ms" : "us");
    return text;
}

static void put_grid(struct canvas *c)
{
    char text[BENCH_TEXT_BYTES];
    uint64_t step = bench_plot_step(c->top, PARTS_Y);
    for (uint64_t value = 0; value <= c->top; value += step) {
        buf_printf(c->out, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"", LEFT, WIDTH - RIGHT);
        put_place(c->out, y_of(c, value));
        buf_text(c->out, "\" y2=\"");
        put_place(c->out, y_of(c, value));
        buf_printf(c->out, "\"/><text class=\"y\" x=\"%d\" y=\"", LEFT - 8);
        put_place(c->out, y_of(c, value) + 40);
        buf_printf(c->out, "\">%s</text>\n", tick_text(c->plot, value, step, text));
    }
}

static void put_seconds(struct canvas *c)
{
    uint64_t step_s = bench_plot_step((c->last_ms + 999) / 1000, PARTS_X);
    for (uint64_t s = 0; s * 1000 <= c->last_ms; s += step_s) {
        buf_text(c->out, "<text class=\"x\" x=\"");
        put_place(c->out, x_of(c, s * 1000));
        buf_printf(c->out, "\" y=\"%d\">%" PRIu64 " s</text>\n", HEIGHT - 8, s);
    }
}

/* -- Lines -------------------------------------------------------------------------------------------------------------------- */
/* What happened in a stretch of time stands in its middle. */
static uint64_t place_ms(const struct canvas *c, const struct bench_sample *s)
{
    return c->plot->moment ? s->at_ms : s->at_ms - s->span_ms / 2;
}

static void put_points(struct canvas *c, const struct bench_line *line)
{
    for (size_t i = 0; i < c->count; i++) {
        buf_byte(c->out, i > 0 ? ' ' : '"');
        put_place(c->out, x_of(c, place_ms(c, &c->samples[i])));
        buf_byte(c->out, ',');
        put_place(c->out, y_of(c, column(&c->samples[i], line)));
    }
}

static void put_area(struct canvas *c, const struct bench_line *line)
{
    buf_printf(c->out, "<polygon fill=\"%s\" fill-opacity=\"0.12\" points=", line->color);
    put_points(c, line);
    for (int side = 1; side >= 0; side--) {
        buf_byte(c->out, ' ');
        put_place(c->out, x_of(c, place_ms(c, &c->samples[side ? c->count - 1 : 0])));
        buf_byte(c->out, ',');
        put_place(c->out, y_of(c, 0));
    }
    buf_text(c->out, "\"/>\n");
}

static void put_line(struct canvas *c, const struct bench_line *line)
{
    buf_printf(c->out, "<polyline stroke=\"%s\" points=", line->color);
    put_points(c, line);
    buf_text(c->out, "\"/>\n");
    for (size_t i = 0; i < c->count && c->count <= DOTS_MAX; i++) {
        buf_printf(c->out, "<circle r=\"2.5\" fill=\"%s\" cx=\"", line->color);
        put_place(c->out, x_of(c, place_ms(c, &c->samples[i])));
        buf_text(c->out, "\" cy=\"");
        put_place(c->out, y_of(c, column(&c->samples[i], line)));
        buf_text(c->out, "\"/>\n");
    }
}

/* What the pointer over a sample shows. */
static void put_strip(struct canvas *c, const struct bench_sample *s)
{
    char text[BENCH_TEXT_BYTES];
    uint64_t from = x_of(c, s->at_ms - s->span_ms);
    buf_text(c->out, "<rect class=\"strip\" x=\"");
    put_place(c->out, from);
    buf_printf(c->out, "\" y=\"%d\" height=\"%d\" width=\"", TOP, INNER_HEIGHT);
    put_place(c->out, x_of(c, s->at_ms) - from);
    buf_printf(c->out, "\"><title>%s", bench_text_ms(s->at_ms, text));
    for (size_t k = 0; k < c->plot->line_count; k++)
        buf_printf(c->out, "\n%s: %s", c->plot->lines[k].name, text_of(c->plot, column(s, &c->plot->lines[k]), text));
    buf_text(c->out, "</title></rect>\n");
}

static void put_legend(const struct bench_plot *plot, struct buf *out)
{
    buf_printf(out, "<h2>%s</h2>\n<p class=\"legend\">", plot->title);
    for (size_t k = 0; k < plot->line_count; k++)
        buf_printf(out, "<span><i style=\"background:%s\"></i>%s</span>", plot->lines[k].color, plot->lines[k].name);
    buf_text(out, "</p>\n");
}

void bench_plot_put(const struct bench_plot *plot, const struct bench_sample *samples, size_t count, struct buf *out)
{
    struct canvas c = {.plot = plot, .samples = samples, .count = count, .out = out};
    if (count == 0)
        return;
    uint64_t most = highest(&c), step = bench_plot_step(most ? most : 1, PARTS_Y);
    c.top = (most / step + (most % step > 0 || most == 0)) * step;
    c.last_ms = samples[count - 1].at_ms ? samples[count - 1].at_ms : 1;
    put_legend(plot, out);
    buf_printf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", WIDTH, HEIGHT, plot->title);
    put_grid(&c);
    put_seconds(&c);
    if (plot->filled)
        put_area(&c, &plot->lines[0]);
    for (size_t k = 0; k < plot->line_count; k++)
        put_line(&c, &plot->lines[k]);
    for (size_t i = 0; i < count; i++)
        put_strip(&c, &samples[i]);
    buf_text(out, "</svg>\n");
}
