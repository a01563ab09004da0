/* image.h - files of a journal made by hand, with right checksums around whatever is put into them. */
#ifndef LEAT_TESTS_FUZZ_IMAGE_H
#define LEAT_TESTS_FUZZ_IMAGE_H

#include "queue/journal_internal.h"

struct image {
    struct journal_segment segment;
    struct buf bytes; /* the file, without the zeros behind its last group */
};

void image_begin(struct image *s, uint64_t number, uint64_t first_group, uint64_t first_record);
/* A group with that payload, whatever it is; header.kind RECORDS is set here. */
void image_group(struct image *s, struct journal_header h, struct slice payload);
void image_mark(struct image *s, enum journal_kind kind, uint64_t number);
void image_finish(struct image *s);

/* System calls for journals of images: files stay sparse, nothing waits for a disk, a fatal error is counted. */
void image_use_io(void);
extern unsigned image_fatals;

void image_write(const char *folder, const char *name, struct slice bytes);
void image_clear(const char *folder); /* removes all files in it; makes it if it is missing */
/* The file is these bytes, and zeros behind them. */
bool image_is(const char *folder, const char *name, struct slice bytes);

#endif
