/* limit.c - counting, and the table of time-outs. */
#include "gateway/limit.h"

#include <assert.h>

void limit_init(struct limit *l, int64_t request_timeout_ms, int64_t idle_timeout_ms, uint64_t connections_max,
                uint64_t bytes_max)
{
    *l = (struct limit){.request_timeout_ms = request_timeout_ms,
                        .idle_timeout_ms = idle_timeout_ms,
                        .connections_max = connections_max,
                        .bytes_max = bytes_max};
}

bool limit_open(struct limit *l)
{
    if (l->connections >= l->connections_max) {
        l->refused_connections++;
        return false;
    }
    l->connections++;
    l->phase[LIMIT_FRESH]++;
    return true;
}

void limit_close(struct limit *l, enum limit_phase phase)
{
    assert(l->connections > 0 && l->phase[phase] > 0);
    l->connections--;
    l->phase[phase]--;
}

void limit_move(struct limit *l, enum limit_phase from, enum limit_phase to)
{
    assert(l->phase[from] > 0);
    l->phase[from]--;
    l->phase[to]++;
}

int64_t limit_deadline(const struct limit *l, enum limit_phase phase, int64_t now_ms)
{
    switch (phase) {
    case LIMIT_FRESH:
    case LIMIT_READING:
        return now_ms + l->request_timeout_ms;
    case LIMIT_IDLE:
        return now_ms + l->idle_timeout_ms;
    case LIMIT_SENDING: /* a large answer on a slow line needs more time than a request */
        return now_ms + (l->idle_timeout_ms > l->request_timeout_ms ? l->idle_timeout_ms : l->request_timeout_ms);
    case LIMIT_WAITING:
    case LIMIT_PHASE_COUNT:
        break;
    }
    return INT64_MAX;
}

uint64_t limit_requests(const struct limit *l)
{
    return l->phase[LIMIT_READING] + l->phase[LIMIT_WAITING] + l->phase[LIMIT_SENDING];
}

bool limit_charge(struct limit *l, size_t *charged, size_t bytes)
{
    assert(l->bytes >= *charged);
    uint64_t others = l->bytes - *charged;
    if (bytes > *charged && (others > l->bytes_max || bytes > l->bytes_max - others)) {
        l->refused_bytes++;
        return false;
    }
    l->bytes = others + bytes;
    *charged = bytes;
    return true;
}
