/* queue.h - leat queue: what its verbs share. Private to cli/queue*.c.
 *
 * Each verb is one function of a table (queue.c), in a file with those of its idea. It asks the broker through the session, prints, and returns the
 * exit status (command.h); what goes wrong is said on standard error by the queue_* functions below, which return the status to return. */
#ifndef LEAT_CLI_QUEUE_H
#define LEAT_CLI_QUEUE_H

#include "cli/session.h"
#include "common/conf.h"
#include "common/sqs_attributes.h"

#define QUEUE_REFUSED 1
#define QUEUE_USAGE 64
#define QUEUE_NO_INPUT 66
#define QUEUE_NO_BROKER 69
#define QUEUE_BROKEN 70
#define QUEUE_NO_OUTPUT 74

struct queue_settings {
    char *data, *endpoint, *region, *account;
    int64_t timeout_ms;
    bool json;
    int64_t max; /* 0: as the verb thinks best */
    bool fifo;
    char *dead_letter;
    char *state;
    char *file, *group, *deduplication;
    struct conf_list attributes;
    bool lines, ndjson, quiet;
    int64_t batch, priority, delay_ms; /* delay_ms QUEUE_DEFAULT: not given */
    int64_t wait_s, visibility_ms;     /* the same */
    bool delete, bodies;
    char *destination;
    int64_t rate;
    bool tasks, cancel, background;
    int64_t interval_ms, count;
};

struct queue_command {
    const struct queue_settings *s;
    struct session *session;
    char **operands; /* behind the verb */
    int operand_count;
    struct sqs_place place; /* region: where a name without one is looked for */
    struct buf answer;      /* body of the last queue_ask() */
    struct id_maker ids;
    bool quiet; /* whoever asks says by himself that the broker does not answer */
};

/* A queue as it is named in the command's words: NAME, or REGION/NAME. */
struct queue_name {
    struct buf path; /* the broker's name */
    struct sqs_place place;
    struct slice region, name; /* point into the words */
};

/* Each verb's function. */
typedef int queue_verb(struct queue_command *c);
queue_verb queue_create, queue_attrs, queue_pause, queue_resume, queue_remove; /* queue_define.c */
queue_verb queue_ls;                                                           /* queue_list.c */
queue_verb queue_peek, queue_find;                                             /* queue_look.c */
queue_verb queue_send;                                                         /* queue_send.c */
queue_verb queue_receive, queue_delete, queue_extend;                          /* queue_receive.c */
queue_verb queue_purge, queue_redrive;                                         /* queue_move.c */
queue_verb queue_top;                                                          /* queue_top.c */

/* -- Names ----------------------------------------------------------------------------------------------------------------- */
/* Reads a word; 0, or the status after saying what is wrong. Finish it in any case. */
int queue_name_read(const struct queue_command *c, const char *word, struct queue_name *name);
void queue_name_finish(struct queue_name *name);
/* The broker's name as it can be given back to a command: without the region if that is the usual one. */
struct slice queue_shown(const struct queue_command *c, struct slice path);

/* -- Asking ---------------------------------------------------------------------------------------------------------------- */
/* Asks one thing about a queue. 0 when it was answered, whatever the result; the body is valid until the next. Otherwise the status, after saying it. */
int queue_ask(struct queue_command *c, struct slice path, struct queue_request *request, struct queue_response *response);
/* The same, but any result except OK is said, too. */
int queue_ask_ok(struct queue_command *c, struct slice path, struct queue_request *request, struct queue_response *response);
/* Every queue whose name, or region and name, begins with prefix (NULL: any), in the broker's order. d is valid during the call. 0 or the status. */
typedef void queue_each(void *self, const struct queue_description *d);
int queue_for_each(struct queue_command *c, const char *prefix, queue_each *each, void *self);

/* -- What is wrong --------------------------------------------------------------------------------------------------------- */
int queue_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3))); /* returns status */
int queue_fail_session(const struct err *e);                                               /* of session_* */
int queue_fail_result(const struct queue_command *c, struct slice path, enum queue_result result);
const char *queue_result_text(enum queue_result result); /* a sentence without its queue, for one of many */
int queue_damaged(void);                                 /* the broker's answer is none */

/* -- Printing -------------------------------------------------------------------------------------------------------------- */
/* An encoded value as one line of JSON; 0 or the status. */
int queue_print_json(const struct buf *encoded);
int queue_flushed(void); /* 0, or the status after saying that standard output takes nothing more */

#endif
