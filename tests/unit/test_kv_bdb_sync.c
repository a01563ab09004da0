/* test_kv_bdb_sync.c - what a store of Berkeley DB makes of a disk that lies: damaged, cut off and missing files, syncs that fail. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"
#include "worker/kv.h"
#include "worker/kv_bdb_sync.h"

#define CACHE_BYTES (4 << 20)
#define ROWS 3000
#define ROW_BYTES 200
#define COMMIT_ROWS 50
#define PAGE_BYTES 16384
#define LOG "log.0000000001"

static struct kv *open_in(const char *folder, struct err *e)
{
    return kv_bdb_open(&(struct kv_bdb_config){folder, CACHE_BYTES, true}, e);
}

static size_t make_key(char key[static 16], int row) { return (size_t)snprintf(key, 16, "key%06d", row); }

static void make_value(char value[static ROW_BYTES], int row)
{
    memset(value, 'a' + row % 26, ROW_BYTES);
    make_key(value, row);
}

/* 0, or -1 when the store refuses. */
static int write_rows(struct kv *kv, int from, int until)
{
    char key[16], value[ROW_BYTES];
    struct kv_txn *txn = NULL;
    for (int row = from; row < until; row++) {
        if (!txn && kv_begin(kv, KV_WRITE, &txn) != KV_OK)
            return -1;
        size_t len = make_key(key, row);
        make_value(value, row);
        if (kv_put(txn, KV_ITEMS, slice_of(key, len), slice_of(value, ROW_BYTES), KV_SET) != KV_OK)
            return -1;
        if ((row % COMMIT_ROWS == COMMIT_ROWS - 1 || row + 1 == until) && kv_commit(&txn) != KV_OK)
            return -1;
    }
    return 0;
}

/* A process writes rows and ends without closing, as by kill -9; with all pages on disk, or in the log only. Returns its status. */
static int live_and_die(const char *folder, int from, int until, bool written)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct err e;
        struct kv *kv = open_in(folder, &e);
        int failed = !kv || write_rows(kv, from, until) != 0 || (written && kv_maintain(kv) != KV_OK);
        _exit(failed);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* How many of the rows are there. A row that is not what was written ends the test; one that cannot be read ends the count with -1. */
static int count_rows(const char *folder, struct err *e)
{
    int found = 0;
    struct kv *kv = open_in(folder, e);
    struct buf b;
    buf_init(&b);
    for (int row = 0; kv && found >= 0 && row < ROWS; row++) {
        char key[16], value[ROW_BYTES];
        struct kv_txn *txn;
        size_t len = make_key(key, row);
        enum kv_result result = kv_begin(kv, KV_SNAPSHOT, &txn);
        make_value(value, row);
        buf_reset(&b);
        if (result == KV_OK) {
            result = kv_get(txn, KV_ITEMS, slice_of(key, len), false, &b);
            kv_abort(&txn);
        }
        if (result == KV_OK)
            assert_true(slice_equal(buf_slice(&b), slice_of(value, ROW_BYTES)));
        found = result == KV_OK ? found + 1 : result == KV_NOT_FOUND ? found : -1;
    }
    buf_finish(&b);
    int result = kv ? found : -1;
    kv_close(&kv);
    return result;
}

static void path_in(char path[static 128], const char *folder, const char *name) { snprintf(path, 128, "%s/%s", folder, name); }

