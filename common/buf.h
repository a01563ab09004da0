/* buf.h - a growing byte buffer, and slices that point into somebody else's bytes.
 *
 * A buffer that cannot grow remembers it: every later append does nothing and buf_failed() says so, so that an encoder may
 * check once, at its end. Nothing here blocks. */
#ifndef LEAT_COMMON_BUF_H
#define LEAT_COMMON_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes owned by someone else; valid as long as their owner says. */
struct slice {
    const unsigned char *ptr;
    size_t len;
};

struct buf {
    unsigned char *data; /* owned; NULL while empty */
    size_t len;          /* bytes used */
    size_t cap;          /* bytes allocated */
    bool failed;         /* an append ran out of memory: the content is incomplete */
};

void buf_init(struct buf *b);                                 /* no allocation */
void buf_finish(struct buf *b);                               /* frees; b may be zeroed or finished already */
void buf_reset(struct buf *b);                                /* len = 0, failed = false, keeps the memory */
int buf_reserve(struct buf *b, size_t extra);                 /* room for extra more bytes; 0 or -1 (then failed) */
int buf_append(struct buf *b, const void *bytes, size_t len); /* 0 or -1 */
int buf_byte(struct buf *b, unsigned char byte);
int buf_text(struct buf *b, const char *text); /* without the NUL */
int buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_swap(struct buf *a, struct buf *b);
static inline bool buf_failed(const struct buf *b) { return b->failed; }
static inline struct slice buf_slice(const struct buf *b) { return (struct slice){b->data, b->len}; }

static inline struct slice slice_of(const void *ptr, size_t len) { return (struct slice){(const unsigned char *)ptr, len}; }
/* len bytes of b's content from `at` on. A part without bytes has no pointer: an empty buffer has none to count from. */
static inline struct slice buf_part(const struct buf *b, size_t at, size_t len)
{
    return len > 0 ? slice_of(b->data + at, len) : slice_of(NULL, 0);
}
struct slice slice_text(const char *text); /* strlen bytes */
bool slice_equal(struct slice a, struct slice b);
int slice_compare(struct slice a, struct slice b); /* memcmp, then shorter first: <0, 0, >0 */

#endif
