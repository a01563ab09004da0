/* queue_list.c - leat queue ls: every queue, with what is in it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/queue.h"
#include "cli/queue_rates.h"
#include "common/queues_view.h"

static bool begins(struct slice text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && (len == 0 || memcmp(text.ptr, prefix, len) == 0);
}

static bool matches(const struct queue_description *d, const char *prefix)
{
    struct slice region, name = sqs_name_of_path(d->name, &region);
    return !prefix || begins(d->name, prefix) || begins(name, prefix);
}

int queue_for_each(struct queue_command *c, const char *prefix, queue_each *each, void *self)
{
    char last[LIMIT_QUEUE_PATH_BYTES];
    size_t len = 0;
    bool more = true;
    while (more) {
        struct queue_request request = {.verb = QUEUE_VERB_LIST,
                                        .list = {.after = slice_of(last, len), .max = LIMIT_QUEUES_LISTED}};
        struct queue_response response;
        struct queue_description d;
        struct queue_walk walk;
        int status = queue_ask_ok(c, slice_text(""), &request, &response);
        if (status != 0)
            return status;
        if (queue_walk_list(&response, &walk, &more) != 0)
            return queue_damaged();
        while (queue_next_description(&walk, &d)) {
            len = d.name.len;
            memcpy(last, d.name.ptr, len);
            if (matches(&d, prefix))
                each(self, &d);
        }
        if (walk.reader.failed)
            return queue_damaged();
    }
    return 0;
}

struct listing {
    struct queue_command *c;
    struct buf out; /* JSON */
    uint32_t count;
};

static void print_line(void *self, const struct queue_description *d)
{
    static const char *const kinds[QUEUE_KINDS] = {"standard", "fifo", "jobs"};
    struct listing *l = self;
    struct slice shown = queue_shown(l->c, d->name);
    char age[24];
    if (l->count++ == 0)
        printf("%-32s %-8s %10s %10s %10s %14s %7s %9s\n", "QUEUE", "KIND", "READY", "INFLIGHT", "DELAYED", "BYTES", "OLDEST",
               "RECEIVERS");
    printf("%-32.*s %-8s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %14" PRIu64 " %7s %9" PRIu64 "%s\n", (int)shown.len,
           (const char *)shown.ptr, kinds[d->attributes.kind], d->ready, d->inflight, d->delayed, d->bytes,
           queue_age_text(d->oldest_ms, age), d->receivers, d->attributes.paused ? "  paused" : "");
}

static void put_one(void *self, const struct queue_description *d)
{
    struct listing *l = self;
    queues_view_queue(&l->out, d);
    l->count++;
}

int queue_ls(struct queue_command *c)
{
    struct listing l = {.c = c};
    const char *prefix = c->operand_count > 0 ? c->operands[0] : NULL;
    size_t mark = mp_open(&l.out);
    int status = queue_for_each(c, prefix, c->s->json ? put_one : print_line, &l);
    mp_close_array(&l.out, mark, l.count);
    if (status == 0 && c->s->json)
        status = queue_print_json(&l.out);
    else if (status == 0 && l.count == 0)
        status = queue_fail(QUEUE_REFUSED, "no queue begins with \"%s\"", prefix ? prefix : "");
    buf_finish(&l.out);
    return status;
}
