/* beans.c - load for beanstalkd. Usage: beans PORT CONNECTIONS SECONDS put|cycle
 * put: one put after the other; cycle: put, reserve, delete. Prints finished rounds a second. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/lockstep.h"

#define BODY_BYTES 120

enum step { PUT, RESERVE, DELETE };

static bool cycle;

static void put(struct lockstep *c)
{
    static char text[BODY_BYTES + 64];
    if (!text[0]) {
        int head = snprintf(text, sizeof text, "put 0 0 60 %d\r\n", BODY_BYTES);
        memset(text + head, 'x', BODY_BYTES);
        memcpy(text + head + BODY_BYTES, "\r\n", 3);
    }
    c->step = PUT;
    lockstep_text(c, text);
}

/* An answer is a line; a reserved job is a line, its body, and an empty line. */
static bool complete(const struct lockstep *c)
{
    const unsigned char *end = memchr(c->in, '\n', c->len);
    return end && (c->step != RESERVE || c->len >= (size_t)(end + 1 - c->in) + BODY_BYTES + 2);
}

static bool answered(struct lockstep *c)
{
    static const char *const expected[] = {[PUT] = "INSERTED", [RESERVE] = "RESERVED", [DELETE] = "DELETED"};
    char text[64];
    if (!complete(c))
        return false;
    if (strncmp((const char *)c->in, expected[c->step], strlen(expected[c->step])) != 0)
        lockstep_fail(expected[c->step]);
    snprintf(text, sizeof text, "delete %ld\r\n", strtol((const char *)c->in + strlen("RESERVED "), NULL, 10));
    lockstep_consume(c, c->len);
    if (!cycle || c->step == DELETE)
        return true;
    lockstep_text(c, c->step == PUT ? "reserve\r\n" : text);
    c->step++;
    return false;
}

int main(int argc, char **argv)
{
    static const struct lockstep_protocol protocol = {.begin = put, .received = answered};
    if (argc != 5)
        return 64;
    cycle = strcmp(argv[4], "cycle") == 0;
    printf("%.0f\n", lockstep_run((int)strtol(argv[1], NULL, 10), (unsigned)strtoul(argv[2], NULL, 10), strtod(argv[3], NULL),
                                  &protocol));
    return 0;
}
