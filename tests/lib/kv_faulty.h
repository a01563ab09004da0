/* kv_faulty.h - a store over kv_mem.c that fails begins and commits by plan, and notes in which order keys are written. */
#ifndef LEAT_TESTS_LIB_KV_FAULTY_H
#define LEAT_TESTS_LIB_KV_FAULTY_H

#include "worker/kv.h"

struct plan {
    enum kv_result begin, commit; /* what the next ones of write transactions return */
    unsigned begins, commits;     /* so many of them, then KV_OK */
    unsigned tries;               /* write transactions begun */
    bool unordered;               /* a key was written that is not above the one before it (but in KV_META) */
    struct buf last[KV_SPACES];
};

struct faulty {
    struct kv kv; /* hand this out */
    struct kv *inner;
    struct plan plan;
};

int faulty_init(struct faulty *f); /* 0, or -1 without memory */
void faulty_finish(struct faulty *f);

#endif
