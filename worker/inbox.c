/* inbox.c - copies of delivered frames and the jobs in them. */
#include "worker/inbox.h"

#include <stdlib.h>

/* One delivered frame. Its jobs' bodies point into bytes. */
struct inbox_frame {
    struct inbox_frame *next;
    struct buf bytes;
    size_t count;
    struct apply_job jobs[];
};

void inbox_init(struct inbox *in) { *in = (struct inbox){.oldest = NULL}; }

static void free_frame(struct inbox_frame *frame)
{
    buf_finish(&frame->bytes);
    free(frame);
}

void inbox_clear(struct inbox *in)
{
    for (struct inbox_frame *frame = in->oldest, *next; frame; frame = next) {
        next = frame->next;
        free_frame(frame);
    }
    inbox_init(in);
}

/* Room for count entries whose bodies have no more than `bytes` in all, so that the buffer never moves. */
static struct inbox_frame *new_frame(size_t count, size_t bytes)
{
    struct inbox_frame *frame = calloc(1, sizeof *frame + count * sizeof *frame->jobs);
    if (!frame)
        return NULL;
    buf_init(&frame->bytes);
    if (buf_reserve(&frame->bytes, bytes + 1) == 0)
        return frame;
    free_frame(frame);
    return NULL;
}

static struct apply_job *new_job(struct inbox_frame *frame, struct slice body)
{
    struct apply_job *job = &frame->jobs[frame->count++];
    size_t at = frame->bytes.len;
    buf_append(&frame->bytes, body.ptr, body.len);
    job->body = slice_of(frame->bytes.data + at, body.len);
    return job;
}

static int add_frame(struct inbox *in, struct inbox_frame *frame, const struct msg *m)
{
    if (m->reader.failed || frame->count == 0) {
        free_frame(frame);
        return m->reader.failed ? -1 : 0;
    }
    if (in->newest)
        in->newest->next = frame;
    else
        in->oldest = frame;
    in->newest = frame;
    in->held += frame->count;
    return 0;
}

static struct inbox_frame *frame_for(const struct inbox *in, const struct msg *m, size_t max)
{
    if (m->left > max || in->held > max - m->left)
        return NULL;
    return new_frame(m->left, (size_t)(m->reader.end - m->reader.at));
}

int inbox_add_jobs(struct inbox *in, struct msg *m, size_t max)
{
    struct msg_job entry;
    struct inbox_frame *frame = frame_for(in, m, max);
    if (!frame)
        return -1;
    while (msg_next_job(m, &entry)) {
        struct apply_job *job = new_job(frame, entry.body);
        job->id = entry.id;
        job->has_id = true;
        job->seq = entry.seq;
        job->tag = entry.lease;
        job->again = entry.lease > 1;
    }
    return add_frame(in, frame, m);
}

int inbox_add_calls(struct inbox *in, struct msg *m, size_t max)
{
    struct msg_call entry;
    struct inbox_frame *frame = frame_for(in, m, max);
    if (!frame)
        return -1;
    while (msg_next_calls(m, &entry)) {
        struct apply_job *job = new_job(frame, entry.body);
        job->has_id = entry.id.len == ID_BYTES;
        for (size_t i = 0; job->has_id && i < ID_BYTES; i++)
            job->id.bytes[i] = entry.id.ptr[i];
        job->tag = entry.call;
        job->call = true;
    }
    return add_frame(in, frame, m);
}

size_t inbox_next(const struct inbox *in, struct apply_job **jobs, size_t max,
                  bool (*stop)(void *self, size_t count, struct slice body), void *self)
{
    size_t count = 0;
    for (struct inbox_frame *frame = in->oldest; frame; frame = frame->next)
        for (size_t i = 0; i < frame->count; i++) {
            struct apply_job *job = &frame->jobs[i];
            if (job->end != APPLY_NOT_YET)
                continue;
            if (count == max || (stop && stop(self, count, job->body)))
                return count;
            jobs[count++] = job;
        }
    return count;
}

/* Keeps the jobs of a frame that have no end yet, in order. */
static size_t compact(struct inbox_frame *frame)
{
    size_t kept = 0;
    for (size_t i = 0; i < frame->count; i++)
        if (frame->jobs[i].end == APPLY_NOT_YET)
            frame->jobs[kept++] = frame->jobs[i];
    size_t dropped = frame->count - kept;
    frame->count = kept;
    return dropped;
}

void inbox_drop_ended(struct inbox *in)
{
    struct inbox_frame **at = &in->oldest;
    in->newest = NULL;
    while (*at) {
        struct inbox_frame *frame = *at;
        in->held -= compact(frame);
        if (frame->count == 0) {
            *at = frame->next;
            free_frame(frame);
        } else {
            in->newest = frame;
            at = &frame->next;
        }
    }
}
