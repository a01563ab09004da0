/* pending.c - jobs live in chunks that never move; a tag is generation << 32 | slot + 1. */
#include "gateway/pending.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_JOBS 1024u
#define BUCKETS (1u << 15)
#define KEEP_TEXT_BYTES (16u * 1024u)
#define KEEP_JOBS 16u

static_assert(sizeof(void *) == 8, "a tag holds generation and slot");

struct pending {
    struct timers timers;
    struct pending_job **chunks;
    uint32_t chunk_count, chunks_max, jobs_max, jobs;
    struct pending_job *free_jobs;
    struct pending_request *free_requests;
    struct pending_job *bucket[BUCKETS];
};

struct pending *pending_create(uint32_t jobs_max, int64_t now_ms)
{
    struct pending *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->jobs_max = jobs_max;
    p->chunks_max = jobs_max / CHUNK_JOBS + 1;
    p->chunks = calloc(p->chunks_max, sizeof *p->chunks);
    if (!p->chunks) {
        free(p);
        return NULL;
    }
    timers_init(&p->timers, now_ms);
    return p;
}

static void free_request(struct pending_request *r)
{
    buf_finish(&r->texts);
    free(r->jobs);
    free(r);
}

void pending_destroy(struct pending **pending)
{
    struct pending *p = *pending;
    if (!p)
        return;
    assert(p->jobs == 0);
    for (struct pending_request *r = p->free_requests, *next; r; r = next) {
        next = r->next_free;
        free_request(r);
    }
    for (uint32_t i = 0; i < p->chunk_count; i++)
        free(p->chunks[i]);
    free(p->chunks);
    free(p);
    *pending = NULL;
}

/* -- Requests -------------------------------------------------------------------------------------------------- */
static struct pending_request *take_request(struct pending *p)
{
    struct pending_request *r = p->free_requests;
    if (r) {
        p->free_requests = r->next_free;
        return r;
    }
    return calloc(1, sizeof *r);
}

static bool has_room(struct pending_request *r, uint32_t jobs)
{
    if (jobs <= r->capacity)
        return true;
    struct pending_job **grown = realloc(r->jobs, jobs * sizeof *grown);
    if (!grown)
        return false;
    r->jobs = grown;
    r->capacity = jobs;
    return true;
}

static bool more_jobs(struct pending *p)
{
    struct pending_job *chunk = p->chunk_count < p->chunks_max ? calloc(CHUNK_JOBS, sizeof *chunk) : NULL;
    if (!chunk)
        return false;
    for (uint32_t i = CHUNK_JOBS; i-- > 0;) {
        chunk[i].slot = p->chunk_count * CHUNK_JOBS + i;
        chunk[i].next = p->free_jobs;
        p->free_jobs = &chunk[i];
    }
    p->chunks[p->chunk_count++] = chunk;
    return true;
}

static void free_job(struct pending *p, struct pending_job *job)
{
    job->request = NULL;
    job->generation++; /* tags that are still out find nothing */
    job->next = p->free_jobs;
    p->free_jobs = job;
    p->jobs--;
}

static bool take_job(struct pending *p, struct pending_request *r)
{
    if (p->jobs == p->jobs_max || (!p->free_jobs && !more_jobs(p)))
        return false;
    struct pending_job *job = p->free_jobs;
    p->free_jobs = job->next;
    p->jobs++;
    *job = (struct pending_job){
        .request = r, .slot = job->slot, .generation = job->generation, .position = r->count, .status = JOB_SENDING};
    r->jobs[r->count++] = job;
    return true;
}

struct pending_request *pending_open(struct pending *p, const struct pending_kind *kind, void *owner, uint32_t jobs,
                                     int64_t now_ms, int64_t due_ms)
{
    assert(jobs > 0);
    struct pending_request *r = take_request(p);
    if (!r)
        return NULL;
    r->next_free = NULL;
    r->count = 0;
    bool taken = has_room(r, jobs);
    while (taken && r->count < jobs)
        taken = take_job(p, r);
    if (!taken) {
        pending_close(p, r);
        return NULL;
    }
    r->open = r->sending = jobs;
    r->kind = kind;
    r->owner = owner;
    r->begun_ms = r->wait_until_ms = now_ms;
    r->from_header = r->batch = false;
    timer_set(&p->timers, &r->timer, due_ms);
    return r;
}

