/* queue.c - leat queue: the table of its verbs, and the settings of all of them. What they do stands in queue_*.c. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/queue.h"

#define ROW(field, name, type, preset, min, max, metavar, help)                                                                \
    {                                                                                                                          \
        name, type, offsetof(struct queue_settings, field), preset, min, max, metavar, help                                    \
    }

static const struct conf_row rows[] = {
    ROW(data, "data", CONF_TEXT, "leat-data", 0, 0, "DIR", "data folder of the running stack"),
    ROW(endpoint, "queue-endpoint", CONF_TEXT, NULL, 0, 0, "ENDPOINT", "the broker's client endpoint, when it is not in DIR"),
    ROW(timeout_ms, "timeout", CONF_DURATION, "10s", 100, 600000, "TIME", "how long to wait for an answer"),
    ROW(json, "json", CONF_BOOL, "false", 0, 0, NULL, "print JSON"),
    ROW(region, "region", CONF_TEXT, NULL, 0, 0, "REGION",
        "of queues that are named without one (AWS_REGION, AWS_DEFAULT_REGION, us-east-1)"),
    ROW(account, "account-id", CONF_TEXT, "123456789012", 0, 0, "DIGITS", "account in ARNs"),
    ROW(max, "max", CONF_INT, "0", 0, 1000000000, "N",
        "peek: at most N messages (10); receive: N (1); top: N queues; redrive: N dead jobs (all)"),
    ROW(fifo, "fifo", CONF_BOOL, "false", 0, 0, NULL, "create: a FIFO queue; its name ends in .fifo"),
    ROW(dead_letter, "dead-letter", CONF_TEXT, NULL, 0, 0, "NAME[:N]",
        "create, attrs: move what was received N times (5) to this queue"),
    ROW(state, "state", CONF_TEXT, NULL, 0, 0, "STATE", "peek: ready, inflight, delayed or dead ones only"),
    ROW(file, "file", CONF_TEXT, NULL, 0, 0, "FILE", "send: what FILE says"),
    ROW(lines, "lines", CONF_BOOL, "false", 0, 0, NULL, "send: each line is a message"),
    ROW(ndjson, "ndjson", CONF_BOOL, "false", 0, 0, NULL, "send: each line is a JSON object, as receive --json prints it"),
    ROW(batch, "batch", CONF_INT, "200", 1, 1000, "N", "send: so many lines a request"),
    ROW(group, "group", CONF_TEXT, NULL, 0, 0, "ID", "send: message group"),
    ROW(deduplication, "dedup", CONF_TEXT, NULL, 0, 0, "ID", "send: deduplication id (FIFO)"),
    ROW(delay_ms, "delay", CONF_DURATION, NULL, 0, LIMIT_SCHEDULE_MS, "TIME", "send: visible after so long, up to 366d"),
    ROW(priority, "priority", CONF_INT, "0", 0, LIMIT_PRIORITIES - 1, "N", "send: 0 to 3, higher goes first"),
    ROW(attributes, "attribute", CONF_LIST, NULL, 0, 0, "NAME[:TYPE]=VALUE",
        "send: message attribute; TYPE String (if not said), Number, Binary (base64)"),
    ROW(quiet, "quiet", CONF_BOOL, "false", 0, 0, NULL, "send: print nothing but errors"),
    ROW(wait_s, "wait", CONF_INT, NULL, 0, 86400, "SECONDS", "receive: wait so long for the first message"),
    ROW(visibility_ms, "visibility", CONF_DURATION, NULL, 0, LIMIT_LEASE_MS, "TIME",
        "receive, extend: nobody else gets them for so long"),
    ROW(delete, "delete", CONF_BOOL, "false", 0, 0, NULL, "receive: delete what was printed"),
    ROW(bodies, "bodies", CONF_BOOL, "false", 0, 0, NULL, "receive: print bodies only"),
    ROW(destination, "to", CONF_TEXT, NULL, 0, 0, "NAME", "redrive: into this queue, not where they came from"),
    ROW(rate, "rate", CONF_INT, "0", 0, LIMIT_MOVE_RATE, "N", "redrive: so many a second; 0: as fast as it goes"),
    ROW(background, "background", CONF_BOOL, "false", 0, 0, NULL, "redrive: do not wait for the end"),
    ROW(tasks, "tasks", CONF_BOOL, "false", 0, 0, NULL, "redrive: show what was moved lately"),
    ROW(cancel, "cancel", CONF_BOOL, "false", 0, 0, NULL, "redrive: end the task that is running"),
    ROW(interval_ms, "interval", CONF_DURATION, "1s", 100, 3600000, "TIME", "top: between two looks"),
    ROW(count, "count", CONF_INT, "0", 0, 1000000000, "N", "top: end after N looks; 0: go on"),
};

static const char summary[] =
    "make, watch, fill, empty and remove queues\n"
    "\n"
    "  create NAME [KEY=VALUE]...  a queue, with attributes of SQS (VisibilityTimeout=60) and of leat (LeatMaxPerGroup=1)\n"
    "  ls [PREFIX]                 queues, with what is in them\n"
    "  attrs NAME [KEY[=VALUE]]... show attributes, or change them; KEY= takes one back\n"
    "  peek [NAME]                 look at messages without receiving them (leat-jobs)\n"
    "  find ID                     where is this message?\n"
    "  send NAME TEXT|-            a message; - is standard input\n"
    "  receive NAME                messages, with their handles\n"
    "  delete NAME HANDLE...       received messages are done\n"
    "  extend NAME HANDLE...       received messages stay invisible for --visibility, from now on; 0: visible again\n"
    "  pause NAME, resume NAME     hand out nothing, while sends go on; go on\n"
    "  purge NAME                  delete all messages\n"
    "  redrive [NAME]              move dead letters back where they came from (leat-jobs-dead)\n"
    "  rm NAME                     the queue and all its messages\n"
    "  top [PREFIX]                watch queues: rates, depths, ages\n"
    "\n"
    "NAME may be REGION/NAME. Jobs are sent by 'leat post'.";

static const struct conf_program program = {
    "leat queue", summary, rows, sizeof rows / sizeof rows[0],
    "create NAME | ls | attrs NAME | peek | find ID | send NAME TEXT | receive NAME | delete NAME HANDLE | "
    "extend NAME HANDLE | pause NAME | resume NAME | purge NAME | redrive | rm NAME | top"};

/* Flags beside the common ones, those above --max. */
static const struct verb {
    const char *name;
    int least, most; /* operands */
    queue_verb *run;
    const char *flags;
} verbs[] = {
    {"create", 1, 1000, queue_create, " fifo dead-letter "},
    {"ls", 0, 1, queue_ls, ""},
    {"attrs", 1, 1000, queue_attrs, " dead-letter "},
    {"peek", 0, 1, queue_peek, " max state "},
    {"find", 1, 1, queue_find, ""},
    {"send", 1, 2, queue_send, " file lines ndjson batch group dedup delay priority attribute quiet "},
    {"receive", 1, 1, queue_receive, " max wait visibility delete bodies "},
    {"delete", 2, 1000, queue_delete, ""},
    {"extend", 2, 1000, queue_extend, " visibility "},
    {"pause", 1, 1, queue_pause, ""},
    {"resume", 1, 1, queue_resume, ""},
    {"purge", 1, 1, queue_purge, ""},
    {"redrive", 0, 1, queue_redrive, " max to rate background tasks cancel "},
    {"rm", 1, 1, queue_remove, ""},
    {"top", 0, 1, queue_top, " max interval count "},
};
#define VERBS (sizeof verbs / sizeof verbs[0])

