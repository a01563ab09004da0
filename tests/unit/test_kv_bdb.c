/* test_kv_bdb.c - the Berkeley DB store: the common suite of kv.h, and what only it has: durability over a kill, deadlocks, a full
 * disk. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"
#include "tests/lib/kv_suite.h"

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

static enum kv_result put_text(struct kv_txn *txn, const char *key, const char *value)
{
    return kv_put(txn, KV_ITEMS, slice_text(key), slice_text(value), KV_SET);
}

/* KV_OK if the key has that value in a transaction of its own; KV_NOT_FOUND; asserts otherwise. */
static enum kv_result look(struct kv *kv, const char *key, const char *value)
{
    struct kv_txn *txn;
    struct buf b;
    buf_init(&b);
    assert_int_equal(kv_begin(kv, KV_SNAPSHOT, &txn), KV_OK);
    enum kv_result result = kv_get(txn, KV_ITEMS, slice_text(key), false, &b);
    kv_abort(&txn);
    if (result == KV_OK)
        assert_true(slice_equal(buf_slice(&b), slice_text(value)));
    buf_finish(&b);
    return result;
}

static void put_one(struct kv *kv, const char *key, const char *value)
{
    struct kv_txn *txn = begin(kv);
    assert_int_equal(put_text(txn, key, value), KV_OK);
    assert_int_equal(kv_commit(&txn), KV_OK);
}

/* -- Sizes ------------------------------------------------------------------------------------------------------------------- */

static void the_largest_keys_and_values_fit(void **state)
{
    struct fixture *f = *state;
    size_t size = 400 * 1024;
    unsigned char *value = malloc(size), key[3300];
    struct buf b;
    assert_non_null(value);
    buf_init(&b);
    struct kv_txn *txn = begin(f->kv);
    for (unsigned i = 0; i < 20; i++) {
        memset(value, (int)('a' + i), size);
        memset(key, (int)('A' + i), sizeof key);
        assert_int_equal(kv_put(txn, KV_ITEMS, slice_of(key, sizeof key), slice_of(value, size), KV_NEW), KV_OK);
    }
    assert_int_equal(kv_commit(&txn), KV_OK);
    txn = begin(f->kv);
    for (unsigned i = 0; i < 20; i++) {
        memset(key, (int)('A' + i), sizeof key);
        buf_reset(&b);
        buf_text(&b, "before"); /* the value is appended */
        assert_int_equal(kv_get(txn, KV_ITEMS, slice_of(key, sizeof key), i % 2 == 0, &b), KV_OK);
        assert_int_equal(b.len, size + 6);
        assert_memory_equal(b.data, "before", 6);
        assert_int_equal(b.data[6], 'a' + i);
        assert_int_equal(b.data[b.len - 1], 'a' + i);
    }
    kv_abort(&txn);
    buf_finish(&b);
    free(value);
}

/* -- Durability --------------------------------------------------------------------------------------------------------------- */

