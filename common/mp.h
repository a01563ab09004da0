/* mp.h - msgpack, written through msgpack-c's packer and read by a bounded cursor that never allocates.
 *
 * The cursor exists because msgpack-c's unpacker allocates by the lengths that a peer declares, and builds an object tree where
 * we only walk once (docs/decisions/0002). Every read checks the bytes that remain; a reader that met an error stays failed.
 * Writers append to a struct buf and leave errors to buf_failed(). */
#ifndef LEAT_COMMON_MP_H
#define LEAT_COMMON_MP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

/* -- Writing -------------------------------------------------------------------------------------------------- */
void mp_put_nil(struct buf *b);
void mp_put_bool(struct buf *b, bool value);
void mp_put_uint(struct buf *b, uint64_t value);
void mp_put_int(struct buf *b, int64_t value);
void mp_put_str(struct buf *b, const char *text, size_t len);
void mp_put_text(struct buf *b, const char *text);   /* NUL-terminated */
void mp_put_slice(struct buf *b, struct slice text); /* as mp_put_str */
void mp_put_bin(struct buf *b, const void *bytes, size_t len);
void mp_put_ext(struct buf *b, int8_t type, const void *bytes, size_t len);
void mp_put_array(struct buf *b, uint32_t count);
void mp_put_map(struct buf *b, uint32_t count);
void mp_put_raw(struct buf *b, struct slice encoded); /* an already encoded value */

/* Containers whose count is known only at the end: open, append the elements, close with the count. The header is moved into
 * its smallest form at the close, so the bytes are the same as with mp_put_array/map. */
size_t mp_open(struct buf *b); /* returns a mark: where the container begins (cut b there to take it back) */
void mp_close_array(struct buf *b, size_t mark, uint32_t count);
void mp_close_map(struct buf *b, size_t mark, uint32_t count);
void mp_close_ext(struct buf *b, size_t mark, int8_t type); /* payload = what was appended since */

/* -- Reading -------------------------------------------------------------------------------------------------- */
struct mp_reader {
    const unsigned char *at, *end;
    bool failed;
};

enum mp_type { MP_NIL, MP_BOOL, MP_UINT, MP_INT /* negative */, MP_STR, MP_BIN, MP_EXT, MP_ARRAY, MP_MAP, MP_ERROR };

/* One token. STR, BIN, EXT: bytes points into the input. ARRAY, MAP: count elements (pairs) follow. Floats are an error. */
struct mp_token {
    enum mp_type type;
    uint64_t number; /* BOOL, UINT; INT as two's complement */
    struct slice bytes;
    uint32_t count;
    int8_t ext;
};

struct mp_reader mp_reader_of(struct slice bytes);
struct mp_token mp_next(struct mp_reader *r); /* MP_ERROR at the end and on damage (then r->failed) */
enum mp_type mp_peek(const struct mp_reader *r);
static inline bool mp_at_end(const struct mp_reader *r) { return !r->failed && r->at == r->end; }

/* Typed reads: the value, or a zero value with r->failed set. A count or length above max fails, too. */
uint64_t mp_uint(struct mp_reader *r, uint64_t max);
int64_t mp_int(struct mp_reader *r);
bool mp_bool(struct mp_reader *r);
struct slice mp_str(struct mp_reader *r, size_t max_bytes);
struct slice mp_bin(struct mp_reader *r, size_t max_bytes);
struct slice mp_bin_exact(struct mp_reader *r, size_t bytes);
uint32_t mp_array(struct mp_reader *r, uint32_t max_count);
uint32_t mp_map(struct mp_reader *r, uint32_t max_count);
void mp_array_exact(struct mp_reader *r, uint32_t count);

/* Skips one whole value without recursion; returns its encoded bytes. Fails on damage and below LIMIT_MSGPACK_DEPTH levels. */
struct slice mp_skip(struct mp_reader *r);

/* True if bytes is exactly one well-formed value, str is valid UTF-8, no deeper than max_depth. */
bool mp_valid(struct slice bytes, int max_depth);
bool utf8_valid(struct slice text);

#endif
