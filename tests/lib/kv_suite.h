/* kv_suite.h - the conformance suite of kv.h: every implementation must pass it.
 *
 * A test program fills in a struct kv_suite and returns kv_suite_run() from main(). Each test gets a fresh, empty store from
 * open() and hands it back through close(), which also removes what open() made on disk. */
#ifndef LEAT_TESTS_LIB_KV_SUITE_H
#define LEAT_TESTS_LIB_KV_SUITE_H

#include "worker/kv.h"

struct kv_suite {
    const char *name;
    struct kv *(*open)(void *context);                   /* NULL fails the test */
    void (*close)(struct kv **kv, void *context);        /* kv_close() and cleaning up */
    struct kv *(*reopen)(struct kv **kv, void *context); /* closes and opens the same data again; NULL: it keeps none */
    void *context;
    bool concurrent; /* a snapshot may be read while a write transaction is open */
    bool waits;      /* transactions that meet wait for each other: not to be tried from one thread */
};

/* Runs all tests of the suite; the number of failed ones. */
int kv_suite_run(const struct kv_suite *suite);

#endif
