/* core.c - the broker's state machine alone: no socket, no disk, no clock. Usage: core SECONDS [BACKLOG]
 *
 * A job is four events: SEND, its part of COMMITTED and CREDIT, DONE; groups of 250 as in the real broker. First with an empty queue, then
 * behind a backlog (1,000,000), whose memory is counted. Prints JSON: rows of figures. */
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/id.h"
#include "queue/core/core.h"

#define GROUP 250u
#define ITEMS 100000u
#define BODY_BYTES 90

struct bench {
    struct core *core;
    struct core_effects *effects;
    struct core_effect *delivered; /* not yet done: room for CORE_EFFECTS_MAX */
    size_t delivered_count;
    uint64_t number, location, sent, steps;
    struct id_maker ids;
    int64_t now_ms;
};

static void *resize(void *self, void *old, size_t bytes)
{
    (void)self;
    if (bytes > 0)
        return realloc(old, bytes);
    free(old);
    return NULL;
}

static struct core_event event_of(const struct bench *b, enum core_event_kind kind)
{
    return (struct core_event){.kind = kind, .now_ms = b->now_ms, .client = 1, .target = CORE_NONE};
}

static void step(struct bench *b, struct core_event *event)
{
    core_step(b->core, event, b->effects);
    b->steps++;
    for (size_t i = 0; i < b->effects->count; i++) {
        const struct core_effect *e = &b->effects->at[i];
        if (e->kind == CORE_EFFECT_JOURNAL) {
            b->number = e->record.number;
            if (e->record.kind == CORE_REC_SEND)
                core_locate(b->core, e, ++b->location);
        } else if (e->kind == CORE_EFFECT_DELIVER) {
            b->delivered[b->delivered_count++] = *e;
        }
    }
}

static void send_group(struct bench *b)
{
    static const unsigned char body[BODY_BYTES];
    b->now_ms++;
    for (unsigned i = 0; i < GROUP; i++) {
        struct core_event event = event_of(b, CORE_SEND);
        event.id = id_make(&b->ids, b->now_ms, 0);
        event.group = 1 + b->sent++ * 7919 % ITEMS;
        event.body = slice_of(body, sizeof body);
        step(b, &event);
    }
    struct core_event event = event_of(b, CORE_COMMITTED);
    event.number = b->number;
    step(b, &event);
}

static void finish_group(struct bench *b)
{
    struct core_event credit = event_of(b, CORE_WORKER_CREDIT);
    credit.messages = GROUP;
    step(b, &credit);
    for (size_t i = 0; i < b->delivered_count; i++) {
        struct core_event done = event_of(b, CORE_DONE);
        done.seq = b->delivered[i].seq;
        done.lease = b->delivered[i].lease;
        step(b, &done);
    }
    b->delivered_count = 0;
}

static int prepare(struct bench *b)
{
    struct core_config config = {.max_messages = 20000000,
                                 .max_keys = 1u << 20,
                                 .batch_max = GROUP,
                                 .slices = 16,
                                 .key_window_ms = 600000,
                                 .worker_silence_ms = INT64_MAX,
                                 .memory = {.resize = resize}};
    struct core_queue_attributes attributes = {.name = "leat-jobs",
                                               .visibility_ms = 30000,
                                               .retention_ms = LIMIT_RETENTION_MAX_MS,
                                               .max_messages = config.max_messages,
                                               .max_bytes = UINT64_MAX,
                                               .kind = CORE_JOBS};
    *b = (struct bench){.core = core_create(&config), .now_ms = 1000};
    b->effects = malloc(sizeof *b->effects);
    b->delivered = calloc(CORE_EFFECTS_MAX, sizeof *b->delivered);
    if (!b->core || !b->effects || !b->delivered || id_maker_init(&b->ids) != 0)
        return -1;
    core_replayed(b->core);
    struct core_event queue = event_of(b, CORE_QUEUE_SET), join = event_of(b, CORE_WORKER_JOIN);
    queue.attributes = &attributes;
    step(b, &queue);
    step(b, &join);
    return 0;
}

/* Jobs go through the queue for so long; prints the row. */
static void measure(struct bench *b, const char *name, double seconds, double bytes_a_job)
{
    struct core_stats before, after;
    core_stats(b->core, &before);
    b->steps = 0;
    int64_t start_us = clock_mono_us(), end_us = start_us + (int64_t)(seconds * 1e6), now_us = start_us;
    for (; now_us < end_us; now_us = clock_mono_us()) {
        send_group(b);
        finish_group(b);
    }
    core_stats(b->core, &after);
    double jobs = (double)(after.done_total - before.done_total), us = (double)(now_us - start_us);
    printf("\"core, %s\": {\"steps_per_second\": %.0f, \"jobs_per_second\": %.0f, \"ns_a_job\": %.1f", name,
           (double)b->steps * 1e6 / us, jobs * 1e6 / us, us * 1000 / jobs);
    if (bytes_a_job > 0)
        printf(", \"bytes_a_job\": %.1f", bytes_a_job);
    printf("}");
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;
    uint64_t backlog = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    struct core_stats empty, full;
    struct bench b;
    char name[64];
    if (prepare(&b) != 0 || seconds <= 0)
        return 1;
    printf("{");
    measure(&b, "empty queue", seconds, 0);
    core_stats(b.core, &empty);
    do {
        send_group(&b);
        core_stats(b.core, &full);
    } while (full.messages < backlog);
    printf(", ");
    snprintf(name, sizeof name, "%llu queued", (unsigned long long)backlog);
    measure(&b, name, seconds, (double)(full.bytes_memory - empty.bytes_memory) / (double)full.messages);
    printf("}\n");
    core_destroy(&b.core);
    free(b.effects);
    free(b.delivered);
    return 0;
}
