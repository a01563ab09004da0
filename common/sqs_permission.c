/* sqs_permission.c - AddPermission and RemovePermission write statements of a policy; see sqs_policy.h. Pure. */
#include <string.h>

#include "common/mp.h"
#include "common/sqs_message.h"
#include "common/sqs_policy.h"
#include "common/sqs_verdict.h"

#define JSON_DEPTH 32
#define STATEMENTS_MAX 20u
#define ACTIONS_MAX 7u
#define PRINCIPALS_MAX 50u
#define LABEL_BYTES 80u

static struct value member_of(const struct value *in, const char *name)
{
    return in->type == VALUE_M ? value_map_get(in, slice_text(name)) : (struct value){.type = VALUE_NONE};
}

bool sqs_policy_text_valid(struct slice text)
{
    struct json_parser *json = json_parser_create();
    struct buf parsed = {0};
    struct value policy = {.type = VALUE_NONE};
    struct err why;
    if (json && json_to_value(json, text, JSON_DEPTH, &parsed, &why) == 0)
        policy = value_of(buf_slice(&parsed));
    bool valid = sqs_policy_valid(&policy);
    buf_finish(&parsed);
    json_parser_destroy(&json);
    return valid;
}

static int check_accounts(const struct value *accounts, struct sqs_error *e)
{
    struct value one;
    for (struct value_walk walk = value_walk_of(accounts); value_walk_next(&walk, NULL, &one);) {
        bool good = one.type == VALUE_S && one.bytes.len == 12;
        for (size_t i = 0; good && i < one.bytes.len; i++)
            good = one.bytes.ptr[i] >= '0' && one.bytes.ptr[i] <= '9';
        if (!good)
            return sqs_fail_value(e, one.type == VALUE_S ? one.bytes : slice_text(""), "PrincipalId", "Unable to verify.");
    }
    return 0;
}

/* The actions that an owner can share; everything else is his own. */
static int check_actions(const struct value *names, struct sqs_error *e)
{
    static const char *const shared[] = {"*",
                                         "SendMessage",
                                         "ReceiveMessage",
                                         "DeleteMessage",
                                         "ChangeMessageVisibility",
                                         "GetQueueUrl",
                                         "GetQueueAttributes",
                                         "PurgeQueue",
                                         "ListDeadLetterSourceQueues"};
    struct value one;
    for (struct value_walk walk = value_walk_of(names); value_walk_next(&walk, NULL, &one);) {
        bool good = false;
        for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++)
            good = good || (one.type == VALUE_S && slice_equal(one.bytes, slice_text(shared[i])));
        if (!good)
            return sqs_fail(e, SQS_PARAMETER, "Value SQS:%.*s for parameter ActionName is invalid. Reason: %s",
                            one.type == VALUE_S && one.bytes.len < 100 ? (int)one.bytes.len : 0, (const char *)one.bytes.ptr,
                            "Only the queue owner is allowed to invoke this action.");
    }
    return 0;
}

int sqs_permission_check(const struct value *in, struct sqs_error *e)
{
    struct value accounts = member_of(in, "AWSAccountIds"), names = member_of(in, "Actions");
    struct slice label;
    if (sqs_text(in, "Label", &label, e) != 0)
        return -1;
    if (label.len == 0)
        return sqs_fail(e, SQS_MISSING, "The request must contain the parameter Label.");
    if (label.len > LABEL_BYTES || !sqs_queue_name_valid(label))
        return sqs_fail_value(e, label, "Label",
                              "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.");
    if (accounts.type != VALUE_L || accounts.count == 0)
        return sqs_fail(e, SQS_MISSING, "The request must contain the parameter AWSAccountIds.");
    if (names.type != VALUE_L || names.count == 0)
        return sqs_fail(e, SQS_MISSING, "The request must contain the parameter Actions.");
    if (names.count > ACTIONS_MAX)
        return sqs_fail(e, SQS_OVER_LIMIT, "%u Actions were found, maximum allowed is %u.", names.count, ACTIONS_MAX);
    if (accounts.count > PRINCIPALS_MAX)
        return sqs_fail(e, SQS_OVER_LIMIT, "%u principals were found, maximum allowed is %u.", accounts.count, PRINCIPALS_MAX);
    return check_accounts(&accounts, e) != 0 ? -1 : check_actions(&names, e);
}