static off_t size_of(const char *folder, const char *name)
{
    char path[128];
    struct stat st;
    path_in(path, folder, name);
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void flip(const char *folder, const char *name, off_t at)
{
    char path[128];
    unsigned char byte = 0;
    path_in(path, folder, name);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0 && pread(fd, &byte, 1, at) == 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void shell(const char *format, const char *a, const char *b)
{
    char command[256];
    snprintf(command, sizeof command, format, a, b);
    assert_int_equal(system(command), 0);
}

struct fixture {
    char root[64], copy[72]; /* of the store, to be damaged */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *base = getenv("TMPDIR");
    assert_non_null(f);
    snprintf(f->root, sizeof f->root, "%.40s/leat-sync-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(f->root));
    snprintf(f->copy, sizeof f->copy, "%s.copy", f->root);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    bdb_set_io(NULL);
    shell("rm -rf '%s' '%s'", f->root, f->copy);
    free(f);
    return 0;
}

static void copy_store(const struct fixture *f)
{
    shell("rm -rf '%s'%.0s", f->copy, "");
    shell("cp -r --sparse=always '%s' '%s'", f->root, f->copy);
}

/* -- Damage -------------------------------------------------------------------------------------------------------- */

static void a_flipped_byte_in_the_log_drops_no_transaction_in_silence(void **state)
{
    struct fixture *f = *state;
    struct err e;
    char path[128];
    assert_int_equal(live_and_die(f->root, 0, ROWS, false), 0);
    for (int i = 1; i < 8; i++) {
        copy_store(f);
        flip(f->copy, LOG, 200000 * i);
        assert_int_equal(count_rows(f->copy, &e), -1);
        assert_int_equal(e.code, ERR_INTERNAL);
        assert_non_null(strstr(e.text, "breaks off"));
    }
    path_in(path, f->copy, "synced");
    assert_int_equal(unlink(path), 0); /* the way out that the message names */
    int left = count_rows(f->copy, &e);
    assert_true(left > 0 && left < ROWS);
    assert_int_equal(left % COMMIT_ROWS, 0);
}

static void a_log_that_was_cut_or_lost_is_refused(void **state)
{
    struct fixture *f = *state;
    struct err e;
    char path[128];
    assert_int_equal(live_and_die(f->root, 0, ROWS, false), 0);
    for (off_t size = 0; size <= 1000000; size += 500000) {
        copy_store(f);
        path_in(path, f->copy, LOG);
        assert_int_equal(truncate(path, size), 0);
        assert_int_equal(count_rows(f->copy, &e), -1);
        assert_non_null(strstr(e.text, "breaks off"));
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(count_rows(f->copy, &e), -1);
    assert_non_null(strstr(e.text, "breaks off"));
}

static void a_missing_file_is_not_made_anew(void **state)
{
    struct fixture *f = *state;
    struct err e;
    char path[128];
    assert_int_equal(live_and_die(f->root, 0, ROWS, true), 0);
    for (const char *const *name = (const char *const[]){"items.db", "meta.db", "outcomes.db", NULL}; *name; name++) {
        copy_store(f);
        path_in(path, f->copy, *name);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(count_rows(f->copy, &e), -1);
        assert_non_null(strstr(e.text, *name));
        assert_non_null(strstr(e.text, "missing"));
    }
}

static void a_file_that_was_cut_off_is_refused(void **state)
{
    struct fixture *f = *state;
    struct err e;
    char path[128];
    assert_int_equal(live_and_die(f->root, 0, ROWS, true), 0);
    off_t whole = size_of(f->root, "items.db");
    assert_true(whole > 20 * PAGE_BYTES);
    for (off_t size = 0; size < whole; size += 7 * PAGE_BYTES) {
        copy_store(f);
        path_in(path, f->copy, "items.db");
        assert_int_equal(truncate(path, size), 0);
        assert_int_equal(count_rows(f->copy, &e), -1);
        assert_int_equal(e.code, ERR_INTERNAL);
        assert_non_null(strstr(e.text, "damaged"));
    }
}

/* Wherever it flips: a row is what was written, or there is an error. (A byte in unused space may do no harm.) */
static void a_flipped_byte_in_a_page_is_never_data(void **state)
{
    struct fixture *f = *state;
    struct err e;
    int noticed = 0, tries = 24;
    assert_int_equal(live_and_die(f->root, 0, ROWS, true), 0);
    off_t whole = size_of(f->root, "items.db");
    for (int i = 0; i < tries; i++) {
        copy_store(f);
        flip(f->copy, "items.db", whole / tries * i + i * 37);
        int found = count_rows(f->copy, &e); /* asserts that no row is wrong */
        assert_true(found == ROWS || found == -1);
        noticed += found == -1;
    }
    assert_true(noticed > tries * 3 / 4);
}

static void a_store_that_nothing_happened_to_is_opened_again(void **state)
{
    struct fixture *f = *state;
    struct err e;
    assert_int_equal(live_and_die(f->root, 0, ROWS / 2, true), 0);
    assert_int_equal(live_and_die(f->root, ROWS / 2, ROWS, false), 0);
    assert_int_equal(count_rows(f->root, &e), ROWS);
}

/* -- Syncs that fail ------------------------------------------------------------------------------------------------- */
static int syncs_left;   /* that succeed */
static off_t anew_bytes; /* written by the store itself */
static int stopped_with;

static int failing_sync(int fd)
{
    (void)fd;
    if (syncs_left-- > 0)
        return 0;
    errno = EIO;
    return -1;
}

static ssize_t counting_write(int fd, const void *bytes, size_t len, off_t at)
{
    anew_bytes += (off_t)len;
    return pwrite(fd, bytes, len, at);
}

static void note_stop(int status) { stopped_with = status; }

/* The n-th sync of a life fails. Whatever was committed before it stays; the process ends with status 74 and nothing else. */
static int live_with_bad_disk(const char *folder, int good_syncs)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct err e;
        syncs_left = good_syncs;
        bdb_set_io(&(struct bdb_io){.write_at = pwrite, .sync = failing_sync, .stop = _exit});
        struct kv *kv = open_in(folder, &e);
        if (!kv || write_rows(kv, 0, ROWS) != 0)
            _exit(1);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_failing_sync_stops_the_process(void **state)
{
    struct fixture *f = *state;
    for (int good = 0; good < 12; good++) {
        shell("rm -rf '%s'; mkdir '%s'", f->copy, f->copy);
        assert_int_equal(live_with_bad_disk(f->copy, good), 74);
    }
}

static void after_a_failed_sync_everything_is_written_anew(void **state)
{
    struct fixture *f = *state;
    struct err e;
    assert_int_equal(live_and_die(f->root, 0, ROWS, true), 0);
    assert_int_equal(live_with_bad_disk(f->root, 5), 74);
    off_t files = size_of(f->root, "items.db") + size_of(f->root, "meta.db") + size_of(f->root, "outcomes.db");

    /* The disk still fails: nothing is promised yet, and the doubt stays. */
    bdb_set_io(&(struct bdb_io){.write_at = counting_write, .sync = failing_sync, .stop = note_stop});
    syncs_left = 0;
    assert_null(open_in(f->root, &e));
    assert_int_equal(e.code, ERR_UNAVAILABLE);

    syncs_left = 1000000;
    anew_bytes = 0;
    assert_int_equal(count_rows(f->root, &e), ROWS);
    assert_true(anew_bytes > files); /* and the log */
    anew_bytes = 0;
    assert_int_equal(count_rows(f->root, &e), ROWS);
    assert_int_equal(anew_bytes, 0);
    assert_int_equal(stopped_with, 0);
}

/* Berkeley DB forgets a part of a private environment's memory when that is closed; the log is read in one, once a start. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libdb-5.3.so"; }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_flipped_byte_in_the_log_drops_no_transaction_in_silence, setup, teardown),
        cmocka_unit_test_setup_teardown(a_log_that_was_cut_or_lost_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_file_is_not_made_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_was_cut_off_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flipped_byte_in_a_page_is_never_data, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_that_nothing_happened_to_is_opened_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failing_sync_stops_the_process, setup, teardown),
        cmocka_unit_test_setup_teardown(after_a_failed_sync_everything_is_written_anew, setup, teardown),
    };
    log_init("test-kv-bdb-sync", LOG_LEVEL_ERROR + 1, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
