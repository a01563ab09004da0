/* metrics.c - counters into text. The broker's figures come as one value; a table says which member becomes which metric. */
#include "gateway/metrics.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"

static const unsigned statuses[] = {
#define X(status) status,
    METRICS_STATUSES(X)
#undef X
};

static int status_index(unsigned status)
{
    for (int i = 0; i < METRICS_STATUS_COUNT; i++)
        if (statuses[i] == status)
            return i;
    return status < 300 ? METRICS_200 : status < 500 ? METRICS_400 : METRICS_500;
}

void metrics_count(struct metrics *m, int route, unsigned status, int64_t us)
{
    m->requests[route < 0 ? ROUTE_COUNT : route][status_index(status)]++;
    stats_observe(&m->seconds, us > 0 ? (uint64_t)us : 0);
}

/* -- This gateway ---------------------------------------------------------------------------------------------- */
static const char *route_name(int i) { return i == ROUTE_COUNT ? "none" : route_at((enum route_index)i)->name; }

/* Rows of one name (a route under two patterns) are one series. */
static uint64_t sum_of_name(const struct metrics *m, int route, int status)
{
    uint64_t sum = 0;
    for (int i = 0; i <= ROUTE_COUNT; i++)
        if (strcmp(route_name(i), route_name(route)) == 0) {
            if (i < route)
                return 0; /* an earlier row has said it */
            sum += m->requests[i][status];
        }
    return sum;
}

static void put_requests(const struct metrics *m, struct buf *out)
{
    stats_put_help(out, "leat_http_requests_total", "counter", "HTTP requests by route and status code");
    for (int route = 0; route <= ROUTE_COUNT; route++)
        for (int status = 0; status < METRICS_STATUS_COUNT; status++) {
            uint64_t count = sum_of_name(m, route, status);
            char labels[64];
            if (count == 0)
                continue;
            snprintf(labels, sizeof labels, "route=\"%s\",code=\"%u\"", route_name(route), statuses[status]);
            stats_put_number(out, "leat_http_requests_total", labels, (double)count);
        }
    stats_put_help(out, "leat_http_request_seconds", "histogram", "Time from a request's first line to the end of its answer");
    stats_put_histogram(out, "leat_http_request_seconds", NULL, &m->seconds);
}

static void put_calls(const struct metrics *m, struct buf *out)
{
    stats_put_help(out, "leat_calls_total", "counter", "Requests of DynamoDB's API that went to a worker");
    stats_put_number(out, "leat_calls_total", NULL, (double)m->calls);
    stats_put_help(out, "leat_calls_retried_total", "counter", "Times that such a request was tried again");
    stats_put_number(out, "leat_calls_retried_total", NULL, (double)m->calls_retried);
}

static void put_gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
    stats_put_help(out, name, "gauge", help);
    stats_put_number(out, name, NULL, (double)value);
}

static void put_limits(const struct limit *l, bool link_up, struct buf *out)
{
    put_gauge(out, "leat_http_connections", "Open HTTP connections", l->connections);
    put_gauge(out, "leat_http_waiting_requests", "Requests that wait for their answer", l->phase[LIMIT_WAITING]);
    put_gauge(out, "leat_http_buffer_bytes", "Memory of request and answer bodies", l->bytes);
    put_gauge(out, "leat_gateway_link_up", "1 while the queue answers this gateway", link_up);
    stats_put_help(out, "leat_http_refused_total", "counter", "Requests and connections refused for want of room");
    stats_put_number(out, "leat_http_refused_total", "what=\"connection\"", (double)l->refused_connections);
    stats_put_number(out, "leat_http_refused_total", "what=\"bytes\"", (double)l->refused_bytes);
}

/* -- The broker ------------------------------------------------------------------------------------------------ */
struct figure {
    const char *metric, *type, *labels, *group, *member, *help; /* group: the M that holds the member; NULL: the top */
};

static const struct figure figures[] = {
    {"leat_jobs_accepted_total", "counter", NULL, NULL, "accepted", "Jobs accepted: durable"},
    {"leat_jobs_finished_total", "counter", "outcome=\"succeeded\"", NULL, "succeeded", "Jobs that ended, by outcome"},
    {"leat_jobs_finished_total", "counter", "outcome=\"failed\"", NULL, "failed", NULL},
    {"leat_jobs_finished_total", "counter", "outcome=\"dead\"", NULL, "dead", NULL},
    {"leat_jobs_redelivered_total", "counter", NULL, NULL, "redelivered", "Deliveries after the first of a job"},
    {"leat_workers", "gauge", NULL, NULL, "workers", "Connected workers"},
    {"leat_queues", "gauge", NULL, NULL, "queueCount", "Queues"},
    {"leat_store_commits_total", "counter", NULL, NULL, "commits", "Transactions committed to the table store"},
    {"leat_store_recoveries_total", "counter", NULL, NULL, "recoveries", "Recoveries of the table store"},
    {"leat_queue_memory_bytes", "gauge", NULL, NULL, "memoryBytes", "Memory of the queue's records"},
    {"leat_queue_journal_segments", "gauge", NULL, "journal", "segments", "Segments of the journal"},
    {"leat_queue_journal_bytes", "gauge", NULL, "journal", "bytes", "Size of the journal"},
    {"leat_queue_journal_live_bytes", "gauge", NULL, "journal", "liveBytes", "Bytes of the journal that are still needed"},
};

