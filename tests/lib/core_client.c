/* core_client.c - see core_client.h. */
#include "tests/lib/core_client.h"

#include <stdio.h>
#include <string.h>

static struct slice text_of(const char *text) { return text ? slice_text(text) : (struct slice){NULL, 0}; }

static struct core_queue_attributes plain_queue(const char *name, enum core_queue_kind kind)
{
    struct core_queue_attributes a = {.visibility_ms = VISIBILITY_MS, .retention_ms = 4 * DAY_MS, .kind = kind};
    snprintf(a.name, sizeof a.name, "%s", name);
    return a;
}

struct core_queue_attributes standard_queue(const char *name) { return plain_queue(name, CORE_STANDARD); }
struct core_queue_attributes fifo_queue(const char *name) { return plain_queue(name, CORE_FIFO); }
uint32_t queue_number(const struct world *w, const char *name) { return core_queue_by_name(w->core, slice_text(name)); }

const struct core_queue_attributes *queue_now(const struct world *w, const char *name, struct core_queue_stats *s)
{
    const struct core_queue_attributes *a;
    if (!core_queue_stats(w->core, queue_number(w, name), &a, s))
        fail_msg("there is no queue %s", name);
    return a;
}

/* -- Verbs ------------------------------------------------------------------------------------------------------------------------------ */
void settle(struct world *w)
{
    if (w->seen_count == 0)
        commit(w);
}

void create_asked(struct world *w, const struct core_queue_attributes *a)
{
    struct core_event e = {.kind = CORE_QUEUE_CREATE, .attributes = a, .body = slice_text("document")};
    memset(e.key, a->name[0], sizeof e.key);
    event(w, &e);
}

void create(struct world *w, const struct core_queue_attributes *a)
{
    create_asked(w, a);
    commit(w);
    expect_answer(w, CORE_OK);
}

void change(struct world *w, uint64_t version, const struct core_queue_attributes *a)
{
    event(w, &(struct core_event){.kind = CORE_QUEUE_CHANGE,
                                  .queue = queue_number(w, a->name),
                                  .number = version,
                                  .attributes = a,
                                  .body = slice_text("another")});
}

static struct id token_of(char token) { return (struct id){{(unsigned char)token, 't'}}; }

void remove_queue(struct world *w, const char *queue, char token)
{
    event(w, &(struct core_event){
                 .kind = CORE_QUEUE_REMOVE, .queue = queue_number(w, queue), .body = slice_text(queue), .id = token_of(token)});
}

void purge_queue(struct world *w, const char *queue, char token)
{
    event(w, &(struct core_event){.kind = CORE_QUEUE_PURGE, .queue = queue_number(w, queue), .id = token_of(token)});
}

void post_parcel(struct world *w, const struct parcel *p)
{
    struct core_event e = {.kind = CORE_POST,
                           .client = p->client,
                           .queue = queue_number(w, p->queue),
                           .id = name_id(p->name),
                           .group = p->group,
                           .delay_ms = p->delay_ms,
                           .messages = p->priority,
                           .content_key = p->content,
                           .size = p->size,
                           .has_key = !p->no_key,
                           .body = text_of(p->body)};
    const char *key = p->key ? p->key : p->name;
    memcpy(e.key, key, strlen(key) < sizeof e.key ? strlen(key) : sizeof e.key);
    event(w, &e);
}

void receive_wish(struct world *w, const struct wish *r)
{
    struct core_event e = {.kind = CORE_RECEIVE,
                           .client = r->client,
                           .tag = r->tag,
                           .queue = queue_number(w, r->queue),
                           .messages = r->max,
                           .delay_ms = r->visibility_ms,
                           .wait_ms = r->wait_ms,
                           .has_key = r->attempt != NULL};
    if (r->attempt)
        memcpy(e.key, r->attempt, strlen(r->attempt));
    event(w, &e);
}

void stop(struct world *w, uint32_t client, uint64_t tag)
{
    event(w, &(struct core_event){.kind = CORE_STOP, .client = client, .number = tag});
}

