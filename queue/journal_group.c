/* journal_group.c - headers of segments and groups <-> bytes, and reading groups back.
 *
 * Every checksum of a segment is seeded with its nonce, a random number in its header, its number and the group's number. So
 * what an earlier life of a recycled file left behind never validates, and neither does a group that somebody wrote into a body. */
#include "queue/journal_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#define SEGMENT_VERSION 1u
#define SEGMENT_COPY_AT 2048u /* the header stands twice in its block */
#define SEGMENT_FIELDS_BYTES 56u
#define GROUP_MAGIC 0x50524754u /* "TGRP" */
#define GROUP_SUMMED_BYTES 56u
#define SCAN_BYTES (1u << 20)

static const unsigned char segment_magic[8] = {'L', 'E', 'A', 'T', 'J', 'R', 'N', '1'};

static void store32(unsigned char *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(value >> 8 * i);
}

static void store64(unsigned char *p, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        p[i] = (unsigned char)(value >> 8 * i);
}

static uint32_t load32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t load64(const unsigned char *p) { return load32(p) | (uint64_t)load32(p + 4) << 32; }

/* -- Segments -------------------------------------------------------------------------------------------------------------- */
void journal_encode_segment(unsigned char out[static JOURNAL_BLOCK_BYTES], const struct journal_segment *s)
{
    memset(out, 0, JOURNAL_BLOCK_BYTES);
    memcpy(out, segment_magic, sizeof segment_magic);
    store32(out + 8, SEGMENT_VERSION);
    store32(out + 12, s->flags);
    store64(out + 16, s->number);
    store64(out + 24, s->first_group);
    store64(out + 32, s->first_record);
    store64(out + 40, s->nonce);
    store64(out + 48, s->bytes);
    store64(out + SEGMENT_FIELDS_BYTES, XXH3_64bits(out, SEGMENT_FIELDS_BYTES));
    memcpy(out + SEGMENT_COPY_AT, out, SEGMENT_FIELDS_BYTES + 8);
}

static bool decode_copy(const unsigned char *in, struct journal_segment *s)
{
    if (memcmp(in, segment_magic, sizeof segment_magic) != 0 || load32(in + 8) != SEGMENT_VERSION ||
        load64(in + SEGMENT_FIELDS_BYTES) != XXH3_64bits(in, SEGMENT_FIELDS_BYTES))
        return false;
    uint64_t bytes = load64(in + 48);
    if (bytes < JOURNAL_SEGMENT_MIN_BYTES || bytes > JOURNAL_SEGMENT_MAX_BYTES || bytes % JOURNAL_BLOCK_BYTES != 0)
        return false;
    *s = (struct journal_segment){.flags = load32(in + 12),
                                  .number = load64(in + 16),
                                  .first_group = load64(in + 24),
                                  .first_record = load64(in + 32),
                                  .nonce = load64(in + 40),
                                  .bytes = (uint32_t)bytes,
                                  .end = JOURNAL_BLOCK_BYTES,
                                  .synced_end = JOURNAL_BLOCK_BYTES,
                                  .head_pending = true};
    return true;
}

int journal_decode_segment(const unsigned char in[static JOURNAL_BLOCK_BYTES], struct journal_segment *s)
{
    bool second = decode_copy(in + SEGMENT_COPY_AT, s);
    bool first = decode_copy(in, s);
    return first && second ? 0 : first || second ? 1 : -1;
}

/* -- Groups ---------------------------------------------------------------------------------------------------------------- */
static uint64_t seed_of(const struct journal_segment *s, uint64_t group)
{
    return s->nonce + s->number * 0x9e3779b97f4a7c15u + group * 0xc2b2ae3d27d4eb4fu;
}

void journal_encode_group(unsigned char *group, const struct journal_segment *s, const struct journal_header *h)
{
    assert(h->payload_bytes % JOURNAL_ALIGN == 0);
    assert(h->kind >= JOURNAL_RECORDS && h->kind <= JOURNAL_END);
    store32(group, GROUP_MAGIC);
    store32(group + 4, h->kind);
    store64(group + 8, s->number);
    store64(group + 16, h->number);
    store64(group + 24, h->oldest);
    store64(group + 32, h->first_record);
    store32(group + 40, h->payload_bytes);
    store32(group + 44, h->record_count);
    store64(group + 48, XXH3_64bits_withSeed(group + JOURNAL_HEADER_BYTES, h->payload_bytes, seed_of(s, h->number)));
    store64(group + GROUP_SUMMED_BYTES, XXH3_64bits_withSeed(group, GROUP_SUMMED_BYTES, s->nonce));
}

