/* coding.h - Content-Encoding both ways, and the checksum of a body. Pure. Its .c file is the only one that knows zlib. */
#ifndef LEAT_GATEWAY_CODING_H
#define LEAT_GATEWAY_CODING_H

#include <stdint.h>

#include "common/buf.h"

enum coding { CODING_IDENTITY, CODING_GZIP, CODING_DEFLATE };

enum coding_result {
    CODING_OK,
    CODING_BROKEN,    /* not gzip, cut short, or followed by something else */
    CODING_TOO_LARGE, /* more than max bytes come out */
    CODING_NO_MEMORY
};

/* Which coding an Accept-Encoding asks for: the highest weight; of equal ones what is named before "*", then the first. */
enum coding coding_choose(struct slice accept_encoding);
const char *coding_name(enum coding coding); /* as in Content-Encoding */

/* What the gzip members in `in` hold, at most max bytes, instead of what out holds. On failure out holds a part of it. */
enum coding_result coding_gunzip(struct slice in, size_t max, struct buf *out);

/* Appends `in`, compressed; GZIP or DEFLATE (zlib's format). 0, or -1 without memory. */
int coding_compress(enum coding coding, struct slice in, struct buf *out);

uint32_t coding_crc32(struct slice bytes);

#endif