/* A process that commits one row, leaves another uncommitted, and is killed. */
static void committed_rows_survive_a_kill(void **state)
{
    struct fixture *f = *state;
    kv_close(&f->kv);
    pid_t pid = fork();
    if (pid == 0) {
        struct kv *kv = open_in(f->root, true);
        struct kv_txn *txn;
        if (!kv || kv_begin(kv, KV_WRITE, &txn) != KV_OK || put_text(txn, "sure", "1") != KV_OK || kv_commit(&txn) != KV_OK)
            _exit(1);
        if (kv_begin(kv, KV_WRITE, &txn) != KV_OK || put_text(txn, "half", "1") != KV_OK)
            _exit(1);
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    f->kv = open_in(f->root, true);
    assert_non_null(f->kv);
    assert_int_equal(look(f->kv, "sure", "1"), KV_OK);
    assert_int_equal(look(f->kv, "half", ""), KV_NOT_FOUND);
    struct kv_counters counters;
    kv_counters(f->kv, &counters);
    assert_int_equal(counters.recoveries, 1);
    assert_int_equal(counters.commits, 0);
    put_one(f->kv, "after", "2");
}

static void a_second_process_sees_commits_at_once(void **state)
{
    struct fixture *f = *state;
    struct kv *other = open_in(f->root, false);
    assert_non_null(other);
    put_one(f->kv, "a", "1");
    assert_int_equal(look(other, "a", "1"), KV_OK);
    put_one(other, "a", "2");
    assert_int_equal(look(f->kv, "a", "2"), KV_OK);
    kv_close(&other);
    assert_null(other);
}

static void joining_needs_a_store(void **state)
{
    (void)state;
    char root[64];
    struct err e;
    assert_int_equal(make_folder(root), 0);
    assert_null(kv_bdb_open(&(struct kv_bdb_config){root, CACHE_BYTES, false}, &e));
    assert_non_null(strstr(e.text, root));
    remove_folder(root);
    assert_null(kv_bdb_open(&(struct kv_bdb_config){root, CACHE_BYTES, true}, &e));
}

/* -- Deadlocks ---------------------------------------------------------------------------------------------------------------- */

struct crossing {
    struct kv *kv;
    const char *first, *second;
    pthread_barrier_t *both_hold;
    enum kv_result result;
};

/* Takes one row, then, when the other thread has its own, the other's. */
static void *cross(void *self)
{
    struct crossing *c = self;
    struct kv_txn *txn;
    char big[3000]; /* few rows on a page, and none beside it: far keys lie on different pages */
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    c->result = kv_begin(c->kv, KV_WRITE, &txn);
    if (c->result == KV_OK)
        c->result = put_text(txn, c->first, big);
    pthread_barrier_wait(c->both_hold);
    if (c->result == KV_OK)
        c->result = put_text(txn, c->second, big);
    if (c->result == KV_OK)
        c->result = kv_commit(&txn);
    kv_abort(&txn);
    return NULL;
}

static void a_deadlock_has_one_victim(void **state)
{
    struct fixture *f = *state;
    char big[3000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    for (char key[] = "a"; key[0] <= 'z'; key[0]++)
        put_one(f->kv, key, big);
    struct kv *other = open_in(f->root, false);
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, 2);
    struct crossing left = {f->kv, "b", "y", &barrier, KV_OK}, right = {other, "y", "b", &barrier, KV_OK};
    pthread_t a, b;
    assert_int_equal(pthread_create(&a, NULL, cross, &left), 0);
    assert_int_equal(pthread_create(&b, NULL, cross, &right), 0);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    pthread_barrier_destroy(&barrier);
    assert_true((left.result == KV_OK && right.result == KV_RETRY) || (left.result == KV_RETRY && right.result == KV_OK));
    struct kv_counters mine, others;
    kv_counters(f->kv, &mine);
    kv_counters(other, &others);
    assert_int_equal(mine.retries + others.retries, 1);
    kv_close(&other);
    put_one(f->kv, "b", "again");
}

/* -- A disk that is full --------------------------------------------------------------------------------------------------------- */

/* A file system of our own in a mount namespace of our own. False where the kernel does not let us. */
static bool mount_small(const char *folder)
{
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return false;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return false;
    return mount("none", folder, "tmpfs", 0, "size=96m") == 0;
}

/* Takes all space that is left; returns the descriptor of the file that does. */
static int fill(const char *root)
{
    static char zeros[1 << 16];
    char path[100];
    snprintf(path, sizeof path, "%s/filler", root);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    size_t piece = sizeof zeros;
    while (piece > 0)
        if (write(fd, zeros, piece) <= 0)
            piece /= 2;
    return fd;
}

static void unfill(const char *root, int fd)
{
    char path[100];
    snprintf(path, sizeof path, "%s/filler", root);
    close(fd);
    unlink(path);
}

static enum kv_result put_big(struct kv *kv, const char *root, const char *key, int *filler)
{
    static char value[200000];
    struct kv_txn *txn;
    memset(value, 'v', sizeof value - 1);
    enum kv_result result = kv_begin(kv, KV_WRITE, &txn);
    if (result == KV_OK)
        result = put_text(txn, key, value);
    if (filler) /* the last space goes while the transaction is open */
        *filler = fill(root);
    if (result == KV_OK)
        return kv_commit(&txn);
    kv_abort(&txn);
    return result;
}

#define NO_NAMESPACE 77
#define CHECK(condition)                                                                                                       \
    do {                                                                                                                       \
        if (!(condition)) {                                                                                                    \
            print_error("%s:%d: %s\n", __FILE__, __LINE__, #condition);                                                        \
            _exit(1);                                                                                                          \
        }                                                                                                                      \
    } while (0)

static enum kv_result find(struct kv *kv, const char *key)
{
    struct kv_txn *txn;
    struct buf b;
    buf_init(&b);
    CHECK(kv_begin(kv, KV_SNAPSHOT, &txn) == KV_OK);
    enum kv_result result = kv_get(txn, KV_ITEMS, slice_text(key), false, &b);
    kv_abort(&txn);
    buf_finish(&b);
    return result;
}

static _Noreturn void on_a_full_disk(const char *root)
{
    int filler = -1;
    if (!mount_small(root))
        _exit(NO_NAMESPACE);
    struct kv *kv = open_in(root, true);
    CHECK(kv != NULL);
    CHECK(put_big(kv, root, "before", NULL) == KV_OK);
    CHECK(put_big(kv, root, "during", &filler) == KV_FULL);
    CHECK(put_big(kv, root, "beyond", NULL) == KV_FULL);
    CHECK(find(kv, "before") == KV_OK);
    CHECK(find(kv, "during") == KV_NOT_FOUND);
    CHECK(find(kv, "beyond") == KV_NOT_FOUND);
    unfill(root, filler);
    int64_t start_ms = clock_mono_ms();
    while (put_big(kv, root, "after", NULL) == KV_FULL) /* free space is asked for at most each 20 ms */
        CHECK(clock_mono_ms() - start_ms < 5000);
    kv_close(&kv);
    kv = open_in(root, true);
    CHECK(kv != NULL);
    CHECK(find(kv, "before") == KV_OK && find(kv, "after") == KV_OK);
    CHECK(find(kv, "during") == KV_NOT_FOUND && find(kv, "beyond") == KV_NOT_FOUND);
    kv_close(&kv);
    _exit(0);
}

/* Commits fail with KV_FULL and leave nothing behind, reads and later commits go on. */
static void a_full_disk_loses_nothing(void **state)
{
    (void)state;
    char root[64];
    int status;
    assert_int_equal(make_folder(root), 0);
    pid_t pid = fork();
    if (pid == 0)
        on_a_full_disk(root);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    remove_folder(root);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_NAMESPACE)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* -- The common suite ---------------------------------------------------------------------------------------------------------------- */

static char suite_root[64];

static struct kv *suite_open(void *context)
{
    (void)context;
    return make_folder(suite_root) == 0 ? open_in(suite_root, true) : NULL;
}

static void suite_close(struct kv **kv, void *context)
{
    (void)context;
    kv_close(kv);
    remove_folder(suite_root);
}

static struct kv *suite_reopen(struct kv **kv, void *context)
{
    (void)context;
    kv_close(kv);
    return open_in(suite_root, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_largest_keys_and_values_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(committed_rows_survive_a_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_process_sees_commits_at_once, setup, teardown),
        cmocka_unit_test(joining_needs_a_store),
        cmocka_unit_test_setup_teardown(a_deadlock_has_one_victim, setup, teardown),
        cmocka_unit_test(a_full_disk_loses_nothing),
    };
    /* Reads take locks: a reading transaction waits for a writing one, so one thread cannot have both on the same row. */
    const struct kv_suite suite = {"bdb", suite_open, suite_close, suite_reopen, NULL, false, true};
    log_init("test-kv-bdb", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + kv_suite_run(&suite);
}
