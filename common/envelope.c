/* envelope.c - see envelope.h. */
#include "common/envelope.h"

#define VERSION 1
#define FIELDS 7

void envelope_encode(struct buf *b, const struct envelope *e)
{
    mp_put_array(b, FIELDS);
    mp_put_uint(b, VERSION);
    mp_put_slice(b, e->body);
    mp_put_slice(b, e->group_id);
    mp_put_slice(b, e->deduplication_id);
    mp_put_slice(b, e->sender_id);
    mp_put_slice(b, e->trace_header);
    mp_put_array(b, e->attribute_count);
    for (uint32_t i = 0; i < e->attribute_count; i++) {
        mp_put_array(b, 3);
        mp_put_slice(b, e->attributes[i].name);
        mp_put_slice(b, e->attributes[i].type);
        mp_put_bin(b, e->attributes[i].value.ptr, e->attributes[i].value.len);
    }
}

int envelope_decode(struct slice bytes, struct envelope *e)
{
    struct mp_reader r = mp_reader_of(bytes);
    *e = (struct envelope){0};
    mp_array_exact(&r, FIELDS);
    if (mp_uint(&r, VERSION) != VERSION)
        return -1;
    e->body = mp_str(&r, LIMIT_MESSAGE_BYTES);
    e->group_id = mp_str(&r, LIMIT_MESSAGE_BYTES);
    e->deduplication_id = mp_str(&r, LIMIT_MESSAGE_BYTES);
    e->sender_id = mp_str(&r, LIMIT_MESSAGE_BYTES);
    e->trace_header = mp_str(&r, LIMIT_MESSAGE_BYTES);
    struct mp_reader attributes = r;
    mp_skip(&r);
    if (!mp_at_end(&r))
        return -1;
    e->reader = attributes;
    e->attribute_count = mp_array(&e->reader, UINT32_MAX);
    return e->reader.failed ? -1 : 0;
}

bool envelope_next(struct envelope *e, struct envelope_attribute *attribute)
{
    if (e->attribute_count == 0 || e->reader.failed)
        return false;
    e->attribute_count--;
    mp_array_exact(&e->reader, 3);
    attribute->name = mp_str(&e->reader, LIMIT_MESSAGE_BYTES);
    attribute->type = mp_str(&e->reader, LIMIT_MESSAGE_BYTES);
    attribute->value = mp_bin(&e->reader, LIMIT_MESSAGE_BYTES);
    return !e->reader.failed;
}
