/* bench_response.h - reads HTTP/1.1 answers out of a stream, whatever pieces it comes in. Pure; the body is skipped, not kept.
 *
 * Reads what servers of this kind send: a status line, headers, and a body of Content-Length bytes. Anything else is refused with a
 * reason, not guessed at: no Content-Length, a transfer coding (chunked), two lengths, a line or a head too long. What is held of one
 * answer is bounded by LIMIT_HEADER_BYTES, whoever the server is. */
#ifndef LEAT_CLI_BENCH_RESPONSE_H
#define LEAT_CLI_BENCH_RESPONSE_H

#include "cli/bench_scan.h"
#include "common/buf.h"

#define BENCH_WORDS_BYTES 160 /* of the body of an answer that is no success: for the user to see what is wrong */

enum bench_response_state { BENCH_STATUS_LINE, BENCH_HEADERS, BENCH_BODY, BENCH_COMPLETE, BENCH_REFUSED };

struct bench_response {
    enum bench_response_state state;
    unsigned status; /* 200..599 once the head is complete */
    bool close;      /* the server will close the connection */
    const char *why; /* REFUSED: static text */
    bool count_jobs; /* set by the owner: look through successful bodies for refused jobs of a batch */
    struct bench_scan scan;
    char words[BENCH_WORDS_BYTES]; /* the beginning of the body of a status that is no success, words_len bytes */
    size_t words_len;
    /* private */
    bool has_length, old;
    uint64_t left;
    uint32_t head_bytes, interim_count;
    struct buf line; /* of a line not yet complete */
};

void bench_response_reset(struct bench_response *r); /* for the next answer; also begins a zeroed one; keeps count_jobs */
void bench_response_finish(struct bench_response *r);

/* Takes bytes until they are used up or the answer ends, in COMPLETE or REFUSED; returns how many it took. */
size_t bench_response_feed(struct bench_response *r, const unsigned char *bytes, size_t len);

#endif
