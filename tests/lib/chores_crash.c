/* chores_crash.c - see chores_crash.h. */
#include "tests/lib/chores_crash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ROWS 7
#define CALLS 150      /* of the store, in which a step may be cut off */
#define ROUNDS_MIN 200 /* also when the work is done before: nothing may go wrong then */
#define ROUNDS_MAX 5000

static struct tables *start(struct kv *kv)
{
    struct tables *t = tables_create(kv);

    assert_non_null(t);
    assert_int_equal(tables_load(t), KV_OK);
    return t;
}

void chores_with_crashes(struct kv *faulty, int64_t now_ms, enum kv_result failure)
{
    struct tables *t = start(faulty);
    bool left = true;

    for (int round = 0; left || round < ROUNDS_MIN; round++) {
        assert_true(round < ROUNDS_MAX);
        kv_fault_arm(faulty, round % 5 == 4 ? -1 : round % CALLS, failure);
        enum kv_result result = table_chores(t, now_ms, ROWS, &left);
        kv_fault_arm(faulty, -1, KV_OK);
        if (result == KV_OK)
            continue;
        assert_true(result == failure);
        left = true;
        if (failure != KV_FATAL)
            continue;
        tables_destroy(&t);
        t = start(faulty);
    }
    tables_destroy(&t);
}
