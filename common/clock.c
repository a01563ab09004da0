/* clock.c - reads the kernel's clocks; nothing else in the tree does. */
#include "common/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* The last millisecond that 24 characters can hold: 9999-12-31T23:59:59.999Z. */
#define LAST_WALL_MS 253402300799999ll

int64_t clock_mono_ms(void) { return clock_mono_us() / 1000; }

int64_t clock_mono_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail: the id is valid, the pointer is ours */
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void clock_format(int64_t wall_ms, char text[static 25])
{
    if (wall_ms < 0)
        wall_ms = 0;
    if (wall_ms > LAST_WALL_MS)
        wall_ms = LAST_WALL_MS;
    time_t seconds = (time_t)(wall_ms / 1000);
    int ms = (int)(wall_ms % 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(text, 20, "%Y-%m-%dT%H:%M:%S", &tm);
    const char tail[] = {'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z', '\0'};
    memcpy(text + 19, tail, sizeof tail);
}
