/* sqs_batch.c - what the three batch actions share: entries with ids, each with its own result; see sqs.h. */
#include <string.h>

#include "common/mp.h"
#include "gateway/sqs.h"
#include "common/sqs_message.h"

#define ENTRIES_MAX 10u
#define ID_BYTES_MAX 80u
#define ID_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

static struct value id_of(const struct value *entry)
{
    return entry->type == VALUE_M ? value_map_get(entry, slice_text("Id")) : (struct value){.type = VALUE_NONE};
}

static bool id_good(struct slice id)
{
    for (size_t i = 0; i < id.len; i++)
        if (id.ptr[i] == '\0' || !strchr(ID_CHARACTERS, id.ptr[i]))
            return false;
    return id.len >= 1 && id.len <= ID_BYTES_MAX;
}

int sqs_batch_check(struct sqs_request *q, struct value *entries)
{
    struct slice ids[ENTRIES_MAX];
    struct value entry;
    uint32_t count = 0;
    *entries = value_map_get(&q->in, slice_text("Entries"));
    if (sqs_need_queue(q) != 0)
        return -1;
    if (q->json && (entries->type == VALUE_NONE || entries->type == VALUE_NULL)) /* in a form an empty list is none */
        return sqs_fail(&q->e, SQS_MISSING, "The request must contain the parameter Entries.");
    if (entries->type != VALUE_L || entries->count == 0)
        return sqs_fail(&q->e, SQS_EMPTY_BATCH, "There should be at least one %sRequestEntry in the request.", q->action->name);
    if (entries->count > ENTRIES_MAX)
        return sqs_fail(&q->e, SQS_TOO_MANY_ENTRIES, "Maximum number of entries per request are %u. You have sent %u.",
                        ENTRIES_MAX, entries->count);
    for (struct value_walk walk = value_walk_of(entries); value_walk_next(&walk, NULL, &entry); count++) {
        struct value id = id_of(&entry);
        if (id.type != VALUE_S || !id_good(id.bytes))
            return sqs_fail(
                &q->e, SQS_INVALID_BATCH_ID,
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 "
                "letters long.");
        for (uint32_t i = 0; i < count; i++)
            if (slice_equal(ids[i], id.bytes))
                return sqs_fail(&q->e, SQS_IDS_NOT_DISTINCT, "Id %.*s repeated.", (int)id.bytes.len,
                                (const char *)id.bytes.ptr);
        ids[count] = id.bytes;
    }
    return 0;
}

struct pending_request *sqs_batch_open(struct sqs_request *q, const struct value *entries, sqs_step *step)
{
    const unsigned char *begin = q->in.encoded.ptr;
    struct pending_request *p = sqs_open(q, entries->count, q->g->now_ms + GATEWAY_ANSWER_MS, step);
    struct value entry;
    uint32_t i = 0;
    for (struct value_walk walk = value_walk_of(entries); p && value_walk_next(&walk, NULL, &entry); i++) {
        p->jobs[i]->text_at = (size_t)(entry.encoded.ptr - begin);
        p->jobs[i]->text_len = entry.encoded.len;
    }
    return p;
}

struct value sqs_batch_entry(const struct pending_job *job) { return value_of(gateway_text(job)); }

/* -- Results: behind what the request was given, one M for each job ------------------------------------------------------------ */
/* One member, or none where the list would be empty. */
static uint32_t put_results(struct gateway *g, const struct pending_request *p, const char *name, enum job_status status)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->count; i++)
        count += p->jobs[i]->status == status;
    if (count == 0)
        return 0;
    mp_put_text(&g->value, name);
    mp_put_array(&g->value, count);
    for (uint32_t i = 0; i < p->count; i++)
        if (p->jobs[i]->status == status)
            mp_put_raw(&g->value, gateway_text(p->jobs[i]));
    return 1;
}

static void finish(struct gateway *g, struct pending_request *p)
{
    buf_reset(&g->value);
    size_t mark = mp_open(&g->value);
    uint32_t lists = put_results(g, p, "Successful", JOB_SUCCEEDED);
    lists += put_results(g, p, "Failed", JOB_FAILED);
    mp_close_map(&g->value, mark, lists);
    sqs_finish(g, p, buf_slice(&g->value));
}

static void settle(struct gateway *g, struct pending_job *job, enum job_status status)
{
    struct pending_request *p = job->request;
    job->text_len = p->texts.len - job->text_at;
    if (pending_settle(job, status))
        finish(g, p);
}

/* members is an encoded M with fewer than 15 members: its header is one byte. */
void sqs_batch_done(struct gateway *g, struct pending_job *job, struct slice members)
{
    struct pending_request *p = job->request;
    struct value map = value_of(members), entry = sqs_batch_entry(job), id = id_of(&entry);
    struct buf name = {0};
    buf_append(&name, id.bytes.ptr, id.bytes.len); /* the texts move */
    job->text_at = p->texts.len;
    mp_put_map(&p->texts, 1 + (map.type == VALUE_M ? map.count : 0));
    mp_put_text(&p->texts, "Id");
    mp_put_str(&p->texts, (const char *)name.data, name.len);
    if (map.type == VALUE_M)
        mp_put_raw(&p->texts, map.bytes);
    buf_finish(&name);
    settle(g, job, JOB_SUCCEEDED);
}

void sqs_batch_failed(struct gateway *g, struct pending_job *job, const struct sqs_error *e)
{
    struct pending_request *p = job->request;
    struct value entry = sqs_batch_entry(job), id = id_of(&entry);
    struct buf name = {0};
    if (e->code == SQS_NO_QUEUE) { /* no entry's own fault */
        sqs_finish_error(g, p, e);
        return;
    }
    buf_append(&name, id.bytes.ptr, id.bytes.len);
    job->text_at = p->texts.len;
    mp_put_map(&p->texts, 4);
    mp_put_text(&p->texts, "Id");
    mp_put_str(&p->texts, (const char *)name.data, name.len);
    mp_put_text(&p->texts, "SenderFault");
    mp_put_bool(&p->texts, sqs_error_status(e->code) < 500);
    mp_put_text(&p->texts, "Code");
    mp_put_text(&p->texts, sqs_error_query_code(e->code));
    mp_put_text(&p->texts, "Message");
    mp_put_text(&p->texts, e->text);
    buf_finish(&name);
    settle(g, job, JOB_FAILED);
}
