/* polls.c - receivers that wait, for a server of SQS's JSON protocol. Usage: polls PORT RECEIVERS QUEUES IDLE-SECONDS SENDS RATE PREFIX
 *
 * RECEIVERS connections ask for a message of queue PREFIX-0 ... PREFIX-(QUEUES - 1), each with WaitTimeSeconds=20, and ask again when they
 * are answered. The queues exist and are empty. When all wait, "waiting" is printed, and nothing else is done for IDLE-SECONDS, so that somebody
 * else can measure what waiting costs; then "sending", and SENDS messages go out, RATE a second at even times, to the queues in turn. Prints JSON:
 * percentiles from the first byte of a send to the last byte of its message at a receiver, and of the send's own answer. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench/lockstep.h"
#include "common/clock.h"

#define IN_BYTES 4096
#define AHEAD_MS 1000 /* for the last message, after its send */

struct receiver {
    int fd;
    unsigned queue;
    size_t len;
    char in[IN_BYTES];
};

static struct options {
    int port;
    unsigned receivers, queues, idle_s, sends, rate;
    const char *prefix;
} options;

static struct receiver *receivers; /* the last one sends */
static int epoll_fd;
static int64_t *begun_us;
static uint32_t *delivered_us, *answered_us;
static unsigned begun, delivered, answered, again; /* again: receives that ended without a message */

static void say(struct receiver *r, const char *action, const char *json)
{
    char text[1024];
    int n = snprintf(
        text, sizeof text,
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.%s\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=leat/20261121/us-east-1/sqs/aws4_request, SignedHeaders=host, "
        "Signature=0\r\nContent-Length: %zu\r\n\r\n%s",
        action, strlen(json), json);
    if (n < 0 || (size_t)n >= sizeof text || write(r->fd, text, (size_t)n) != n)
        lockstep_fail("write");
}

static void receive(struct receiver *r)
{
    char json[256];
    snprintf(json, sizeof json, "{\"QueueUrl\":\"http://127.0.0.1/123456789012/%s-%u\",\"WaitTimeSeconds\":20}", options.prefix,
             r->queue);
    say(r, "ReceiveMessage", json);
}

static void send_next(void)
{
    char json[256];
    snprintf(json, sizeof json, "{\"QueueUrl\":\"http://127.0.0.1/123456789012/%s-%u\",\"MessageBody\":\"number=%u;\"}",
             options.prefix, begun % options.queues, begun);
    begun_us[begun] = clock_mono_us();
    begun++;
    say(&receivers[options.receivers], "SendMessage", json);
}

static void open_one(struct receiver *r, unsigned number)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
    int one = 1;
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    r->queue = number % options.queues;
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (r->fd < 0 || connect(r->fd, (struct sockaddr *)&address, sizeof address) != 0)
        lockstep_fail("connect");
    setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, r->fd, &event) != 0)
        lockstep_fail("epoll_ctl");
}

/* -- Answers --------------------------------------------------------------------------------------------------------------- */
static bool complete(const struct receiver *r)
{
    const char *end = strstr(r->in, "\r\n\r\n"), *length = strcasestr(r->in, "content-length:");
    if (!end || !length)
        return false;
    if (strncmp(r->in, "HTTP/1.1 200", 12) != 0) {
        errno = 0;
        lockstep_fail(r->in);
    }
    return r->len >= (size_t)(end + 4 - r->in) + strtoul(length + strlen("content-length:"), NULL, 10);
}

static void on_message(struct receiver *r)
{
    const char *mark = strstr(r->in, "number=");
    unsigned long number = mark ? strtoul(mark + strlen("number="), NULL, 10) : 0;
    if (mark && number < begun)
        delivered_us[delivered++] = (uint32_t)(clock_mono_us() - begun_us[number]);
    else
        again++;
    receive(r);
}

