/* undo.c - the undo log of one file: what its unsynced writes have overwritten.
 *
 *   SIDE/<inode>.undo   struct head in the first 4096 bytes, then struct records, each followed by the bytes that were overwritten;
 *                       valid from head.base to head.end, oldest first
 *
 * As long as every sync succeeds, a sync moves base, and nothing else is kept. After one that failed all records stay, and each says what it
 * is: lossy.py then makes the file anew from its oldest state, without those in doubt.
 *
 * Rules: a record is complete before its write begins, both under the file's lock (flock between descriptors, a mutex between threads of one).
 * A process may die at any point: the kernel drops its lock, and a record that head.end does not cover yet belongs to a write that
 * never began. */
#include "tests/chaos/preload.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATA_AT 4096u
#define COPY_BYTES 65536u

enum state { STATE_OPEN, STATE_SETTLED, STATE_DOUBTFUL };

struct head {
    uint64_t generation; /* one more with each reset */
    uint64_t base;       /* records below are synced */
    uint64_t end;
    uint64_t judged; /* when a sync has failed: the state of records below is final; else 0 */
};

struct record {
    uint32_t kind;
    uint32_t kept_bytes; /* that follow: what was there from `at` on */
    uint32_t state, unused;
    uint64_t at;
    uint64_t bytes;      /* of the write */
    uint64_t size_bytes; /* of the file before it */
};

struct undo {
    int file, reader;
    struct head *head;
    pthread_mutex_t mutex;
};

static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fallocate)(int, int, off_t, off_t);

__attribute__((constructor)) static void find(void)
{
    preload_find(&real_openat, "openat");
    preload_find(&real_close, "close");
    preload_find(&real_pwrite, "pwrite");
    preload_find(&real_ftruncate, "ftruncate");
    preload_find(&real_fallocate, "fallocate");
}

static void put(struct undo *u, const void *bytes, size_t len, uint64_t at)
{
    if (real_pwrite(u->file, bytes, len, (off_t)at) != (ssize_t)len)
        preload_die("undo");
}

static void store(uint64_t *field, uint64_t value) { __atomic_store_n(field, value, __ATOMIC_SEQ_CST); }

static void reset(struct head *h)
{
    h->generation++;
    store(&h->end, DATA_AT); /* below base: empty, should we die here */
    store(&h->base, DATA_AT);
    store(&h->judged, 0);
}

struct undo *undo_open(const char *side, int fd, ino_t inode, bool created)
{
    char name[PATH_MAX + 48];
    struct stat st;
    struct undo *u = calloc(1, sizeof *u);
    if (!u)
        preload_die("memory");
    snprintf(name, sizeof name, "%s/%llu.undo", side, (unsigned long long)inode);
    u->file = real_openat(AT_FDCWD, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    u->reader = real_openat(AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
    if (u->file < 0 || u->reader < 0)
        preload_die(name);
    pthread_mutex_init(&u->mutex, NULL);
    undo_lock(u);
    if (fstat(u->file, &st) != 0 || (st.st_size < DATA_AT && real_ftruncate(u->file, DATA_AT) != 0))
        preload_die("undo");
    u->head = mmap(NULL, DATA_AT, PROT_READ | PROT_WRITE, MAP_SHARED, u->file, 0);
    if (u->head == MAP_FAILED)
        preload_die("mmap");
    if (created || u->head->end == 0) /* another file may have had this inode before */
        reset(u->head);
    undo_unlock(u);
    return u;
}

void undo_close(struct undo **u)
{
    munmap((*u)->head, DATA_AT);
    real_close((*u)->file);
    real_close((*u)->reader);
    pthread_mutex_destroy(&(*u)->mutex);
    free(*u);
    *u = NULL;
}

void undo_lock(struct undo *u)
{
    pthread_mutex_lock(&u->mutex);
    while (flock(u->file, LOCK_EX) != 0)
        if (errno != EINTR)
            preload_die("flock");
}

void undo_unlock(struct undo *u)
{
    flock(u->file, LOCK_UN);
    pthread_mutex_unlock(&u->mutex);
}

/* Copies bytes from..until of the file behind `to`; returns where it ends. */
static uint64_t copy(struct undo *u, uint64_t from, uint64_t until, uint64_t to)
{
    static _Thread_local unsigned char bytes[COPY_BYTES];
    while (from < until) {
        size_t piece = until - from < COPY_BYTES ? (size_t)(until - from) : COPY_BYTES;
        ssize_t n = pread(u->reader, bytes, piece, (off_t)from);
        if (n <= 0)
            preload_die("pread");
        put(u, bytes, (size_t)n, to);
        from += (uint64_t)n;
        to += (uint64_t)n;
    }
    return to;
}

void undo_save(struct undo *u, enum undo_kind kind, uint64_t at, uint64_t bytes)
{
    struct stat st;
    struct head *h = u->head;
    if (fstat(u->reader, &st) != 0)
        preload_die("fstat");
    uint64_t size = (uint64_t)st.st_size, until = at + bytes < size ? at + bytes : size;
    struct record r = {.kind = (uint32_t)kind, .at = at, .bytes = bytes, .size_bytes = size};
    r.kept_bytes = until > at ? (uint32_t)(until - at) : 0;
    if (h->base >= h->end)
        reset(h);
    put(u, &r, sizeof r, h->end);
    store(&h->end, copy(u, at, at + r.kept_bytes, h->end + sizeof r));
}

struct undo_mark undo_sync_begins(struct undo *u)
{
    undo_lock(u);
    struct undo_mark mark = {u->head->generation, u->head->end};
    undo_unlock(u);
    return mark;
}

/* The records that nobody has judged yet, up to a place, become what they are. */
static void judge(struct undo *u, uint64_t upto, enum state state)
{
    struct head *h = u->head;
    uint64_t at = h->judged > 0 ? h->judged : h->base;
    while (at < upto) {
        struct record r;
        if (pread(u->file, &r, sizeof r, (off_t)at) != (ssize_t)sizeof r)
            preload_die("judge");
        r.state = state;
        put(u, &r, sizeof r, at);
        at += sizeof r + r.kept_bytes;
    }
    store(&h->judged, at);
}

static void settle(struct undo *u, uint64_t upto)
{
    struct head *h = u->head;
    if (h->base >= upto)
        return;
    if (upto < h->end && upto - h->base > COPY_BYTES)
        real_fallocate(u->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)h->base, (off_t)(upto - h->base));
    store(&h->base, upto);
}

void undo_sync_ends(struct undo *u, struct undo_mark mark, bool good)
{
    undo_lock(u);
    struct head *h = u->head;
    bool doubted = h->judged > 0;
    if (h->generation != mark.generation)
        ; /* emptied meanwhile by a sync of somebody else */
    else if (good && !doubted)
        settle(u, mark.upto);
    else if (h->base < h->end)
        judge(u, good ? mark.upto : h->end, good ? STATE_SETTLED : STATE_DOUBTFUL);
    undo_unlock(u);
}
