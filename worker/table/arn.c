/* arn.c - see arn.h. */
#include "worker/table/arn.h"

#include <string.h>

#include "common/clock.h"
#include "common/mp.h"

void arn_put(struct buf *out, struct slice home, struct slice table, const char *kind, struct slice leaf)
{
    buf_text(out, "arn:aws:dynamodb:");
    buf_append(out, home.ptr, home.len);
    buf_text(out, ":table/");
    buf_append(out, table.ptr, table.len);
    if (!kind)
        return;
    buf_byte(out, '/');
    buf_text(out, kind);
    buf_byte(out, '/');
    buf_append(out, leaf.ptr, leaf.len);
}

void arn_put_member(struct buf *out, struct slice home, const char *member, struct slice table, const char *kind,
                    struct slice leaf)
{
    struct buf text;

    buf_init(&text);
    arn_put(&text, home, table, kind, leaf);
    mp_put_text(out, member);
    mp_put_str(out, (const char *)text.data, text.len);
    out->failed |= buf_failed(&text);
    buf_finish(&text);
}

/* Cuts *rest behind the next separator and returns what was before it; the whole rest if there is none. */
static struct slice cut(struct slice *rest, char separator)
{
    const unsigned char *end = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
    struct slice part = slice_of(rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len);

    *rest = end ? slice_of(end + 1, rest->len - part.len - 1) : slice_of(rest->ptr + rest->len, 0);
    return part;
}

struct slice arn_region(struct slice home) { return cut(&home, ':'); }

bool arn_parse(struct slice text, struct arn *arn)
{
    static const char *const head[] = {"arn", "aws", "dynamodb"};

    memset(arn, 0, sizeof *arn);
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        if (!slice_equal(cut(&text, ':'), slice_text(head[i])))
            return false;
    if (cut(&text, ':').len == 0 || cut(&text, ':').len == 0 || !slice_equal(cut(&text, '/'), slice_text("table")))
        return false;
    arn->table = cut(&text, '/');
    arn->kind = cut(&text, '/');
    arn->leaf = text;
    return arn->table.len > 0 && (arn->kind.len > 0) == (arn->leaf.len > 0);
}

void arn_label(int64_t ms, char label[static ARN_LABEL_BYTES])
{
    char text[25];

    clock_format(ms, text);
    memcpy(label, text, ARN_LABEL_BYTES - 1); /* without the Z */
    label[ARN_LABEL_BYTES - 1] = 0;
}
