/* journal_files.c - the files of a journal under test: copied, damaged, counted. See journal_lab.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cmocka.h>

#include "tests/lib/journal_lab.h"

#define COPY_BYTES 65536

void lab_path(const struct lab *lab, const char *name, char out[static 160]) { snprintf(out, 160, "%s/%s", lab->folder, name); }

void lab_flip(const struct lab *lab, const char *name, uint32_t offset, unsigned char mask)
{
    char path[160];
    unsigned char byte;
    lab_path(lab, name, path);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= mask;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

static bool ends_with(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n >= m && strcmp(name + n - m, ending) == 0;
}

uint64_t lab_folder_sum(const struct lab *lab)
{
    uint64_t sum = 0;
    char path[160];
    unsigned char *bytes = malloc(COPY_BYTES);
    DIR *d = opendir(lab->folder);
    assert_true(bytes && d);
    for (struct dirent *entry; (entry = readdir(d));) {
        if (!ends_with(entry->d_name, ".seg"))
            continue;
        snprintf(path, sizeof path, "%s/%.64s", lab->folder, entry->d_name);
        int fd = open(path, O_RDONLY);
        uint64_t one = XXH3_64bits(entry->d_name, strlen(entry->d_name));
        for (ssize_t n; (n = read(fd, bytes, COPY_BYTES)) > 0;)
            one = XXH3_64bits_withSeed(bytes, (size_t)n, one);
        close(fd);
        sum += one;
    }
    closedir(d);
    free(bytes);
    return sum;
}

static void copy_file(const char *from, const char *to)
{
    static const unsigned char zeros[4096];
    struct stat st;
    unsigned char block[sizeof zeros];
    int in = open(from, O_RDONLY), out = open(to, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(in >= 0 && out >= 0 && fstat(in, &st) == 0 && ftruncate(out, st.st_size) == 0);
    for (off_t at = 0; (at = lseek(in, at, SEEK_DATA)) >= 0;) {
        ssize_t n = pread(in, block, sizeof block, at);
        if (n <= 0)
            break;
        if (memcmp(block, zeros, (size_t)n) != 0)
            assert_int_equal(pwrite(out, block, (size_t)n, at), n);
        at += n;
    }
    close(in);
    close(out);
}

void lab_copy_folder(const char *from, const char *to)
{
    char a[160], b[160];
    DIR *d = opendir(from);
    assert_non_null(d);
    assert_true(mkdir(to, 0700) == 0 || errno == EEXIST);
    for (struct dirent *entry; (entry = readdir(d));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(a, sizeof a, "%s/%.64s", from, entry->d_name);
        snprintf(b, sizeof b, "%s/%.64s", to, entry->d_name);
        copy_file(a, b);
    }
    closedir(d);
}

void lab_remove_folder(const char *folder)
{
    char path[160];
    DIR *d = opendir(folder);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        snprintf(path, sizeof path, "%s/%.64s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(folder);
}

unsigned lab_count_files(const struct lab *lab, const char *ending)
{
    unsigned count = 0;
    DIR *d = opendir(lab->folder);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d));)
        count += ends_with(entry->d_name, ending);
    closedir(d);
    return count;
}