bool journal_decode_header(const unsigned char *in, const struct journal_segment *s, struct journal_header *h)
{
    if (load32(in) != GROUP_MAGIC || load64(in + 8) != s->number ||
        load64(in + GROUP_SUMMED_BYTES) != XXH3_64bits_withSeed(in, GROUP_SUMMED_BYTES, s->nonce))
        return false;
    uint32_t kind = load32(in + 4);
    if (kind < JOURNAL_RECORDS || kind > JOURNAL_END)
        return false;
    *h = (struct journal_header){.kind = (enum journal_kind)kind,
                                 .number = load64(in + 16),
                                 .oldest = load64(in + 24),
                                 .first_record = load64(in + 32),
                                 .payload_bytes = load32(in + 40),
                                 .record_count = load32(in + 44)};
    return h->payload_bytes % JOURNAL_ALIGN == 0;
}

bool journal_payload_intact(const unsigned char *group, const struct journal_segment *s, const struct journal_header *h)
{
    return load64(group + 48) == XXH3_64bits_withSeed(group + JOURNAL_HEADER_BYTES, h->payload_bytes, seed_of(s, h->number));
}

/* -- Reading --------------------------------------------------------------------------------------------------------------- */
int journal_reader_open(struct journal_reader *r, int folder_fd, const struct journal_segment *s)
{
    char name[JOURNAL_NAME_BYTES];
    journal_segment_name(s->number, name);
    *r = (struct journal_reader){.fd = journal_open_file(folder_fd, name, O_RDONLY), .segment = s};
    return r->fd < 0 ? -1 : 0;
}

void journal_reader_close(struct journal_reader *r)
{
    if (r->segment)
        journal_close_file(r->fd);
    free(r->data);
    *r = (struct journal_reader){.fd = -1};
}

const unsigned char *journal_reader_get(struct journal_reader *r, uint32_t offset, uint32_t len)
{
    assert((uint64_t)offset + len <= r->segment->bytes);
    if (offset >= r->at && (uint64_t)offset + len <= (uint64_t)r->at + r->len)
        return r->data + (offset - r->at);
    uint32_t behind = r->segment->bytes - offset;
    uint32_t want = len > SCAN_BYTES ? len : SCAN_BYTES < behind ? SCAN_BYTES : behind;
    if (want > r->cap) {
        unsigned char *data = realloc(r->data, want);
        if (!data) {
            errno = ENOMEM;
            return NULL;
        }
        r->data = data;
        r->cap = want;
    }
    r->len = 0;
    if (journal_read_all(r->fd, r->data, want, offset) != 0)
        return NULL;
    r->at = offset;
    r->len = want;
    return r->data;
}

enum journal_found journal_look(struct journal_reader *r, uint32_t offset, struct journal_header *h, struct slice *payload)
{
    assert(offset % JOURNAL_ALIGN == 0);
    if ((uint64_t)offset + JOURNAL_HEADER_BYTES > r->segment->bytes)
        return JOURNAL_FOUND_NOTHING;
    const unsigned char *p = journal_reader_get(r, offset, JOURNAL_HEADER_BYTES);
    if (!p)
        return JOURNAL_FOUND_ERROR;
    if (!journal_decode_header(p, r->segment, h))
        return JOURNAL_FOUND_NOTHING;
    if (h->kind != JOURNAL_RECORDS)
        return JOURNAL_FOUND_MARK;
    if ((uint64_t)offset + JOURNAL_HEADER_BYTES + h->payload_bytes > r->segment->bytes)
        return JOURNAL_FOUND_BROKEN;
    p = journal_reader_get(r, offset, JOURNAL_HEADER_BYTES + h->payload_bytes);
    if (!p)
        return JOURNAL_FOUND_ERROR;
    *payload = slice_of(p + JOURNAL_HEADER_BYTES, h->payload_bytes);
    return journal_payload_intact(p, r->segment, h) ? JOURNAL_FOUND_GROUP : JOURNAL_FOUND_BROKEN;
}

uint32_t journal_look_behind(struct journal_reader *r, uint32_t offset, uint64_t number, struct journal_header *h)
{
    while ((uint64_t)offset + JOURNAL_HEADER_BYTES <= r->segment->bytes) {
        uint32_t behind = r->segment->bytes - offset;
        uint32_t piece = behind < SCAN_BYTES ? behind : SCAN_BYTES;
        const unsigned char *p = journal_reader_get(r, offset, piece);
        if (!p)
            return UINT32_MAX;
        uint32_t i = 0;
        for (; i + JOURNAL_HEADER_BYTES <= piece; i += JOURNAL_ALIGN)
            if (load32(p + i) == GROUP_MAGIC && journal_decode_header(p + i, r->segment, h) && h->number > number)
                return offset + i;
        offset += i;
    }
    return 0;
}
