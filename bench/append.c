/* append.c - the journal alone, and the disk under it. Usage: append FOLDER SECONDS
 *
 * Groups are appended as the broker does it, the next one while the last one is synced, and freed as soon as they are on disk, so that
 * segments are used again and the folder stays small. Beside it the disk's own: writes of the same size into an allocated file, each
 * followed by fdatasync. Prints JSON: rows of figures. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "queue/journal.h"

#define SEGMENT_BYTES (64ll << 20)
#define GROUP_MAX 8192u
#define DISK_BYTES (256ll << 20)

struct kept {
    uint64_t seq, location;
};

struct bench {
    struct journal *journal;
    uint64_t number;
    struct kept *collected, *in_flight; /* GROUP_MAX each: freed when on disk */
    size_t collected_count, in_flight_count;
    uint32_t body_bytes;
    unsigned char *body;
};

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "append: %s: %s\n", what, why);
    exit(1);
}

static int visit(void *self, const struct core_record *record, uint64_t location)
{
    (void)self, (void)record, (void)location;
    return 0;
}

static void live(void *self, const struct core_record *record, uint64_t location)
{
    (void)self, (void)record, (void)location; /* nothing lives that long */
}

static void head(void *self)
{
    struct bench *b = self;
    journal_append(b->journal, &(struct core_record){.kind = CORE_REC_MARK, .number = b->number, .now_ms = clock_wall_ms()});
}

static void append(struct bench *b)
{
    struct core_record record = {.kind = CORE_REC_SEND,
                                 .number = ++b->number,
                                 .now_ms = clock_wall_ms(),
                                 .accepted_ms = clock_wall_ms(),
                                 .seq = b->number,
                                 .id = {{(unsigned char)b->number}},
                                 .group = b->number,
                                 .body = slice_of(b->body, b->body_bytes)};
    if (!journal_has_room(b->journal, clock_mono_ms()))
        fail("journal", "no room");
    uint64_t location = journal_append(b->journal, &record);
    if (location == 0)
        fail("journal", "refused");
    b->collected[b->collected_count++] = (struct kept){record.seq, location};
}

/* The group in flight is on disk: its messages are over. The one collected meanwhile follows. */
static void turn(struct bench *b)
{
    struct pollfd fd = {.fd = journal_fd(b->journal), .events = POLLIN};
    while (!journal_idle(b->journal)) {
        poll(&fd, 1, -1);
        journal_completed(b->journal);
    }
    for (size_t i = 0; i < b->in_flight_count; i++)
        journal_freed(b->journal, b->in_flight[i].location, b->body_bytes);
    while (journal_compact(b->journal, live, b, 256, clock_wall_ms()) == 1) {
    }
    struct kept *free_one = b->in_flight;
    b->in_flight = b->collected;
    b->in_flight_count = b->collected_count;
    b->collected = free_one;
    b->collected_count = 0;
    journal_flush(b->journal);
}

static int by_value(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Groups of count bodies; wait: nothing is collected while a group is synced, so that its time is that of one group. */
static void measure(struct bench *b, const char *name, unsigned count, uint32_t body_bytes, bool wait, double seconds)
{
    static int64_t taken[1 << 20];
    size_t groups = 0;
    b->body_bytes = body_bytes;
    int64_t start_us = clock_mono_us(), end_us = start_us + (int64_t)(seconds * 1e6), now_us = start_us;
    while (now_us < end_us && groups < sizeof taken / sizeof *taken) {
        int64_t begun_us = now_us;
        for (unsigned i = 0; i < count; i++)
            append(b);
        turn(b);
        if (wait)
            turn(b);
        now_us = clock_mono_us();
        taken[groups++] = now_us - begun_us;
    }
    turn(b);
    turn(b);
    now_us = clock_mono_us();
    qsort(taken, groups, sizeof *taken, by_value);
    double s = (double)(now_us - start_us) / 1e6, bytes = (double)groups * count * body_bytes;
    printf("\"journal, %s\": {\"mb_per_second\": %.3f, \"messages_per_second\": %.0f, \"p50_us\": %lld, \"p99_us\": %lld}",
           name, bytes / 1e6 / s, (double)groups * count / s, (long long)taken[groups / 2],
           (long long)taken[groups * 99 / 100]);
}

static void measure_disk(const char *folder, size_t chunk, double seconds)
{
    char path[4096];
    unsigned char *bytes = malloc(chunk);
    snprintf(path, sizeof path, "%s/disk", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (!bytes || fd < 0 || posix_fallocate(fd, 0, DISK_BYTES) != 0)
        fail(path, strerror(errno));
    memset(bytes, 7, chunk);
    for (off_t at = 0; at < DISK_BYTES; at += (off_t)chunk) /* as the journal's spare segments are: written once before */
        if (pwrite(fd, bytes, chunk, at) != (ssize_t)chunk)
            fail(path, strerror(errno));
    fsync(fd);
    int64_t start_us = clock_mono_us(), end_us = start_us + (int64_t)(seconds * 1e6), now_us = start_us;
    uint64_t writes = 0;
    for (; now_us < end_us; now_us = clock_mono_us(), writes++)
        if (pwrite(fd, bytes, chunk, (off_t)(writes * chunk % DISK_BYTES)) != (ssize_t)chunk || fdatasync(fd) != 0)
            fail(path, strerror(errno));
    printf("\"disk, %zu KiB writes, synced\": {\"mb_per_second\": %.1f, \"us_a_write\": %.1f}", chunk >> 10,
           (double)(writes * chunk) / (double)(now_us - start_us), (double)(now_us - start_us) / (double)writes);
    close(fd);
    unlink(path);
    free(bytes);
}

static void prepare(struct bench *b, const char *folder)
{
    struct err e = {0};
    char path[4096];
    snprintf(path, sizeof path, "%s/journal", folder);
    struct journal_config config = {path, SEGMENT_BYTES, 64ll << 20};
    *b = (struct bench){.journal = journal_open(&config, &e)};
    if (!b->journal || journal_recover(b->journal, visit, b, &e) != 0)
        fail(path, e.text);
    journal_recount(b->journal);
    journal_on_segment(b->journal, head, b);
    b->collected = calloc(GROUP_MAX, sizeof *b->collected);
    b->in_flight = calloc(GROUP_MAX, sizeof *b->in_flight);
    b->body = malloc(1 << 20);
    if (!b->collected || !b->in_flight || !b->body)
        fail(path, "out of memory");
    memset(b->body, 'x', 1 << 20);
}

int main(int argc, char **argv)
{
    struct bench b;
    double seconds = argc == 3 ? strtod(argv[2], NULL) / 5 : 0;
    if (seconds <= 0)
        return 64;
    prepare(&b, argv[1]);
    printf("{");
    measure(&b, "one message a group", 1, 100, true, seconds);
    printf(", ");
    measure(&b, "100 messages of 100 bytes a group", 100, 100, false, seconds);
    printf(", ");
    measure(&b, "1 MiB a group", 256, 4096, false, seconds);
    printf(", ");
    measure_disk(argv[1], 4096, seconds);
    printf(", ");
    measure_disk(argv[1], 1 << 20, seconds);
    printf("}\n");
    journal_close(&b.journal);
    free(b.collected);
    free(b.in_flight);
    free(b.body);
    return 0;
}
