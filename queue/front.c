/* front.c - frames of clients (gateways, the command line) into events of the core.
 *
 * A client is known after HELLO; everything else from a stranger is answered with WHO, so that a client that outlived the broker says
 * HELLO and sends again what it has not seen answered. */
#include "queue/broker.h"

#include <string.h>

#include "common/log.h"

void front_put_state(struct broker *b, uint32_t client, const struct msg_state_reply *reply)
{
    struct peer *peer = peers_by_handle(&b->clients, client);
    if (!peer)
        return;
    struct buf frame = {0};
    msg_put_state(&frame, reply);
    outbox_push(&b->clients, peer, &frame);
    buf_finish(&frame);
}

void front_state(struct broker *b, uint32_t client, uint64_t request, const struct id *id)
{
    static const enum msg_state states[] = {[CORE_COMMITTING] = MSG_QUEUED,
                                            [CORE_DELAYED] = MSG_DELAYED,
                                            [CORE_READY] = MSG_QUEUED,
                                            [CORE_BLOCKED] = MSG_QUEUED,
                                            [CORE_LEASED] = MSG_RUNNING};
    struct msg_state_reply reply = {.request = request, .state = MSG_UNKNOWN};
    struct core_info info;
    if (core_find(b->core, id, &info)) {
        reply.state = describe_is_dead(&info) ? MSG_DEAD : states[info.state];
        reply.receive_count = info.receive_count;
        reply.body = slice_text(info.reason);
    }
    front_put_state(b, client, &reply);
}

/* Commands come and go: each would be two lines of the log. */
static enum log_level level_of(const struct peer *client)
{
    return strcmp(client->role, "cli") == 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
}

void front_client_gone(struct broker *b, struct peer *client)
{
    log_event(level_of(client), "client.gone", "role=%s name=%s", client->role, client->name);
    struct core_event event = broker_event(b, CORE_CLIENT_GONE);
    event.client = client->handle;
    watches_forget(b->watches, client->handle);
    peers_remove(&b->clients, client);
    broker_step(b, &event);
}

void broker_finish_batch(struct broker *b, uint32_t batch)
{
    struct buf frame = {0};
    uint32_t handle;
    if (!batches_take(b->batches, batch, &frame, &handle)) {
        buf_finish(&frame);
        return;
    }
    struct peer *client = peers_by_handle(&b->clients, handle);
    if (client)
        outbox_push(&b->clients, client, &frame);
    buf_finish(&frame);
}

/* Copies a name from outside for logs and listings: printable ASCII without quotes, the rest as '?'. */
static void copy_name(char *out, size_t size, struct slice name)
{
    size_t len = name.len < size - 1 ? name.len : size - 1;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = name.ptr[i];
        out[i] = c > ' ' && c < 127 && c != '"' && c != '\\' ? (char)c : '?';
    }
    out[len] = '\0';
}

static void on_hello(struct broker *b, const struct net_peer *from, struct msg *m)
{
    uint64_t version;
    struct slice role, name;
    if (msg_read_hello(m, &version, &role, &name) != 0 || version != MSG_VERSION) {
        log_warn_seldom(b->mono_ms, "client.refused", "reason=%s", "version");
        return;
    }
    struct peer *client = peers_by_address(&b->clients, from);
    if (!client) {
        client = peers_add(&b->clients, from, b->mono_ms);
        if (!client) {
            log_warn_seldom(b->mono_ms, "client.refused", "reason=full clients=%u", BROKER_CLIENTS_MAX);
            return;
        }
        copy_name(client->role, sizeof client->role, role);
        copy_name(client->name, sizeof client->name, name);
        log_event(level_of(client), "client.hello", "role=%s name=%s", client->role, client->name);
    }
    struct buf frame = {0};
    msg_put_welcome(&frame, b->instance, buf_slice(&b->catalog));
    outbox_push(&b->clients, client, &frame);
    buf_finish(&frame);
}

static void send_one(struct broker *b, struct peer *client, uint32_t queue, uint64_t tag, const struct msg_send *entry)
{
    if (!journal_has_room(b->journal, b->mono_ms)) {
        batches_result(b->batches, tag, MSG_DISK_FULL, NULL);
        return;
    }
    struct core_event event = broker_event(b, CORE_SEND);
    event.client = client->handle;
    event.tag = tag;
    event.queue = queue;
    event.id = entry->id;
    event.group = entry->group;
    event.delay_ms = entry->delay_ms;
    event.body = entry->body;
    event.wait = entry->flags & MSG_WAIT;
    event.has_key = entry->key.len == sizeof event.key;
    if (event.has_key)
        memcpy(event.key, entry->key.ptr, sizeof event.key);
    event.body_hash = entry->body_hash;
    broker_step(b, &event);
}

static void on_send(struct broker *b, struct peer *client, struct msg *m)
{
    uint64_t number;
    struct slice queue_name;
    if (msg_read_send(m, &number, &queue_name) != 0)
        return;
    uint32_t queue = core_queue_by_name(b->core, queue_name);
    uint32_t batch = batches_open(b->batches, client->handle, number);
    if (batch == CORE_NONE)
        return; /* no memory: the client sends again */
    uint32_t count = 0;
    struct msg_send entry;
    while (msg_next_send(m, &entry))
        send_one(b, client, queue, batches_tag(batch, count++), &entry);
    if (m->reader.failed && count < LIMIT_BATCH_ENTRIES) { /* an empty answer would mean that all were accepted */
        log_warn_seldom(b->mono_ms, "frame.damaged", "kind=SEND client=%s", client->name);
        batches_result(b->batches, batches_tag(batch, count++), MSG_INVALID, NULL);
    }
    batches_seal(b->batches, batch, count);
    broker_finish_batch(b, batch);
}

