/* op_tag.c - TagResource, UntagResource and ListTagsOfResource. */
#include "common/limits.h"
#include "worker/table/answer.h"
#include "worker/table/arn.h"
#include "worker/table/control.h"
#include "worker/table/tags.h"

static int find_resource(struct request *rq, const struct table **table)
{
    struct slice text = member_text(&rq->op->payload, "ResourceArn");
    struct arn arn;

    if (text.len == 0)
        return err_set(&rq->err, ERR_VALIDATION, "Invalid TableArn");
    if (!arn_parse(text, &arn) || arn.kind.len > 0)
        return err_set(&rq->err, ERR_VALIDATION, "Invalid TableArn: Invalid ResourceArn provided as input %.*s",
                       (int)(text.len < 300 ? text.len : 300), (const char *)text.ptr);
    *table = catalog_lookup(&rq->t->catalog, arn.table);
    if (*table)
        return 0;
    return err_set(&rq->err, ERR_TABLE_NOT_FOUND, "Requested resource not found: ResourcArn: %.*s not found",
                   (int)(text.len < 400 ? text.len : 400), (const char *)text.ptr);
}

static int answer_nothing(struct request *rq, enum kv_result result)
{
    if (result != KV_OK)
        return request_store_failed(rq, result);
    answer_begin(rq->out);
    mp_put_map(rq->out, 0);
    return 0;
}

int op_tag(struct request *rq)
{
    struct value list = control_arg(rq, "Tags");
    const struct table *table;
    uint32_t count = 0;

    if (find_resource(rq, &table) < 0)
        return -1;
    if (list.type != VALUE_L || list.count == 0)
        return err_set(&rq->err, ERR_VALIDATION, "Atleast one Tag needs to be provided as Input.");
    if (tags_check(&list, &rq->err) < 0)
        return -1;
    enum kv_result result = tags_add(rq->txn, table->id, &list, &count);
    if (result == KV_OK && count > LIMIT_TAGS)
        return err_set(&rq->err, ERR_VALIDATION,
                       "One or more parameter values were invalid: Too many tags: %u, the limit is %u", count, LIMIT_TAGS);
    return answer_nothing(rq, result);
}

int op_untag(struct request *rq)
{
    struct value keys = control_arg(rq, "TagKeys");
    const struct table *table;

    if (find_resource(rq, &table) < 0)
        return -1;
    if (keys.type != VALUE_L || keys.count == 0)
        return err_set(&rq->err, ERR_VALIDATION, "Atleast one Tag Key needs to be provided as Input.");
    return answer_nothing(rq, tags_remove(rq->txn, table->id, &keys));
}

int op_tags(struct request *rq)
{
    struct buf *tags = &rq->t->fresh;
    const struct table *table;
    struct slice key;
    struct value value;

    if (find_resource(rq, &table) < 0)
        return -1;
    buf_reset(tags);
    enum kv_result result = tags_read(rq->txn, table->id, tags);
    if (result != KV_OK)
        return request_store_failed(rq, result);
    struct value map = value_of(buf_slice(tags));
    struct value_walk walk = value_walk_of(&map);
    answer_begin(rq->out);
    mp_put_map(rq->out, 1);
    mp_put_text(rq->out, "Tags");
    mp_put_array(rq->out, map.count);
    while (value_walk_next(&walk, &key, &value)) {
        mp_put_map(rq->out, 2);
        mp_put_text(rq->out, "Key");
        mp_put_slice(rq->out, key);
        mp_put_text(rq->out, "Value");
        mp_put_raw(rq->out, value.encoded);
    }
    return 0;
}
