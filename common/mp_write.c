/* mp_write.c - msgpack, written through msgpack-c's packer into a struct buf. */
#include "common/mp.h"

#include <assert.h>
#include <string.h>

#include <msgpack/pack.h>

#define HEADER_MAX_BYTES 6 /* ext 32: format, four bytes of length, type */

static int append(void *buf, const char *bytes, size_t len) { return buf_append(buf, bytes, len); }

static msgpack_packer packer_of(struct buf *b) { return (msgpack_packer){.data = b, .callback = append}; }

void mp_put_nil(struct buf *b)
{
    msgpack_packer p = packer_of(b);
    msgpack_pack_nil(&p);
}

void mp_put_bool(struct buf *b, bool value)
{
    msgpack_packer p = packer_of(b);
    value ? msgpack_pack_true(&p) : msgpack_pack_false(&p);
}

void mp_put_uint(struct buf *b, uint64_t value)
{
    msgpack_packer p = packer_of(b);
    msgpack_pack_uint64(&p, value);
}

void mp_put_int(struct buf *b, int64_t value)
{
    msgpack_packer p = packer_of(b);
    msgpack_pack_int64(&p, value);
}

/* msgpack's lengths have 32 bits: more is refused like what does not fit memory. */
static bool fits(struct buf *b, size_t len)
{
    if (len > UINT32_MAX)
        b->failed = true;
    return !b->failed;
}

void mp_put_str(struct buf *b, const char *text, size_t len)
{
    msgpack_packer p = packer_of(b);
    if (!fits(b, len))
        return;
    msgpack_pack_str(&p, len);
    buf_append(b, text, len);
}

void mp_put_text(struct buf *b, const char *text) { mp_put_str(b, text, strlen(text)); }
void mp_put_slice(struct buf *b, struct slice text) { mp_put_str(b, (const char *)text.ptr, text.len); }

void mp_put_bin(struct buf *b, const void *bytes, size_t len)
{
    msgpack_packer p = packer_of(b);
    if (!fits(b, len))
        return;
    msgpack_pack_bin(&p, len);
    buf_append(b, bytes, len);
}

void mp_put_ext(struct buf *b, int8_t type, const void *bytes, size_t len)
{
    msgpack_packer p = packer_of(b);
    if (!fits(b, len))
        return;
    msgpack_pack_ext(&p, len, type);
    buf_append(b, bytes, len);
}

void mp_put_array(struct buf *b, uint32_t count)
{
    msgpack_packer p = packer_of(b);
    msgpack_pack_array(&p, count);
}

void mp_put_map(struct buf *b, uint32_t count)
{
    msgpack_packer p = packer_of(b);
    msgpack_pack_map(&p, count);
}

void mp_put_raw(struct buf *b, struct slice encoded) { buf_append(b, encoded.ptr, encoded.len); }

/* One byte is enough for the header of nearly every container; a longer one makes room at the close. */
size_t mp_open(struct buf *b)
{
    size_t mark = b->len;
    buf_byte(b, 0);
    return mark;
}

struct header {
    unsigned char bytes[HEADER_MAX_BYTES];
    size_t len;
};

static int append_to_header(void *data, const char *bytes, size_t len)
{
    struct header *h = data;
    assert(len <= sizeof h->bytes - h->len);
    memcpy(h->bytes + h->len, bytes, len);
    h->len += len;
    return 0;
}

static msgpack_packer header_packer(struct header *h)
{
    h->len = 0;
    return (msgpack_packer){.data = h, .callback = append_to_header};
}

/* Puts the header in the place of the one byte that mp_open() left. */
static void close_with(struct buf *b, size_t mark, const struct header *h)
{
    assert(mark < b->len && h->len >= 1);
    size_t more = h->len - 1;
    if (buf_reserve(b, more) != 0)
        return;
    if (more > 0)
        memmove(b->data + mark + h->len, b->data + mark + 1, b->len - mark - 1);
    memcpy(b->data + mark, h->bytes, h->len);
    b->len += more;
}

void mp_close_array(struct buf *b, size_t mark, uint32_t count)
{
    struct header h;
    msgpack_packer p = header_packer(&h);
    msgpack_pack_array(&p, count);
    if (!buf_failed(b))
        close_with(b, mark, &h);
}

void mp_close_map(struct buf *b, size_t mark, uint32_t count)
{
    struct header h;
    msgpack_packer p = header_packer(&h);
    msgpack_pack_map(&p, count);
    if (!buf_failed(b))
        close_with(b, mark, &h);
}

void mp_close_ext(struct buf *b, size_t mark, int8_t type)
{
    struct header h;
    msgpack_packer p = header_packer(&h);
    if (buf_failed(b))
        return;
    assert(mark < b->len);
    size_t payload_bytes = b->len - mark - 1;
    if (!fits(b, payload_bytes))
        return;
    msgpack_pack_ext(&p, payload_bytes, type);
    close_with(b, mark, &h);
}
