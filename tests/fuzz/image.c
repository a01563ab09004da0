/* image.c - see image.h. */
#include "tests/fuzz/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

unsigned image_fatals;

/* -- Files in memory ----------------------------------------------------------------------------------------------------------------------- */
void image_begin(struct image *s, uint64_t number, uint64_t first_group, uint64_t first_record)
{
    s->segment = (struct journal_segment){.number = number,
                                          .first_group = first_group,
                                          .first_record = first_record,
                                          .nonce = 0x1234567890abcdefu + number,
                                          .bytes = JOURNAL_SEGMENT_MIN_BYTES};
    buf_reset(&s->bytes);
    fuzz_check(buf_reserve(&s->bytes, JOURNAL_BLOCK_BYTES) == 0);
    journal_encode_segment(s->bytes.data, &s->segment);
    s->bytes.len = JOURNAL_BLOCK_BYTES;
}

void image_group(struct image *s, struct journal_header h, struct slice payload)
{
    size_t at = s->bytes.len;
    h.kind = JOURNAL_RECORDS;
    h.payload_bytes = journal_align((uint32_t)payload.len);
    fuzz_check(buf_reserve(&s->bytes, JOURNAL_HEADER_BYTES + h.payload_bytes) == 0);
    memset(s->bytes.data + at, 0, JOURNAL_HEADER_BYTES + h.payload_bytes);
    if (payload.len > 0)
        memcpy(s->bytes.data + at + JOURNAL_HEADER_BYTES, payload.ptr, payload.len);
    journal_encode_group(s->bytes.data + at, &s->segment, &h);
    s->bytes.len = at + JOURNAL_HEADER_BYTES + h.payload_bytes;
}

void image_mark(struct image *s, enum journal_kind kind, uint64_t number)
{
    struct journal_header h = {.kind = kind, .number = number};
    fuzz_check(buf_reserve(&s->bytes, JOURNAL_HEADER_BYTES) == 0);
    journal_encode_group(s->bytes.data + s->bytes.len, &s->segment, &h);
    s->bytes.len += JOURNAL_HEADER_BYTES;
}

void image_finish(struct image *s) { buf_finish(&s->bytes); }

/* -- System calls -------------------------------------------------------------------------------------------------------------------------- */
static int no_sync(int fd) { return (void)fd, 0; }
static void count_fatal(int status) { (void)status, image_fatals++; }

static int allocate_sparse(int fd, off_t bytes)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return -1;
    return st.st_size < bytes ? ftruncate(fd, bytes) : 0;
}

void image_use_io(void)
{
    journal_set_io(NULL);
    struct journal_io io = journal_io;
    io.sync = io.sync_folder = no_sync;
    io.allocate = allocate_sparse;
    io.fatal = count_fatal;
    journal_set_io(&io);
    image_fatals = 0;
}

/* -- Files on disk ------------------------------------------------------------------------------------------------------------------------- */
static void path_of(const char *folder, const char *name, char path[static 256])
{
    int n = snprintf(path, 256, "%s/%s", folder, name);
    fuzz_check(n > 0 && n < 256);
}

void image_write(const char *folder, const char *name, struct slice bytes)
{
    char path[256];
    path_of(folder, name, path);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fuzz_check(fd >= 0 && journal_write_all(fd, bytes.ptr, bytes.len, 0) == 0);
    close(fd);
}

void image_clear(const char *folder)
{
    char path[256];
    fuzz_check(mkdir(folder, 0700) == 0 || errno == EEXIST);
    DIR *d = opendir(folder);
    fuzz_check(d);
    for (struct dirent *entry; (entry = readdir(d));)
        if (entry->d_name[0] != '.') {
            path_of(folder, entry->d_name, path);
            fuzz_check(unlink(path) == 0);
        }
    closedir(d);
}

bool image_is(const char *folder, const char *name, struct slice bytes)
{
    char path[256];
    unsigned char *read_back = malloc(bytes.len + 1);
    path_of(folder, name, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    fuzz_check(read_back);
    bool same = fd >= 0 && journal_read_all(fd, read_back, bytes.len, 0) == 0 &&
                (bytes.len == 0 || memcmp(read_back, bytes.ptr, bytes.len) == 0);
    if (fd >= 0)
        close(fd);
    free(read_back);
    return same;
}
