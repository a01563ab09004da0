/* queue_rates.c - see queue_rates.h. */
#include "cli/queue_rates.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/item.h"
#include "common/mp.h"

#define NAME_LEAST 12
#define NAME_MOST 48

/* -- Looks ------------------------------------------------------------------------------------------------------------------- */
void queue_look_finish(struct queue_look *l)
{
    free(l->at);
    *l = (struct queue_look){0};
}

void queue_look_reset(struct queue_look *l, int64_t now_ms)
{
    l->count = 0;
    l->at_ms = now_ms;
    l->failed = false;
}

static void copy(char *out, struct slice text)
{
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
}

void queue_look_add(struct queue_look *l, struct slice shown, const struct queue_description *d)
{
    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        struct queue_rate *at = realloc(l->at, cap * sizeof *at);
        if (!at) {
            l->failed = true;
            return;
        }
        l->at = at;
        l->cap = cap;
    }
    struct queue_rate *r = &l->at[l->count++];
    *r = (struct queue_rate){.ready = d->ready,
                             .inflight = d->inflight,
                             .delayed = d->delayed,
                             .receivers = d->receivers,
                             .oldest_ms = d->oldest_ms,
                             .paused = d->attributes.paused,
                             .entered_total = d->entered_total,
                             .left_total = d->left_total,
                             .in = -1,
                             .out = -1};
    copy(r->name, shown);
    copy(r->path, d->name);
}

/* A total that went back began anew: the broker was restarted, or the queue purged. */
static double rate(uint64_t before, uint64_t now, int64_t ms)
{
    return now < before || ms <= 0 ? -1 : (double)(now - before) * 1000 / (double)ms;
}

void queue_look_rates(struct queue_look *now, const struct queue_look *before)
{
    size_t j = 0;
    int64_t ms = now->at_ms - before->at_ms;
    for (size_t i = 0; i < now->count; i++) {
        struct queue_rate *r = &now->at[i];
        while (j < before->count && strcmp(before->at[j].path, r->path) < 0)
            j++;
        bool known = j < before->count && strcmp(before->at[j].path, r->path) == 0;
        r->in = known ? rate(before->at[j].entered_total, r->entered_total, ms) : -1;
        r->out = known ? rate(before->at[j].left_total, r->left_total, ms) : -1;
    }
}

static double busy(const struct queue_rate *r) { return (r->in > 0 ? r->in : 0) + (r->out > 0 ? r->out : 0); }

static int by_activity(const void *a, const void *b)
{
    const struct queue_rate *x = a, *y = b;
    uint64_t x_full = x->ready + x->inflight + x->delayed, y_full = y->ready + y->inflight + y->delayed;
    if (busy(x) != busy(y))
        return busy(x) > busy(y) ? -1 : 1;
    if (x_full != y_full)
        return x_full > y_full ? -1 : 1;
    return strcmp(x->path, y->path);
}

void queue_look_sort(struct queue_look *l)
{
    if (l->count > 0)
        qsort(l->at, l->count, sizeof *l->at, by_activity);
}

/* -- Numbers ----------------------------------------------------------------------------------------------------------------- */
static const char *scaled(double number, char out[static 24])
{
    static const char units[] = "kMGTPE";
    size_t i = 0;
    for (number /= 1000; number >= 999.95 && i < sizeof units - 2; i++)
        number /= 1000;
    snprintf(out, 24, "%.1f%c", number, units[i]);
    return out;
}

const char *queue_count_text(uint64_t count, char out[static 24])
{
    if (count >= 100000)
        return scaled((double)count, out);
    snprintf(out, 24, "%" PRIu64, count);
    return out;
}

const char *queue_rate_text(double rate, char out[static 24])
{
    if (rate >= 99999.5)
        return scaled(rate, out);
    if (rate < 0)
        snprintf(out, 24, "-");
    else
        snprintf(out, 24, rate > 0 && rate < 9.95 ? "%.1f" : "%.0f", rate);
    return out;
}

const char *queue_age_text(int64_t ms, char out[static 24])
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}};
    size_t i = 0;
    while (i < 3 && ms < 2 * units[i].ms)
        i++;
    if (ms > 0 && ms < 1000)
        snprintf(out, 24, "%" PRId64 "ms", ms);
    else
        snprintf(out, 24, "%" PRId64 "%s", ms / units[i].ms, units[i].unit);
    return out;
}

/* -- Layout ------------------------------------------------------------------------------------------------------------------ */
static void ready_text(const struct queue_rate *r, char out[static 24]) { queue_count_text(r->ready, out); }
static void inflight_text(const struct queue_rate *r, char out[static 24]) { queue_count_text(r->inflight, out); }
static void delayed_text(const struct queue_rate *r, char out[static 24]) { queue_count_text(r->delayed, out); }
static void in_text(const struct queue_rate *r, char out[static 24]) { queue_rate_text(r->in, out); }
static void out_text(const struct queue_rate *r, char out[static 24]) { queue_rate_text(r->out, out); }
static void oldest_text(const struct queue_rate *r, char out[static 24]) { queue_age_text(r->oldest_ms, out); }
static void waiting_text(const struct queue_rate *r, char out[static 24]) { queue_count_text(r->receivers, out); }

