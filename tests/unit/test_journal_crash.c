/* test_journal_crash.c - a crash at every boundary.
 *
 * A machine that stops loses any part of what was written and not synced. Each write of a group is caught before it happens; later
 * every state that a crash during this write can leave is made in a folder of its own and recovered: all groups that were synced must be there,
 * the one in flight as a whole or not at all, and the journal must go on from there. A killed process loses nothing that it has handed to the
 * kernel, but may stop between any two calls: so the folder is copied before each call while segments change. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/journal_lab.h"

#define WRITES_MAX 64
#define FIRST "0000000000000001.seg"

struct caught {
    unsigned char *data;
    size_t len;
    off_t at;
    uint64_t synced; /* records on disk before it */
    uint64_t in_it;  /* records of the group that is written; 0 for a mark */
};

static struct crash {
    struct lab lab;
    struct caught writes[WRITES_MAX];
    size_t count;
    uint64_t synced, in_flight;
    char base[80]; /* the folder before the first write */
} crash;

static void catch_write(void *self, const char *what, int fd, const void *bytes, size_t len, off_t at)
{
    struct crash *c = self;
    (void)fd;
    if (strcmp(what, "write") != 0)
        return;
    assert_true(c->count < WRITES_MAX);
    struct caught *w = &c->writes[c->count++];
    *w = (struct caught){.len = len, .at = at, .synced = c->synced, .in_it = c->in_flight, .data = malloc(len)};
    memcpy(w->data, bytes, len);
}

/* Groups of one to several blocks and more, marks, and a group behind a mark. */
static void make_story(struct crash *c)
{
    static const int groups[][2] = {{1, 100}, {3, 250}, {1, 0}, {20, 300}, {2, 5000}, {1, 12000}, {1, 10}, {5, 900}};
    struct lab *lab = &c->lab;
    lab_init(lab);
    lab_open(lab);
    lab_send(lab, 1);
    lab_sync(
        lab); /* the segment exists, and the thread is done with the next spare: it changes nothing while files are copied */
    assert_true(journal_writer_await_spare(&lab->j->writer, false, 10000));
    c->count = 0;
    c->synced = 1;
    snprintf(c->base, sizeof c->base, "%.63s.base", lab->folder);
    lab_copy_folder(lab->folder, c->base);
    lab_faults.before = catch_write;
    lab_faults.before_self = c;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        c->in_flight = (uint64_t)groups[i][0];
        for (int k = 0; k < groups[i][0]; k++)
            lab_send(lab, (uint32_t)groups[i][1] + (uint32_t)k);
        lab_sync(lab);
        c->synced = lab->number;
        c->in_flight = 0;
        if (i % 3 == 1) {
            journal_rest(lab->j);
            journal_writer_settle(&lab->j->writer);
        }
    }
    lab_close(lab);
    lab_faults.before = NULL;
}

static void end_story(struct crash *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->writes[i].data);
    lab_remove_folder(c->base);
    lab_finish(&c->lab);
}

static void write_file(const char *folder, const void *bytes, size_t len, off_t at)
{
    char path[160];
    snprintf(path, sizeof path, "%s/" FIRST, folder);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    close(fd);
}

/* The state before write k: everything up to it. */
static void make_image(const struct crash *c, size_t k, const char *to)
{
    lab_remove_folder(to);
    lab_copy_folder(c->base, to);
    for (size_t i = 0; i < k; i++)
        write_file(to, c->writes[i].data, c->writes[i].len, c->writes[i].at);
}

/* Recovers the folder; between least and most records may be there, nothing else. Then goes on and recovers again. */
static uint64_t check_image(const char *folder, uint64_t least, uint64_t most)
{
    struct lab after = {.now_ms = 1000};
    snprintf(after.folder, sizeof after.folder, "%s", folder);
    after.config = (struct journal_config){.folder = after.folder, .segment_bytes = LAB_SEGMENT_BYTES};
    if (lab_try_open(&after) != 0)
        fail_msg("refused: %s", after.e.text);
    uint64_t found = after.seen_count;
    assert_true(found == least || found == most);
    for (size_t i = 0; i < found; i++) {
        assert_int_equal(after.seen[i].number, i + 1);
        assert_int_equal(after.seen[i].body_sum, lab_body_sum(i + 1, after.seen[i].len));
    }
    after.number = found;
    assert_int_equal(lab_send(&after, 77), found + 1);
    lab_sync(&after);
    assert_int_equal(lab_send(&after, 6000), found + 2);
    lab_crash(&after); /* never handed over: gone */
    assert_int_equal(lab_try_open(&after), 0);
    assert_int_equal(after.seen_count, found + 1);
    assert_int_equal(after.seen[found].body_sum, lab_body_sum(found + 1, 77));
    journal_close(&after.j);
    assert_int_equal(lab_faults.fatals, 0);
    free(after.messages);
    free(after.seen);
    return found;
}

