/* sqs_body.c - what the broker keeps, as clients read it: an envelope, or a dead job, of which one is made. See sqs_message.h. Pure. */
#include "common/json.h"
#include "common/mp.h"
#include "common/op.h"
#include "common/sqs_message.h"

static int put_job(struct buf *text, const struct op *op)
{
    buf_printf(text, "{\"operation\":\"%s\"", op_name(op->code));
    if (op->table.len > 0) {
        buf_text(text, ",\"tableName\":");
        json_put_string(text, op->table);
    }
    if (op->payload.type != VALUE_NONE) {
        buf_text(text, ",\"payload\":");
        if (json_from_value(&op->payload, text) != 0)
            return -1;
    }
    return buf_byte(text, '}');
}

static int read_dead_job(struct slice body, struct slice reason, struct buf *made, struct envelope *e)
{
    struct op op;
    struct buf text = {0};
    struct envelope_attribute why = {slice_text("DeadLetterReason"), slice_text("String"), reason};
    if (op_decode(body, &op) != 0)
        return -1;
    int result = put_job(&text, &op);
    *e = (struct envelope){.body = buf_slice(&text), .attributes = &why, .attribute_count = reason.len > 0};
    envelope_encode(made, e);
    buf_finish(&text);
    return result == 0 && !buf_failed(made) ? envelope_decode(buf_slice(made), e) : -1;
}

void sqs_body_read(struct slice body, struct slice reason, struct buf *made, struct envelope *e)
{
    if (envelope_decode(body, e) == 0 || read_dead_job(body, reason, made, e) == 0)
        return;
    *e = (struct envelope){.body = utf8_valid(body) ? body : slice_text("?")}; /* not of a gateway's making: as it is */
}
