/* replay.c - recovery: the journal's records, in order, make the state again. Nothing is emitted.
 *
 * Records refer backwards only. One that refers to a message that is not there is no damage: the message was gone when the segment that
 * held it was dropped, and the record is younger than that. Definitions are the exception: compaction carries them behind the messages of their
 * queues. So a queue may be met before it is known what kind it is, and all messages are DELAYED, in their queues, until everything has
 * been read; then each queue's are put in the order of their numbers and take their places. */
#include "queue/core/state.h"

/* -- Messages ---------------------------------------------------------------------------------------------------------------------- */
static uint16_t short_count(uint32_t receive_count)
{
    return (uint16_t)(receive_count < UINT16_MAX ? receive_count : UINT16_MAX);
}

/* Of a queue whose kind may not be known yet: kept in the receipt until it is. */
int replay_origin(struct core *c, uint32_t slot, struct slice source, struct slice reason)
{
    struct message *m = message_at(c, slot);
    if ((source.len == 0 && reason.len == 0) || message_queue(c, m)->attributes.kind == CORE_JOBS)
        return 0;
    struct receipt *r = receipt_need(c, slot);
    if (!r)
        return -1;
    r->origin = origin_of(sources_intern(c, source), reasons_intern(c, reason));
    return 0;
}

static int replay_receipt(struct core *c, uint32_t slot, const struct core_record *r)
{
    const struct core_record_more *more = &r->more;
    struct message *m = message_at(c, slot);
    if (r->kind != CORE_REC_POST)
        return replay_origin(c, slot, (struct slice){NULL, 0}, r->reason);
    if (more->first_ms < 0 || (more->first_ms > 0 && r->receive_count == 0) || (more->leased && more->first_ms == 0))
        return -1; /* in flight, and never received */
    m->flags |= (uint8_t)(more->priority % LIMIT_PRIORITIES << PRIORITY_SHIFT);
    if (more->leased)
        m->flags |= FLAG_GIVEN;
    if (more->first_ms > 0 || more->kept_ms > 0) {
        struct receipt *receipt = receipt_need(c, slot);
        if (!receipt)
            return -1;
        receipt->count = r->receive_count;
        receipt->before = more->before;
        receipt->first_ms = more->first_ms;
        receipt->received_ms = more->received_ms;
        receipt->kept_ms = more->kept_ms;
    }
    if (more->has_attempt && receipt_of(c, m))
        attempt_note(c, more->attempt, slot, more->received_ms);
    return replay_origin(c, slot, more->source, r->reason);
}

static int replay_new(struct core *c, struct queue *q, const struct core_record *r, uint64_t location)
{
    uint32_t slot = message_new(c);
    if (slot == CORE_NONE)
        return -1;
    struct message *m = message_at(c, slot);
    m->id = r->id;
    m->group = r->group;
    m->seq = r->seq;
    m->location = location;
    m->accepted_ms = r->accepted_ms;
    m->body_len = (uint32_t)r->body.len;
    m->queue = q->place;
    m->receive_count = short_count(r->receive_count);
    if (lows_add(c, m->seq) != 0 || seqs_add(c, slot) != 0 || (r->due_ms > 0 && due_set(c, slot, r->due_ms) != 0))
        return -1;
    message_enter(c, slot, CORE_DELAYED);
    ids_add(c, slot);
    q->unsorted = q->unsorted || r->seq != r->number;
    if (q->attributes.kind == CORE_JOBS && r->kind == CORE_REC_POST)
        return -1;
    return replay_receipt(c, slot, r);
}

static int replay_message(struct core *c, const struct core_record *r, uint64_t location)
{
    struct queue *q = r->body.len <= UINT32_MAX ? queue_for_replay(c, r->queue) : NULL;
    enum key_window window = r->kind == CORE_REC_SEND ? KEY_JOBS : KEY_FIFO;
    if (!q || r->seq == 0 || r->seq > r->number)
        return -1;
    if (r->kind == CORE_REC_SEND && r->reason.len == 0 && queue_take_for_jobs(c, &q) != 0)
        return -1; /* a dead letter may be anywhere */
    if (r->has_key && keys_add(c, window, r->key, &r->id, r->body_hash, r->key_expires_ms) != 0)
        return -1;
    uint32_t slot = seqs_find(c, r->seq);
    if (slot == CORE_NONE)
        return ids_find(c, &r->id) == CORE_NONE ? replay_new(c, q, r, location) : -1;
    struct message *m = message_at(c, slot); /* a copy: the state is known from the records before */
    if (!id_equal(&m->id, &r->id) || m->body_len != r->body.len)
        return -1;
    m->location = location;
    return 0;
}