static void on_bytes(struct receiver *r)
{
    ssize_t n = read(r->fd, r->in + r->len, sizeof r->in - 1 - r->len);
    if (n <= 0)
        lockstep_fail("the server closed a connection, or said too much at once");
    r->len += (size_t)n;
    r->in[r->len] = '\0';
    if (!complete(r))
        return;
    r->len = 0;
    if (r == &receivers[options.receivers]) {
        answered_us[answered] = (uint32_t)(clock_mono_us() - begun_us[answered]);
        answered++;
    } else {
        on_message(r);
    }
}

/* Waits for answers at most until then, or until all that was sent is delivered. */
static void wait_until(int64_t until_us, bool all)
{
    struct epoll_event events[64];
    for (int64_t now_us; (now_us = clock_mono_us()) < until_us && !(all && delivered == begun && answered == begun);) {
        int n = epoll_wait(epoll_fd, events, 64, (int)((until_us - now_us + 999) / 1000));
        for (int i = 0; i < n; i++)
            on_bytes(&receivers[events[i].data.u32]);
    }
}

/* A send goes out at its time, if the one before has its answer; epoll counts in milliseconds, so the last of them is spent awake. */
static void send_all(void)
{
    int64_t start_us = clock_mono_us();
    for (unsigned i = 0; i < options.sends; i++) {
        int64_t due_us = start_us + (int64_t)i * 1000000 / options.rate;
        wait_until(due_us, false);
        while (answered < begun)
            wait_until(clock_mono_us() + 1000, false);
        send_next();
    }
    wait_until(clock_mono_us() + AHEAD_MS * 1000, true);
}

/* -- The whole ------------------------------------------------------------------------------------------------------------- */
static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint32_t share(const uint32_t *sorted, unsigned count, unsigned permille)
{
    return count > 0 ? sorted[(uint64_t)count * permille / 1000] : 0;
}

static void report(void)
{
    qsort(delivered_us, delivered, sizeof *delivered_us, by_value);
    qsort(answered_us, answered, sizeof *answered_us, by_value);
    printf(
        "{\"delivery_p50_us\": %u, \"delivery_p99_us\": %u, \"delivery_max_us\": %u, \"send_p50_us\": %u, \"send_p99_us\": %u, "
        "\"missing\": %u, \"ended_empty\": %u}\n",
        share(delivered_us, delivered, 500), share(delivered_us, delivered, 990), share(delivered_us, delivered, 999),
        share(answered_us, answered, 500), share(answered_us, answered, 990), begun - delivered, again);
}

static bool prepare(char **argv)
{
    options = (struct options){.port = (int)strtol(argv[1], NULL, 10),
                               .receivers = (unsigned)strtoul(argv[2], NULL, 10),
                               .queues = (unsigned)strtoul(argv[3], NULL, 10),
                               .idle_s = (unsigned)strtoul(argv[4], NULL, 10),
                               .sends = (unsigned)strtoul(argv[5], NULL, 10),
                               .rate = (unsigned)strtoul(argv[6], NULL, 10),
                               .prefix = argv[7]};
    if (options.queues == 0 || options.rate == 0)
        return false;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    receivers = calloc(options.receivers + 1, sizeof *receivers);
    begun_us = calloc(options.sends + 1, sizeof *begun_us);
    delivered_us = calloc(options.sends + 1, sizeof *delivered_us);
    answered_us = calloc(options.sends + 1, sizeof *answered_us);
    return epoll_fd >= 0 && receivers && begun_us && delivered_us && answered_us;
}

int main(int argc, char **argv)
{
    if (argc != 8 || !prepare(argv))
        return 64;
    for (unsigned i = 0; i < options.receivers; i++)
        open_one(&receivers[i], i);
    for (unsigned i = 0; i < options.receivers; i++)
        receive(&receivers[i]);
    wait_until(clock_mono_us() + AHEAD_MS * 1000, false);
    printf("waiting\n");
    fflush(stdout);
    wait_until(clock_mono_us() + (int64_t)options.idle_s * 1000000, false);
    printf("sending\n");
    fflush(stdout);
    open_one(&receivers[options.receivers], options.receivers);
    send_all();
    report();
    return delivered == options.sends ? 0 : 1;
}
