/* buf.c - the growing byte buffer. Capacity doubles, so that n appended bytes cost O(n) copies altogether. */
#include "common/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP_BYTES 64u

void buf_init(struct buf *b) { *b = (struct buf){0}; }

void buf_finish(struct buf *b)
{
    free(b->data);
    buf_init(b);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
}

static int grow(struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : FIRST_CAP_BYTES;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    unsigned char *data = realloc(b->data, cap);
    if (!data)
        return -1;
    b->data = data;
    b->cap = cap;
    return 0;
}

int buf_reserve(struct buf *b, size_t extra)
{
    assert(b->len <= b->cap);
    if (b->failed)
        return -1;
    if (extra <= b->cap - b->len)
        return 0;
    if (extra > SIZE_MAX - b->len || grow(b, b->len + extra) != 0) {
        b->failed = true;
        return -1;
    }
    return 0;
}

int buf_append(struct buf *b, const void *bytes, size_t len)
{
    if (buf_reserve(b, len) != 0)
        return -1;
    if (len > 0)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    return 0;
}

int buf_byte(struct buf *b, unsigned char byte) { return buf_append(b, &byte, 1); }

int buf_text(struct buf *b, const char *text) { return buf_append(b, text, strlen(text)); }

int buf_printf(struct buf *b, const char *format, ...)
{
    /* One byte more than the text: vsnprintf also writes a NUL, which len does not count. */
    for (size_t room = FIRST_CAP_BYTES;;) {
        if (buf_reserve(b, room) != 0)
            return -1;
        room = b->cap - b->len;
        va_list args;
        va_start(args, format);
        int wrote = vsnprintf((char *)b->data + b->len, room, format, args);
        va_end(args);
        if (wrote < 0) {
            b->failed = true;
            return -1;
        }
        if ((size_t)wrote < room) {
            b->len += (size_t)wrote;
            return 0;
        }
        room = (size_t)wrote + 1;
    }
}

void buf_swap(struct buf *a, struct buf *b)
{
    struct buf old = *a;
    *a = *b;
    *b = old;
}

struct slice slice_text(const char *text) { return slice_of(text, strlen(text)); }

bool slice_equal(struct slice a, struct slice b) { return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0); }

int slice_compare(struct slice a, struct slice b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared ? memcmp(a.ptr, b.ptr, shared) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}
