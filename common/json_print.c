/* json_print.c - the value model as plain JSON. */
#include <string.h>

#include "common/decimal.h"
#include "common/json_parts.h"
#include "common/limits.h"
#include "common/utf8.h"

static const char hex[] = "0123456789abcdef";

static bool is_plain(unsigned char byte) { return byte >= 0x20 && byte != '"' && byte != '\\'; }

static void put_escape(struct buf *out, unsigned char byte)
{
    static const char letters[32] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    char letter = byte >= sizeof letters ? (char)byte : letters[byte];
    char text[6] = {'\\', letter ? letter : 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
    buf_append(out, text, letter ? 2 : 6);
}

/* Bytes from at that need no change: the whole rest, or up to an escape, or (unless checked) up to what is no UTF-8. */
static size_t plain_run(const unsigned char *at, size_t left, bool checked)
{
    size_t run = 0;
    while (run < left && is_plain(at[run])) {
        size_t step = checked ? 1 : utf8_step(at + run, at + left);
        if (step == 0)
            break;
        run += step;
    }
    return run;
}

/* Text that was never checked (a peer's reason, a path) still makes valid JSON: what is no UTF-8 becomes U+FFFD. */
void json_put_string(struct buf *out, struct slice text)
{
    bool checked = utf8_valid(text);
    buf_byte(out, '"');
    for (size_t at = 0; at < text.len; at++) {
        size_t run = plain_run(text.ptr + at, text.len - at, checked);
        buf_append(out, text.ptr + at, run);
        at += run;
        if (at < text.len && is_plain(text.ptr[at]))
            buf_text(out, "\xEF\xBF\xBD");
        else if (at < text.len)
            put_escape(out, text.ptr[at]);
    }
    buf_byte(out, '"');
}

static int print(const struct value *v, struct buf *out, int depth);

static int print_number(struct slice ordered, struct buf *out)
{
    struct decimal d;
    char text[DECIMAL_TEXT_MAX];
    if (decimal_decode(ordered, &d) != 0)
        return -1;
    return buf_append(out, text, decimal_format(&d, text));
}

static int print_base64(struct slice bytes, struct buf *out)
{
    buf_byte(out, '"');
    base64_encode(out, bytes);
    return buf_byte(out, '"');
}

/* [element, ...] of a list or a set, whose B elements are bare base64. -1 if fewer can be read than there should be. */
static int print_elements(const struct value *v, struct buf *out, int depth)
{
    struct value_walk w = value_walk_of(v);
    struct value element;
    uint32_t count = 0;
    buf_byte(out, '[');
    for (; value_walk_next(&w, NULL, &element); count++) {
        if (count > 0)
            buf_byte(out, ',');
        if (v->type == VALUE_BS && element.type == VALUE_B)
            print_base64(element.bytes, out);
        else if (print(&element, out, depth) != 0)
            return -1;
    }
    buf_byte(out, ']');
    return count == v->count ? 0 : -1;
}

static int print_map(const struct value *v, struct buf *out, int depth)
{
    struct value_walk w = value_walk_of(v);
    struct slice name;
    struct value element;
    uint32_t count = 0;
    buf_byte(out, '{');
    for (; value_walk_next(&w, &name, &element); count++) {
        if (count > 0)
            buf_byte(out, ',');
        json_put_string(out, name);
        buf_byte(out, ':');
        if (print(&element, out, depth) != 0)
            return -1;
    }
    buf_byte(out, '}');
    return count == v->count ? 0 : -1;
}

static int print_marked(const struct value *v, struct buf *out, int depth)
{
    buf_byte(out, '{');
    json_put_string(out, slice_text(json_marker_by_type(v->type)->name));
    buf_byte(out, ':');
    int result = v->type == VALUE_B ? print_base64(v->bytes, out) : print_elements(v, out, depth);
    buf_byte(out, '}');
    return result;
}

static int print(const struct value *v, struct buf *out, int depth)
{
    if (depth > LIMIT_MSGPACK_DEPTH)
        return -1;
    switch (v->type) {
    case VALUE_S:
        json_put_string(out, v->bytes);
        return 0;
    case VALUE_N:
        return print_number(v->bytes, out);
    case VALUE_BOOL:
        return buf_text(out, v->truth ? "true" : "false");
    case VALUE_NULL:
        return buf_text(out, "null");
    case VALUE_L:
        return print_elements(v, out, depth + 1);
    case VALUE_M:
        return print_map(v, out, depth + 1);
    case VALUE_B:
    case VALUE_SS:
    case VALUE_NS:
    case VALUE_BS:
        return print_marked(v, out, depth + 1);
    case VALUE_NONE:
        break;
    }
    return -1;
}

int json_from_value(const struct value *v, struct buf *out)
{
    size_t before = out->len;
    if (print(v, out, 0) == 0 && !buf_failed(out))
        return 0;
    out->len = before;
    return -1;
}
