/* queue_send.c - leat queue send: one message, or a file of them in requests of many.
 *
 * The broker syncs a request once, so that lines travel --batch at a time. What it refuses is said with the number of its line; the others count. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/progress.h"
#include "cli/queue.h"
#include "cli/queue_message.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/mp.h"

#define CHUNK_BYTES (8u << 20) /* bodies of one request */

struct entry {
    uint64_t line;
    struct buf envelope;
    unsigned char key[SQS_KEY_BYTES];
};

struct sending {
    struct queue_command *c;
    struct queue_name queue;
    bool fifo, many; /* many: of lines */
    struct queue_message preset;
    struct buf preset_attributes;
    struct queue_request *requests; /* [batch], like entries */
    struct entry *entries;
    size_t count, bytes; /* of the request that is being made */
    struct json_parser *json;
    struct buf value, body, attributes; /* of a line */
    struct progress progress;
    uint64_t line, read_bytes, sent, refused;
    enum queue_result hopeless; /* why going on would be of no use; QUEUE_OK: it would */
};

/* -- Answers ----------------------------------------------------------------------------------------------------------------- */
static void refuse(struct sending *x, uint64_t line, const char *why)
{
    x->refused++;
    progress_finish(&x->progress);
    if (x->many)
        queue_fail(0, "line %" PRIu64 ": %s", line, why);
    else
        queue_fail(0, "%s", why);
}

static void print_sent(const struct sending *x, uint64_t line, const struct id *id, uint64_t seq)
{
    char text[ID_TEXT_BYTES];
    id_format(id, text);
    if (x->c->s->quiet)
        return;
    if (!x->c->s->json) {
        if (!x->many)
            printf("sent %s\n", text);
        return;
    }
    printf("{");
    if (x->many)
        printf("\"line\":%" PRIu64 ",", line);
    printf("\"messageId\":\"%s\"", text);
    if (x->fifo)
        printf(",\"sequence\":%" PRIu64, seq);
    printf("}\n");
}

static void on_response(void *self, size_t index, const struct queue_response *response)
{
    struct sending *x = self;
    uint64_t line = x->entries[index].line, seq;
    struct id id;
    if (response->result == QUEUE_OK && queue_read_sent(response, &seq, &id) == 0) {
        x->sent++;
        print_sent(x, line, &id, seq);
    } else if (response->result == QUEUE_NO_QUEUE || response->result == QUEUE_WORKERS_ONLY) {
        x->refused++;
        x->hopeless = response->result;
    } else {
        refuse(x, line, queue_result_text(response->result));
        if (response->result == QUEUE_FULL || response->result == QUEUE_DISK_FULL)
            x->hopeless = response->result;
    }
}

/* What each line would be refused for is said once, and the rest is not tried. */
static int stop(const struct sending *x)
{
    if (x->hopeless == QUEUE_WORKERS_ONLY)
        return queue_fail(QUEUE_REFUSED, "its messages are jobs: 'leat post' sends them");
    if (x->hopeless == QUEUE_NO_QUEUE)
        return queue_fail_result(x->c, buf_slice(&x->queue.path), x->hopeless);
    return x->many ? queue_fail(QUEUE_REFUSED, "stopped behind line %" PRIu64, x->line) : QUEUE_REFUSED;
}

static int flush(struct sending *x)
{
    struct err e = {0};
    if (x->count == 0)
        return 0;
    uint64_t first = x->entries[0].line;
    int result = session_ask(x->c->session, x->requests, x->count, on_response, x, &e);
    x->count = 0;
    x->bytes = 0;
    if (result != 0) {
        progress_finish(&x->progress);
        if (x->many)
            queue_fail(0, "stopped: some from line %" PRIu64 " on may not have been sent", first);
        return queue_fail_session(&e);
    }
    progress_show(&x->progress, x->read_bytes, x->sent, "messages", clock_mono_ms());
    if (x->hopeless == QUEUE_OK)
        return 0;
    progress_finish(&x->progress);
    return stop(x);
}

/* -- Messages ---------------------------------------------------------------------------------------------------------------- */
/* Adds a message to the request, which is sent when it is full. What is wrong with a message is said and counted, and no reason to stop. */
static int add(struct sending *x, const struct queue_message *m)
{
    struct entry *entry = &x->entries[x->count];
    struct queue_request *request = &x->requests[x->count];
    struct err e = {0};
    entry->line = x->line;
    buf_reset(&entry->envelope);
    *request = (struct queue_request){.verb = QUEUE_VERB_SEND, .queue = buf_slice(&x->queue.path)};
    if (queue_message_request(m, x->fifo, &entry->envelope, entry->key, &request->send, &e) != 0) {
        refuse(x, x->line, e.text);
        return 0;
    }
    request->send.id = id_make(&x->c->ids, clock_wall_ms(), 0);
    x->bytes += entry->envelope.len;
    x->count++;
    return x->count == (size_t)x->c->s->batch || x->bytes >= CHUNK_BYTES ? flush(x) : 0;
}

static int add_object(struct sending *x, struct slice text)
{
    struct queue_message m = x->preset;
    struct err e = {0};
    buf_reset(&x->value);
    if (json_to_value(x->json, text, LIMIT_JSON_DEPTH, &x->value, &e) != 0) {
        refuse(x, x->line, e.text);
        return 0;
    }
    struct value line = value_of(buf_slice(&x->value));
    if (queue_message_of_value(&line, &m, &x->body, &x->attributes, &e) != 0) {
        refuse(x, x->line, e.text);
        return 0;
    }
    return add(x, &m);
}

