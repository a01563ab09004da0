/* coding.c - see coding.h. */
#include "gateway/coding.h"

#include <assert.h>
#include <zlib.h>

#include "gateway/http_fields.h"

#define GZIP_WINDOW (15 + 16) /* zlib: the largest window, in gzip's frame */
#define LEVEL 1               /* answers are compressed in the loop: speed before size */
#define STEP_BYTES (64u * 1024u)
#define CODINGS 3

/* -- Accept-Encoding ------------------------------------------------------------------------------------------- */
static const char *const names[CODINGS] = {
    [CODING_IDENTITY] = "identity", [CODING_GZIP] = "gzip", [CODING_DEFLATE] = "deflate"};

const char *coding_name(enum coding coding) { return names[coding]; }

static struct slice trimmed(struct slice s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = slice_of(s.ptr + 1, s.len - 1);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* The part before the first `mark`, without blanks; *rest is what follows the mark. */
static struct slice part_before(struct slice *rest, unsigned char mark)
{
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] != mark)
        len++;
    struct slice part = trimmed(slice_of(rest->ptr, len));
    *rest = len < rest->len ? slice_of(rest->ptr + len + 1, rest->len - len - 1) : slice_of(rest->ptr + len, 0);
    return part;
}

/* "q=0.5" in thousandths; what is no weight counts as 1, as if it were not there. */
static int weight_of(struct slice parameter)
{
    struct slice name = part_before(&parameter, '='), value = trimmed(parameter);
    int weight = 0, digits = 0;
    if (!http_same_word(name, slice_text("q")) || value.len == 0 || value.ptr[0] != '0')
        return 1000;
    for (size_t i = 2; i < value.len && digits < 3; i++, digits++)
        weight = weight * 10 + (value.ptr[i] >= '0' && value.ptr[i] <= '9' ? value.ptr[i] - '0' : 0);
    for (; digits < 3; digits++)
        weight *= 10;
    return weight;
}

struct wish {
    int weight;   /* in thousandths */
    int position; /* in the header; large: by "*" only */
};

static bool better(const struct wish *a, const struct wish *b)
{
    return a->weight != b->weight ? a->weight > b->weight : a->position < b->position;
}

enum coding coding_choose(struct slice accept)
{
    struct wish wishes[CODINGS] = {{0, 1000}, {0, 1001}, {0, 1002}};
    bool named[CODINGS] = {false};
    int star = 0;
    for (int position = 0; accept.len > 0; position++) {
        struct slice rest = part_before(&accept, ','), name = part_before(&rest, ';');
        int weight = weight_of(rest);
        if (slice_equal(name, slice_text("*")))
            star = weight;
        for (int i = CODING_GZIP; i < CODINGS; i++)
            if (http_same_word(name, slice_text(names[i]))) {
                wishes[i] = (struct wish){weight, position};
                named[i] = true;
            }
    }
    for (int i = CODING_GZIP; i < CODINGS; i++)
        if (!named[i])
            wishes[i].weight = star;
    enum coding best = better(&wishes[CODING_DEFLATE], &wishes[CODING_GZIP]) ? CODING_DEFLATE : CODING_GZIP;
    return wishes[best].weight > 0 ? best : CODING_IDENTITY;
}

/* -- In -------------------------------------------------------------------------------------------------------- */
/* Inflates one member from z's input. Z_STREAM_END, or why it stopped. */
static int inflate_member(z_stream *z, size_t max, struct buf *out)
{
    int result = Z_OK;
    while (result == Z_OK) {
        size_t room = max + 1 - out->len < STEP_BYTES ? max + 1 - out->len : STEP_BYTES;
        if (buf_reserve(out, room) != 0)
            return Z_MEM_ERROR;
        z->next_out = out->data + out->len;
        z->avail_out = (uInt)room;
        result = inflate(z, Z_NO_FLUSH);
        out->len += room - z->avail_out;
        if (out->len > max)
            return Z_BUF_ERROR;
        if (result == Z_OK && z->avail_in == 0 && z->avail_out > 0)
            return Z_DATA_ERROR; /* cut short */
    }
    return result == Z_BUF_ERROR ? Z_DATA_ERROR : result;
}

enum coding_result coding_gunzip(struct slice in, size_t max, struct buf *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.ptr, .avail_in = (uInt)in.len};
    assert(in.len <= UINT32_MAX && max < SIZE_MAX);
    buf_reset(out);
    if (in.len == 0)
        return CODING_BROKEN;
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return CODING_NO_MEMORY;
    int result;
    do
        result = inflate_member(&z, max, out);
    while (result == Z_STREAM_END && z.avail_in > 0 && inflateReset(&z) == Z_OK);
    inflateEnd(&z);
    if (result == Z_STREAM_END)
        return CODING_OK;
    return result == Z_MEM_ERROR ? CODING_NO_MEMORY : result == Z_BUF_ERROR ? CODING_TOO_LARGE : CODING_BROKEN;
}

/* -- Out ------------------------------------------------------------------------------------------------------- */
int coding_compress(enum coding coding, struct slice in, struct buf *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.ptr, .avail_in = (uInt)in.len};
    assert(coding != CODING_IDENTITY);
    if (in.len > UINT32_MAX / 2 ||
        deflateInit2(&z, LEVEL, Z_DEFLATED, coding == CODING_GZIP ? GZIP_WINDOW : MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return -1;
    size_t room = deflateBound(&z, in.len);
    int result = -1;
    if (buf_reserve(out, room) == 0) {
        z.next_out = out->data + out->len;
        z.avail_out = (uInt)room;
        result = deflate(&z, Z_FINISH) == Z_STREAM_END ? 0 : -1;
        out->len += result == 0 ? room - z.avail_out : 0;
    }
    deflateEnd(&z);
    return result;
}

uint32_t coding_crc32(struct slice bytes) { return (uint32_t)crc32_z(0, bytes.ptr, bytes.len); }
