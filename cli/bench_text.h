/* bench_text.h - numbers as people read them. Pure. */
#ifndef LEAT_CLI_BENCH_TEXT_H
#define LEAT_CLI_BENCH_TEXT_H

#include <stdint.h>

#define BENCH_TEXT_BYTES 32

/* Each writes into text and returns it, so that a call can stand among the arguments of a printf. */
const char *bench_text_count(uint64_t count, char text[static BENCH_TEXT_BYTES]); /* "1,234,567" */
const char *bench_text_us(uint64_t us, char text[static BENCH_TEXT_BYTES]);       /* "870 us", "12.34 ms", "3.21 s" */
const char *bench_text_percent(uint64_t part, uint64_t whole,
                               char text[static BENCH_TEXT_BYTES]);               /* "0.05 %"; "0.00 %" of none */
const char *bench_text_bytes(uint64_t bytes, char text[static BENCH_TEXT_BYTES]); /* "12.3 MiB" */
const char *bench_text_ms(uint64_t ms, char text[static BENCH_TEXT_BYTES]);       /* seconds with a tenth: "12.3 s" */

#endif
