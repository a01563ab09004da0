/* test_kv_bdb_checkpoint.c - housekeeping of the Berkeley DB store: who makes a checkpoint when, and which logs go. */
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"
#include "worker/kv.h"

#define CACHE_BYTES (4 << 20)

struct fixture {
    char root[64];
    struct kv *kv;
};

static struct kv *open_in(const char *folder, bool recover)
{
    struct err e;
    struct kv *kv = kv_bdb_open(&(struct kv_bdb_config){folder, CACHE_BYTES, recover}, &e);
    if (!kv)
        print_error("%s\n", e.text);
    return kv;
}

static int make_folder(char root[static 64])
{
    const char *base = getenv("TMPDIR");
    snprintf(root, 64, "%.40s/leat-kv-XXXXXX", base ? base : "/tmp");
    return mkdtemp(root) ? 0 : -1;
}

static void remove_folder(const char *root)
{
    char command[80];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    assert_int_equal(system(command), 0);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(make_folder(f->root), 0);
    f->kv = open_in(f->root, true);
    assert_non_null(f->kv);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    kv_close(&f->kv);
    remove_folder(f->root);
    free(f);
    return 0;
}

static struct kv_txn *begin(struct kv *kv)
{
    struct kv_txn *txn;
    assert_int_equal(kv_begin(kv, KV_WRITE, &txn), KV_OK);
    return txn;
}

static void put_one(struct kv *kv, const char *key, const char *value)
{
    struct kv_txn *txn = begin(kv);
    assert_int_equal(kv_put(txn, KV_ITEMS, slice_text(key), slice_text(value), KV_SET), KV_OK);
    assert_int_equal(kv_commit(&txn), KV_OK);
}

static unsigned count_logs(const char *root)
{
    char pattern[100];
    glob_t files;
    snprintf(pattern, sizeof pattern, "%s/log.*", root);
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    unsigned count = (unsigned)files.gl_pathc;
    globfree(&files);
    return count;
}

static void old_logs_are_removed_by_one_process_at_a_time(void **state)
{
    struct fixture *f = *state;
    size_t size = 4 << 20;
    char *value = malloc(size), path[100];
    assert_non_null(value);
    memset(value, 'v', size);
    for (unsigned i = 0; i < 20; i++) { /* 80 MB and more of log: a second file of 64 MB */
        struct kv_txn *txn = begin(f->kv);
        assert_int_equal(kv_put(txn, KV_ITEMS, slice_text("one"), slice_of(value, size), KV_SET), KV_OK);
        assert_int_equal(kv_commit(&txn), KV_OK);
    }
    free(value);
    unsigned before = count_logs(f->root);
    assert_true(before >= 2);
    snprintf(path, sizeof path, "%s/checkpoint", f->root);
    int held = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(held >= 0 && flock(held, LOCK_EX | LOCK_NB) == 0);
    assert_int_equal(kv_maintain(f->kv), KV_OK);
    assert_int_equal(count_logs(f->root), before); /* somebody else is at it */
    close(held);
    assert_int_equal(kv_maintain(f->kv), KV_OK);
    assert_true(count_logs(f->root) < before);
}

/* Is it in the file of the items yet, not in the log alone? */
static bool written(const char *root, const char *value)
{
    char path[100];
    struct stat st;
    snprintf(path, sizeof path, "%s/items.db", root);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(bytes, MAP_FAILED);
    bool found = memmem(bytes, (size_t)st.st_size, value, strlen(value)) != NULL;
    munmap(bytes, (size_t)st.st_size);
    close(fd);
    return found;
}

static void set_checkpoint_time(const char *root, int64_t at_ms)
{
    char path[100];
    snprintf(path, sizeof path, "%s/checkpoint", root);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0 && pwrite(fd, &at_ms, sizeof at_ms, 0) == sizeof at_ms);
    close(fd);
}

static void a_checkpoint_counts_for_all_processes(void **state)
{
    struct fixture *f = *state;
    struct kv *other = open_in(f->root, false);
    assert_non_null(other);
    put_one(f->kv, "a", "the first value");
    assert_int_equal(kv_maintain(f->kv), KV_OK);
    assert_true(written(f->root, "the first value"));
    put_one(f->kv, "b", "the second value");
    assert_int_equal(kv_maintain(other), KV_OK);
    assert_false(written(f->root, "the second value"));
    set_checkpoint_time(f->root, clock_mono_ms() - 60000);
    assert_int_equal(kv_maintain(other), KV_OK);
    assert_true(written(f->root, "the second value"));
    put_one(f->kv, "c", "the third value");
    set_checkpoint_time(f->root, clock_mono_ms() + 60000); /* of an earlier boot */
    assert_int_equal(kv_maintain(other), KV_OK);
    assert_true(written(f->root, "the third value"));
    kv_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(old_logs_are_removed_by_one_process_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_checkpoint_counts_for_all_processes, setup, teardown),
    };
    log_init("test-kv-bdb-checkpoint", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
