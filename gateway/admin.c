/* admin.c - health, readiness and metrics. The broker's figures are asked for a few times a second, so that these answer at once. */
#include "gateway/gateway.h"

#include <stdint.h>

#define STATS_EVERY_MS 250
#define STATS_LOST_MS 2000 /* a question that is older has no answer */

static void answer_text(struct http_request *r, unsigned status, const char *body)
{
    buf_text(&r->out, body);
    http_answer(r, status, GATEWAY_JSON);
}

void admin_health(struct gateway *g, struct http_request *r)
{
    (void)g;
    answer_text(r, 200, "{\"status\":\"ok\"}");
}

static bool is_fresh(const struct gateway *g)
{
    return g->link_up && g->stats.len > 0 && g->now_ms - g->stats_ms < STATS_LOST_MS;
}

static int64_t workers_of(const struct gateway *g)
{
    struct value figures = value_of(buf_slice(&g->stats));
    struct value workers = value_map_get(&figures, slice_text("workers"));
    int64_t number;
    return value_to_int(&workers, &number) ? number : 0;
}

void admin_ready(struct gateway *g, struct http_request *r)
{
    const char *why = g->stopping ? "this gateway is stopping" : NULL;
    struct err e;
    if (!why && !is_fresh(g))
        why = "the queue does not answer";
    if (!why && workers_of(g) < 1)
        why = "no worker is connected";
    if (!why) {
        answer_text(r, 200, "{\"status\":\"ready\"}");
        return;
    }
    err_set(&e, ERR_UNAVAILABLE, "%s", why);
    http_refuse(r, &e);
}

void admin_metrics(struct gateway *g, struct http_request *r)
{
    struct value figures = is_fresh(g) ? value_of(buf_slice(&g->stats)) : (struct value){.type = VALUE_NONE};
    metrics_put(&g->metrics, &g->limit, g->link_up, &figures, &r->out);
    http_answer(r, 200, "text/plain; version=0.0.4; charset=utf-8");
}

/* -- Asking ---------------------------------------------------------------------------------------------------- */
/* The low half of a job's tag is never 0: so ours cannot be mistaken for one. */
static void *tag_of(uint32_t number) { return (void *)(uintptr_t)((uint64_t)number << 32); }

void admin_turn(struct gateway *g)
{
    static const unsigned char nothing[] = {0x80};
    if (!g->link_up || g->now_ms < admin_deadline(g))
        return;
    g->stats_asked_ms = g->now_ms;
    g->stats_waits = queue_client_admin(g->queue, "stats", slice_of(nothing, sizeof nothing), tag_of(++g->stats_number)) == 0;
}

int64_t admin_deadline(const struct gateway *g)
{
    if (!g->link_up)
        return INT64_MAX;
    return g->stats_asked_ms + (g->stats_waits ? STATS_LOST_MS : STATS_EVERY_MS);
}

bool admin_answer(struct gateway *g, void *tag, unsigned err_code, struct slice value)
{
    if (((uint64_t)(uintptr_t)tag & UINT32_MAX) != 0)
        return false;
    if (tag != tag_of(g->stats_number))
        return true; /* of an earlier question: given up */
    g->stats_waits = false;
    if (err_code != ERR_NONE)
        return true;
    buf_reset(&g->stats);
    buf_append(&g->stats, value.ptr, value.len);
    if (buf_failed(&g->stats))
        buf_reset(&g->stats);
    g->stats_ms = g->now_ms;
    return true;
}
