/* stats.c - histograms with fixed doubling buckets, and the lines that Prometheus reads. */
#include "common/stats.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define FIRST_BUCKET_US 50u
#define US_PER_SECOND 1000000u
#define EXACT_INTEGER 1e15 /* whole doubles below it print as integers, digit for digit */

uint64_t stats_bucket_us(int i) { return i >= STATS_BUCKETS - 1 ? UINT64_MAX : (uint64_t)FIRST_BUCKET_US << i; }

void stats_observe(struct stats_histogram *h, uint64_t us)
{
    int i = 0;
    while (us > stats_bucket_us(i))
        i++;
    h->buckets[i]++;
    h->count++;
    h->sum_us += us;
}

uint64_t stats_quantile_us(const struct stats_histogram *h, double q)
{
    if (h->count == 0)
        return 0;
    double exact = q * (double)h->count;
    uint64_t rank = exact > 0 ? (uint64_t)exact : 0;
    if ((double)rank < exact || rank == 0)
        rank++;
    uint64_t seen = 0;
    for (int i = 0; i < STATS_BUCKETS - 1; i++) {
        seen += h->buckets[i];
        if (seen >= rank)
            return stats_bucket_us(i);
    }
    return stats_bucket_us(STATS_BUCKETS - 1);
}

void stats_put_help(struct buf *b, const char *name, const char *type, const char *help)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_name(struct buf *b, const char *name, const char *suffix, const char *labels)
{
    if (labels && *labels)
        buf_printf(b, "%s%s{%s} ", name, suffix, labels);
    else
        buf_printf(b, "%s%s ", name, suffix);
}

void stats_put_number(struct buf *b, const char *name, const char *labels, double value)
{
    put_name(b, name, "", labels);
    if (isnan(value))
        buf_text(b, "NaN");
    else if (isinf(value))
        buf_text(b, value > 0 ? "+Inf" : "-Inf");
    else if (value > -EXACT_INTEGER && value < EXACT_INTEGER && value == (double)(int64_t)value)
        buf_printf(b, "%" PRId64, (int64_t)value);
    else
        buf_printf(b, "%.15g", value); /* as many as a double keeps of any decimal */
    buf_byte(b, '\n');
}

static void put_seconds(struct buf *b, uint64_t us)
{
    buf_printf(b, "%" PRIu64 ".%06" PRIu64, us / US_PER_SECOND, us % US_PER_SECOND);
}

void stats_put_histogram(struct buf *b, const char *name, const char *labels, const struct stats_histogram *h)
{
    uint64_t seen = 0;
    bool labelled = labels && *labels;
    for (int i = 0; i < STATS_BUCKETS; i++) {
        seen += h->buckets[i];
        buf_printf(b, "%s_bucket{%s%sle=\"", name, labelled ? labels : "", labelled ? "," : "");
        if (i < STATS_BUCKETS - 1)
            put_seconds(b, stats_bucket_us(i));
        else
            buf_text(b, "+Inf");
        buf_printf(b, "\"} %" PRIu64 "\n", seen);
    }
    put_name(b, name, "_sum", labels);
    put_seconds(b, h->sum_us);
    buf_byte(b, '\n');
    put_name(b, name, "_count", labels);
    buf_printf(b, "%" PRIu64 "\n", seen); /* equal to the last bucket even while another thread observes */
}

/* 0 where the kernel does not tell. */
static double resident_bytes(void)
{
    long total_pages, resident_pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%ld %ld", &total_pages, &resident_pages) != 2)
        resident_pages = 0;
    fclose(file);
    return (double)resident_pages * (double)sysconf(_SC_PAGESIZE);
}

static double cpu_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / US_PER_SECOND;
}

static double open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return 0;
    int count = -1; /* not the one that dir itself has open */
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

/* When the machine was started, in seconds of the wall clock. */
static double boot_seconds(void)
{
    char line[256];
    double seconds = 0;
    FILE *file = fopen("/proc/stat", "re");
    while (file && fgets(line, sizeof line, file) && sscanf(line, "btime %lf", &seconds) != 1)
        ;
    if (file)
        fclose(file);
    return seconds;
}

static double start_seconds(void)
{
    double ticks = 0;
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file)
        return 0;
    /* Field 22; the second is a name in parentheses. */
    if (fscanf(file, "%*d (%*[^)]) %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lf", &ticks) !=
        1)
        ticks = 0;
    fclose(file);
    return boot_seconds() + ticks / (double)sysconf(_SC_CLK_TCK);
}

void stats_put_process(struct buf *b)
{
    static const struct {
        const char *name, *type, *help;
        double (*read)(void);
    } figures[] = {
        {"process_resident_memory_bytes", "gauge", "Resident memory of this process.", resident_bytes},
        {"process_cpu_seconds_total", "counter", "User and system time of this process.", cpu_seconds},
        {"process_open_fds", "gauge", "Open file descriptors of this process.", open_fds},
        {"process_start_time_seconds", "gauge", "When this process was started, since 1970.", start_seconds},
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        stats_put_help(b, figures[i].name, figures[i].type, figures[i].help);
        stats_put_number(b, figures[i].name, NULL, figures[i].read());
    }
}