static struct pending_job **bucket_of(struct pending *p, const struct id *id)
{
    uint32_t hash; /* of the random half of a UUIDv7, without its last byte, the slice */
    memcpy(&hash, id->bytes + 10, sizeof hash);
    return &p->bucket[hash & (BUCKETS - 1)];
}

static void unwatch(struct pending *p, struct pending_job *job)
{
    if (!job->watched)
        return;
    struct pending_job **link = bucket_of(p, &job->id);
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    job->next = NULL;
    job->watched = false;
}

void pending_close(struct pending *p, struct pending_request *r)
{
    timer_clear(&p->timers, &r->timer);
    for (uint32_t i = 0; i < r->count; i++) {
        unwatch(p, r->jobs[i]);
        free_job(p, r->jobs[i]);
    }
    r->count = r->open = r->sending = 0;
    assert(r->charged == 0);
    buf_reset(&r->texts);
    if (r->texts.cap > KEEP_TEXT_BYTES)
        buf_finish(&r->texts);
    if (r->capacity > KEEP_JOBS) {
        free(r->jobs);
        r->jobs = NULL;
        r->capacity = 0;
    }
    r->owner = NULL;
    r->next_free = p->free_requests;
    p->free_requests = r;
}

void pending_set_due(struct pending *p, struct pending_request *r, int64_t due_ms) { timer_set(&p->timers, &r->timer, due_ms); }

/* -- Jobs ------------------------------------------------------------------------------------------------------ */
void *pending_tag(const struct pending_job *job)
{
    return (void *)(uintptr_t)((uint64_t)job->generation << 32 | (job->slot + 1u));
}

struct pending_job *pending_by_tag(struct pending *p, void *tag)
{
    uint64_t number = (uint64_t)(uintptr_t)tag;
    uint32_t slot = (uint32_t)number - 1u;
    if (slot / CHUNK_JOBS >= p->chunk_count)
        return NULL;
    struct pending_job *job = &p->chunks[slot / CHUNK_JOBS][slot % CHUNK_JOBS];
    return job->request && job->generation == (uint32_t)(number >> 32) ? job : NULL;
}

void pending_watch(struct pending *p, struct pending_job *job, const struct id *id)
{
    unwatch(p, job);
    job->id = *id;
    struct pending_job **bucket = bucket_of(p, id);
    job->next = *bucket;
    *bucket = job;
    job->watched = true;
}

struct pending_job *pending_by_id(struct pending *p, const struct id *id)
{
    struct pending_job *job = *bucket_of(p, id);
    while (job && (job->settled || !id_equal(&job->id, id)))
        job = job->next;
    return job;
}

bool pending_accepted(struct pending_job *job)
{
    struct pending_request *r = job->request;
    if (job->settled || job->status != JOB_SENDING)
        return false;
    assert(r->sending > 0);
    job->status = JOB_QUEUED;
    r->sending--;
    return r->sending == 0;
}

bool pending_settle(struct pending_job *job, enum job_status status)
{
    struct pending_request *r = job->request;
    if (job->settled)
        return false;
    assert(r->open > 0);
    if (job->status == JOB_SENDING)
        r->sending--;
    job->status = status;
    job->settled = true;
    r->open--;
    return r->open == 0;
}

/* -- Time ------------------------------------------------------------------------------------------------------ */
struct pending_request *pending_late(struct pending *p, int64_t now_ms)
{
    struct timer *t = timers_take(&p->timers, now_ms);
    return t ? (struct pending_request *)((char *)t - offsetof(struct pending_request, timer)) : NULL;
}

int64_t pending_deadline(const struct pending *p) { return timers_deadline(&p->timers); }

uint32_t pending_jobs(const struct pending *p) { return p->jobs; }