void delete_given(struct world *w, const char *queue, struct given_to g)
{
    event(w, &(struct core_event){.kind = CORE_DELETE, .queue = queue_number(w, queue), .seq = g.seq, .lease = g.lease});
}

void keep_given(struct world *w, const char *queue, struct given_to g, int64_t visibility_ms)
{
    event(w, &(struct core_event){.kind = CORE_VISIBILITY,
                                  .queue = queue_number(w, queue),
                                  .seq = g.seq,
                                  .lease = g.lease,
                                  .delay_ms = visibility_ms});
}

void deleted(struct world *w, const char *queue, const char *name)
{
    delete_given(w, queue, given_last(w, name));
    settle(w);
    expect_answer(w, CORE_OK);
}

void kept(struct world *w, const char *queue, const char *name, int64_t visibility_ms)
{
    keep_given(w, queue, given_last(w, name), visibility_ms);
    settle(w);
    expect_answer(w, CORE_OK);
}

struct given_to given_last(const struct world *w, const char *name)
{
    struct held h = held(w, name);
    return (struct given_to){h.seq, h.lease};
}

void task_start(struct world *w, const char *queue, char task, const char *destination, uint32_t rate)
{
    event(w, &(struct core_event){.kind = CORE_TASK_START,
                                  .queue = queue_number(w, queue),
                                  .id = token_of(task),
                                  .body = text_of(destination),
                                  .messages = rate});
}

void task_cancel(struct world *w, const char *queue, char task)
{
    event(w, &(struct core_event){.kind = CORE_TASK_CANCEL, .queue = queue_number(w, queue), .id = token_of(task)});
}

/* -- What was seen ------------------------------------------------------------------------------------------------------------------------ */
static const struct core_effect *next(struct world *w, enum core_effect_kind kind)
{
    if (w->seen_at == w->seen_count || w->seen[w->seen_at].kind != kind) {
        print_error("expected effect %d, saw %d (%zu of %zu)\n", (int)kind,
                    w->seen_at < w->seen_count ? (int)w->seen[w->seen_at].kind : -1, w->seen_at, w->seen_count);
        fail();
    }
    return &w->seen[w->seen_at++];
}

const struct core_effect *expect_answer(struct world *w, enum core_answer answer)
{
    const struct core_effect *e = next(w, CORE_EFFECT_ANSWER);
    assert_int_equal(e->answer, answer);
    return e;
}

void expect_received(struct world *w, uint32_t client, uint64_t tag, uint32_t count)
{
    const struct core_effect *e = next(w, CORE_EFFECT_RECEIVED);
    assert_int_equal(e->answer, CORE_OK);
    assert_int_equal(e->client, client);
    assert_int_equal(e->tag, tag);
    assert_int_equal(e->value, count);
}

void expect_refused(struct world *w, uint64_t tag, enum core_answer answer)
{
    const struct core_effect *e = next(w, CORE_EFFECT_RECEIVED);
    assert_int_equal(e->answer, answer);
    assert_int_equal(e->tag, tag);
    assert_int_equal(e->value, 0);
}

void expect_given(struct world *w, const char *name)
{
    struct id id = name_id(name);
    const struct core_effect *e = next(w, CORE_EFFECT_GIVEN);
    if (!id_equal(&e->id, &id))
        fail_msg("given %.15s instead of %s", (const char *)e->id.bytes, name);
}

void expect_gives(struct world *w, const char *queue, const char *names)
{
    char copy[512], *rest = NULL;
    uint32_t count = 0;
    for (const char *at = names; *at; at++)
        count += at == names || (*at != ' ' && at[-1] == ' ');
    received(w, queue, 10);
    expect_received(w, 0, 77, count);
    snprintf(copy, sizeof copy, "%s", names);
    for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
        expect_given(w, name);
    expect_nothing(w);
}

/* -- Recovery ----------------------------------------------------------------------------------------------------------------------------- */
struct world *recovered(const struct world *w)
{
    struct world *after = world_recover(w, 0);
    expect_same_messages(w, after);
    return after;
}

void check_client_recovery(const struct world *w)
{
    struct world *once = recovered(w), *twice = recovered(once);
    world_destroy(&twice);
    world_destroy(&once);
}
