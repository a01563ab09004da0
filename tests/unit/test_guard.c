/* test_guard.c - guards and their children over a real store: whoever is killed or stopped, all heal by themselves, and no
 * acknowledged commit is missing.
 *
 * Each worker's child adds 1 to its own row and to a shared one in transactions, as fast as it can, and counts the acknowledged
 * ones in a page it shares with the test. LEAT_GUARD_KILLS=N kills N children instead of the few of a usual run. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"
#include "worker/guard.h"
#include "worker/kv.h"

#define WORKERS 4
#define HEAL_LIMIT_MS 8000 /* the promise is 3 s; a busy build machine gets more */

/* What one worker tells the test. */
struct report {
    atomic_int pid;
    atomic_ullong acknowledged, incarnation;
    atomic_bool healed; /* what its guard said of the child before it */
    atomic_bool hang;   /* asks the child to stop making progress */
};

struct shared {
    struct report workers[WORKERS];
};

struct worker {
    const struct fixture *fixture;
    int index;
    struct kv *kv;
};

struct fixture {
    char root[64], store[80];
    struct shared *shared;
    pid_t guards[WORKERS];
    int64_t stall_ms;
};

/* Real processes take real time: waits are short, and always for a condition or against a limit. */
static void pause_ms(int ms) { poll(NULL, 0, ms); }

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    const char *base = getenv("TMPDIR");
    snprintf(f->root, sizeof f->root, "%.40s/leat-guard-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(f->root));
    snprintf(f->store, sizeof f->store, "%s/store", f->root);
    f->shared = mmap(NULL, sizeof *f->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(f->shared != MAP_FAILED);
    f->stall_ms = 5000;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < WORKERS; i++)
        if (f->guards[i] > 0) {
            kill(f->guards[i], SIGKILL);
            waitpid(f->guards[i], NULL, 0);
        }
    pause_ms(50); /* the children die with their guards */
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", f->root);
    int status = system(command);
    munmap(f->shared, sizeof *f->shared);
    free(f);
    return status;
}

/* -- The child ------------------------------------------------------------------------------------------------------- */

static int open_store(void *self, bool recover, struct err *e)
{
    struct worker *w = self;
    struct kv_bdb_config config = {.folder = w->fixture->store, .cache_bytes = 4 << 20, .recover = recover};
    w->kv = kv_bdb_open(&config, e);
    return w->kv ? 0 : -1;
}

static enum kv_result add_one(struct kv_txn *txn, const char *row, struct buf *b)
{
    buf_reset(b);
    enum kv_result result = kv_get(txn, KV_ITEMS, slice_text(row), true, b);
    if (result != KV_OK && result != KV_NOT_FOUND)
        return result;
    uint64_t number = 0;
    if (result == KV_OK)
        memcpy(&number, b->data, sizeof number);
    number++;
    return kv_put(txn, KV_ITEMS, slice_text(row), slice_of(&number, sizeof number), KV_SET);
}

static enum kv_result commit_one(struct worker *w, struct buf *b)
{
    struct kv_txn *txn;
    char row[32];
    snprintf(row, sizeof row, "worker-%d", w->index);
    enum kv_result result = kv_begin(w->kv, KV_WRITE, &txn);
    if (result != KV_OK)
        return result;
    result = add_one(txn, row, b);
    if (result == KV_OK)
        result = add_one(txn, "together", b);
    if (result == KV_OK)
        return kv_commit(&txn);
    kv_abort(&txn);
    return result;
}

static int run_worker(void *self, struct guard_link *link)
{
    struct worker *w = self;
    struct report *report = &w->fixture->shared->workers[w->index];
    struct err e;
    struct buf b;
    sigset_t pending;
    if (guard_enter(link, open_store, w, &e) != 0)
        return GUARD_EXIT_AGAIN;
    guard_ready(link);
    atomic_store(&report->incarnation, link->incarnation);
    atomic_store(&report->healed, link->healed);
    atomic_store(&report->pid, getpid());
    buf_init(&b);
    while (sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 0) {
        while (atomic_load(&report->hang))
            pause_ms(5);
        enum kv_result result = commit_one(w, &b);
        if (result == KV_OK)
            atomic_fetch_add(&report->acknowledged, 1);
        else if (result != KV_RETRY)
            return GUARD_EXIT_AGAIN;
        if (w->index == 0 && atomic_load(&report->acknowledged) % 200 == 0)
            kv_maintain(w->kv);
        guard_progress(link);
    }
    buf_finish(&b);
    kv_close(&w->kv);
    guard_leave(link);
    return 0;
}

/* -- The test's side -------------------------------------------------------------------------------------------------- */

