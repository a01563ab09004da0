/* journal.c - damage in the files of a journal. Three segments with ten groups are made, then changed as the input says: bytes flipped,
 * overwritten, zeroed, copied from elsewhere, files cut, exchanged or removed. Whatever was done:
 *
 *   - recovery ends, and what it hands out are the true records, unchanged, in order, from the first on, whole groups only;
 *   - a later group, or a mark, that is untouched proves what stands before it: then all is there, or recovery refuses;
 *   - a refusal has changed no file; a recovery that was accepted is repeated with the same result;
 *   - after a salvage that succeeded, recovery succeeds, and hands out true records in order, some of which may be missing.
 *
 * Input: a byte (1: with a rest mark), then edits: operation and file, offset, and what the operation needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/image.h"

#define FILES 3u
#define GROUPS 10u
#define RECORDS_MAX 40u
#define FILE_BYTES 12000u /* an edited file is not longer */

enum edit { FLIP, OVERWRITE, ZERO, COPY, CUT, REMOVE, EXCHANGE, REPEAT, EDITS };

struct seen {
    uint64_t number, sum;
};

struct list {
    struct seen at[RECORDS_MAX * 2];
    size_t count;
};

static struct image truth[FILES], tail; /* tail: the last segment with a rest mark */
static struct list all;
static size_t group_ends[GROUPS + 1]; /* how many records there are up to the end of each group */
static size_t last_group_at;          /* offset of the last group in its file */
static char folder[96];

static const char *file_name(unsigned i)
{
    static char names[FILES][JOURNAL_NAME_BYTES];
    journal_segment_name(i + 1, names[i]);
    return names[i];
}

/* -- The truth ----------------------------------------------------------------------------------------------------------------------------- */
static struct seen seen_of(const struct core_record *r)
{
    uint64_t sum = XXH3_64bits_withSeed(r->body.ptr, r->body.len, r->seq * 8 + (uint64_t)r->kind);
    return (struct seen){.number = r->number, .sum = sum ^ (uint64_t)r->now_ms << 32 ^ r->receive_count};
}

static struct core_record record_of(uint64_t number, char body[static 64])
{
    static const enum core_record_kind kinds[] = {CORE_REC_SEND, CORE_REC_SEND, CORE_REC_RELEASE, CORE_REC_DONE};
    struct core_record r = {.kind = kinds[number % 4], .number = number, .now_ms = (int64_t)(1000 + number), .seq = number};
    if (r.kind != CORE_REC_SEND) {
        r.seq = number - 1;
        r.receive_count = r.kind == CORE_REC_RELEASE;
        return r;
    }
    memset(r.id.bytes, (int)number, sizeof r.id.bytes);
    snprintf(body, 64, "body of message %u, %.*s", (unsigned)number, (int)(number * 7 % 40),
             "........................................");
    r.body = slice_text(body);
    return r;
}

static void add_group(struct image *s, uint64_t group, uint64_t *number)
{
    struct buf payload = {0};
    char body[64];
    struct journal_header h = {.number = group, .oldest = 1, .first_record = *number + 1};
    for (; h.record_count < 1 + group % 4; h.record_count++) {
        struct core_record r = record_of(++*number, body);
        fuzz_check(journal_record_encode(&payload, &r) != SIZE_MAX && all.count < RECORDS_MAX);
        all.at[all.count++] = seen_of(&r);
    }
    last_group_at = s->bytes.len;
    image_group(s, h, buf_slice(&payload));
    group_ends[group] = all.count;
    buf_finish(&payload);
}

static void finish_truth(void)
{
    for (unsigned i = 0; i < FILES; i++)
        image_finish(&truth[i]);
    image_finish(&tail);
}

static void make_truth(void)
{
    static const uint64_t first_groups[FILES + 1] = {1, 4, 7, GROUPS + 1};
    uint64_t number = 0;
    snprintf(folder, sizeof folder, "%s/journal", fuzz_folder());
    for (unsigned i = 0; i < FILES; i++) {
        image_begin(&truth[i], i + 1, first_groups[i], number + 1);
        for (uint64_t group = first_groups[i]; group < first_groups[i + 1]; group++)
            add_group(&truth[i], group, &number);
        if (i + 1 < FILES)
            image_mark(&truth[i], JOURNAL_END, first_groups[i + 1]);
    }
    tail.segment = truth[FILES - 1].segment;
    buf_append(&tail.bytes, truth[FILES - 1].bytes.data, truth[FILES - 1].bytes.len);
    image_mark(&tail, JOURNAL_REST, GROUPS + 1);
    atexit(finish_truth);
}

/* -- Edits --------------------------------------------------------------------------------------------------------------------------------- */
struct file {
    unsigned char bytes[FILE_BYTES];
    size_t len;
    bool there;
};
static struct file files[FILES];

static void load(bool rested)
{
    for (unsigned i = 0; i < FILES; i++) {
        const struct buf *b = rested && i + 1 == FILES ? &tail.bytes : &truth[i].bytes;
        memset(&files[i], 0, sizeof files[i]);
        fuzz_check(b->len <= sizeof files[i].bytes);
        memcpy(files[i].bytes, b->data, b->len);
        files[i].len = b->len;
        files[i].there = true;
    }
}