static void call_one(struct broker *b, struct peer *client, const struct msg_call *entry)
{
    if (!bodies_room(b->bodies, entry->body.len)) {
        effects_reply(b, client->handle, &(struct msg_reply){.call = entry->call, .status = MSG_CALL_BUSY});
        return;
    }
    struct core_event event = broker_event(b, CORE_CALL);
    event.client = client->handle;
    event.tag = entry->call;
    event.delay_ms = entry->timeout_ms;
    broker_look_at_reserve(b);
    core_step(b->core, &event, b->effects);
    /* The body must be there before the effects hand it out; a call without one is dropped by its first effect. */
    if (event.call != 0 && bodies_add(b->bodies, event.call, entry) != 0)
        log_error("call.memory", "call=%llu", (unsigned long long)event.call);
    effects_carry_out(b, b->effects);
}

static void on_call(struct broker *b, struct peer *client, struct msg *m)
{
    struct msg_call entry;
    if (msg_read_call(m) != 0)
        return;
    while (msg_next_call(m, &entry))
        call_one(b, client, &entry);
}

static void on_watch(struct broker *b, struct peer *client, struct msg *m)
{
    uint64_t request;
    struct id id;
    int64_t wait_ms;
    if (msg_read_watch(m, &request, &id, &wait_ms) != 0)
        return;
    struct core_info info;
    bool alive = core_find(b->core, &id, &info) && !describe_is_dead(&info);
    if (wait_ms > BROKER_WAIT_MAX_MS)
        wait_ms = BROKER_WAIT_MAX_MS;
    if (!alive || wait_ms <= 0 || watches_add(b->watches, &id, client->handle, request, b->mono_ms + wait_ms) != 0) {
        front_state(b, client->handle, request, &id);
        return;
    }
    struct core_event event = broker_event(b, CORE_WATCH);
    event.client = client->handle;
    event.id = id;
    broker_step(b, &event);
}

static void on_cancel(struct broker *b, struct peer *client, struct msg *m)
{
    uint64_t request;
    struct id id;
    struct core_info info;
    if (msg_read_cancel(m, &request, &id) != 0)
        return;
    bool waiting = core_find(b->core, &id, &info) && !describe_is_dead(&info);
    if (!waiting || !journal_has_room(b->journal, b->mono_ms)) {
        front_state(b, client->handle, request, &id);
        return;
    }
    struct core_event event = broker_event(b, CORE_CANCEL);
    event.client = client->handle;
    event.tag = request;
    event.id = id;
    broker_step(b, &event);
}

static void on_admin(struct broker *b, struct peer *client, struct msg *m)
{
    uint64_t request;
    struct slice verb, argument;
    if (msg_read_admin(m, &request, &verb, &argument) != 0)
        return;
    struct buf value = {0}, frame = {0};
    enum err_code code = admin_verb(b, verb, argument, &value);
    msg_put_admin_reply(&frame, request, (unsigned)code, buf_slice(&value));
    outbox_push(&b->clients, client, &frame);
    buf_finish(&frame);
    buf_finish(&value);
}

static void on_ping(struct broker *b, struct peer *client, struct msg *m)
{
    (void)m;
    struct buf frame = {0};
    msg_put_pong(&frame, b->instance);
    outbox_push(&b->clients, client, &frame);
    buf_finish(&frame);
}

/* A stranger is not kept: the answer goes straight to the socket, and is lost if that is full. */
static void who(struct broker *b, const struct net_peer *from)
{
    struct buf frame = {0};
    msg_put_bare(&frame, MSG_WHO);
    net_router_send(b->front, from, &frame);
    buf_finish(&frame);
}

void front_frame(struct broker *b, const struct net_peer *from, struct slice bytes)
{
    static void (*const arms[MSG_KIND_COUNT])(struct broker *, struct peer *, struct msg *) = {
        [MSG_SEND] = on_send,   [MSG_CALL] = on_call, [MSG_WATCH] = on_watch,          [MSG_CANCEL] = on_cancel,
        [MSG_ADMIN] = on_admin, [MSG_PING] = on_ping, [MSG_REQUESTS] = front_requests,
    };
    struct msg m;
    if (msg_open(bytes, &m) != 0) {
        log_warn_seldom(b->mono_ms, "frame.damaged", "endpoint=client bytes=%zu", bytes.len);
        return;
    }
    if (m.kind == MSG_HELLO) {
        on_hello(b, from, &m);
        return;
    }
    struct peer *client = peers_by_address(&b->clients, from);
    if (!client) {
        who(b, from);
        return;
    }
    client->heard_ms = b->mono_ms;
    if (arms[m.kind])
        arms[m.kind](b, client, &m);
    else
        log_warn_seldom(b->mono_ms, "frame.unexpected", "kind=%s client=%s", msg_kind_name(m.kind), client->name);
}
