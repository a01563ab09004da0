/* batches.c - the results of one SEND frame, collected until the last of them is known, then answered by one SENT frame.
 *
 * Refusals are known at once, acceptances when the journal's group is on disk; the frame is answered when nothing is open. Entries that
 * were accepted leave no trace here, so that the common answer costs two counters. */
#include "queue/broker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_BITS 16

struct note { /* a result other than MSG_ACCEPTED */
    uint32_t entry;
    enum msg_result result;
    bool has_known;
    struct id known;
};

struct batch {
    uint64_t number; /* the client's */
    uint32_t client, next_free;
    uint32_t count, answered;
    bool used, sealed;
    struct note *notes; /* in the order in which they came */
    uint32_t note_count, note_cap;
};

struct batches {
    struct batch *at;
    uint32_t cap, free; /* free: head of the free list, CORE_NONE: none */
};

static_assert(LIMIT_BATCH_ENTRIES < 1u << ENTRY_BITS, "an entry fits its bits of the tag");

struct batches *batches_create(void)
{
    struct batches *s = calloc(1, sizeof *s);
    if (s)
        s->free = CORE_NONE;
    return s;
}

void batches_destroy(struct batches **s)
{
    if (!*s)
        return;
    for (uint32_t i = 0; i < (*s)->cap; i++)
        free((*s)->at[i].notes);
    free((*s)->at);
    free(*s);
    *s = NULL;
}

static int grow(struct batches *s)
{
    uint32_t cap = s->cap ? s->cap * 2 : 64;
    struct batch *at = realloc(s->at, cap * sizeof *at);
    if (!at)
        return -1;
    memset(at + s->cap, 0, (cap - s->cap) * sizeof *at);
    for (uint32_t i = s->cap; i < cap; i++)
        at[i].next_free = i + 1 < cap ? i + 1 : CORE_NONE;
    s->free = s->cap;
    s->at = at;
    s->cap = cap;
    return 0;
}

uint32_t batches_open(struct batches *s, uint32_t client, uint64_t number)
{
    if (s->free == CORE_NONE && grow(s) != 0)
        return CORE_NONE;
    uint32_t index = s->free;
    struct batch *batch = &s->at[index];
    s->free = batch->next_free;
    batch->number = number;
    batch->client = client;
    batch->count = batch->answered = batch->note_count = 0;
    batch->used = true;
    batch->sealed = false;
    return index;
}

uint64_t batches_tag(uint32_t batch, uint32_t entry) { return (uint64_t)batch << ENTRY_BITS | entry; }

uint32_t batches_of_tag(uint64_t tag) { return (uint32_t)(tag >> ENTRY_BITS); }

void batches_seal(struct batches *s, uint32_t batch, uint32_t count)
{
    assert(batch < s->cap && s->at[batch].used);
    s->at[batch].count = count;
    s->at[batch].sealed = true;
}

static struct note *new_note(struct batch *batch)
{
    if (batch->note_count == batch->note_cap) {
        uint32_t cap = batch->note_cap ? batch->note_cap * 2 : 8;
        struct note *notes = realloc(batch->notes, cap * sizeof *notes);
        if (!notes)
            return NULL;
        batch->notes = notes;
        batch->note_cap = cap;
    }
    return &batch->notes[batch->note_count++];
}

/* Without memory for a note the entry stays open: the client times out and sends again, and is answered then. */
void batches_result(struct batches *s, uint64_t tag, enum msg_result result, const struct id *known)
{
    uint32_t index = batches_of_tag(tag);
    assert(index < s->cap && s->at[index].used);
    struct batch *batch = &s->at[index];
    if (result != MSG_ACCEPTED) {
        struct note *note = new_note(batch);
        if (!note)
            return;
        *note =
            (struct note){.entry = (uint32_t)(tag & ((1u << ENTRY_BITS) - 1)), .result = result, .has_known = known != NULL};
        if (known)
            note->known = *known;
    }
    batch->answered++;
}

static int by_entry(const void *a, const void *b)
{
    uint32_t x = ((const struct note *)a)->entry, y = ((const struct note *)b)->entry;
    return x < y ? -1 : x > y;
}

static void put_sent(struct batch *batch, struct buf *out)
{
    size_t mark = msg_begin_sent(out, batch->number);
    if (batch->note_count == 0) {
        msg_end(out, mark, 0);
        return;
    }
    qsort(batch->notes, batch->note_count, sizeof *batch->notes, by_entry);
    uint32_t next = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        if (next == batch->note_count || batch->notes[next].entry != i) {
            msg_add_sent(out, MSG_ACCEPTED, NULL);
            continue;
        }
        const struct note *note = &batch->notes[next++];
        msg_add_sent(out, note->result, note->has_known ? &note->known : NULL);
    }
    msg_end(out, mark, batch->count);
}

bool batches_take(struct batches *s, uint32_t index, struct buf *out, uint32_t *client)
{
    assert(index < s->cap);
    struct batch *batch = &s->at[index];
    if (!batch->used || !batch->sealed || batch->answered < batch->count)
        return false;
    put_sent(batch, out);
    *client = batch->client;
    batch->used = false;
    batch->next_free = s->free;
    s->free = index;
    return true;
}
