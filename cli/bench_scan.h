/* bench_scan.h - counts the refused and failed jobs in the answer to a batch, as it streams by. Pure, no memory.
 *
 * The answer is {"jobs":[{"jobId":...},{"error":{...}},...]}; what counts is a member "error" of one of those objects, not the same word
 * somewhere inside a job's own result. */
#ifndef LEAT_CLI_BENCH_SCAN_H
#define LEAT_CLI_BENCH_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_scan { /* zeroed: at the start */
    uint64_t errors;
    uint32_t depth;
    bool in_string, escaped, hit; /* hit: the string that just ended is "error" and stands where a name of an entry would */
    uint32_t match;               /* letters of the word that fit so far; UINT32_MAX: it is another one */
};

void bench_scan_feed(struct bench_scan *s, const unsigned char *bytes, size_t len);

#endif
