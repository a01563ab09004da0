/* bench_target.h - where the requests go: a URL taken apart, its address, and the head of each request. */
#ifndef LEAT_CLI_BENCH_TARGET_H
#define LEAT_CLI_BENCH_TARGET_H

#include <stdbool.h>
#include <sys/socket.h>

#include "common/buf.h"
#include "common/err.h"

struct bench_url {     /* slices of the text */
    struct slice host; /* without the brackets of an IPv6 address */
    bool bracketed;
    char port[6];
    struct slice path; /* "" when the URL has none */
};

/* http://HOST[:PORT][/PATH]. 0, or -1 with the reason. Pure. */
int bench_url_parse(const char *text, struct bench_url *url, struct err *e);

struct bench_target {
    struct sockaddr_storage address;
    socklen_t address_len;
    struct buf head; /* the request up to "Content-Length: " */
};

/* Looks up the address (may block for the name server). wait_s > 0 asks for the waiting form; lines: the body is NDJSON. A URL
 * without a path means the operation API. 0, or -1 with the reason. */
int bench_target_init(struct bench_target *t, const char *url, int64_t wait_s, bool lines, struct err *e);
void bench_target_finish(struct bench_target *t);

/* Appends a whole request. */
void bench_target_put(const struct bench_target *t, struct slice body, struct buf *out);

#endif
