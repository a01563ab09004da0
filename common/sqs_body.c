/* sqs_body.c - what the broker keeps, as clients read it: an envelope of ours, or a dead job, which is shown as it could be posted again, with the
 * reason of its death as an attribute. Pure. */
#include "common/json.h"
#include "common/mp.h"
#include "common/op.h"
#include "common/sqs_message.h"

static void put_slice(struct buf *out, struct slice s) { mp_put_str(out, (const char *)s.ptr, s.len); }

static int read_dead_job(struct slice body, struct slice reason, struct buf *text, struct buf *attributes,
                         struct sqs_envelope *e)
{
    struct op op;
    if (op_decode(body, &op) != 0)
        return -1;
    buf_printf(text, "{\"operation\":\"%s\"", op_name(op.code));
    if (op.table.len > 0) {
        buf_text(text, ",\"tableName\":");
        json_put_string(text, op.table);
    }
    if (op.payload.type != VALUE_NONE) {
        buf_text(text, ",\"payload\":");
        if (json_from_value(&op.payload, text) != 0)
            return -1;
    }
    buf_byte(text, '}');
    mp_put_map(attributes, reason.len > 0);
    if (reason.len > 0) {
        mp_put_text(attributes, "DeadLetterReason");
        mp_put_map(attributes, 2);
        mp_put_text(attributes, "DataType");
        mp_put_text(attributes, "String");
        mp_put_text(attributes, "StringValue");
        put_slice(attributes, reason);
    }
    *e = (struct sqs_envelope){
        .body = buf_slice(text), .attributes = value_of(buf_slice(attributes)), .system = {.type = VALUE_NONE}};
    return buf_failed(text) || buf_failed(attributes) ? -1 : 0;
}

void sqs_body_read(struct slice body, struct slice reason, struct buf *text, struct buf *attributes, struct sqs_envelope *e)
{
    if (sqs_envelope_read(body, e) == 0 || read_dead_job(body, reason, text, attributes, e) == 0)
        return;
    /* not of a gateway's making: as it is */
    *e = (struct sqs_envelope){.body = utf8_valid(body) ? body : slice_text("?"), .attributes = {.type = VALUE_NONE}};
}
