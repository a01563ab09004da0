/* test_members.c - membership by locked files, with real processes that die in every way. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/members.h"

struct fixture {
    char root[64], store[80];
    struct members members;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    const char *base = getenv("TMPDIR");
    snprintf(f->root, sizeof f->root, "%.40s/leat-members-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(f->root));
    snprintf(f->store, sizeof f->store, "%s/store", f->root);
    struct err e;
    assert_int_equal(members_init(&f->members, f->store, &e), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", f->root);
    int status = system(command);
    free(f);
    return status;
}

static void expect_seen(const struct fixture *f, unsigned live, unsigned dead)
{
    struct members_seen seen;
    assert_int_equal(members_scan(&f->members, &seen), 0);
    assert_int_equal(seen.live, live);
    assert_int_equal(seen.dead, dead);
}

/* A process that joins as `name` and stays until it is killed; returns when it has joined. */
static pid_t start_member(const struct fixture *f, const char *name)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct err e;
        int fd = members_join(&f->members, name, &e);
        char byte = fd >= 0 ? 'y' : 'n';
        if (write(ready[1], &byte, 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_true(pid > 0);
    char byte = 0;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end_member(pid_t pid, int signal)
{
    int status;
    assert_int_equal(kill(pid, signal), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void an_empty_store_has_no_members(void **state)
{
    struct fixture *f = *state;
    expect_seen(f, 0, 0);
    struct stat st;
    assert_int_equal(stat(f->store, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    struct err e;
    struct members again;
    assert_int_equal(members_init(&again, f->store, &e), 0);
}

static void a_member_is_live_until_it_leaves(void **state)
{
    struct fixture *f = *state;
    struct err e;
    char name[MEMBER_NAME_BYTES];
    members_name(name, "worker-1", 0x2a);
    assert_string_equal(name, "worker-1.000000000000002a");
    assert_false(members_has(&f->members, name));
    int fd = members_join(&f->members, name, &e);
    assert_true(fd >= 0);
    assert_true(members_has(&f->members, name));
    expect_seen(f, 1, 0);
    members_leave(&f->members, name, fd);
    assert_false(members_has(&f->members, name));
    expect_seen(f, 0, 0);
}

static void a_killed_member_is_dead_until_removed(void **state)
{
    struct fixture *f = *state;
    pid_t a = start_member(f, "a.1"), b = start_member(f, "b.1");
    expect_seen(f, 2, 0);
    end_member(a, SIGKILL);
    expect_seen(f, 1, 1);
    struct err e;
    assert_int_equal(members_remove_dead(&f->members, &e), 0);
    expect_seen(f, 1, 0);
    assert_true(members_has(&f->members, "b.1"));
    end_member(b, SIGTERM);
    expect_seen(f, 0, 1);
}

static void a_stopped_member_is_live(void **state)
{
    struct fixture *f = *state;
    pid_t a = start_member(f, "a.1");
    assert_int_equal(kill(a, SIGSTOP), 0);
    expect_seen(f, 1, 0);
    end_member(a, SIGKILL);
    expect_seen(f, 0, 1);
}

static void a_name_is_joined_once(void **state)
{
    struct fixture *f = *state;
    struct err e;
    char path[200];
    snprintf(path, sizeof path, "%s/members/.new.a.1", f->store);
    int stale = open(path, O_CREAT | O_RDWR, 0600);
    assert_true(stale >= 0);
    assert_int_equal(members_join(&f->members, "a.1", &e), -1);
    assert_non_null(strstr(e.text, "a.1"));
    close(stale);
    expect_seen(f, 0, 0); /* what is not renamed yet is no member */
    assert_int_equal(members_remove_dead(&f->members, &e), 0);
    assert_int_equal(access(path, F_OK), -1);
    int fd = members_join(&f->members, "a.1", &e);
    assert_true(fd >= 0);
    members_leave(&f->members, "a.1", fd);
}

/* A tester opens the file, then it is unlinked and unlocked: the tester must not take it for a death. */
static void one_who_left_is_not_dead(void **state)
{
    struct fixture *f = *state;
    int go[2];
    assert_int_equal(pipe(go), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(go[0]);
        for (int i = 0; i < 3000; i++) {
            struct err e;
            char name[MEMBER_NAME_BYTES];
            members_name(name, "coming-and-going", (uint64_t)i);
            int fd = members_join(&f->members, name, &e);
            if (fd < 0)
                _exit(1);
            members_leave(&f->members, name, fd);
        }
        _exit(0);
    }
    close(go[1]);
    char byte;
    fcntl(go[0], F_SETFL, O_NONBLOCK);
    unsigned long scans = 0;
    while (read(go[0], &byte, 1) < 0 && errno == EAGAIN) {
        struct members_seen seen;
        assert_int_equal(members_scan(&f->members, &seen), 0);
        assert_int_equal(seen.dead, 0);
        scans++;
    }
    close(go[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(scans > 0);
}

static void the_boot_lock_is_exclusive_and_dies_with_its_holder(void **state)
{
    struct fixture *f = *state;
    struct err e;
    int held[2];
    assert_int_equal(pipe(held), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte = members_boot_lock(&f->members, &e) >= 0 ? 'y' : 'n';
        if (write(held[1], &byte, 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char byte = 0;
    assert_int_equal(read(held[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(members_boot_lock(&f->members, &e), MEMBERS_BUSY);
    end_member(pid, SIGKILL);
    int fd = members_boot_lock(&f->members, &e);
    assert_true(fd >= 0);
    assert_int_equal(members_boot_lock(&f->members, &e), MEMBERS_BUSY);
    close(fd);
    fd = members_boot_lock(&f->members, &e);
    assert_true(fd >= 0);
    close(fd);
    close(held[0]);
    close(held[1]);
}

static void names_are_checked(void **state)
{
    (void)state;
    char longest[66];
    memset(longest, 'x', sizeof longest);
    longest[64] = '\0';
    assert_true(members_name_valid(longest));
    longest[64] = 'x';
    longest[65] = '\0';
    assert_false(members_name_valid(longest));
    assert_true(members_name_valid("worker-12_a.b"));
    assert_false(members_name_valid(""));
    assert_false(members_name_valid(".hidden"));
    assert_false(members_name_valid("../up"));
    assert_false(members_name_valid("a b"));
}

static void failures_name_the_file(void **state)
{
    struct fixture *f = *state;
    struct err e;
    struct members m;
    char path[120];
    snprintf(path, sizeof path, "%s/missing/store", f->root);
    assert_int_equal(members_init(&m, path, &e), -1);
    assert_non_null(strstr(e.text, "missing/store"));
    struct members gone = f->members;
    snprintf(gone.folder, sizeof gone.folder, "%s/nowhere", f->root);
    snprintf(gone.boot, sizeof gone.boot, "%s/nowhere/boot.lock", f->root);
    struct members_seen seen;
    assert_int_equal(members_scan(&gone, &seen), -1);
    assert_int_equal(members_join(&gone, "a.1", &e), -1);
    assert_int_equal(members_boot_lock(&gone, &e), -1);
    assert_int_equal(members_remove_dead(&gone, &e), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_store_has_no_members, setup, teardown),
        cmocka_unit_test_setup_teardown(a_member_is_live_until_it_leaves, setup, teardown),
        cmocka_unit_test_setup_teardown(a_killed_member_is_dead_until_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stopped_member_is_live, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_is_joined_once, setup, teardown),
        cmocka_unit_test_setup_teardown(one_who_left_is_not_dead, setup, teardown),
        cmocka_unit_test_setup_teardown(the_boot_lock_is_exclusive_and_dies_with_its_holder, setup, teardown),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test_setup_teardown(failures_name_the_file, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
