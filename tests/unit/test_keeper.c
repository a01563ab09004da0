/* test_keeper.c - the housekeeping thread beside a thread that works on the same store: it removes what is old and no longer needed, leaves
 * the rest, and ends when it is told to. Runs under ThreadSanitizer, too. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"
#include "worker/keeper.h"
#include "worker/outcomes.h"
#include "worker/table/table.h"

#define CACHE_BYTES (4 << 20)
#define RETENTION_MS 1000
#define OLD_MS 1600000000000 /* long ago */
#define ROWS 40u
#define LOW_SEQ 25u /* what is below it may go */
#define DEADLINE_MS 20000

struct fixture {
    char root[64];
    struct kv *kv;
    struct tables *tables;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *base = getenv("TMPDIR");
    struct err e;
    assert_non_null(f);
    snprintf(f->root, sizeof f->root, "%.40s/leat-keeper-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(f->root));
    f->kv = kv_bdb_open(&(struct kv_bdb_config){f->root, CACHE_BYTES, true}, &e);
    assert_non_null(f->kv);
    f->tables = tables_create(f->kv);
    assert_non_null(f->tables);
    assert_int_equal(tables_load(f->tables), KV_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[80];
    tables_destroy(&f->tables);
    kv_close(&f->kv);
    snprintf(command, sizeof command, "rm -rf '%s'", f->root);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static struct id id_of(uint64_t seq)
{
    struct id id = {{0}};
    for (int i = 0; i < 6; i++)
        id.bytes[i] = (unsigned char)(OLD_MS >> (40 - 8 * i));
    id.bytes[7] = (unsigned char)seq;
    id.bytes[ID_BYTES - 1] = (unsigned char)(seq * 7); /* its slice */
    return id;
}

static void record(struct fixture *f, uint64_t seq)
{
    struct outcome_row row = {seq, OLD_MS, slice_of("\x93\x00\xa0\xc0", 4)};
    struct id id = id_of(seq);
    struct buf scratch = {0};
    struct kv_txn *txn;
    enum kv_result result;
    do { /* the keeper may be in the way */
        assert_int_equal(kv_begin(f->kv, KV_WRITE, &txn), KV_OK);
        result = outcome_put(txn, &id, &row, &scratch);
        if (result == KV_OK)
            result = kv_commit(&txn);
        kv_abort(&txn);
    } while (result == KV_RETRY);
    assert_int_equal(result, KV_OK);
    buf_finish(&scratch);
}

static bool is_there(struct fixture *f, uint64_t seq)
{
    struct id id = id_of(seq);
    struct buf scratch = {0}, out = {0};
    struct kv_txn *txn;
    enum kv_result result;
    do {
        assert_int_equal(kv_begin(f->kv, KV_SNAPSHOT, &txn), KV_OK);
        result = outcome_get(txn, &id, false, &scratch, &out);
        kv_abort(&txn);
    } while (result == KV_RETRY);
    assert_true(result == KV_OK || result == KV_NOT_FOUND);
    buf_finish(&scratch);
    buf_finish(&out);
    return result == KV_OK;
}

static uint64_t count_old(struct fixture *f)
{
    uint64_t count = 0;
    for (uint64_t seq = 1; seq < LOW_SEQ; seq++)
        count += is_there(f, seq);
    return count;
}

static void it_sweeps_beside_the_work(void **state)
{
    struct fixture *f = *state;
    struct keeper_config config = {.store_folder = f->root, .cache_bytes = CACHE_BYTES, .outcome_retention_ms = RETENTION_MS};
    struct err e;
    struct keeper *k = keeper_create(&config, &e);
    assert_non_null(k);
    for (uint64_t seq = 1; seq <= ROWS; seq++) {
        record(f, seq);
        keeper_low_seq(k, seq < LOW_SEQ ? seq : LOW_SEQ); /* as each delivery tells it */
    }
    int64_t until_ms = clock_mono_ms() + DEADLINE_MS;
    while (count_old(f) > 0 && clock_mono_ms() < until_ms)
        poll(NULL, 0, 20);
    assert_int_equal(count_old(f), 0);
    for (uint64_t seq = LOW_SEQ; seq <= ROWS; seq++)
        assert_true(is_there(f, seq)); /* old, but may be delivered again */
    keeper_destroy(&k);
    assert_null(k);
    keeper_destroy(&k);
}

static void it_ends_at_once(void **state)
{
    struct fixture *f = *state;
    struct keeper_config config = {.store_folder = f->root, .cache_bytes = CACHE_BYTES, .outcome_retention_ms = RETENTION_MS};
    struct err e;
    for (int i = 0; i < 3; i++) {
        struct keeper *k = keeper_create(&config, &e);
        assert_non_null(k);
        keeper_destroy(&k);
    }
}

static void a_store_that_is_not_there_is_refused(void **state)
{
    struct keeper_config config = {
        .store_folder = "/nowhere/at/all", .cache_bytes = CACHE_BYTES, .outcome_retention_ms = RETENTION_MS};
    struct err e = {0};
    (void)state;
    assert_null(keeper_create(&config, &e));
    assert_true(e.code != ERR_NONE && e.text[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_sweeps_beside_the_work, setup, teardown),
        cmocka_unit_test_setup_teardown(it_ends_at_once, setup, teardown),
        cmocka_unit_test(a_store_that_is_not_there_is_refused),
    };
    log_init("test", (enum log_level)(LOG_LEVEL_ERROR + 1), LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