static const struct verb *verb_by_name(const char *name)
{
    for (size_t i = 0; i < VERBS; i++)
        if (strcmp(name, verbs[i].name) == 0)
            return &verbs[i];
    return NULL;
}

static const char *name_of_flag(const char *word, size_t *len)
{
    const char *name = word + 2;
    if (strncmp(name, "no-", 3) == 0)
        name += 3;
    *len = strcspn(name, "=");
    return name;
}

/* Is this a flag of some verb? */
static bool is_special(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
            return rows[i].offset >= offsetof(struct queue_settings, max);
    return false;
}

/* A flag that was typed and means nothing to this verb is a mistake. (A variable may be meant for other commands.) */
static int check_flags(const struct verb *verb, char **words, int count)
{
    for (int i = 0; i < count; i++) {
        size_t len;
        char padded[64];
        if (strncmp(words[i], "--", 2) != 0)
            continue;
        const char *name = name_of_flag(words[i], &len);
        snprintf(padded, sizeof padded, " %.*s ", (int)len, name);
        if (is_special(name, len) && !strstr(verb->flags, padded))
            return queue_fail(QUEUE_USAGE, "--%.*s means nothing to '%s'", (int)len, name, verb->name);
    }
    return 0;
}

static const char *usual_region(const struct queue_settings *s)
{
    const char *words[] = {s->region, getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION")};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i] && words[i][0])
            return words[i];
    return "us-east-1";
}

static int run(const struct queue_settings *s, const struct verb *verb, char **operands, int count)
{
    struct err e = {0};
    struct buf endpoint = {0};
    struct queue_command c = {.s = s, .operands = operands, .operand_count = count};
    int status = QUEUE_BROKEN;
    c.place.region = slice_text(usual_region(s));
    c.place.account = slice_text(s->account);
    session_endpoint(s->data, s->endpoint, &endpoint);
    if (id_maker_init(&c.ids) != 0 || buf_failed(&endpoint))
        queue_fail(status, "no randomness, or no memory");
    else if (!(c.session = session_open((const char *)endpoint.data, s->timeout_ms, &e)))
        status = queue_fail_session(&e);
    else
        status = verb->run(&c);
    if (status == 0)
        status = queue_flushed();
    session_close(&c.session);
    buf_finish(&c.answer);
    buf_finish(&endpoint);
    return status;
}

static int usage(const char *word)
{
    if (word && !verb_by_name(word))
        queue_fail(QUEUE_USAGE, "no verb \"%s\"", word);
    fprintf(stderr, "Usage: leat queue %s\n", program.operands);
    return QUEUE_USAGE;
}

int command_queue(int argc, char **argv)
{
    struct queue_settings s = {.delay_ms = QUEUE_DEFAULT, .wait_s = QUEUE_DEFAULT, .visibility_ms = QUEUE_DEFAULT};
    int first, status = QUEUE_USAGE, loaded = conf_load(&program, argc, argv, &s, &first, stdout, stderr);
    if (loaded == 0) {
        const struct verb *verb = first < argc ? verb_by_name(argv[first]) : NULL;
        int count = argc - first - 1;
        if (!verb || count < verb->least || count > verb->most)
            status = usage(first < argc ? argv[first] : NULL);
        else if ((status = check_flags(verb, argv + 1, first - 1)) == 0)
            status = run(&s, verb, argv + first + 1, count);
    }
    conf_free(&program, &s);
    return loaded == 1 ? 0 : status;
}
