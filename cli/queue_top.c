/* queue_top.c - leat queue top: all queues, again and again; full-screen on a terminal, lines elsewhere. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/queue.h"
#include "cli/queue_rates.h"
#include "cli/screen.h"
#include "common/clock.h"

#define KEYS "q leaves"
#define ANSWER_MS 1000 /* on a terminal: what takes longer is said, and tried again */

struct top {
    struct queue_command *c;
    const char *prefix;
    struct queue_look now, before;
    bool answered; /* the last look */
    struct buf out;
};

static void add(void *self, const struct queue_description *d)
{
    struct top *t = self;
    queue_look_add(&t->now, queue_shown(t->c, d->name), d);
}

/* `now` becomes `before`, and is made anew. If the broker does not answer, the old look is shown on. */
static int look(struct top *t)
{
    struct queue_look old = t->before;
    t->before = t->now;
    t->now = old;
    queue_look_reset(&t->now, clock_mono_ms());
    int status = queue_for_each(t->c, t->prefix, add, t);
    t->answered = status == 0;
    if (status == 0 && t->now.failed)
        return queue_fail(QUEUE_BROKEN, "out of memory");
    if (status == 0) {
        queue_look_rates(&t->now, &t->before);
        return 0;
    }
    old = t->now;
    t->now = t->before;
    t->before = old;
    return status;
}

/* Sorting is for the eye; rates need the broker's order. */
static int sorted(const struct top *t, struct queue_look *copy)
{
    *copy = (struct queue_look){.count = t->now.count, .cap = t->now.count, .at_ms = t->now.at_ms};
    if (copy->count == 0)
        return 0;
    copy->at = malloc(copy->count * sizeof *copy->at);
    if (!copy->at)
        return queue_fail(QUEUE_BROKEN, "out of memory");
    memcpy(copy->at, t->now.at, copy->count * sizeof *copy->at);
    queue_look_sort(copy);
    return 0;
}

static void time_text(const char *format, char *out, size_t size)
{
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm parts;
    if (!localtime_r(&now, &parts) || strftime(out, size, format, &parts) == 0)
        out[0] = '\0';
}

/* -- On a terminal ----------------------------------------------------------------------------------------------------------- */
static void put_title(struct top *t, const struct queue_look *l, int columns)
{
    char line[256], clock[32], in_text[24], out_text[24];
    double in = 0, out = 0;
    bool known = false;
    for (size_t i = 0; i < l->count; i++) {
        known = known || l->at[i].in >= 0;
        in += l->at[i].in > 0 ? l->at[i].in : 0;
        out += l->at[i].out > 0 ? l->at[i].out : 0;
    }
    time_text("%H:%M:%S", clock, sizeof clock);
    int len = snprintf(line, sizeof line, "%s  %s%zu queues  in %s/s  out %s/s", clock, t->answered ? "" : "NO ANSWER  ",
                       l->count, queue_rate_text(known ? in : -1, in_text), queue_rate_text(known ? out : -1, out_text));
    if (len + (int)sizeof KEYS <= columns)
        len += snprintf(line + len, sizeof line - (size_t)len, "%*s", columns - len, KEYS);
    buf_printf(&t->out, "%.*s\n", len < columns ? len : columns, line);
}

static int draw(struct top *t)
{
    struct queue_look shown;
    int columns, rows, most = (int)(t->c->s->max > 0 && t->c->s->max < 10000 ? t->c->s->max + 2 : 100000);
    int status = sorted(t, &shown);
    if (status == 0) {
        screen_size(&columns, &rows);
        buf_reset(&t->out);
        put_title(t, &shown, columns);
        queue_look_draw(&shown, columns < 20 ? 20 : columns, rows - 1 < most ? rows - 1 : most, &t->out);
        screen_draw(&t->out);
    }
    queue_look_finish(&shown);
    return status;
}

static int watch(struct top *t)
{
    int64_t looks = 0, next_ms = clock_mono_ms();
    enum screen_event event = SCREEN_TIME_OVER;
    int status = 0;
    t->c->quiet = true;
    session_timeout(t->c->session, ANSWER_MS);
    session_stop_at(t->c->session, screen_leaving());
    while (status == 0 && event != SCREEN_LEAVE) {
        if (event == SCREEN_TIME_OVER) {
            status = look(t);
            status = status == QUEUE_NO_BROKER || status == QUEUE_REFUSED ? 0 : status;
            next_ms = clock_mono_ms() + t->c->s->interval_ms;
            looks++;
        }
        if (status == 0 && !*screen_leaving())
            status = draw(t);
        if (status == 0 && t->c->s->count > 0 && looks >= t->c->s->count)
            break;
        event = screen_wait(next_ms - clock_mono_ms());
    }
    return status;
}

/* -- Elsewhere --------------------------------------------------------------------------------------------------------------- */
static int print_look(struct top *t)
{
    const struct queue_settings *s = t->c->s;
    size_t most = s->max > 0 ? (size_t)s->max : SIZE_MAX;
    struct queue_look shown;
    char when[32];
    int status = sorted(t, &shown);
    const struct queue_look *l = s->max > 0 ? &shown : &t->now; /* all of them: in the order of names */
    buf_reset(&t->out);
    if (status == 0 && s->json) {
        queue_look_value(l, clock_wall_ms(), most, &t->out);
        status = queue_print_json(&t->out);
    } else if (status == 0) {
        time_text("%Y-%m-%dT%H:%M:%S", when, sizeof when);
        queue_look_lines(l, when, most, &t->out);
        printf("%.*s", (int)t->out.len, t->out.data ? (const char *)t->out.data : "");
    }
    queue_look_finish(&shown);
    return status != 0 ? status : queue_flushed();
}

/* A first look makes the rates of the second, which is the first that is shown. */
static int print_looks(struct top *t)
{
    const struct queue_settings *s = t->c->s;
    int64_t next_ms = clock_mono_ms();
    int status = look(t);
    for (int64_t i = 0; status == 0 && (s->count == 0 || i < s->count); i++) {
        next_ms += s->interval_ms;
        for (int64_t left; (left = next_ms - clock_mono_ms()) > 0;)
            poll(NULL, 0, left > 1000 ? 1000 : (int)left);
        status = look(t);
        if (status == 0)
            status = print_look(t);
    }
    return status;
}

int queue_top(struct queue_command *c)
{
    struct top t = {.c = c, .prefix = c->operand_count > 0 ? c->operands[0] : NULL};
    int status;
    if (!c->s->json && screen_possible()) {
        status = screen_open() == 0 ? watch(&t) : queue_fail(QUEUE_BROKEN, "the terminal cannot be set up");
        screen_close();
        if (status == 0 && c->s->count > 0 && t.out.len > 0) /* who asked for so many looks keeps the last */
            fwrite(t.out.data, 1, t.out.len, stdout);
    } else {
        status = print_looks(&t);
    }
    queue_look_finish(&t.now);
    queue_look_finish(&t.before);
    buf_finish(&t.out);
    return status;
}
