/* queue_move.c - leat queue purge|redrive: all messages of a queue go, or move. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/queue.h"
#include "cli/queue_rates.h"
#include "common/clock.h"
#include "common/mp.h"

#define LOOK_EACH_MS 100
#define DEAD_JOBS "leat-jobs-dead"

/* -- purge ------------------------------------------------------------------------------------------------------------------- */
int queue_purge(struct queue_command *c)
{
    struct queue_name queue;
    struct queue_request request = {.verb = QUEUE_VERB_PURGE, .token = id_make(&c->ids, clock_wall_ms(), 0)};
    struct queue_response response = {.result = QUEUE_OK};
    uint64_t purged = 0;
    int status = queue_name_read(c, c->operands[0], &queue);
    if (status == 0)
        status = queue_ask(c, buf_slice(&queue.path), &request, &response);
    if (status == 0 && response.result == QUEUE_IN_PROGRESS)
        status = queue_fail(QUEUE_REFUSED, "%s: it was purged less than a minute ago", c->operands[0]);
    else if (status == 0 && response.result != QUEUE_OK)
        status = queue_fail_result(c, buf_slice(&queue.path), response.result);
    else if (status == 0 && queue_read_number(&response, &purged) != 0)
        status = queue_damaged();
    else if (status == 0)
        printf(c->s->json ? "{\"purged\":%" PRIu64 "}\n" : "purged %" PRIu64 " messages\n", purged);
    queue_name_finish(&queue);
    return status;
}

/* -- Tasks ------------------------------------------------------------------------------------------------------------------- */
static const char *const statuses[QUEUE_MOVE_STATUSES] = {"running", "completed", "cancelled", "failed"};

/* The answer's tasks, youngest first. */
static int list_tasks(struct queue_command *c, struct slice path, struct queue_walk *walk)
{
    struct queue_request request = {.verb = QUEUE_VERB_MOVE_LIST};
    struct queue_response response;
    int status = queue_ask_ok(c, path, &request, &response);
    return status != 0 ? status : queue_walk_moves(&response, walk) != 0 ? queue_damaged() : 0;
}

static int find_task(struct queue_command *c, struct slice path, const struct id *task, struct queue_move *move)
{
    struct queue_walk walk;
    int status = list_tasks(c, path, &walk);
    while (status == 0 && queue_next_move(&walk, move))
        if (id_equal(&move->task, task))
            return 0;
    return status != 0 ? status : queue_fail(QUEUE_REFUSED, "the broker has forgotten the task");
}

static void put_move(struct buf *out, const struct queue_move *m)
{
    char id[ID_TEXT_BYTES];
    id_format(&m->task, id);
    size_t mark = mp_open(out);
    uint32_t count = 5;
    mp_put_text(out, "task");
    mp_put_text(out, id);
    mp_put_text(out, "status");
    mp_put_text(out, statuses[m->status]);
    mp_put_text(out, "moved");
    value_put_int(out, (int64_t)m->moved);
    mp_put_text(out, "total");
    value_put_int(out, (int64_t)m->total);
    mp_put_text(out, "startedMs");
    value_put_int(out, m->started_ms);
    for (int i = 0; i < 2; i++) {
        struct slice text = i == 0 ? m->destination : m->reason;
        if (text.len == 0)
            continue;
        mp_put_text(out, i == 0 ? "destination" : "reason");
        mp_put_slice(out, text);
        count++;
    }
    if (m->rate > 0) {
        mp_put_text(out, "rate");
        value_put_int(out, m->rate);
        count++;
    }
    mp_close_map(out, mark, count);
}

static void print_move(struct queue_command *c, const struct queue_move *m)
{
    char id[ID_TEXT_BYTES], age[24];
    struct slice to = queue_shown(c, m->destination);
    int64_t since_ms = clock_wall_ms() - m->started_ms;
    id_format(&m->task, id);
    printf("%s %-9s %" PRIu64 " of %" PRIu64 " moved%s%.*s, begun %s ago", id, statuses[m->status], m->moved, m->total,
           to.len ? " to " : "", (int)to.len, (const char *)to.ptr, queue_age_text(since_ms > 0 ? since_ms : 0, age));
    if (m->rate > 0)
        printf(", at most %" PRIu32 "/s", m->rate);
    if (m->reason.len > 0)
        printf(", reason=%.*s", (int)m->reason.len, (const char *)m->reason.ptr);
    putchar('\n');
}

static int show_tasks(struct queue_command *c, struct slice path)
{
    struct queue_walk walk;
    struct queue_move move;
    struct buf out = {0};
    uint32_t count = 0;
    size_t mark = mp_open(&out);
    int status = list_tasks(c, path, &walk);
    for (; status == 0 && queue_next_move(&walk, &move); count++) {
        if (c->s->json)
            put_move(&out, &move);
        else
            print_move(c, &move);
    }
    mp_close_array(&out, mark, count);
    if (status == 0 && c->s->json)
        status = queue_print_json(&out);
    else if (status == 0 && count == 0)
        printf("no tasks\n");
    buf_finish(&out);
    return status;
}

