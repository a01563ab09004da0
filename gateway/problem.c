/* problem.c - writes problem bodies. The title is made of the name, so that no error can lack one. */
#include "gateway/problem.h"

#include <stdbool.h>
#include <string.h>

#include "common/json.h"

static bool is_upper(unsigned char c) { return c >= 'A' && c <= 'Z'; }

void problem_put_title(struct buf *out, struct slice name)
{
    static const char tail[] = "Exception";
    if (name.len > sizeof tail - 1 && memcmp(name.ptr + name.len - (sizeof tail - 1), tail, sizeof tail - 1) == 0)
        name.len -= sizeof tail - 1;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = name.ptr[i];
        if (i > 0 && is_upper(c)) {
            buf_byte(out, ' ');
            c = (unsigned char)(c + 32);
        }
        buf_byte(out, c);
    }
}

static void put_head(struct buf *out, struct slice name, unsigned status, struct slice detail, const struct id *id)
{
    struct buf title = {0};
    problem_put_title(&title, name);
    buf_text(out, "{\"type\":");
    json_put_string(out, name);
    buf_text(out, ",\"title\":");
    json_put_string(out, buf_slice(&title));
    buf_printf(out, ",\"status\":%u,\"detail\":", status);
    json_put_string(out, detail);
    buf_finish(&title);
    if (id) {
        char text[ID_TEXT_BYTES];
        id_format(id, text);
        buf_printf(out, ",\"instance\":\"/jobs/%s\"", text);
    }
}

void problem_put(struct buf *out, const struct err *e, const struct id *id)
{
    put_head(out, slice_text(err_name(e->code)), (unsigned)err_http_status(e->code), slice_text(e->text), id);
    buf_byte(out, '}');
}

static bool is_taken(struct slice name)
{
    static const char *const own[] = {"message", "type", "title", "status", "detail", "instance"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (slice_equal(name, slice_text(own[i])))
            return true;
    return false;
}

unsigned problem_put_outcome(struct buf *out, struct slice name, const struct value *value, const struct id *id)
{
    struct value message = value_map_get(value, slice_text("message"));
    struct slice detail = message.type == VALUE_S ? message.bytes : slice_text("");
    unsigned status = (unsigned)err_http_status(err_by_name((const char *)name.ptr, name.len));
    put_head(out, name, status, detail, id);
    if (value->type == VALUE_M) {
        struct value_walk walk = value_walk_of(value);
        struct slice member;
        struct value element;
        while (value_walk_next(&walk, &member, &element))
            if (!is_taken(member)) {
                buf_byte(out, ',');
                json_put_string(out, member);
                buf_byte(out, ':');
                json_from_value(&element, out);
            }
    }
    buf_byte(out, '}');
    return status;
}