/* One text, or a list of them, as policies write it. */
static void put_texts(struct buf *out, const struct value *list, const char *before, const char *after)
{
    struct value one;
    struct buf text = {0};
    if (list->count > 1)
        mp_put_array(out, list->count);
    for (struct value_walk walk = value_walk_of(list); value_walk_next(&walk, NULL, &one);) {
        buf_reset(&text);
        buf_text(&text, before);
        if (one.type == VALUE_S)
            buf_append(&text, one.bytes.ptr, one.bytes.len);
        buf_text(&text, after);
        mp_put_slice(out, buf_slice(&text));
    }
    buf_finish(&text);
}

static void put_statement(struct buf *out, const struct value *in, struct slice arn)
{
    struct value accounts = member_of(in, "AWSAccountIds"), names = member_of(in, "Actions"), label = member_of(in, "Label");
    mp_put_map(out, 5);
    mp_put_text(out, "Sid");
    mp_put_slice(out, label.bytes);
    mp_put_text(out, "Effect");
    mp_put_text(out, "Allow");
    mp_put_text(out, "Principal");
    mp_put_map(out, 1);
    mp_put_text(out, "AWS");
    put_texts(out, &accounts, "arn:aws:iam::", ":root");
    mp_put_text(out, "Action");
    put_texts(out, &names, "SQS:", "");
    mp_put_text(out, "Resource");
    mp_put_slice(out, arn);
}

static bool has_label(const struct value *statement, struct slice label)
{
    struct value sid = member_of(statement, "Sid");
    return sid.type == VALUE_S && slice_equal(sid.bytes, label);
}

static bool label_there(const struct value *statements, struct slice label)
{
    struct value one;
    struct value_walk walk = value_walk_of(statements);
    while (statements->type == VALUE_L && value_walk_next(&walk, NULL, &one))
        if (has_label(&one, label))
            return true;
    return false;
}

static void put_text_or(struct buf *out, const struct value *policy, const char *name, struct slice preset)
{
    struct value v = member_of(policy, name);
    mp_put_text(out, name);
    mp_put_slice(out, v.type == VALUE_S ? v.bytes : preset);
}

/* The policy with the statement, or without it. */
static uint32_t put_policy(struct buf *out, const struct value *policy, const struct value *in, bool add, struct slice arn)
{
    struct value statements = member_of(policy, "Statement"), label = member_of(in, "Label"), one;
    uint32_t count = 0;
    struct buf id = {0};
    buf_append(&id, arn.ptr, arn.len);
    buf_text(&id, "/SQSDefaultPolicy");
    mp_put_map(out, 3);
    put_text_or(out, policy, "Version", slice_text("2008-10-17"));
    put_text_or(out, policy, "Id", buf_slice(&id));
    mp_put_text(out, "Statement");
    size_t mark = mp_open(out);
    struct value_walk walk = value_walk_of(&statements);
    while (statements.type == VALUE_L && value_walk_next(&walk, NULL, &one)) {
        if (!add && has_label(&one, label.bytes))
            continue;
        mp_put_raw(out, one.encoded);
        count++;
    }
    if (add) {
        put_statement(out, in, arn);
        count++;
    }
    mp_close_array(out, mark, count);
    buf_finish(&id);
    return count;
}

static int write_policy(const struct value *old, const struct value *in, bool add, struct slice arn, struct buf *out,
                        struct sqs_error *e)
{
    struct buf made = {0};
    int result = 0;
    uint32_t count = put_policy(&made, old, in, add, arn);
    struct value policy = value_of(buf_slice(&made));
    if (count > STATEMENTS_MAX)
        result = sqs_fail(e, SQS_OVER_LIMIT, "A policy can have %u statements.", STATEMENTS_MAX);
    else if (count > 0 && json_from_value(&policy, out) != 0)
        result = sqs_fail(e, SQS_UNAVAILABLE, "This gateway is out of memory.");
    buf_finish(&made);
    return result;
}

int sqs_policy_change(struct json_parser *json, struct slice text, const struct value *in, bool add,
                      const struct sqs_place *place, struct slice queue, struct buf *out, struct sqs_error *e)
{
    struct buf parsed = {0}, arn = {0};
    struct value old = {.type = VALUE_NONE}, label = member_of(in, "Label");
    struct err why;
    int result = 0;
    if (text.len > 0 && json_to_value(json, text, JSON_DEPTH, &parsed, &why) == 0)
        old = value_of(buf_slice(&parsed));
    struct value statements = member_of(&old, "Statement");
    bool there = label_there(&statements, label.bytes);
    sqs_put_arn(&arn, place, queue);
    if (add == there)
        result = sqs_fail_value(e, label.bytes, "Label", add ? "Already exists." : "can't find label.");
    else
        result = write_policy(&old, in, add, buf_slice(&arn), out, e);
    buf_finish(&parsed);
    buf_finish(&arn);
    return result;
}
