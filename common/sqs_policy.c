/* sqs_policy.c - see sqs_policy.h, and the names in sqs_attributes.h. */
#include "common/sqs_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_cursor.h"
#include "common/limits.h"
#include "common/sqs_attributes.h"

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
#define FIFO_SUFFIX ".fifo"
#define ARN_PREFIX "arn:aws:sqs:"
#define NAME_MAX_BYTES 80u

/* -- Names --------------------------------------------------------------------------------------------------------------- */
bool sqs_queue_is_fifo(struct slice name)
{
    size_t len = sizeof FIFO_SUFFIX - 1;
    return name.len > len && memcmp(name.ptr + name.len - len, FIFO_SUFFIX, len) == 0;
}

bool sqs_queue_name_valid(struct slice name)
{
    size_t len = name.len - (sqs_queue_is_fifo(name) ? sizeof FIFO_SUFFIX - 1 : 0);
    if (name.len == 0 || name.len > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < len; i++)
        if (name.ptr[i] == '\0' || !strchr(NAME_CHARACTERS, name.ptr[i]))
            return false;
    return true;
}

bool sqs_queue_is_own(struct slice name)
{
    return slice_equal(name, slice_text("leat-jobs")) || slice_equal(name, slice_text("leat-jobs-dead"));
}

void sqs_put_path(struct buf *out, struct slice region, struct slice name)
{
    if (!sqs_queue_is_own(name)) {
        buf_append(out, region.ptr, region.len);
        buf_byte(out, '/');
    }
    buf_append(out, name.ptr, name.len);
}

struct slice sqs_name_of_path(struct slice path, struct slice *region)
{
    const unsigned char *slash = path.len ? memchr(path.ptr, '/', path.len) : NULL;
    *region = slash ? slice_of(path.ptr, (size_t)(slash - path.ptr)) : slice_text("");
    return slash ? slice_of(slash + 1, path.len - region->len - 1) : path;
}

void sqs_put_arn(struct buf *out, const struct sqs_place *place, struct slice name)
{
    buf_printf(out, ARN_PREFIX "%.*s:%.*s:%.*s", (int)place->region.len, (const char *)place->region.ptr,
               (int)place->account.len, (const char *)place->account.ptr, (int)name.len, (const char *)name.ptr);
}

int sqs_read_arn(struct slice arn, struct slice *region, struct slice *name)
{
    size_t at = sizeof ARN_PREFIX - 1, colons[2] = {0, 0};
    unsigned count = 0;
    if (arn.len < at || memcmp(arn.ptr, ARN_PREFIX, at) != 0)
        return -1;
    for (size_t i = at; i < arn.len; i++)
        if (arn.ptr[i] == ':' && count < 2)
            colons[count++] = i;
    if (count < 2)
        return -1;
    *region = slice_of(arn.ptr + at, colons[0] - at);
    *name = slice_of(arn.ptr + colons[1] + 1, arn.len - colons[1] - 1);
    return region->len > 0 && sqs_queue_name_valid(*name) ? 0 : -1;
}

/* -- JSON texts ---------------------------------------------------------------------------------------------------------- */
static int take_count(struct json_cursor *c, uint32_t *count)
{
    char digits[12];
    struct slice text = json_peek(c) == JSON_STRING ? json_take_string(c) : json_take_number(c);
    if (text.len == 0 || text.len >= sizeof digits)
        return -1;
    memcpy(digits, text.ptr, text.len);
    digits[text.len] = '\0';
    if (strspn(digits, "0123456789") != text.len)
        return -1;
    *count = (uint32_t)strtoul(digits, NULL, 10);
    return *count >= 1 && *count <= LIMIT_RECEIVE_COUNT ? 0 : -1;
}

static int read_member(struct json_cursor *c, struct slice name, struct sqs_redrive *r)
{
    enum json_kind kind = json_peek(c);
    if (slice_equal(name, slice_text("maxReceiveCount")))
        return kind == JSON_STRING || kind == JSON_NUMBER ? take_count(c, &r->max_receive_count) : -1;
    if (!slice_equal(name, slice_text("deadLetterTargetArn"))) {
        json_skip(c);
        return 0;
    }
    struct slice arn = kind == JSON_STRING ? json_take_string(c) : slice_text("");
    if (arn.len == 0 || arn.len >= sizeof r->arn)
        return -1;
    memcpy(r->arn, arn.ptr, arn.len);
    r->arn[arn.len] = '\0';
    return 0;
}