/* In their order on the screen. rank: which go first when there is no room: the highest. */
static const struct column {
    const char *heading;
    int width, rank;
    void (*text)(const struct queue_rate *r, char out[static 24]);
} all_columns[] = {
    {"READY", 8, 1, ready_text}, {"INFLIGHT", 9, 5, inflight_text}, {"DELAYED", 8, 6, delayed_text}, {"IN/S", 8, 2, in_text},
    {"OUT/S", 8, 3, out_text},   {"OLDEST", 7, 4, oldest_text},     {"WAITING", 8, 7, waiting_text},
};
#define COLUMNS (sizeof all_columns / sizeof all_columns[0])

struct layout {
    bool shown[COLUMNS];
    int name_width;
};

static int longest_name(const struct queue_look *l, int most)
{
    int longest = NAME_LEAST;
    for (size_t i = 0; i < l->count && longest < most; i++) {
        int len = (int)strlen(l->at[i].name) + (l->at[i].paused ? (int)sizeof " (paused)" - 1 : 0);
        longest = len > longest ? len : longest;
    }
    return longest < most ? longest : most;
}

/* The most important columns that fit beside a name; the name gets what is left, as far as it needs it. */
static struct layout lay_out(const struct queue_look *l, int columns)
{
    struct layout layout = {{false}, 0};
    int left = columns - NAME_LEAST;
    for (int rank = 1; rank <= (int)COLUMNS; rank++)
        for (size_t i = 0; i < COLUMNS; i++)
            if (all_columns[i].rank == rank) {
                layout.shown[i] = all_columns[i].width <= left;
                left = layout.shown[i] ? left - all_columns[i].width : -1;
            }
    int used = 0;
    for (size_t i = 0; i < COLUMNS; i++)
        used += layout.shown[i] ? all_columns[i].width : 0;
    layout.name_width = longest_name(l, columns - used < NAME_MOST ? columns - used : NAME_MOST);
    return layout;
}

static void put_name(struct buf *out, const struct queue_rate *r, int width)
{
    char text[LIMIT_QUEUE_PATH_BYTES + 16];
    int len = snprintf(text, sizeof text, "%s%s", r->name, r->paused ? " (paused)" : "");
    if (len > width)
        text[width - 1] = '~';
    buf_printf(out, "%-*.*s", width, width, text);
}

static void put_row(struct buf *out, const struct layout *layout, const struct queue_rate *r)
{
    char text[24];
    put_name(out, r, layout->name_width);
    for (size_t i = 0; i < COLUMNS; i++)
        if (layout->shown[i]) {
            all_columns[i].text(r, text);
            buf_printf(out, "%*s", all_columns[i].width, text);
        }
    buf_byte(out, '\n');
}

void queue_look_draw(const struct queue_look *l, int columns, int rows, struct buf *out)
{
    struct layout layout = lay_out(l, columns);
    size_t room = rows > 1 ? (size_t)rows - 1 : 0, shown = l->count <= room ? l->count : room > 0 ? room - 1 : 0;
    buf_printf(out, "%-*s", layout.name_width, "QUEUE");
    for (size_t i = 0; i < COLUMNS; i++)
        if (layout.shown[i])
            buf_printf(out, "%*s", all_columns[i].width, all_columns[i].heading);
    buf_byte(out, '\n');
    for (size_t i = 0; i < shown; i++)
        put_row(out, &layout, &l->at[i]);
    if (shown < l->count && room > 0)
        buf_printf(out, "and %zu more\n", l->count - shown);
}

/* -- For programs ------------------------------------------------------------------------------------------------------------ */
void queue_look_lines(const struct queue_look *l, const char *time, size_t most, struct buf *out)
{
    char in[24], left[24], age[24];
    for (size_t i = 0; i < l->count && i < most; i++) {
        const struct queue_rate *r = &l->at[i];
        buf_printf(out, "%s queue=%s ready=%" PRIu64 " inflight=%" PRIu64 " delayed=%" PRIu64, time, r->name, r->ready,
                   r->inflight, r->delayed);
        buf_printf(out, " in=%s out=%s oldest=%s receivers=%" PRIu64 "%s\n", queue_rate_text(r->in, in),
                   queue_rate_text(r->out, left), queue_age_text(r->oldest_ms, age), r->receivers, r->paused ? " paused" : "");
    }
}

static uint32_t put_number(struct buf *out, const char *name, int64_t number)
{
    mp_put_text(out, name);
    value_put_int(out, number);
    return 1;
}

static uint32_t put_rate(struct buf *out, const char *name, double rate)
{
    char text[32];
    mp_put_text(out, name);
    snprintf(text, sizeof text, "%.1f", rate);
    if (rate < 0 || value_put_number_text(out, text, strlen(text), NULL) != 0)
        mp_put_nil(out);
    return 1;
}

void queue_look_value(const struct queue_look *l, int64_t wall_ms, size_t most, struct buf *out)
{
    size_t count = l->count < most ? l->count : most;
    mp_put_map(out, 2);
    put_number(out, "atMs", wall_ms);
    mp_put_text(out, "queues");
    mp_put_array(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        const struct queue_rate *r = &l->at[i];
        size_t mark = mp_open(out);
        mp_put_text(out, "name");
        mp_put_text(out, r->name);
        mp_put_text(out, "paused");
        mp_put_bool(out, r->paused);
        uint32_t members = 2 + put_number(out, "ready", (int64_t)r->ready) + put_number(out, "inflight", (int64_t)r->inflight);
        members += put_number(out, "delayed", (int64_t)r->delayed) + put_number(out, "receivers", (int64_t)r->receivers);
        members += put_number(out, "oldestMs", r->oldest_ms);
        members += put_rate(out, "inPerSecond", r->in) + put_rate(out, "outPerSecond", r->out);
        mp_close_map(out, mark, members);
    }
}