/* Lines that are empty are no messages. */
static int send_lines(struct sending *x, FILE *in)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    int status = 0;
    while (status == 0 && (len = getline(&line, &size, in)) > 0) {
        x->line++;
        x->read_bytes += (uint64_t)len;
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            len--;
        struct queue_message m = x->preset;
        m.body = slice_of(line, (size_t)len);
        if (len > 0)
            status = x->c->s->ndjson ? add_object(x, m.body) : add(x, &m);
    }
    if (status == 0 && ferror(in))
        status = queue_fail(QUEUE_NO_INPUT, "cannot read: %s", strerror(errno));
    free(line);
    return status != 0 ? status : flush(x);
}

/* All of it is the body, but for one newline at its end. */
static int send_whole(struct sending *x, FILE *in)
{
    struct queue_message m = x->preset;
    unsigned char chunk[65536];
    size_t n;
    buf_reset(&x->body);
    while (x->body.len <= LIMIT_BODY_BYTES + 1 && (n = fread(chunk, 1, sizeof chunk, in)) > 0)
        buf_append(&x->body, chunk, n);
    if (ferror(in))
        return queue_fail(QUEUE_NO_INPUT, "cannot read: %s", strerror(errno));
    if (buf_failed(&x->body))
        return queue_fail(QUEUE_BROKEN, "out of memory");
    m.body = buf_slice(&x->body);
    if (m.body.len > 0 && m.body.ptr[m.body.len - 1] == '\n')
        m.body.len--;
    int status = add(x, &m);
    return status != 0 ? status : flush(x);
}

static int send_file(struct sending *x, const char *name)
{
    bool standard = strcmp(name, "-") == 0;
    struct stat info = {0};
    FILE *in = standard ? stdin : fopen(name, "re");
    if (!in)
        return queue_fail(QUEUE_NO_INPUT, "%s: %s", name, strerror(errno));
    uint64_t total = fstat(fileno(in), &info) == 0 && S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    progress_init(&x->progress, total, clock_mono_ms());
    int status = x->many ? send_lines(x, in) : send_whole(x, in);
    progress_finish(&x->progress);
    if (!standard)
        fclose(in);
    return status;
}

static int send_text(struct sending *x, const char *text)
{
    struct queue_message m = x->preset;
    m.body = slice_text(text);
    int status = add(x, &m);
    return status != 0 ? status : flush(x);
}

/* -- The verb ---------------------------------------------------------------------------------------------------------------- */
static int begin(struct sending *x)
{
    struct queue_command *c = x->c;
    struct err e = {0};
    int status = queue_name_read(c, c->operands[0], &x->queue);
    if (status != 0)
        return status;
    x->fifo = sqs_queue_is_fifo(x->queue.name);
    if (queue_message_of_flags(c->s, &x->preset, &x->preset_attributes, &e) != 0)
        return queue_fail(QUEUE_USAGE, "%s", e.text);
    x->json = json_parser_create();
    x->requests = calloc((size_t)c->s->batch, sizeof *x->requests);
    x->entries = calloc((size_t)c->s->batch, sizeof *x->entries);
    return x->json && x->requests && x->entries ? 0 : queue_fail(QUEUE_BROKEN, "out of memory");
}

static void finish(struct sending *x)
{
    for (int64_t i = 0; x->entries && i < x->c->s->batch; i++)
        buf_finish(&x->entries[i].envelope);
    free(x->entries);
    free(x->requests);
    json_parser_destroy(&x->json);
    buf_finish(&x->preset_attributes);
    buf_finish(&x->value);
    buf_finish(&x->body);
    buf_finish(&x->attributes);
    queue_name_finish(&x->queue);
}

static int send_all(struct sending *x)
{
    const struct queue_settings *s = x->c->s;
    const char *text = x->c->operand_count > 1 ? x->c->operands[1] : NULL;
    bool from_file = s->file || (text && strcmp(text, "-") == 0);
    if ((s->file != NULL) == (text != NULL))
        return queue_fail(QUEUE_USAGE, "send what? NAME TEXT, NAME - for standard input, or NAME --file FILE");
    if (s->lines && s->ndjson)
        return queue_fail(QUEUE_USAGE, "either --lines or --ndjson");
    if (x->many && !from_file)
        return queue_fail(QUEUE_USAGE, "--%s wants - or --file", s->lines ? "lines" : "ndjson");
    return !from_file ? send_text(x, text) : send_file(x, s->file ? s->file : text);
}

int queue_send(struct queue_command *c)
{
    struct sending x = {.c = c, .many = c->s->lines || c->s->ndjson};
    int64_t start_ms = clock_mono_ms();
    int status = begin(&x);
    if (status == 0)
        status = send_all(&x);
    double seconds = (double)(clock_mono_ms() - start_ms + 1) / 1000;
    if (x.many && (status == 0 || x.sent > 0) && !c->s->quiet && !c->s->json)
        printf("sent %" PRIu64 " messages in %.2f s (%.0f/s), %" PRIu64 " refused\n", x.sent, seconds, (double)x.sent / seconds,
               x.refused);
    finish(&x);
    return status != 0 ? status : x.refused > 0 ? QUEUE_REFUSED : 0;
}
