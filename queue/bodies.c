/* bodies.c - the bodies of calls, kept from CALL until the answer, because a call may have to be handed out twice.
 *
 * The core numbers calls in rising order and bounds how many there are, so an open-addressed table with linear probing on the number
 * is almost always hit at the first probe. */
#include "queue/broker.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_SIZE (1u << 17) /* twice the core's bound on calls */

struct bodies {
    struct call_body *at[TABLE_SIZE];
    uint32_t count;
    size_t bytes; /* of all bodies */
};

static uint32_t home(uint64_t call) { return (uint32_t)call & (TABLE_SIZE - 1); }
static uint32_t after(uint32_t i) { return (i + 1) & (TABLE_SIZE - 1); }

struct bodies *bodies_create(void) { return calloc(1, sizeof(struct bodies)); }

static void body_destroy(struct call_body *body)
{
    buf_finish(&body->body);
    free(body);
}

void bodies_destroy(struct bodies **s)
{
    if (!*s)
        return;
    for (uint32_t i = 0; i < TABLE_SIZE; i++)
        if ((*s)->at[i])
            body_destroy((*s)->at[i]);
    free(*s);
    *s = NULL;
}

bool bodies_room(const struct bodies *s, size_t more) { return more <= BROKER_CALL_BYTES - s->bytes; }

int bodies_add(struct bodies *s, uint64_t call, const struct msg_call *entry)
{
    if (s->count >= TABLE_SIZE / 2 || !bodies_room(s, entry->body.len))
        return -1;
    struct call_body *body = calloc(1, sizeof *body);
    if (!body || buf_append(&body->body, entry->body.ptr, entry->body.len) != 0) {
        free(body);
        return -1;
    }
    body->call = call;
    body->flags = entry->flags;
    body->has_id = entry->id.len == ID_BYTES;
    if (body->has_id)
        memcpy(body->id.bytes, entry->id.ptr, ID_BYTES);
    uint32_t i = home(call);
    while (s->at[i])
        i = after(i);
    s->at[i] = body;
    s->count++;
    s->bytes += body->body.len;
    return 0;
}

static uint32_t find(const struct bodies *s, uint64_t call)
{
    for (uint32_t i = home(call); s->at[i]; i = after(i))
        if (s->at[i]->call == call)
            return i;
    return TABLE_SIZE;
}

const struct call_body *bodies_find(const struct bodies *s, uint64_t call)
{
    uint32_t i = find(s, call);
    return i == TABLE_SIZE ? NULL : s->at[i];
}

/* Removal by backward shift, so that no probe sequence has a hole. */
void bodies_drop(struct bodies *s, uint64_t call)
{
    uint32_t hole = find(s, call);
    if (hole == TABLE_SIZE)
        return;
    s->bytes -= s->at[hole]->body.len;
    body_destroy(s->at[hole]);
    s->count--;
    for (uint32_t i = after(hole); s->at[i]; i = after(i)) {
        uint32_t distance = (i - home(s->at[i]->call)) & (TABLE_SIZE - 1);
        if (distance >= ((i - hole) & (TABLE_SIZE - 1))) {
            s->at[hole] = s->at[i];
            hole = i;
        }
    }
    s->at[hole] = NULL;
}
