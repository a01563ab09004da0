/* receipts.c - what is known of a message beyond its record in the pool: of its receives, and where it comes from if it is a dead letter.
 *
 * An origin is a source and a reason in one number. */
#include "queue/core/state.h"

#define REASON_BITS 10

static_assert(REASONS_MAX <= 1u << REASON_BITS, "a reason fits an origin");
static_assert(SOURCES_MAX <= 1u << (32 - REASON_BITS), "a source fits an origin");

static bool has_receipts(const struct core *c, const struct message *m)
{
    return message_queue(c, m)->attributes.kind != CORE_JOBS;
}

struct receipt *receipt_of(const struct core *c, const struct message *m)
{
    return has_receipts(c, m) && m->receipt != CORE_NONE ? &c->clients.receipts[m->receipt] : NULL;
}

struct receipt *receipt_need(struct core *c, uint32_t slot)
{
    struct clients *k = &c->clients;
    struct message *m = message_at(c, slot);
    assert(has_receipts(c, m));
    if (m->receipt != CORE_NONE)
        return &k->receipts[m->receipt];
    uint32_t i = k->receipt_free;
    if (i != CORE_NONE)
        k->receipt_free = k->receipts[i].attempt;
    else if (k->receipt_used < k->receipt_cap ||
             core_grow(c, (void **)&k->receipts, &k->receipt_cap, CORE_NONE, sizeof *k->receipts) == 0)
        i = k->receipt_used++;
    else
        return NULL;
    k->receipts[i] = (struct receipt){.count = m->receive_count, .before = m->receive_count, .attempt = CORE_NONE};
    m->receipt = i;
    return &k->receipts[i];
}

int receipt_indexed(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    bool known = m->receipt != CORE_NONE && c->clients.receipts[m->receipt].first_ms > 0;
    if (known || c->replaying)
        return 0;
    return seqs_add(c, slot);
}

void receipt_give_back(struct core *c, struct message *m)
{
    c->clients.receipts[m->receipt].attempt = c->clients.receipt_free;
    c->clients.receipt_free = m->receipt;
    m->receipt = CORE_NONE;
}

void receipt_drop(struct core *c, uint32_t slot)
{
    if (receipt_of(c, message_at(c, slot)))
        receipt_give_back(c, message_at(c, slot));
}

/* -- Origins ------------------------------------------------------------------------------------------------------------------------ */
uint32_t origin_of(uint32_t source, uint32_t reason) { return source << REASON_BITS | reason; }
const char *origin_reason(const struct core *c, uint32_t origin) { return reasons_at(c, origin & ((1u << REASON_BITS) - 1)); }
const char *origin_source(const struct core *c, uint32_t origin) { return sources_at(c, origin >> REASON_BITS); }

uint32_t message_origin(const struct core *c, const struct message *m)
{
    const struct receipt *r = receipt_of(c, m);
    enum core_queue_kind kind = message_queue(c, m)->attributes.kind;
    return kind == CORE_STANDARD ? m->group_link : kind == CORE_FIFO && r ? r->origin : 0;
}

/* A FIFO message without a receipt has had no memory for one: then it is forgotten where it comes from. */
void message_set_origin(struct core *c, uint32_t slot, uint32_t origin)
{
    struct message *m = message_at(c, slot);
    enum core_queue_kind kind = message_queue(c, m)->attributes.kind;
    struct receipt *r = kind == CORE_FIFO && origin != 0 ? receipt_need(c, slot) : receipt_of(c, m);
    if (kind == CORE_STANDARD)
        m->group_link = origin;
    else if (kind == CORE_FIFO && r)
        r->origin = origin;
}
