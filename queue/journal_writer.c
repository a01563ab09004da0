/* journal_writer.c - the thread that makes groups durable: one pwrite and one fdatasync each.
 *
 * Protocol of use: init -> (recovery sets the segment to go on with) -> start; then hand_over() one group at a time, done() when
 * event_fd is readable. In between it writes marks, recycles segments and makes spares, groups first.
 *
 * Changing segments, in this order, each step on disk before the next: the new segment's header, its name, the old one's end mark, the
 * group. So an end mark proves that a next segment exists, and a next segment proves (by its first group's number) what the old one
 * held. */
#include "queue/journal_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

/* -- Writing, without the lock ------------------------------------------------------------------------------------------------ */
static int fail(const struct journal_writer *w, const char *step)
{
    char name[JOURNAL_NAME_BYTES];
    int error = errno;
    journal_segment_name(w->segment.number, name);
    journal_fatal(step, name, error);
    return -1;
}

/* A mark behind the last group, where the next group will overwrite it; zeros up to the end of the block. */
static int write_mark(struct journal_writer *w, enum journal_kind kind, bool sync)
{
    unsigned char block[JOURNAL_BLOCK_BYTES] = {0};
    if (w->fd < 0)
        return 0;
    struct journal_header h = w->next;
    h.kind = kind;
    h.payload_bytes = h.record_count = 0;
    journal_encode_group(block, &w->segment, &h);
    size_t len = JOURNAL_BLOCK_BYTES - w->end % JOURNAL_BLOCK_BYTES;
    if (len < JOURNAL_HEADER_BYTES)
        len = JOURNAL_HEADER_BYTES;
    assert(w->end + JOURNAL_HEADER_BYTES <= w->segment.bytes);
    if (len > w->segment.bytes - w->end)
        len = w->segment.bytes - w->end;
    if (journal_write_all(w->fd, block, len, w->end) != 0)
        return fail(w, "write mark");
    return sync && journal_io.sync(w->fd) != 0 ? fail(w, "sync mark") : 0;
}

/* Gives a spare the header and the name of a new segment. Returns its descriptor. */
static int make_segment(struct journal_writer *w, const struct journal_segment *s)
{
    unsigned char block[JOURNAL_BLOCK_BYTES];
    char spare[JOURNAL_NAME_BYTES], name[JOURNAL_NAME_BYTES];
    journal_segment_name(s->number, name);
    journal_encode_segment(block, s);
    int fd = journal_spare_take(w, spare);
    if (fd >= 0 && journal_write_all(fd, block, sizeof block, 0) == 0 && journal_io.sync(fd) == 0 &&
        journal_io.rename(w->folder_fd, spare, name) == 0 && journal_io.sync_folder(w->folder_fd) == 0)
        return fd;
    int error = errno;
    journal_close_file(fd);
    journal_fatal("open segment", name, error);
    return -1;
}

static int change_segment(struct journal_writer *w, const struct journal_segment *s)
{
    int fd = make_segment(w, s);
    if (fd < 0)
        return -1;
    int result = write_mark(w, JOURNAL_END, true);
    journal_close_file(w->fd);
    w->fd = fd;
    w->segment = *s;
    w->end = JOURNAL_BLOCK_BYTES;
    return result;
}

static int write_group(struct journal_writer *w, struct journal_group *g)
{
    if (g->opens_segment && change_segment(w, &g->segment) != 0)
        return -1;
    assert(g->segment.number == w->segment.number && g->offset == w->end);
    journal_encode_group(g->bytes.data, &g->segment, &g->header);
    if (journal_write_all(w->fd, g->bytes.data, g->bytes.len, g->offset) != 0)
        return fail(w, "write group");
    if (journal_io.sync(w->fd) != 0)
        return fail(w, "sync group");
    w->end = g->offset + JOURNAL_HEADER_BYTES + g->header.payload_bytes;
    w->next =
        (struct journal_header){.number = g->header.number + 1, .oldest = g->header.oldest, .first_record = g->last_record + 1};
    return 0;
}