static int replay_lease(struct core *c, uint32_t slot, const struct core_record *r)
{
    struct message *m = message_at(c, slot);
    struct receipt *receipt = message_queue(c, m)->attributes.kind == CORE_JOBS ? NULL : receipt_need(c, slot);
    if (!receipt || r->receive_count == 0 || r->now_ms <= 0 || due_set(c, slot, r->due_ms) != 0)
        return -1;
    receipt->count = r->receive_count;
    receipt->received_ms = r->now_ms;
    receipt->first_ms = receipt->first_ms > 0 ? receipt->first_ms : r->now_ms;
    receipt->attempt = CORE_NONE;
    m->receive_count = short_count(r->receive_count);
    m->flags |= FLAG_GIVEN;
    if (r->more.has_attempt)
        attempt_note(c, r->more.attempt, slot, r->now_ms);
    return 0;
}

static int replay_extend(struct core *c, uint32_t slot, const struct core_record *r)
{
    attempt_spoil(c, message_at(c, slot));
    return due_set(c, slot, r->due_ms);
}

static void replay_release(struct core *c, uint32_t slot, const struct core_record *r)
{
    struct message *m = message_at(c, slot);
    if (m->flags & FLAG_GIVEN)
        due_clear(c, slot);
    m->flags &= (uint8_t)~FLAG_GIVEN;
    m->receive_count = short_count(r->receive_count);
}

static int replay_of_message(struct core *c, const struct core_record *r)
{
    uint32_t slot = seqs_find(c, r->seq);
    if (r->kind == CORE_REC_TRANSFER)
        task_replay_moved(c, r);
    if (slot == CORE_NONE)
        return 0;
    switch (r->kind) {
    case CORE_REC_MOVE:
    case CORE_REC_TRANSFER:
        return transfer_replay(c, slot, r);
    case CORE_REC_DONE:
        message_remove(c, slot);
        return 0;
    case CORE_REC_LEASE:
        return replay_lease(c, slot, r);
    case CORE_REC_EXTEND:
        return replay_extend(c, slot, r);
    default:
        replay_release(c, slot, r);
        return 0;
    }
}

static int replay_key(struct core *c, const struct core_record *r)
{
    enum key_window window = r->key_expires_ms - r->now_ms > LIMIT_DEDUPLICATION_MS ? KEY_JOBS : KEY_FIFO;
    return keys_add(c, window, r->key, &r->id, r->body_hash, r->key_expires_ms);
}

int core_replay(struct core *c, const struct core_record *r, uint64_t location)
{
    if (r->number > c->number)
        c->number = r->number;
    c->replaying = true;
    if (r->now_ms > c->newest_ms)
        c->newest_ms = c->now_ms = r->now_ms; /* idempotency keys expire on the way, as they did before */
    switch (r->kind) {
    case CORE_REC_SEND:
    case CORE_REC_POST:
        return replay_message(c, r, location);
    case CORE_REC_DONE:
    case CORE_REC_RELEASE:
    case CORE_REC_MOVE:
    case CORE_REC_TRANSFER:
    case CORE_REC_LEASE:
    case CORE_REC_EXTEND:
        return replay_of_message(c, r);
    case CORE_REC_QUEUE:
    case CORE_REC_DEFINE:
        return define_replay(c, r, location);
    case CORE_REC_PURGE:
    case CORE_REC_REMOVE:
        return doom_replay(c, r);
    case CORE_REC_TASK:
        return task_replay(c, r, location);
    case CORE_REC_KEY:
        return replay_key(c, r);
    case CORE_REC_MARK:
        return 0;
    default:
        return -1;
    }
}

/* -- Order ------------------------------------------------------------------------------------------------------------------------- */
static uint32_t merge(const struct core *c, uint32_t a, uint32_t b)
{
    uint32_t first = CORE_NONE, *link = &first;
    while (a != CORE_NONE && b != CORE_NONE) {
        uint32_t *older = message_at(c, a)->seq < message_at(c, b)->seq ? &a : &b;
        *link = *older;
        link = &message_at(c, *older)->next;
        *older = *link;
    }
    *link = a != CORE_NONE ? a : b;
    return first;
}

