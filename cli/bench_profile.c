/* bench_profile.c - each shape is a few corners, joined by straight lines. */
#include "cli/bench_profile.h"

#include <assert.h>
#include <string.h>

#define WHOLE 1000 /* of the time, and of the way from the base to all users */
#define CORNERS_MAX 6

struct corner {
    int64_t time, height;
};

static const struct {
    const char *name;
    struct corner corners[CORNERS_MAX]; /* the last one is at WHOLE */
} shapes[BENCH_PROFILES] = {
    [BENCH_FIXED] = {"fixed", {{0, 1000}, {1000, 1000}}},
    [BENCH_RAMP] = {"ramp", {{0, 0}, {250, 0}, {750, 1000}, {1000, 1000}}},
    [BENCH_SPIKE] = {"spike", {{0, 0}, {400, 0}, {500, 1000}, {600, 0}, {1000, 0}}},
    [BENCH_PEAK] = {"peak", {{0, 0}, {200, 0}, {400, 1000}, {600, 1000}, {800, 0}, {1000, 0}}},
};

int bench_profile_by_name(const char *name)
{
    for (int i = 0; i < BENCH_PROFILES; i++)
        if (strcmp(shapes[i].name, name) == 0)
            return i;
    return -1;
}

/* a way between from and to, `at` of `span` of it. */
static int64_t between(int64_t from, int64_t to, int64_t at, int64_t span) { return from + (to - from) * at / span; }

uint32_t bench_profile_users(enum bench_profile profile, uint32_t users, int64_t elapsed_ms, int64_t duration_ms)
{
    assert((unsigned)profile < BENCH_PROFILES && users > 0 && duration_ms > 0);
    const struct corner *c = shapes[profile].corners;
    int64_t base = (users + 3) / 4;
    int64_t at_ms = elapsed_ms < 0 ? 0 : elapsed_ms > duration_ms ? duration_ms : elapsed_ms;
    while (c[1].time < WHOLE && c[1].time * duration_ms <= at_ms * WHOLE)
        c++;
    int64_t span = (c[1].time - c->time) * duration_ms;
    int64_t height = between(c->height, c[1].height, at_ms * WHOLE - c->time * duration_ms, span);
    return (uint32_t)between(base, users, height, WHOLE);
}
