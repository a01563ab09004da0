/* disk.c - what the disk alone can do: 4 KiB appended and synced, one after the other. Usage: disk FILE SECONDS; prints microseconds at
 * p50 and p99, and syncs a second. The file is preallocated, as the journal's segments are. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096
#define MOST 100000

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static char block[BLOCK];
    static double taken[MOST];
    int fd = argc == 3 ? open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600) : -1, n = 0;
    if (fd < 0 || posix_fallocate(fd, 0, 64 << 20) != 0)
        return 1;
    memset(block, 7, sizeof block);
    double end = now_us() + strtod(argv[2], NULL) * 1e6;
    for (; n < MOST && now_us() < end; n++) {
        double start = now_us();
        if (pwrite(fd, block, BLOCK, (off_t)(n % 16384) * BLOCK) != BLOCK || fdatasync(fd) != 0)
            return 1;
        taken[n] = now_us() - start;
    }
    qsort(taken, (size_t)n, sizeof *taken, by_value);
    printf("{\"p50_us\":%.0f,\"p99_us\":%.0f,\"per_second\":%.0f}\n", taken[n / 2], taken[n * 99 / 100],
           n / strtod(argv[2], NULL));
    unlink(argv[1]);
    return 0;
}