/* The messages from slot on that are in order; they are cut off from the rest, which is returned. */
static uint32_t cut_run(const struct core *c, uint32_t slot)
{
    uint32_t next;
    while ((next = message_at(c, slot)->next) != CORE_NONE && message_at(c, next)->seq > message_at(c, slot)->seq)
        slot = next;
    message_at(c, slot)->next = CORE_NONE;
    return next;
}

/* Natural merge sort: what compaction has carried over is a few runs among many messages that are in order. Bin n holds a chain of 2^n runs or
 * none. */
static uint32_t sorted(const struct core *c, uint32_t slot)
{
    uint32_t bins[32], all = CORE_NONE;
    memset(bins, 0xff, sizeof bins);
    for (uint32_t rest, n; slot != CORE_NONE; slot = rest) {
        rest = cut_run(c, slot);
        for (n = 0; bins[n] != CORE_NONE; n++) {
            slot = merge(c, bins[n], slot);
            bins[n] = CORE_NONE;
        }
        bins[n] = slot;
    }
    for (size_t n = 0; n < sizeof bins / sizeof bins[0]; n++)
        all = merge(c, bins[n], all);
    return all;
}

/* -- Everything has been read ------------------------------------------------------------------------------------------------------- */
/* Origins go to where their kind of queue keeps them, and receipts that hold nothing else go. */
static void tidy_receipt(struct core *c, const struct queue *q, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    const struct receipt *r = m->receipt != CORE_NONE ? &c->clients.receipts[m->receipt] : NULL;
    if (!r)
        return;
    bool empty = r->first_ms == 0 && r->kept_ms == 0;
    if (q->attributes.kind == CORE_STANDARD)
        m->group_link = r->origin;
    if (q->attributes.kind == CORE_JOBS || (empty && (q->attributes.kind == CORE_STANDARD || r->origin == 0)))
        receipt_give_back(c, m);
}

static int restore_job(struct core *c, uint32_t slot)
{
    message_enter(c, slot, CORE_READY);
    group_join(c, slot);
    message_settle(c, slot);
    return 0;
}

static bool is_plain(const struct core *c, const struct message *m) { return m->receive_count == 0 && !message_origin(c, m); }

static int restore(struct core *c, const struct queue *q, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    bool given = m->flags & FLAG_GIVEN && m->due_at != CORE_NONE, fifo = q->attributes.kind == CORE_FIFO;
    tidy_receipt(c, q, slot);
    const struct receipt *r = receipt_of(c, m);
    if (q->attributes.kind == CORE_JOBS)
        return restore_job(c, slot);
    int64_t due_ms = fifo && is_plain(c, m) ? core_later(m->accepted_ms, q->attributes.delay_ms) : due_of(c, m);
    if (due_ms <= c->now_ms)
        due_clear(c, slot);
    if ((due_ms > c->now_ms && due_set(c, slot, due_ms) != 0) || (fifo && fifo_reserve(c, q, m->group) != 0) ||
        (r && r->first_ms > 0 && seqs_add(c, slot) != 0))
        return -1;
    m->flags &= (uint8_t)~FLAG_GIVEN;
    message_enter(c, slot, due_ms <= c->now_ms ? CORE_READY : given ? CORE_LEASED : CORE_DELAYED);
    group_join(c, slot);
    return 0;
}

static int restore_queue(struct core *c, struct queue *q)
{
    uint32_t slot = q->unsorted ? sorted(c, q->delayed.head) : q->delayed.head, next;
    q->delayed = LIST_EMPTY;
    q->count[CORE_DELAYED] = 0;
    q->bytes = 0;
    for (; slot != CORE_NONE; slot = next) {
        next = message_at(c, slot)->next;
        if (restore(c, q, slot) != 0)
            return -1;
    }
    return 0;
}

/* Messages' numbers are looked up during recovery; from now on the index holds those that were received. */
int64_t core_replayed(struct core *c)
{
    seqs_clear(c);
    c->replaying = false;
    c->committed = c->number;
    c->now_ms = c->newest_ms;
    c->sweep_ms = c->now_ms;
    for (uint32_t place = 0; place < QUEUE_PLACES; place++)
        if (c->queues.at[place] && restore_queue(c, c->queues.at[place]) != 0)
            return -1;
    tasks_restored(c);
    return c->newest_ms;
}
