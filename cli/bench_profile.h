/* bench_profile.h - how many users there are at which moment: the shapes of a load test. Pure.
 *
 *     fixed   all of them, from the first moment on
 *     ramp    a quarter for the first quarter of the time, then rising steadily, all of them in the last quarter
 *     spike   a quarter; at 40 % of the time up to all within a tenth of it, and down again within the next tenth
 *     peak    a quarter for a fifth of the time, a fifth to rise, a fifth at the top, a fifth to fall, a quarter again */
#ifndef LEAT_CLI_BENCH_PROFILE_H
#define LEAT_CLI_BENCH_PROFILE_H

#include <stdint.h>

enum bench_profile { BENCH_FIXED, BENCH_RAMP, BENCH_SPIKE, BENCH_PEAK, BENCH_PROFILES };

int bench_profile_by_name(const char *name); /* an enum bench_profile, or -1 */

/* The users that should be there after so long; at least 1, at most users. Before the start and after the end: as at it. */
uint32_t bench_profile_users(enum bench_profile profile, uint32_t users, int64_t elapsed_ms, int64_t duration_ms);

#endif
