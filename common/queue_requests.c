/* queue_requests.c - a list in order of asking, and a hash table by number. Numbers are handed out one after the other, so
 * their low bits fill the buckets evenly by themselves. */
#include "common/queue_requests.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 1024u
#define FIRST_ENTRIES 16u

int requests_init(struct requests *s)
{
    *s = (struct requests){.bucket_count = FIRST_BUCKETS};
    s->bucket = calloc(FIRST_BUCKETS, sizeof(struct request *));
    return s->bucket ? 0 : -1;
}

static void request_free(struct request *r)
{
    buf_finish(&r->bytes);
    free(r->entries);
    free(r);
}

void requests_finish(struct requests *s)
{
    for (struct request *r = s->oldest, *next; r; r = next) {
        next = r->newer;
        request_free(r);
    }
    free(s->bucket);
    *s = (struct requests){0};
}

static struct request **bucket_of(const struct requests *s, uint64_t number)
{
    return &s->bucket[number & (s->bucket_count - 1)];
}

/* A table that cannot grow only gets slower. */
static void grow(struct requests *s)
{
    struct requests bigger = *s;
    bigger.bucket_count = s->bucket_count * 2;
    bigger.bucket = calloc(bigger.bucket_count, sizeof(struct request *));
    if (!bigger.bucket)
        return;
    for (struct request *r = s->oldest; r; r = r->newer) {
        struct request **head = bucket_of(&bigger, r->number);
        r->same_bucket = *head;
        *head = r;
    }
    free(s->bucket);
    *s = bigger;
}

struct request *requests_add(struct requests *s, enum request_kind kind)
{
    struct request *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    if (s->count >= s->bucket_count)
        grow(s);
    r->kind = kind;
    r->number = ++s->last_number;
    r->due_ms = INT64_MAX;
    struct request **head = bucket_of(s, r->number);
    r->same_bucket = *head;
    *head = r;
    r->older = s->newest;
    if (s->newest)
        s->newest->newer = r;
    else
        s->oldest = r;
    s->newest = r;
    if (!s->unsent)
        s->unsent = r;
    s->count++;
    s->bytes += sizeof *r;
    return r;
}

struct request *requests_find(const struct requests *s, uint64_t number)
{
    struct request *r = *bucket_of(s, number);
    while (r && r->number != number)
        r = r->same_bucket;
    return r;
}

static size_t held_bytes(const struct request *r) { return r->bytes.len + r->entry_count * sizeof *r->entries; }

static void leave_bucket(struct requests *s, struct request *r)
{
    struct request **link = bucket_of(s, r->number);
    while (*link != r) {
        assert(*link);
        link = &(*link)->same_bucket;
    }
    *link = r->same_bucket;
}

void requests_remove(struct requests *s, struct request *r)
{
    assert(s->count > 0 && s->bytes >= sizeof *r + held_bytes(r));
    leave_bucket(s, r);
    if (s->unsent == r)
        s->unsent = r->newer;
    if (r->older)
        r->older->newer = r->newer;
    else
        s->oldest = r->newer;
    if (r->newer)
        r->newer->older = r->older;
    else
        s->newest = r->older;
    s->count--;
    s->bytes -= sizeof *r + held_bytes(r);
    request_free(r);
}

struct request_entry *requests_add_entry(struct request *r)
{
    assert(r->kind == REQUEST_SEND && r->entry_count < LIMIT_BATCH_ENTRIES);
    if (r->entry_count == r->entry_cap) {
        uint32_t cap = r->entry_cap ? r->entry_cap * 2 : FIRST_ENTRIES;
        struct request_entry *entries = realloc(r->entries, cap * sizeof *entries);
        if (!entries)
            return NULL;
        r->entries = entries;
        r->entry_cap = cap;
    }
    struct request_entry *entry = &r->entries[r->entry_count++];
    memset(entry, 0, sizeof *entry);
    return entry;
}

void requests_drop_entry(struct request *r)
{
    assert(r->entry_count > 0);
    r->entry_count--;
}

bool requests_room(const struct requests *s, size_t more)
{
    size_t need = more + sizeof(struct request) + sizeof(struct request_entry);
    return s->bytes <= LIMIT_OUTSTANDING_BYTES && need <= LIMIT_OUTSTANDING_BYTES - s->bytes;
}

void requests_charge(struct requests *s, size_t bytes_before, const struct request *r)
{
    assert(r->bytes.len >= bytes_before);
    s->bytes += r->bytes.len - bytes_before;
    if (r->kind == REQUEST_SEND)
        s->bytes += sizeof *r->entries;
}