static void start_guard(struct fixture *f, int i)
{
    f->guards[i] = fork();
    if (f->guards[i] == 0) {
        log_init("test-guard", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
        struct worker w = {.fixture = f, .index = i};
        char name[32];
        snprintf(name, sizeof name, "worker-%d", i);
        struct guard_config config = {f->store, name, f->stall_ms, run_worker, &w};
        _exit(guard_run(&config));
    }
    assert_true(f->guards[i] > 0);
}

static uint64_t acknowledged(const struct fixture *f, int i) { return atomic_load(&f->shared->workers[i].acknowledged); }

/* Waits until every worker has committed something new; returns how long that took. */
static int64_t wait_for_commits(const struct fixture *f)
{
    uint64_t before[WORKERS];
    int64_t start_ms = clock_mono_ms();
    for (int i = 0; i < WORKERS; i++)
        before[i] = acknowledged(f, i);
    for (int i = 0; i < WORKERS; i++)
        while (acknowledged(f, i) < before[i] + 3) {
            assert_true(clock_mono_ms() - start_ms < HEAL_LIMIT_MS);
            pause_ms(2);
        }
    return clock_mono_ms() - start_ms;
}

static void start_all(struct fixture *f)
{
    for (int i = 0; i < WORKERS; i++)
        start_guard(f, i);
    wait_for_commits(f);
}

static int wait_exit(pid_t pid)
{
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void stop_all(struct fixture *f)
{
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(kill(f->guards[i], SIGTERM), 0);
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(wait_exit(f->guards[i]), 0);
        f->guards[i] = 0;
    }
}

static uint64_t read_row(struct kv *kv, const char *row)
{
    struct kv_txn *txn;
    struct buf b;
    uint64_t number = 0;
    buf_init(&b);
    assert_int_equal(kv_begin(kv, KV_SNAPSHOT, &txn), KV_OK);
    assert_int_equal(kv_get(txn, KV_ITEMS, slice_text(row), false, &b), KV_OK);
    kv_abort(&txn);
    memcpy(&number, b.data, sizeof number);
    buf_finish(&b);
    return number;
}

/* All acknowledged commits are there, and at most one more for each kill (the one whose acknowledgement was cut off); both rows of a
 * transaction are there or none. */
static void check_sums(struct fixture *f, uint64_t deaths)
{
    struct err e;
    struct kv *kv = kv_bdb_open(&(struct kv_bdb_config){f->store, 4 << 20, true}, &e);
    assert_non_null(kv);
    uint64_t sum = 0, sure = 0;
    for (int i = 0; i < WORKERS; i++) {
        char row[32];
        snprintf(row, sizeof row, "worker-%d", i);
        uint64_t stored = read_row(kv, row);
        assert_true(stored >= acknowledged(f, i));
        sum += stored;
        sure += acknowledged(f, i);
    }
    assert_int_equal(sum, read_row(kv, "together"));
    assert_true(sum - sure <= deaths * WORKERS);
    kv_close(&kv);
}

static void expect_members(const struct fixture *f, unsigned live, unsigned dead)
{
    struct members m;
    struct members_seen seen;
    struct err e;
    assert_int_equal(members_init(&m, f->store, &e), 0);
    assert_int_equal(members_scan(&m, &seen), 0);
    assert_int_equal(seen.live, live);
    assert_int_equal(seen.dead, dead);
}

static void workers_start_and_leave_cleanly(void **state)
{
    struct fixture *f = *state;
    start_all(f);
    expect_members(f, WORKERS, 0);
    stop_all(f);
    expect_members(f, 0, 0);
    check_sums(f, 0);
}

static void killed_children_heal(void **state)
{
    struct fixture *f = *state;
    const char *wanted = getenv("LEAT_GUARD_KILLS");
    long kills = wanted ? strtol(wanted, NULL, 10) : 6;
    int64_t sum_ms = 0, worst_ms = 0;
    unsigned seed = (unsigned)getpid();
    start_all(f);
    for (long n = 0; n < kills; n++) {
        int victim = rand_r(&seed) % WORKERS;
        pause_ms((int)(rand_r(&seed) % 100));
        kill(atomic_load(&f->shared->workers[victim].pid), SIGKILL); /* its pid is its own until its guard has reaped it */
        int64_t ms = wait_for_commits(f);
        for (int i = 0; i < WORKERS; i++)
            assert_int_equal(atomic_load(&f->shared->workers[i].healed), i != victim);
        sum_ms += ms;
        worst_ms = ms > worst_ms ? ms : worst_ms;
    }
    print_message("%ld kills of %d workers: healed in %lld ms on average, %lld at worst\n", kills, WORKERS,
                  (long long)(kills > 0 ? sum_ms / kills : 0), (long long)worst_ms);
    stop_all(f);
    expect_members(f, 0, 0);
    check_sums(f, (uint64_t)kills);
}

static void a_killed_guard_takes_its_child_along_and_the_others_heal(void **state)
{
    struct fixture *f = *state;
    start_all(f);
    uint64_t before = atomic_load(&f->shared->workers[2].incarnation);
    kill(f->guards[1], SIGKILL);
    wait_exit(f->guards[1]);
    int64_t start_ms = clock_mono_ms();
    while (atomic_load(&f->shared->workers[2].incarnation) == before) { /* another child: a new one */
        assert_true(clock_mono_ms() - start_ms < HEAL_LIMIT_MS);
        pause_ms(2);
    }
    start_guard(f, 1);
    wait_for_commits(f);
    stop_all(f);
    check_sums(f, 2);
}

static void a_stopped_guard_does_not_hold_up_the_others(void **state)
{
    struct fixture *f = *state;
    start_all(f);
    kill(f->guards[0], SIGSTOP);
    kill(atomic_load(&f->shared->workers[1].pid), SIGKILL);
    int64_t start_ms = clock_mono_ms();
    for (int i = 1; i < WORKERS; i++) { /* the child of the stopped guard ends itself */
        uint64_t before = acknowledged(f, i);
        while (acknowledged(f, i) < before + 3) {
            assert_true(clock_mono_ms() - start_ms < HEAL_LIMIT_MS);
            pause_ms(2);
        }
    }
    kill(f->guards[0], SIGCONT);
    wait_for_commits(f);
    stop_all(f);
    check_sums(f, 1);
}

static void a_child_without_progress_is_killed(void **state)
{
    struct fixture *f = *state;
    f->stall_ms = 400;
    start_all(f);
    struct report *stuck = &f->shared->workers[3], *stopped = &f->shared->workers[0];
    uint64_t before = atomic_load(&stuck->incarnation);
    atomic_store(&stuck->hang, true);
    int64_t start_ms = clock_mono_ms();
    pause_ms(200);
    assert_int_equal(atomic_load(&stuck->incarnation), before);
    while (atomic_load(&stuck->incarnation) == before) {
        assert_true(clock_mono_ms() - start_ms < HEAL_LIMIT_MS);
        pause_ms(2);
        if (clock_mono_ms() - start_ms > 1500)
            atomic_store(&stuck->hang, false);
    }
    atomic_store(&stuck->hang, false);
    wait_for_commits(f);
    kill(atomic_load(&stopped->pid), SIGSTOP); /* a process that the kernel does not let run */
    wait_for_commits(f);
    stop_all(f);
    check_sums(f, 4);
}

static int give_up(void *self, struct guard_link *link)
{
    (void)self, (void)link;
    return GUARD_EXIT_USAGE;
}

static int die_early(void *self, struct guard_link *link)
{
    (void)link;
    struct worker *w = self;
    atomic_fetch_add(&w->fixture->shared->workers[0].acknowledged, 1);
    return GUARD_EXIT_AGAIN;
}

static void a_usage_error_ends_the_guard(void **state)
{
    struct fixture *f = *state;
    pid_t pid = fork();
    if (pid == 0) {
        log_init("test-guard", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
        struct guard_config config = {f->store, "w", f->stall_ms, give_up, NULL};
        _exit(guard_run(&config));
    }
    int status = wait_exit(pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), GUARD_EXIT_USAGE);
}

/* 50 + 100 + 200 + 400 ms: a child that never comes up is started ever more seldom. */
static void a_child_that_never_comes_up_is_started_with_back_off(void **state)
{
    struct fixture *f = *state;
    struct worker w = {.fixture = f};
    f->guards[0] = fork();
    if (f->guards[0] == 0) {
        log_init("test-guard", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
        struct guard_config config = {f->store, "w", f->stall_ms, die_early, &w};
        _exit(guard_run(&config));
    }
    int64_t start_ms = clock_mono_ms();
    while (acknowledged(f, 0) < 5) {
        assert_true(clock_mono_ms() - start_ms < HEAL_LIMIT_MS);
        pause_ms(2);
    }
    assert_true(clock_mono_ms() - start_ms >= 750);
    kill(f->guards[0], SIGTERM);
    assert_int_equal(wait_exit(f->guards[0]), 0);
    f->guards[0] = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(workers_start_and_leave_cleanly, setup, teardown),
        cmocka_unit_test_setup_teardown(killed_children_heal, setup, teardown),
        cmocka_unit_test_setup_teardown(a_killed_guard_takes_its_child_along_and_the_others_heal, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stopped_guard_does_not_hold_up_the_others, setup, teardown),
        cmocka_unit_test_setup_teardown(a_child_without_progress_is_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_usage_error_ends_the_guard, setup, teardown),
        cmocka_unit_test_setup_teardown(a_child_that_never_comes_up_is_started_with_back_off, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
