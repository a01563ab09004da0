/* weather.c - slow and failing syncs, a full disk, and a wall clock that is wrong.
 *
 * WEATHER_FILE names a file that weather.py maps and changes while the program runs; without it, it is always fine. It holds a struct
 * weather. Steps of the wall clock are seen by clock_gettime, gettimeofday and time; the monotonic clock stays what it is. */
#include "tests/chaos/preload.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum room { ROOM_ENOUGH, ROOM_SAYS_NONE /* statvfs only */, ROOM_NONE /* and files cannot grow */ };

struct weather {
    struct {
        uint32_t sync_us, sync_errno, room, unused;
    } at[PLACES];
    int64_t clock_us; /* added to the wall clock */
};

static const struct weather *weather;

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_statvfs)(const char *, struct statvfs *);
static int (*real_fstatvfs)(int, struct statvfs *);

__attribute__((constructor)) static void look_out(void)
{
    const char *name = getenv("WEATHER_FILE");
    preload_find(&real_statvfs, "statvfs");
    preload_find(&real_fstatvfs, "fstatvfs");
    if (!name)
        return;
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        preload_die(name);
    void *map = mmap(NULL, sizeof *weather, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        preload_die(name);
    close(fd);
    weather = map;
}

#define NOW(field) __atomic_load_n(&weather->field, __ATOMIC_RELAXED)

int weather_sync(enum place place)
{
    if (!weather || place == PLACE_NONE)
        return 0;
    uint32_t us = NOW(at[place].sync_us);
    if (us > 0)
        nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000L}, NULL);
    return (int)NOW(at[place].sync_errno);
}

bool weather_full(enum place place) { return weather && place != PLACE_NONE && NOW(at[place].room) == ROOM_NONE; }

/* -- Free space ---------------------------------------------------------------------------------------------------- */
static int without_room(int result, enum place place, struct statvfs *fs)
{
    if (result == 0 && weather && place != PLACE_NONE && NOW(at[place].room) != ROOM_ENOUGH)
        fs->f_bfree = fs->f_bavail = 0;
    return result;
}

int statvfs(const char *restrict path, struct statvfs *restrict fs)
{
    char absolute[PATH_MAX];
    return without_room(real_statvfs(path, fs), realpath(path, absolute) ? preload_place(absolute) : PLACE_NONE, fs);
}

int fstatvfs(int fd, struct statvfs *fs)
{
    char path[PATH_MAX];
    return without_room(real_fstatvfs(fd, fs), preload_path_of(fd, path) ? preload_place(path) : PLACE_NONE, fs);
}

static_assert(sizeof(struct statvfs) == sizeof(struct statvfs64), "both names mean one thing");

int statvfs64(const char *restrict path, struct statvfs64 *restrict fs) { return statvfs(path, (struct statvfs *)fs); }
int fstatvfs64(int fd, struct statvfs64 *fs) { return fstatvfs(fd, (struct statvfs *)fs); }

/* -- Wall clock ---------------------------------------------------------------------------------------------------- */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (!real_clock_gettime) /* libraries ask before our constructor runs */
        preload_find(&real_clock_gettime, "clock_gettime");
    int result = real_clock_gettime(clock, now);
    if (result != 0 || !weather || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return result;
    int64_t us = (int64_t)now->tv_sec * 1000000 + now->tv_nsec / 1000 + NOW(clock_us);
    now->tv_sec = us / 1000000;
    now->tv_nsec = us % 1000000 * 1000 + now->tv_nsec % 1000;
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec ts;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &ts);
    *now = (struct timeval){.tv_sec = ts.tv_sec, .tv_usec = ts.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *result)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    if (result)
        *result = ts.tv_sec;
    return ts.tv_sec;
}