/* -- The loop, with the lock but for the work ---------------------------------------------------------------------------------- */
static void done_group(struct journal_writer *w, uint64_t number, bool opened, int64_t took_us)
{
    w->shared.job = NULL;
    w->shared.done_group = number;
    if (opened) {
        w->shared.spares_promised--;
        w->shared.want_spare = w->shared.want_spare || (w->shared.spares_ready == 0 && !w->shared.spare_error);
    }
    stats_observe(&w->shared.sync, (uint64_t)took_us);
    uint64_t one = 1;
    while (write(w->event_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

static int do_group(struct journal_writer *w)
{
    struct journal_group *g = w->shared.job;
    pthread_mutex_unlock(&w->lock);
    int64_t start_us = clock_mono_us();
    int result = write_group(w, g);
    int64_t took_us = clock_mono_us() - start_us;
    pthread_mutex_lock(&w->lock);
    if (result == 0)
        done_group(w, g->header.number, g->opens_segment, took_us);
    return result;
}

static int do_mark(struct journal_writer *w)
{
    enum journal_kind kind = w->shared.mark;
    pthread_mutex_unlock(&w->lock);
    int result = write_mark(w, kind, kind == JOURNAL_CLOSE);
    pthread_mutex_lock(&w->lock);
    w->shared.mark = 0;
    return result;
}

static int do_recycle(struct journal_writer *w)
{
    uint64_t number = w->shared.recycle;
    unsigned spares = w->shared.spares_ready + w->shared.spares_promised;
    bool keep = w->shared.recycle_bytes == w->spare_bytes && spares < JOURNAL_SPARES_KEPT;
    pthread_mutex_unlock(&w->lock);
    int kept = journal_spare_recycle(w, number, keep);
    pthread_mutex_lock(&w->lock);
    w->shared.recycle = 0;
    if (kept > 0) {
        w->shared.spares_ready++;
        w->shared.spare_error = 0;
    }
    return kept < 0 ? -1 : 0;
}

static int do_spare(struct journal_writer *w)
{
    int error;
    pthread_mutex_unlock(&w->lock);
    int result = journal_spare_step(w, &error);
    pthread_mutex_lock(&w->lock);
    if (result < 0 || result == 1)
        return result < 0 ? -1 : 0;
    if (error != w->shared.spare_error && error)
        log_warn("journal.full", "reason=\"%s\"", strerror(error));
    w->shared.want_spare = false;
    w->shared.spare_error = error;
    w->shared.spares_ready += result == 2;
    return 0;
}

static void *run(void *self)
{
    struct journal_writer *w = self;
    int result = 0;
    pthread_mutex_lock(&w->lock);
    while (result == 0) {
        if (w->shared.job)
            result = do_group(w);
        else if (w->shared.mark)
            result = do_mark(w);
        else if (w->shared.stop)
            break;
        else if (w->shared.recycle)
            result = do_recycle(w);
        else if (w->shared.want_spare)
            result = do_spare(w);
        else {
            pthread_cond_wait(&w->wake, &w->lock);
            continue;
        }
        pthread_cond_broadcast(&w->changed);
    }
    w->shared.dead = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* -- For the owner ------------------------------------------------------------------------------------------------------------- */
int journal_writer_init(struct journal_writer *w, int folder_fd, uint32_t spare_bytes)
{
    *w = (struct journal_writer){.folder_fd = folder_fd, .fd = -1, .making_fd = -1, .spare_bytes = spare_bytes};
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, NULL);
    pthread_cond_init(&w->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    w->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return w->event_fd < 0 ? -1 : 0;
}

int journal_writer_start(struct journal_writer *w)
{
    int error = pthread_create(&w->thread, NULL, run, w);
    w->started = error == 0;
    errno = error;
    return error ? -1 : 0;
}

void journal_writer_finish(struct journal_writer *w)
{
    if (w->started) {
        pthread_mutex_lock(&w->lock);
        w->shared.stop = true;
        pthread_cond_signal(&w->wake);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->thread, NULL);
    }
    const int fds[] = {w->fd, w->making_fd, w->event_fd};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(w->zeros);
    pthread_cond_destroy(&w->wake);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
}

void journal_writer_hand_over(struct journal_writer *w, struct journal_group *g)
{
    pthread_mutex_lock(&w->lock);
    assert(!w->shared.job);
    w->shared.job = g;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

uint64_t journal_writer_done(struct journal_writer *w)
{
    uint64_t events;
    while (read(w->event_fd, &events, sizeof events) < 0 && errno == EINTR)
        continue;
    pthread_mutex_lock(&w->lock);
    uint64_t done = w->shared.done_group;
    pthread_mutex_unlock(&w->lock);
    return done;
}

void journal_writer_mark(struct journal_writer *w, enum journal_kind kind)
{
    pthread_mutex_lock(&w->lock);
    w->shared.mark = kind;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void journal_writer_recycle(struct journal_writer *w, uint64_t number, uint32_t bytes)
{
    pthread_mutex_lock(&w->lock);
    while (w->shared.recycle && !w->shared.dead) /* the one before is still under way: a rename */
        pthread_cond_wait(&w->changed, &w->lock);
    w->shared.recycle = number;
    w->shared.recycle_bytes = bytes;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void journal_writer_settle(struct journal_writer *w)
{
    pthread_mutex_lock(&w->lock);
    while ((w->shared.job || w->shared.mark) && !w->shared.dead)
        pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

bool journal_writer_has_spare(struct journal_writer *w)
{
    pthread_mutex_lock(&w->lock);
    bool ready = w->shared.spares_ready > 0;
    pthread_mutex_unlock(&w->lock);
    return ready;
}

bool journal_writer_take_spare(struct journal_writer *w)
{
    pthread_mutex_lock(&w->lock);
    bool ready = w->shared.spares_ready > 0;
    if (ready) {
        w->shared.spares_ready--;
        w->shared.spares_promised++;
    }
    if (w->shared.spares_ready == 0 && !w->shared.spare_error) {
        w->shared.want_spare = true;
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    return ready;
}

static struct timespec deadline_in(int wait_ms)
{
    int64_t at_us = clock_mono_us() + (int64_t)wait_ms * 1000;
    return (struct timespec){.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000};
}

bool journal_writer_await_spare(struct journal_writer *w, bool again, int wait_ms)
{
    struct timespec until = deadline_in(wait_ms);
    pthread_mutex_lock(&w->lock);
    if (w->shared.spares_ready == 0 && (again || !w->shared.spare_error)) {
        w->shared.want_spare = true;
        pthread_cond_signal(&w->wake);
    }
    while (w->shared.spares_ready == 0 && w->shared.want_spare && !w->shared.dead)
        if (pthread_cond_timedwait(&w->changed, &w->lock, &until) == ETIMEDOUT)
            break;
    bool ready = w->shared.spares_ready > 0;
    pthread_mutex_unlock(&w->lock);
    return ready;
}

int journal_spare_errno(struct journal_writer *w)
{
    pthread_mutex_lock(&w->lock);
    int error = w->shared.spare_error;
    pthread_mutex_unlock(&w->lock);
    return error;
}