/* What a crash left of write k: a prefix (kept > 0) or what is behind it (kept < 0). */
static uint64_t crash_in(const struct crash *c, size_t k, long kept, const char *folder)
{
    const struct caught *w = &c->writes[k];
    size_t skipped = kept < 0 ? (size_t)-kept : 0, len = kept < 0 ? w->len - skipped : (size_t)kept;
    make_image(c, k, folder);
    write_file(folder, w->data + skipped, len, w->at + (off_t)skipped);
    return check_image(folder, w->synced, w->synced + w->in_it);
}

static void test_every_prefix_of_a_write(void **state)
{
    (void)state;
    struct crash *c = &crash;
    char folder[80];
    make_story(c);
    assert_true(c->count > 10);
    snprintf(folder, sizeof folder, "%.63s.image", c->lab.folder);
    for (size_t k = 0; k < c->count; k++) {
        const struct caught *w = &c->writes[k];
        for (size_t len = 512 - (size_t)w->at % 512; len < w->len; len += 512)
            crash_in(c, k, (long)len, folder);
        assert_int_equal(crash_in(c, k, (long)w->len, folder), w->synced + w->in_it);
        assert_int_equal(crash_in(c, k, 8, folder), w->synced);
    }
    lab_remove_folder(folder);
    end_story(c);
}

/* Blocks may reach the disk in any order: the later ones first. Then the header is not there, or it is the old mark. */
static void test_the_end_of_a_write_without_its_start(void **state)
{
    (void)state;
    struct crash *c = &crash;
    char folder[80];
    make_story(c);
    snprintf(folder, sizeof folder, "%.63s.image", c->lab.folder);
    for (size_t k = 0; k < c->count; k++) {
        const struct caught *w = &c->writes[k];
        for (size_t skipped = 512 - (size_t)w->at % 512; skipped < w->len; skipped += 512)
            if (w->in_it > 0 && skipped >= 64)
                assert_int_equal(crash_in(c, k, -(long)skipped, folder), w->synced);
    }
    lab_remove_folder(folder);
    end_story(c);
}

static uint32_t end_of_story(const struct crash *c)
{
    uint32_t end = 0;
    for (size_t i = 0; i < c->count; i++)
        if (c->writes[i].in_it > 0)
            end = (uint32_t)c->writes[i].at;
    return end;
}

static int recover_copy(const char *folder, struct lab *after)
{
    *after = (struct lab){.now_ms = 1000};
    snprintf(after->folder, sizeof after->folder, "%s", folder);
    after->config = (struct journal_config){.folder = after->folder, .segment_bytes = LAB_SEGMENT_BYTES};
    return lab_try_open(after);
}

/* Flips one bit at a place of the finished journal. True if recovery refuses it; else all records must be there. */
static bool flip_refused(const struct crash *c, const char *folder, uint32_t at, uint64_t records, uint64_t or_records)
{
    struct lab after, image = {0};
    make_image(c, c->count, folder);
    snprintf(image.folder, sizeof image.folder, "%s", folder);
    lab_flip(&image, FIRST, at, (unsigned char)(1 << at % 8));
    uint64_t before = lab_folder_sum(&image);
    if (recover_copy(folder, &after) != 0) {
        assert_non_null(strstr(after.e.text, FIRST));
        assert_non_null(strstr(after.e.text, "--salvage"));
        assert_int_equal(lab_folder_sum(&image), before);
        free(after.seen);
        return true;
    }
    assert_true(after.seen_count == records || after.seen_count == or_records);
    for (size_t i = 0; i < after.seen_count; i++)
        assert_int_equal(after.seen[i].body_sum, lab_body_sum(after.seen[i].seq, after.seen[i].len));
    lab_crash(&after);
    free(after.seen);
    return false;
}

/* After a clean close there is no torn tail: any flip in any group is damage. */
static void test_flips_after_a_clean_close(void **state)
{
    (void)state;
    struct crash *c = &crash;
    char folder[80];
    make_story(c);
    snprintf(folder, sizeof folder, "%.63s.image", c->lab.folder);
    struct caught *last = &c->writes[c->count - 1]; /* the close mark */
    assert_int_equal(last->in_it, 0);
    for (uint32_t at = 0; at < (uint32_t)last->at + 128; at += at < 8192 ? 37 : 401) {
        bool refused = flip_refused(c, folder, at, c->lab.number, c->lab.number);
        assert_true(refused == (at >= JOURNAL_BLOCK_BYTES && at < (uint32_t)last->at));
    }
    for (uint32_t at = end_of_story(c); at < (uint32_t)last->at; at += 23) /* the last group */
        assert_true(flip_refused(c, folder, at, c->lab.number, c->lab.number));
    lab_remove_folder(folder);
    end_story(c);
}

/* Without a mark, a flip in the last group looks like a torn tail: cut. Everywhere else it is damage. */
static void test_flips_without_a_mark(void **state)
{
    (void)state;
    struct crash *c = &crash;
    char folder[80];
    make_story(c);
    snprintf(folder, sizeof folder, "%.63s.image", c->lab.folder);
    uint32_t last_group = end_of_story(c), end = (uint32_t)c->writes[c->count - 1].at;
    while (c->writes[c->count - 1].in_it == 0) /* no marks */
        free(c->writes[--c->count].data);
    uint64_t shorter = c->writes[c->count - 1].synced;
    for (uint32_t at = JOURNAL_BLOCK_BYTES; at < end + 64; at += at < last_group ? 211 : 19) {
        bool refused = flip_refused(c, folder, at, at < end ? shorter : c->lab.number, c->lab.number);
        assert_true(refused == (at < last_group));
    }
    lab_remove_folder(folder);
    end_story(c);
}

