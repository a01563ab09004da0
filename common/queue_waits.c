/* queue_waits.c - a hash table by message id, and a list over it for walks. */
#include "common/queue_waits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 1024u

int waits_init(struct waits *s)
{
    *s = (struct waits){.bucket_count = FIRST_BUCKETS};
    s->bucket = calloc(FIRST_BUCKETS, sizeof(struct wait *));
    return s->bucket ? 0 : -1;
}

void waits_finish(struct waits *s)
{
    for (struct wait *w = s->oldest, *next; w; w = next) {
        next = w->newer;
        free(w);
    }
    free(s->bucket);
    *s = (struct waits){0};
}

/* Bytes 9 to 14 of an id are random. */
static struct wait **bucket_of(const struct waits *s, const struct id *id)
{
    uint32_t hash;
    memcpy(&hash, id->bytes + 10, sizeof hash);
    return &s->bucket[hash & (s->bucket_count - 1)];
}

/* A table that cannot grow only gets slower. */
static void grow(struct waits *s)
{
    struct waits bigger = *s;
    bigger.bucket_count = s->bucket_count * 2;
    bigger.bucket = calloc(bigger.bucket_count, sizeof(struct wait *));
    if (!bigger.bucket)
        return;
    for (struct wait *w = s->oldest; w; w = w->newer) {
        struct wait **head = bucket_of(&bigger, &w->id);
        w->same_bucket = *head;
        *head = w;
    }
    free(s->bucket);
    *s = bigger;
}

struct wait *waits_add(struct waits *s, const struct id *id)
{
    assert(!waits_find(s, id));
    struct wait *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    if (s->count >= s->bucket_count)
        grow(s);
    w->id = *id;
    struct wait **head = bucket_of(s, id);
    w->same_bucket = *head;
    *head = w;
    w->older = s->newest;
    if (s->newest)
        s->newest->newer = w;
    else
        s->oldest = w;
    s->newest = w;
    s->count++;
    return w;
}

struct wait *waits_find(const struct waits *s, const struct id *id)
{
    struct wait *w = *bucket_of(s, id);
    while (w && !id_equal(&w->id, id))
        w = w->same_bucket;
    return w;
}

void waits_remove(struct waits *s, struct wait *w)
{
    struct wait **link = bucket_of(s, &w->id);
    while (*link != w) {
        assert(*link);
        link = &(*link)->same_bucket;
    }
    *link = w->same_bucket;
    if (w->older)
        w->older->newer = w->newer;
    else
        s->oldest = w->newer;
    if (w->newer)
        w->newer->older = w->older;
    else
        s->newest = w->older;
    s->count--;
    free(w);
}