static double number_of(const struct value *map, const char *member)
{
    struct value v = value_map_get(map, slice_text(member));
    int64_t number;
    return value_to_int(&v, &number) ? (double)number : 0;
}

static void put_figures(const struct value *broker, struct buf *out)
{
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        const struct figure *f = &figures[i];
        struct value group = f->group ? value_map_get(broker, slice_text(f->group)) : *broker;
        if (f->help)
            stats_put_help(out, f->metric, f->type, f->help);
        stats_put_number(out, f->metric, f->labels, number_of(&group, f->member));
    }
}

/* A queue's name is letters, digits, - and _ (and a region and a slash before it): nothing in it needs escaping as a label; what does is dropped. */
static bool label_name(const struct value *queue, char name[static 132])
{
    struct value v = value_map_get(queue, slice_text("name"));
    if (v.type != VALUE_S || v.bytes.len == 0 || v.bytes.len > LIMIT_QUEUE_PATH_BYTES)
        return false;
    for (size_t i = 0; i < v.bytes.len; i++) {
        unsigned char c = v.bytes.ptr[i];
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
            return false;
        name[i] = (char)c;
    }
    name[v.bytes.len] = '\0';
    return true;
}

static void put_states(const struct value *queue, const char *name, struct buf *out)
{
    static const char *const states[] = {"ready", "inflight", "delayed"};
    char labels[192];
    for (int i = 0; i < 3; i++) {
        snprintf(labels, sizeof labels, "queue=\"%s\",state=\"%s\"", name, states[i]);
        stats_put_number(out, "leat_queue_messages", labels, number_of(queue, states[i]));
    }
}

static void put_age(const struct value *queue, const char *name, struct buf *out)
{
    char labels[192];
    snprintf(labels, sizeof labels, "queue=\"%s\"", name);
    stats_put_number(out, "leat_queue_oldest_message_seconds", labels, number_of(queue, "oldestSeconds"));
}

/* The broker names only so many queues (LIMIT_QUEUES_SHOWN), and says what the others have together: no queue is called (others). */
static void put_queues(const struct value *queues, const struct value *others, struct buf *out,
                       void (*put)(const struct value *, const char *, struct buf *))
{
    struct value_walk walk = value_walk_of(queues);
    struct value queue;
    char name[132];
    while (value_walk_next(&walk, NULL, &queue))
        if (label_name(&queue, name))
            put(&queue, name, out);
    if (number_of(others, "count") > 0)
        put(others, "(others)", out);
}

static void put_fsync(const struct value *fsync, struct buf *out)
{
    struct stats_histogram h = {0};
    struct value buckets = value_map_get(fsync, slice_text("buckets"));
    for (uint32_t i = 0; buckets.type == VALUE_L && i < buckets.count && i < STATS_BUCKETS; i++) {
        struct value v = value_list_get(&buckets, i);
        int64_t number;
        h.buckets[i] = value_to_int(&v, &number) && number > 0 ? (uint64_t)number : 0;
    }
    h.count = (uint64_t)number_of(fsync, "count");
    h.sum_us = (uint64_t)number_of(fsync, "sumUs");
    stats_put_help(out, "leat_queue_fsync_seconds", "histogram", "Time of the journal's fdatasync calls");
    stats_put_histogram(out, "leat_queue_fsync_seconds", NULL, &h);
}

void metrics_put(const struct metrics *m, const struct limit *limit, bool link_up, const struct value *broker, struct buf *out)
{
    put_requests(m, out);
    put_calls(m, out);
    put_limits(limit, link_up, out);
    if (broker->type == VALUE_M) {
        struct value queues = value_map_get(broker, slice_text("queues")), fsync = value_map_get(broker, slice_text("fsync"));
        struct value others = value_map_get(broker, slice_text("otherQueues"));
        put_figures(broker, out);
        stats_put_help(out, "leat_queue_messages", "gauge", "Messages of a queue by state");
        put_queues(&queues, &others, out, put_states);
        stats_put_help(out, "leat_queue_oldest_message_seconds", "gauge", "Age of the message that is next in line");
        put_queues(&queues, &others, out, put_age);
        put_fsync(&fsync, out);
    }
    stats_put_process(out);
}
