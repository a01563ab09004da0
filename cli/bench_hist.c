/* bench_hist.c - log-linear buckets: the number of the highest bit picks the doubling, the seven bits below it the bucket. */
#include "cli/bench_hist.h"

#include <assert.h>
#include <string.h>

#define SUB_BITS 7
#define SUB_COUNT (1u << SUB_BITS)

static unsigned shift_of(uint64_t us)
{
    unsigned highest = us ? 63u - (unsigned)__builtin_clzll(us) : 0;
    return highest > SUB_BITS ? highest - SUB_BITS : 0;
}

/* us >> shift lies in 128..255 for every shift but 0, so the doublings follow each other without a gap. */
static unsigned bucket_of(uint64_t us)
{
    unsigned shift = shift_of(us);
    return shift * SUB_COUNT + (unsigned)(us >> shift);
}

static uint64_t middle_of(unsigned bucket)
{
    if (bucket < 2 * SUB_COUNT)
        return bucket;
    unsigned shift = bucket / SUB_COUNT - 1;
    uint64_t low = (uint64_t)(bucket - shift * SUB_COUNT) << shift;
    return low + ((UINT64_C(1) << shift) - 1) / 2;
}

void bench_hist_record(struct bench_hist *h, int64_t us)
{
    uint64_t bounded = us < 0 ? 0 : us > BENCH_HIST_MAX_US ? (uint64_t)BENCH_HIST_MAX_US : (uint64_t)us;
    unsigned bucket = bucket_of(bounded);
    assert(bucket < BENCH_HIST_BUCKETS);
    h->at[bucket]++;
    h->count++;
    h->sum_us += bounded;
    if (bounded > h->max_us)
        h->max_us = bounded;
}

void bench_hist_merge(struct bench_hist *into, const struct bench_hist *from)
{
    if (from->count == 0)
        return;
    for (unsigned i = 0, last = bucket_of(from->max_us); i <= last; i++)
        into->at[i] += from->at[i];
    into->count += from->count;
    into->sum_us += from->sum_us;
    if (from->max_us > into->max_us)
        into->max_us = from->max_us;
}

void bench_hist_reset(struct bench_hist *h) { memset(h, 0, sizeof *h); }

uint64_t bench_hist_quantile_us(const struct bench_hist *h, unsigned part)
{
    assert(part <= 10000);
    if (h->count == 0)
        return 0;
    /* Rounded up, in two steps so that nothing overflows: the smallest latency that covers so many of the requests. */
    uint64_t rank = h->count / 10000 * part + (h->count % 10000 * part + 9999) / 10000, seen = 0;
    if (rank == 0)
        rank = 1;
    for (unsigned i = 0; i < BENCH_HIST_BUCKETS; i++) {
        seen += h->at[i];
        if (seen >= rank) {
            uint64_t us = middle_of(i);
            return us < h->max_us ? us : h->max_us;
        }
    }
    return h->max_us;
}

uint64_t bench_hist_mean_us(const struct bench_hist *h) { return h->count ? h->sum_us / h->count : 0; }