int sqs_redrive_read(struct slice policy, struct sqs_redrive *r)
{
    struct buf scratch = {0};
    struct json_cursor c;
    struct slice name;
    int result = -1;
    *r = (struct sqs_redrive){.max_receive_count = 10};
    json_cursor_init(&c, policy, &scratch);
    if (json_peek(&c) == JSON_OBJECT) {
        result = 0;
        json_enter(&c);
        while (result == 0 && json_next_member(&c, &name))
            result = read_member(&c, name, r);
    }
    result = result == 0 && json_finish(&c) == 0 && r->arn[0] != '\0' ? 0 : -1;
    buf_finish(&scratch);
    return result;
}

int sqs_fail_redrive(struct sqs_error *e, struct slice policy)
{
    return sqs_fail_value(
        e, policy, "RedrivePolicy",
        "Redrive policy is not a valid JSON map with deadLetterTargetArn and maxReceiveCount from 1 to 1000.");
}

/* The ARNs in a list; -1: something else stands there. */
static int count_arns(struct json_cursor *c)
{
    int count = 0;
    struct slice region, name;
    if (json_peek(c) != JSON_ARRAY)
        return -1;
    for (json_enter(c); json_next_element(c); count++)
        if (json_peek(c) != JSON_STRING || sqs_read_arn(json_take_string(c), &region, &name) != 0)
            return -1;
    return count;
}

bool sqs_redrive_allow_valid(struct slice policy)
{
    static const char *const permissions[] = {"allowAll", "denyAll", "byQueue"};
    struct buf scratch = {0};
    struct json_cursor c;
    struct slice name, text = {0};
    int arns = 0, found = -1;
    json_cursor_init(&c, policy, &scratch);
    bool good = json_peek(&c) == JSON_OBJECT;
    if (good)
        json_enter(&c);
    while (good && json_next_member(&c, &name)) {
        if (slice_equal(name, slice_text("redrivePermission")) && json_peek(&c) == JSON_STRING)
            text = json_take_string(&c);
        else if (slice_equal(name, slice_text("sourceQueueArns")))
            good = (arns = count_arns(&c)) >= 0;
        else
            good = false;
    }
    for (int i = 0; i < 3; i++)
        found = text.len > 0 && slice_equal(text, slice_text(permissions[i])) ? i : found;
    good = good && json_finish(&c) == 0 && found >= 0 && (found == 2 ? arns >= 1 && arns <= 10 : arns == 0);
    buf_finish(&scratch);
    return good;
}

static bool list_has(struct json_cursor *c, struct slice text)
{
    bool found = false;
    if (json_peek(c) != JSON_ARRAY) {
        json_skip(c);
        return false;
    }
    json_enter(c);
    while (json_next_element(c))
        if (json_peek(c) == JSON_STRING)
            found |= slice_equal(json_take_string(c), text);
        else
            json_skip(c);
    return found;
}

bool sqs_redrive_allowed(struct slice policy, struct slice source_arn)
{
    struct buf scratch = {0};
    struct json_cursor c;
    struct slice name, permission = {0};
    bool named = false, deny = false, by_queue = false;
    if (policy.len == 0)
        return true;
    json_cursor_init(&c, policy, &scratch);
    if (json_peek(&c) == JSON_OBJECT) {
        json_enter(&c);
        while (json_next_member(&c, &name)) {
            if (slice_equal(name, slice_text("redrivePermission")) && json_peek(&c) == JSON_STRING) {
                permission = json_take_string(&c);
                deny = slice_equal(permission, slice_text("denyAll"));
                by_queue = slice_equal(permission, slice_text("byQueue"));
            } else if (slice_equal(name, slice_text("sourceQueueArns"))) {
                named = list_has(&c, source_arn);
            } else {
                json_skip(&c);
            }
        }
    }
    bool broken = json_finish(&c) != 0;
    buf_finish(&scratch);
    return !broken && !deny && (!by_queue || named);
}

/* -- Dead letters --------------------------------------------------------------------------------------------------------- */
int sqs_dead_letter_check(struct slice policy, struct slice queue, const struct sqs_place *place,
                          const struct queue_description *target, struct sqs_error *e)
{
    struct value document = value_of(target->document);
    bool fifo = sqs_queue_is_fifo(queue);
    struct buf arn = {0};
    if ((target->attributes.kind == QUEUE_FIFO) != fifo || target->attributes.kind == QUEUE_OF_JOBS)
        return sqs_fail_value(e, policy, "RedrivePolicy", "Dead-letter queue must be same type of queue as the source queue.");
    sqs_put_arn(&arn, place, queue);
    bool allowed = sqs_redrive_allowed(sqs_attribute_text(&document, "RedriveAllowPolicy", fifo), buf_slice(&arn));
    buf_finish(&arn);
    return allowed ? 0
                   : sqs_fail_value(e, policy, "RedrivePolicy",
                                    "The RedriveAllowPolicy of the dead-letter queue does not allow this source queue.");
}
