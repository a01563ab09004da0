/* watches.c - who waits for the end of a message, and until when.
 *
 * A chained hash table by message id. Due times are looked for only when the earliest possible one has come: one walk then finds the
 * next bound, so a turn costs nothing while nobody is due. */
#include "queue/broker.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS (1u << 14)

struct watch {
    struct watch *next;
    struct id id;
    uint32_t client;
    uint64_t request;
    int64_t due_ms;
};

struct watches {
    struct watch *bucket[BUCKETS];
    uint32_t count;
    int64_t earliest_ms; /* no watch is due before */
};

struct watches *watches_create(void)
{
    struct watches *s = calloc(1, sizeof *s);
    if (s)
        s->earliest_ms = INT64_MAX;
    return s;
}

void watches_destroy(struct watches **s)
{
    if (!*s)
        return;
    for (uint32_t i = 0; i < BUCKETS; i++)
        for (struct watch *w = (*s)->bucket[i], *next; w; w = next) {
            next = w->next;
            free(w);
        }
    free(*s);
    *s = NULL;
}

/* The random half of a UUIDv7 chooses the bucket. */
static uint32_t bucket_of(const struct id *id)
{
    uint32_t h;
    memcpy(&h, id->bytes + 10, sizeof h);
    return h & (BUCKETS - 1);
}

int watches_add(struct watches *s, const struct id *id, uint32_t client, uint64_t request, int64_t due_ms)
{
    struct watch *w = s->count < BROKER_WATCHES_MAX ? malloc(sizeof *w) : NULL;
    if (!w)
        return -1;
    struct watch **head = &s->bucket[bucket_of(id)];
    *w = (struct watch){.next = *head, .id = *id, .client = client, .request = request, .due_ms = due_ms};
    *head = w;
    s->count++;
    if (due_ms < s->earliest_ms)
        s->earliest_ms = due_ms;
    return 0;
}

static void take_out(struct watches *s, struct watch **link)
{
    struct watch *w = *link;
    *link = w->next;
    free(w);
    s->count--;
}

bool watches_take(struct watches *s, const struct id *id, uint32_t client, uint64_t *request)
{
    if (s->count == 0)
        return false;
    for (struct watch **link = &s->bucket[bucket_of(id)]; *link; link = &(*link)->next)
        if ((*link)->client == client && id_equal(&(*link)->id, id)) {
            *request = (*link)->request;
            take_out(s, link);
            return true;
        }
    return false;
}

bool watches_due(struct watches *s, int64_t now_ms, struct id *id, uint32_t *client, uint64_t *request)
{
    if (s->count == 0 || now_ms < s->earliest_ms)
        return false;
    int64_t earliest = INT64_MAX;
    for (uint32_t i = 0; i < BUCKETS; i++)
        for (struct watch **link = &s->bucket[i]; *link; link = &(*link)->next) {
            if ((*link)->due_ms <= now_ms) {
                *id = (*link)->id;
                *client = (*link)->client;
                *request = (*link)->request;
                take_out(s, link);
                return true;
            }
            if ((*link)->due_ms < earliest)
                earliest = (*link)->due_ms;
        }
    s->earliest_ms = earliest;
    return false;
}

int64_t watches_deadline(const struct watches *s) { return s->count ? s->earliest_ms : INT64_MAX; }

void watches_forget(struct watches *s, uint32_t client)
{
    for (uint32_t i = 0; s->count && i < BUCKETS; i++)
        for (struct watch **link = &s->bucket[i]; *link;) {
            if ((*link)->client == client)
                take_out(s, link);
            else
                link = &(*link)->next;
        }
}
