/* shown.c - the queues that figures for people and scrapers name: leat's own, and of the others the LIMIT_QUEUES_SHOWN with the most messages. The rest is
 * told as a sum, so that figures stay small and cheap however many queues there are.
 *
 * With more queues than can be shown, the choice and the sum are made anew once a second; the figures of those that are shown are always
 * those of the moment. */
#include "queue/broker.h"

#define CHOOSE_MS 1000

static bool is_own(const struct shown *s, uint32_t queue) { return queue == s->number[0] || queue == s->number[1]; }

static uint64_t messages_of(const struct core_queue_stats *s)
{
    uint64_t sum = 0;
    for (int state = 0; state < CORE_STATE_COUNT; state++)
        sum += s->count[state];
    return sum;
}

static void add_rest(struct shown *shown, const struct core_queue_stats *s)
{
    shown->rest_count++;
    shown->rest.bytes += s->bytes;
    for (int state = 0; state < CORE_STATE_COUNT; state++)
        shown->rest.count[state] += s->count[state];
    if (s->oldest_accepted_ms < shown->rest.oldest_accepted_ms)
        shown->rest.oldest_accepted_ms = s->oldest_accepted_ms;
}

struct ranked {
    uint64_t messages;
    uint32_t queue;
};

/* Keeps the first in order, the most messages first; the last one falls out when all are taken. Returns who fell out, CORE_NONE: nobody. */
static uint32_t rank(struct ranked *first, uint32_t *count, struct ranked one)
{
    uint32_t at = *count, out = CORE_NONE;
    if (at == LIMIT_QUEUES_SHOWN) {
        if (one.messages <= first[at - 1].messages)
            return one.queue;
        out = first[--at].queue;
    } else {
        ++*count;
    }
    for (; at > 0 && first[at - 1].messages < one.messages; at--)
        first[at] = first[at - 1];
    first[at] = one;
    return out;
}

static void choose(struct broker *b, struct shown *shown)
{
    struct ranked first[LIMIT_QUEUES_SHOWN] = {{0}};
    struct core_queue_stats s;
    uint32_t count = 0, queue;
    *shown = (struct shown){.chosen_ms = b->mono_ms, .rest.oldest_accepted_ms = INT64_MAX};
    shown->number[shown->count++] = core_queue_by_name(b->core, slice_text(QUEUE_JOBS_NAME));
    shown->number[shown->count++] = core_queue_by_name(b->core, slice_text(QUEUE_DEAD_NAME));
    for (uint32_t position = 0; (queue = core_queue_at(b->core, position)) != CORE_NONE; position++) {
        shown->total++;
        if (is_own(shown, queue) || !describe_lookup(b, queue, &s))
            continue;
        uint32_t out = rank(first, &count, (struct ranked){messages_of(&s), queue});
        if (out != CORE_NONE && describe_lookup(b, out, &s))
            add_rest(shown, &s);
    }
    for (uint32_t i = 0; i < count; i++)
        shown->number[shown->count++] = first[i].queue;
}

/* A queue that was purged or removed since has another number, or none. */
static bool all_there(const struct broker *b, const struct shown *shown)
{
    struct core_queue_stats s;
    for (uint32_t i = 0; i < shown->count; i++)
        if (!describe_lookup(b, shown->number[i], &s))
            return false;
    return true;
}

const struct shown *shown_queues(struct broker *b)
{
    struct shown *shown = &b->shown;
    if (shown->rest_count == 0 || b->mono_ms - shown->chosen_ms >= CHOOSE_MS || !all_there(b, shown))
        choose(b, shown);
    return shown;
}
