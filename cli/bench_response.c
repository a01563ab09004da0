/* bench_response.c - a line at a time until the head ends, then a count of bytes.
 *
 * A line that lies whole in what came is read where it is; only one that is cut is collected. */
#include "cli/bench_response.h"

#include <string.h>
#include <strings.h>

#include "common/limits.h"

#define INTERIM_MAX 8                  /* 100 Continue and its like before the answer proper */
#define LENGTH_MAX (UINT64_C(4) << 30) /* of a body: far beyond what any gateway sends */
#define STATUS_LINE_BYTES (sizeof "HTTP/1.1 200" - 1)

void bench_response_reset(struct bench_response *r)
{
    r->state = BENCH_STATUS_LINE;
    r->status = 0;
    r->close = r->has_length = r->old = false;
    r->why = NULL;
    r->scan = (struct bench_scan){0};
    r->words_len = 0;
    r->left = 0;
    r->head_bytes = r->interim_count = 0;
    buf_reset(&r->line);
}

void bench_response_finish(struct bench_response *r) { buf_finish(&r->line); }

static void refuse(struct bench_response *r, const char *why)
{
    r->state = BENCH_REFUSED;
    r->why = why;
}

/* -- Lines -------------------------------------------------------------------------------------------------------------------- */
static bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }

static void status_line(struct bench_response *r, struct slice line)
{
    static const char version[] = "HTTP/1.";
    const unsigned char *p = line.ptr;
    bool sound = line.len >= STATUS_LINE_BYTES && memcmp(p, version, sizeof version - 1) == 0 && is_digit(p[7]) &&
                 p[8] == ' ' && is_digit(p[9]) && is_digit(p[10]) && is_digit(p[11]) &&
                 (line.len == STATUS_LINE_BYTES || p[12] == ' ');
    if (!sound) {
        refuse(r, "the answer does not begin with an HTTP/1.x status line");
        return;
    }
    r->status = (unsigned)(p[9] - '0') * 100 + (unsigned)(p[10] - '0') * 10 + (unsigned)(p[11] - '0');
    r->old = p[7] == '0';
    r->close = r->old;
    if (r->status < 100 || r->status > 599 || r->status == 101)
        refuse(r, "the answer has a status that does not answer a request");
    else
        r->state = BENCH_HEADERS;
}

static struct slice trim(struct slice s)
{
    while (s.len > 0 && (*s.ptr == ' ' || *s.ptr == '\t'))
        s = slice_of(s.ptr + 1, s.len - 1);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static bool is_text(struct slice s, const char *text)
{
    return s.len == strlen(text) && strncasecmp((const char *)s.ptr, text, s.len) == 0;
}

static void content_length(struct bench_response *r, struct slice text)
{
    uint64_t length = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i]) || length > LENGTH_MAX) {
            refuse(r, "Content-Length is no number that makes sense");
            return;
        }
        length = length * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    if (text.len == 0 || length > LENGTH_MAX)
        refuse(r, "Content-Length is no number that makes sense");
    else if (r->has_length && r->left != length)
        refuse(r, "the answer has two lengths");
    r->has_length = true;
    r->left = length;
}

/* The words of Connection, separated by commas. */
static void connection(struct bench_response *r, struct slice list)
{
    while (list.len > 0) {
        const unsigned char *comma = memchr(list.ptr, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.ptr) : list.len;
        struct slice word = trim(slice_of(list.ptr, len));
        if (is_text(word, "close"))
            r->close = true;
        else if (r->old && is_text(word, "keep-alive"))
            r->close = false;
        size_t step = len + (comma != NULL);
        list = slice_of(list.ptr + step, list.len - step);
    }
}

static void header(struct bench_response *r, struct slice line)
{
    unsigned char first = line.ptr[0] | 0x20;
    const unsigned char *colon = memchr(line.ptr, ':', line.len);
    if (!colon || colon == line.ptr || line.ptr[0] == ' ' || line.ptr[0] == '\t') {
        refuse(r, "a header without a name");
        return;
    }
    if (first != 'c' && first != 't') /* none of the three that matter */
        return;
    struct slice name = slice_of(line.ptr, (size_t)(colon - line.ptr));
    struct slice text = trim(slice_of(colon + 1, line.len - name.len - 1));
    if (is_text(name, "content-length"))
        content_length(r, text);
    else if (is_text(name, "connection"))
        connection(r, text);
    else if (is_text(name, "transfer-encoding"))
        refuse(r, "the answer has a Transfer-Encoding (chunked), which is not read here");
}

static void head_ends(struct bench_response *r)
{
    if (r->status < 200) {
        if (++r->interim_count > INTERIM_MAX)
            refuse(r, "too many interim answers");
        else
            r->state = BENCH_STATUS_LINE;
        return;
    }
    bool bodiless = r->status == 204 || r->status == 304;
    if (bodiless)
        r->left = 0;
    if (!r->has_length && !bodiless)
        refuse(r, "the answer has no Content-Length");
    else
        r->state = r->left > 0 ? BENCH_BODY : BENCH_COMPLETE;
}

static void take_line(struct bench_response *r, struct slice line)
{
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (r->state == BENCH_STATUS_LINE)
        status_line(r, line);
    else if (line.len == 0)
        head_ends(r);
    else
        header(r, line);
}

/* -- Bytes -------------------------------------------------------------------------------------------------------------------- */
static size_t take_head(struct bench_response *r, const unsigned char *bytes, size_t len)
{
    const unsigned char *end = memchr(bytes, '\n', len);
    size_t took = end ? (size_t)(end - bytes) + 1 : len;
    if (took > LIMIT_HEADER_BYTES - r->head_bytes) {
        refuse(r, "the head of the answer is too long");
        return took;
    }
    r->head_bytes += (uint32_t)took;
    if (end && r->line.len == 0) {
        take_line(r, slice_of(bytes, took - 1));
        return took;
    }
    buf_append(&r->line, bytes, end ? took - 1 : took);
    if (buf_failed(&r->line)) {
        refuse(r, "out of memory");
    } else if (end) {
        take_line(r, buf_slice(&r->line));
        buf_reset(&r->line);
    }
    return took;
}

static size_t take_body(struct bench_response *r, const unsigned char *bytes, size_t len)
{
    size_t took = len < r->left ? len : (size_t)r->left;
    if (r->status >= 300) {
        size_t room = sizeof r->words - r->words_len, kept = took < room ? took : room;
        memcpy(r->words + r->words_len, bytes, kept);
        r->words_len += kept;
    } else if (r->count_jobs) {
        bench_scan_feed(&r->scan, bytes, took);
    }
    r->left -= took;
    if (r->left == 0)
        r->state = BENCH_COMPLETE;
    return took;
}

size_t bench_response_feed(struct bench_response *r, const unsigned char *bytes, size_t len)
{
    size_t at = 0;
    while (at < len && r->state < BENCH_COMPLETE)
        at += r->state == BENCH_BODY ? take_body(r, bytes + at, len - at) : take_head(r, bytes + at, len - at);
    return at;
}