static int cancel_task(struct queue_command *c, struct slice path)
{
    struct queue_request request = {.verb = QUEUE_VERB_MOVE_CANCEL};
    struct queue_response response;
    struct queue_walk walk;
    struct queue_move move;
    uint64_t moved = 0;
    int status = list_tasks(c, path, &walk);
    if (status != 0)
        return status;
    bool running = queue_next_move(&walk, &move) && move.status == QUEUE_MOVE_RUNNING;
    if (!running)
        return queue_fail_result(c, path, QUEUE_NO_TASK);
    request.token = move.task;
    status = queue_ask_ok(c, path, &request, &response);
    if (status == 0 && queue_read_number(&response, &moved) != 0)
        status = queue_damaged();
    else if (status == 0)
        printf(c->s->json ? "{\"moved\":%" PRIu64 "}\n" : "cancelled; moved %" PRIu64 " messages\n", moved);
    return status;
}

/* -- redrive ------------------------------------------------------------------------------------------------------------------ */
static int print_end(struct queue_command *c, const struct queue_move *move)
{
    struct buf out = {0};
    int status = 0;
    if (c->s->json) {
        put_move(&out, move);
        status = queue_print_json(&out);
    } else {
        printf("moved %" PRIu64 " messages\n", move->moved);
    }
    buf_finish(&out);
    if (move->status == QUEUE_MOVE_FAILED)
        return queue_fail(QUEUE_REFUSED, "it ended early: %.*s", (int)move->reason.len, (const char *)move->reason.ptr);
    return move->status == QUEUE_MOVE_CANCELLED ? queue_fail(QUEUE_REFUSED, "somebody cancelled it") : status;
}

/* Until it has ended. Who is interrupted leaves it running. */
static int follow(struct queue_command *c, struct slice path, const struct id *task)
{
    struct queue_move move;
    bool terminal = isatty(STDERR_FILENO);
    int status;
    while ((status = find_task(c, path, task, &move)) == 0 && move.status == QUEUE_MOVE_RUNNING) {
        if (terminal)
            fprintf(stderr, "\r\x1b[K%" PRIu64 " of %" PRIu64 " moved; ^C leaves it running", move.moved, move.total);
        poll(NULL, 0, LOOK_EACH_MS);
    }
    if (terminal)
        fprintf(stderr, "\r\x1b[K");
    return status != 0 ? status : print_end(c, &move);
}

static int start_task(struct queue_command *c, struct slice path, struct slice destination)
{
    struct queue_request request = {.verb = QUEUE_VERB_MOVE_START};
    struct queue_response response;
    request.move.task = id_make(&c->ids, clock_wall_ms(), 0);
    request.move.destination = destination;
    request.move.rate = (uint32_t)c->s->rate;
    int status = queue_ask_ok(c, path, &request, &response);
    if (status == 0 && !c->s->background)
        return follow(c, path, &request.move.task);
    if (status == 0 && c->s->json)
        printf("{}\n");
    else if (status == 0)
        printf("begun; 'leat queue redrive --tasks' tells how far it is\n");
    return status;
}

/* Some of the dead jobs: a task moves all of them. */
static int redrive_jobs(struct queue_command *c)
{
    struct buf argument = {0};
    struct slice answer;
    struct err e = {0};
    int64_t moved = 0;
    mp_put_map(&argument, 1);
    mp_put_text(&argument, "max");
    value_put_int(&argument, c->s->max);
    int result = session_admin(c->session, "redrive", buf_slice(&argument), &answer, &e);
    buf_finish(&argument);
    if (result != 0)
        return queue_fail_session(&e);
    struct value value = value_of(answer), number = value_map_get(&value, slice_text("moved"));
    value_to_int(&number, &moved);
    printf(c->s->json ? "{\"moved\":%" PRId64 "}\n" : "moved %" PRId64 " messages\n", moved);
    return 0;
}

static int move(struct queue_command *c, struct slice path)
{
    const struct queue_settings *s = c->s;
    struct queue_name target = {.path = {0}};
    if (s->tasks || s->cancel)
        return s->tasks ? show_tasks(c, path) : cancel_task(c, path);
    if (s->max > 0 && (!slice_equal(path, slice_text(DEAD_JOBS)) || s->destination || s->rate > 0))
        return queue_fail(QUEUE_USAGE, "--max is for " DEAD_JOBS " alone, without --to and --rate");
    if (s->max > 0)
        return redrive_jobs(c);
    int status = s->destination ? queue_name_read(c, s->destination, &target) : 0;
    if (status == 0)
        status = start_task(c, path, buf_slice(&target.path));
    queue_name_finish(&target);
    return status;
}

int queue_redrive(struct queue_command *c)
{
    struct queue_name queue;
    int status = queue_name_read(c, c->operand_count > 0 ? c->operands[0] : DEAD_JOBS, &queue);
    if (status == 0)
        status = move(c, buf_slice(&queue.path));
    queue_name_finish(&queue);
    return status;
}
