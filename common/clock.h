/* clock.h - the only place that reads a clock. Deadlines are monotonic; wall time is for people and for ids. */
#ifndef LEAT_COMMON_CLOCK_H
#define LEAT_COMMON_CLOCK_H

#include <stdint.h>

int64_t clock_mono_ms(void); /* CLOCK_MONOTONIC */
int64_t clock_mono_us(void);
int64_t clock_wall_ms(void); /* CLOCK_REALTIME, milliseconds since 1970 */

/* Writes "2026-11-21T09:00:00.123Z" (24 characters and a NUL) for wall_ms into text. */
void clock_format(int64_t wall_ms, char text[static 25]);

#endif
