/* replay.c - groups with right checksums and any records in them: recovery and the core refuse what cannot be, and work with the rest.
 *
 * Input: commands, each a byte: a new group, raw bytes in place of records, or a record of a kind, whose fields follow (small numbers, or
 * with the high bit set numbers of any size). After recovery all that is there is worked off by one worker. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/image.h"

#define ROUNDS 200

static struct core_effects effects;
static struct journal *journal;
static int64_t now_ms;

/* -- Making it ----------------------------------------------------------------------------------------------------------------------------- */
#define NUMBER_MAX (1ull << 34) /* the index of what is alive takes a byte for a thousand of them */

static uint64_t take_number(struct slice *in, bool wild) { return wild ? fuzz_u64(in) : fuzz_u8(in); }

static void take_attributes(struct slice *in, bool wild, struct core_queue_attributes *a)
{
    snprintf(a->name, sizeof a->name, "q%u", fuzz_u8(in) % 8);
    a->visibility_ms = (int64_t)take_number(in, wild);
    a->delay_ms = (int64_t)take_number(in, wild);
    a->retention_ms = (int64_t)take_number(in, wild);
    a->max_receive_count = (uint32_t)take_number(in, wild);
    snprintf(a->dead_letter, sizeof a->dead_letter, "q%u", fuzz_u8(in) % 8);
    a->max_messages = take_number(in, wild);
    a->max_bytes = take_number(in, wild);
    a->kind = fuzz_u8(in) % 3;
}

static void take_more(struct slice *in, bool wild, struct core_record_more *more)
{
    unsigned flags = fuzz_u8(in);
    more->source = flags & 1 ? slice_of((const unsigned char *)"q0", 2) : (struct slice){NULL, 0};
    more->leased = flags & 2;
    more->renumbered = flags & 4;
    more->has_attempt = flags & 8;
    more->priority = wild ? fuzz_u8(in) : flags >> 4 & 3;
    more->first_ms = (int64_t)take_number(in, wild);
    more->received_ms = (int64_t)take_number(in, wild);
    more->kept_ms = (int64_t)take_number(in, wild);
    more->before = (uint32_t)take_number(in, wild);
    more->target = (uint32_t)take_number(in, wild) % (wild ? UINT32_MAX : 8);
    more->task = (struct core_task){.status = (enum core_task_status)(flags >> 6 & 3),
                                    .rate = (uint32_t)more->before,
                                    .moved = (uint64_t)more->kept_ms,
                                    .total = (uint64_t)more->first_ms,
                                    .started_ms = more->received_ms};
}

static struct core_record take_record(struct slice *in, unsigned first, uint64_t number)
{
    bool wild = first & 0x80;
    struct core_record r = {.kind = (enum core_record_kind)(1 + first % (CORE_REC_COUNT - 1)), .number = number};
    if (wild)
        r.number = take_number(in, true) % NUMBER_MAX;
    r.now_ms = (int64_t)take_number(in, wild);
    r.seq = take_number(in, wild);
    if (!wild && r.kind == CORE_REC_SEND && r.seq == 0)
        r.seq = r.number;
    r.queue = (uint32_t)take_number(in, wild) % (wild ? UINT32_MAX : 4);
    if ((r.kind == CORE_REC_QUEUE || r.kind == CORE_REC_DEFINE)) {
        take_attributes(in, wild, &r.attributes);
        return r;
    }
    r.receive_count = (uint32_t)take_number(in, wild);
    memset(r.id.bytes, (int)fuzz_u8(in), sizeof r.id.bytes);
    r.group = take_number(in, wild);
    r.accepted_ms = (int64_t)take_number(in, wild);
    r.due_ms = (int64_t)take_number(in, wild);
    r.has_key = fuzz_u8(in) & 1;
    memset(r.key, (int)r.group & 0xff, sizeof r.key);
    r.key_expires_ms = (int64_t)take_number(in, wild);
    r.reason = fuzz_bytes(in, fuzz_u8(in) % 8);
    r.body = fuzz_bytes(in, 1 + fuzz_u8(in) % 16);
    if (r.kind >= CORE_REC_POST)
        take_more(in, wild, &r.more);
    if (r.kind == CORE_REC_TASK)
        r.body = (struct slice){NULL, 0};
    return r;
}

static void make_segment(struct image *s, struct slice in)
{
    struct buf payload = {0};
    struct journal_header h = {.number = 1, .oldest = 1, .first_record = 1};
    uint64_t number = 0;
    image_begin(s, 1, 1, 1);
    while (fuzz_more(&in)) {
        unsigned first = fuzz_u8(&in);
        if (first % 16 == 15) {
            image_group(s, h, buf_slice(&payload));
            buf_reset(&payload);
            h.number++;
            h.record_count = 0;
        } else if (first % 16 == 14) {
            struct slice raw = fuzz_chunk(&in);
            buf_append(&payload, raw.ptr, raw.len);
            h.record_count += first >> 4;
        } else {
            struct core_record r = take_record(&in, first, ++number);
            fuzz_check(journal_record_encode(&payload, &r) != SIZE_MAX);
            h.record_count++;
        }
    }
    image_group(s, h, buf_slice(&payload));
    image_mark(s, JOURNAL_REST, h.number + 1); /* nothing behind it has to be searched */
    buf_finish(&payload);
}