/* -- Changing segments ---------------------------------------------------------------------------------------------------------------- */
static struct calls {
    struct lab lab;
    atomic_uint count; /* the thread's calls are counted while the owner looks on */
} calls;

static void copy_before(void *self, const char *what, int fd, const void *bytes, size_t len, off_t at)
{
    struct calls *c = self;
    char to[80];
    (void)what, (void)fd, (void)bytes, (void)len, (void)at;
    assert_true(c->count < 400);
    snprintf(to, sizeof to, "%.60s.%u", c->lab.folder, (unsigned)c->count);
    lab_copy_folder(c->lab.folder, to);
    c->count++;
}

static void test_a_kill_before_every_call(void **state)
{
    (void)state;
    struct calls *c = &calls;
    struct lab *lab = &c->lab;
    lab_init(lab);
    lab_open(lab);
    uint64_t synced[400] = {0};
    lab_faults.before = copy_before;
    lab_faults.before_self = c;
    unsigned noted = 0;
    while (lab->j->segment_count < 3) {
        assert_true(journal_has_room(lab->j, lab->now_ms));
        uint64_t before = lab->number;
        lab_send(lab, 700000);
        lab_sync(lab);
        while (noted < c->count)
            synced[noted++] = before;
    }
    lab_close(lab);
    lab_faults.before = NULL;
    assert_true(c->count > 20);
    for (unsigned i = 0; i < c->count; i++) {
        char folder[80];
        snprintf(folder, sizeof folder, "%.60s.%u", lab->folder, i);
        if (i < noted)
            check_image(folder, synced[i], synced[i] + 1);
        else
            check_image(folder, lab->number, lab->number);
        lab_remove_folder(folder);
    }
    lab_finish(lab);
}

static void test_stale_groups_of_a_recycled_file_stay_dead(void **state)
{
    (void)state;
    struct lab lab;
    char from[160], to[160];
    lab_init(&lab);
    lab_open(&lab);
    for (int i = 0; i < 40; i++) {
        lab_send(&lab, 4000);
        lab_sync(&lab);
    }
    lab_close(&lab);
    lab_path(&lab, FIRST, from);
    lab_path(&lab, "spare.0", to);
    unlink(to);
    assert_int_equal(rename(from, to), 0);
    memset(lab.messages, 0, lab.message_cap * sizeof *lab.messages);
    lab.number = 0;
    lab_open(&lab);
    assert_int_equal(lab.seen_count, 0);
    for (int i = 0; i < 3; i++) {
        lab_send(&lab, 4000 - 500 * (uint32_t)i);
        lab_sync(&lab);
        lab_crash(&lab);
        lab_open(&lab);
        assert_int_equal(lab.seen_count, i + 1);
    }
    lab_finish(&lab);
}

/* A body that looks like a group of this very journal must not be taken for one when the group around it is torn. */
static void test_a_forged_group_in_a_body(void **state)
{
    (void)state;
    struct lab lab;
    char path[160];
    unsigned char *file = malloc(65536);
    lab_init(&lab);
    lab_open(&lab);
    lab_send(&lab, 4000);
    lab_sync(&lab);
    lab_crash(&lab);
    lab_path(&lab, FIRST, path);
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, file, 65536, 0), 65536);
    struct journal_segment s;
    assert_int_equal(journal_decode_segment(file, &s), 0);
    struct journal_header h = {.kind = JOURNAL_RECORDS, .number = 99, .oldest = 1, .first_record = 1};
    uint64_t nonce = s.nonce; /* which nobody outside can know */
    s.nonce = 0;
    journal_encode_group(file + 8192, &s, &h);
    assert_int_equal(pwrite(fd, file + 8192, 64, 16384), 64);
    lab_open(&lab);
    assert_int_equal(lab.seen_count, 1);
    lab_crash(&lab);
    s.nonce = nonce; /* who knew it could do harm */
    journal_encode_group(file + 8192, &s, &h);
    assert_int_equal(pwrite(fd, file + 8192, 64, 16384), 64);
    assert_int_equal(lab_try_open(&lab), -1);
    assert_non_null(strstr(lab.e.text, "a later one is there"));
    close(fd);
    free(file);
    lab_finish(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_prefix_of_a_write),   cmocka_unit_test(test_the_end_of_a_write_without_its_start),
        cmocka_unit_test(test_flips_after_a_clean_close), cmocka_unit_test(test_flips_without_a_mark),
        cmocka_unit_test(test_a_kill_before_every_call),  cmocka_unit_test(test_stale_groups_of_a_recycled_file_stay_dead),
        cmocka_unit_test(test_a_forged_group_in_a_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