static void put(struct file *f, size_t at, struct slice bytes)
{
    if (at >= sizeof f->bytes)
        return;
    size_t len = bytes.len < sizeof f->bytes - at ? bytes.len : sizeof f->bytes - at;
    if (len > 0)
        memmove(f->bytes + at, bytes.ptr, len);
    f->len = at + len > f->len ? at + len : f->len;
}

static void edit(struct slice *in)
{
    static const unsigned char zeros[4096];
    unsigned first = fuzz_u8(in);
    struct file *f = &files[(first >> 4) % FILES], *other = &files[(first >> 6) % FILES], kept;
    size_t at = fuzz_u16(in) % FILE_BYTES, from, len;
    unsigned char byte;
    switch ((enum edit)(first % EDITS)) {
    case FLIP:
        byte = f->bytes[at] ^ (unsigned char)fuzz_u8(in);
        put(f, at, slice_of(&byte, 1));
        break;
    case OVERWRITE:
        put(f, at, fuzz_bytes(in, fuzz_u8(in)));
        break;
    case ZERO:
        put(f, at, slice_of(zeros, fuzz_u16(in) % sizeof zeros));
        break;
    case COPY:
        from = fuzz_u16(in) % FILE_BYTES;
        len = fuzz_u16(in);
        put(f, at, slice_of(other->bytes + from, len < FILE_BYTES - from ? len : FILE_BYTES - from));
        break;
    case CUT:
        memset(f->bytes + at, 0, sizeof f->bytes - at);
        f->len = at < f->len ? at : f->len;
        break;
    case REMOVE:
        f->there = false;
        break;
    case EXCHANGE:
        kept = *f;
        *f = *other;
        *other = kept;
        break;
    default:
        *f = *other;
        break;
    }
}

/* -- What comes out ------------------------------------------------------------------------------------------------------------------------ */
static int note(void *self, const struct core_record *r, uint64_t location)
{
    struct list *out = self;
    (void)location;
    fuzz_check(out->count < sizeof out->at / sizeof out->at[0]);
    out->at[out->count++] = seen_of(r);
    return 0;
}

/* 0: recovered, and *out is what was found; -1: refused. */
static int recover(struct list *out)
{
    struct journal_config config = {.folder = folder, .segment_bytes = JOURNAL_SEGMENT_MIN_BYTES};
    struct err e = {0};
    out->count = 0;
    struct journal *j = journal_open(&config, &e);
    int result = j && journal_recover(j, note, out, &e) == 0 ? 0 : -1;
    fuzz_check(result == 0 || e.code != ERR_NONE);
    journal_close(&j);
    fuzz_check(image_fatals == 0);
    return result;
}

static bool same(const struct seen *a, const struct seen *b) { return a->number == b->number && a->sum == b->sum; }

static void check_prefix(const struct list *found, bool proven)
{
    bool whole_groups = false;
    fuzz_check(found->count <= all.count);
    for (size_t i = 0; i < found->count; i++)
        fuzz_check(same(&found->at[i], &all.at[i]));
    for (unsigned g = 0; g <= GROUPS; g++)
        whole_groups |= group_ends[g] == found->count;
    fuzz_check(whole_groups);
    fuzz_check(!proven || found->count == all.count);
}

static void check_subsequence(const struct list *found)
{
    size_t k = 0;
    for (size_t i = 0; i < found->count; i++, k++) {
        while (k < all.count && !same(&found->at[i], &all.at[k]))
            k++;
        fuzz_check(k < all.count);
    }
}

static void check_untouched(void)
{
    for (unsigned i = 0; i < FILES; i++)
        fuzz_check(!files[i].there || image_is(folder, file_name(i), slice_of(files[i].bytes, files[i].len)));
}

/* Is the last group, or the mark behind it, as it was, in the place where it was, in a file that can be read? */
static bool is_proven(bool rested)
{
    const struct file *last = &files[FILES - 1];
    const struct buf *b = rested ? &tail.bytes : &truth[FILES - 1].bytes;
    size_t from = rested ? b->len - JOURNAL_HEADER_BYTES : last_group_at;
    return last->there && last->len >= b->len && memcmp(last->bytes, b->data, JOURNAL_BLOCK_BYTES) == 0 &&
           memcmp(last->bytes + from, b->data + from, b->len - from) == 0;
}

static void salvage(void)
{
    static struct list found;
    struct journal_config config = {.folder = folder, .segment_bytes = JOURNAL_SEGMENT_MIN_BYTES};
    struct err e = {0};
    if (journal_salvage(&config, &e) != 0) {
        fuzz_check(e.code != ERR_NONE);
        return;
    }
    fuzz_check(recover(&found) == 0);
    check_subsequence(&found);
}

void fuzz_journal(struct slice input)
{
    static struct list found, again;
    if (all.count == 0)
        make_truth();
    image_use_io();
    bool rested = fuzz_u8(&input) & 1;
    load(rested);
    for (int i = 0; i < 16 && fuzz_more(&input); i++)
        edit(&input);
    image_clear(folder);
    for (unsigned i = 0; i < FILES; i++)
        if (files[i].there)
            image_write(folder, file_name(i), slice_of(files[i].bytes, files[i].len));
    if (recover(&found) == 0) {
        check_prefix(&found, is_proven(rested));
        fuzz_check(recover(&again) == 0 && again.count == found.count);
    } else {
        check_untouched();
        salvage();
    }
    image_clear(folder);
    journal_set_io(NULL);
}