/* -- Working it off ------------------------------------------------------------------------------------------------------------------------ */
static int replay(void *self, const struct core_record *record, uint64_t location)
{
    return core_replay(self, record, location);
}

static size_t step(struct core *c, struct core_event event)
{
    static struct core_effect delivered[CORE_EFFECTS_MAX];
    size_t count = 0;
    uint32_t queue = CORE_NONE;
    event.now_ms = now_ms;
    core_step(c, &event, &effects);
    core_check(c);
    for (size_t i = 0; i < effects.count; i++) {
        if (effects.at[i].kind == CORE_EFFECT_FREED)
            journal_freed(journal, effects.at[i].location, effects.at[i].body_len);
        if (effects.at[i].kind == CORE_EFFECT_DELIVER || effects.at[i].kind == CORE_EFFECT_GIVEN)
            delivered[count++] = effects.at[i];
        if (effects.at[i].kind == CORE_EFFECT_RECEIVED)
            queue = effects.at[i].queue;
    }
    for (size_t i = 0; i < count; i++)
        fuzz_check(journal_read(journal, delivered[i].location, delivered[i].body_len).len == delivered[i].body_len);
    for (size_t i = 0; i < count; i++)
        step(c, (struct core_event){.kind = delivered[i].kind == CORE_EFFECT_GIVEN ? CORE_DELETE : CORE_DONE,
                                    .queue = queue,
                                    .seq = delivered[i].seq,
                                    .lease = delivered[i].lease});
    return count;
}

/* Of each queue, as they come by their names. */
static void receive_all(struct core *c)
{
    struct core_queue_stats s;
    const struct core_queue_attributes *a;
    char name[LIMIT_QUEUE_PATH_BYTES + 1] = "";
    uint64_t tag = 0;
    for (uint32_t queue; (queue = core_queue_from(c, slice_text(name), tag > 0)) != CORE_NONE;) {
        fuzz_check(core_queue_stats(c, queue, &a, &s));
        memcpy(name, a->name, sizeof name);
        tag++;
        step(c,
             (struct core_event){
                 .kind = CORE_RECEIVE, .client = 1, .tag = tag, .queue = queue, .messages = 10, .delay_ms = 5, .wait_ms = 1});
    }
}

static void work_off(struct core *c)
{
    step(c, (struct core_event){.kind = CORE_WORKER_JOIN});
    for (int i = 0; i < ROUNDS && core_deadline(c) != INT64_MAX; i++) {
        if (core_deadline(c) > now_ms)
            now_ms = core_deadline(c);
        step(c, (struct core_event){.kind = CORE_WORKER_CREDIT, .messages = 1});
        step(c, (struct core_event){.kind = CORE_TICK});
        receive_all(c);
        step(c, (struct core_event){.kind = CORE_COMMITTED, .number = core_number(c)});
    }
    step(c, (struct core_event){.kind = CORE_WORKER_GONE});
}

static void recover(const char *folder)
{
    struct core_config config = {.max_messages = 200,
                                 .max_keys = 16,
                                 .batch_max = 10,
                                 .slices = 4,
                                 .key_window_ms = 1000,
                                 .worker_silence_ms = INT64_MAX,
                                 .memory = fuzz_core_memory()};
    struct journal_config where = {.folder = folder, .segment_bytes = JOURNAL_SEGMENT_MIN_BYTES};
    struct core *c = core_create(&config);
    struct core_info info;
    struct err e = {0};
    fuzz_check(c);
    journal = journal_open(&where, &e);
    fuzz_check(journal);
    if (journal_recover(journal, replay, c, &e) == 0) {
        now_ms = core_replayed(c);
        core_check(c);
        journal_recount(journal);
        for (uint32_t slot = 0; core_next(c, &slot, &info); slot++)
            journal_live_body(journal, info.location, info.body_len);
        work_off(c);
    } else {
        fuzz_check(e.code != ERR_NONE);
    }
    fuzz_check(image_fatals == 0);
    journal_close(&journal);
    core_destroy(&c);
}

void fuzz_replay(struct slice input)
{
    struct image s = {0};
    char folder[96], name[JOURNAL_NAME_BYTES];
    snprintf(folder, sizeof folder, "%s/replay", fuzz_folder());
    image_use_io();
    make_segment(&s, input);
    image_clear(folder);
    journal_segment_name(1, name);
    image_write(folder, name, buf_slice(&s.bytes));
    recover(folder);
    image_finish(&s);
    image_clear(folder);
    journal_set_io(NULL);
}
