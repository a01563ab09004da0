/* sqs_members.c - the members of SQS's requests and their types: a name means the same wherever it stands. See sqs_message.h. Pure. */
#include "common/sqs_message.h"

enum member_type {
    MEMBER_TEXT,
    MEMBER_INTEGER,       /* or a text of digits: the query protocol has no numbers */
    MEMBER_TEXTS,         /* a list of texts */
    MEMBER_TEXT_MAP,      /* name -> text */
    MEMBER_STRUCTURES,    /* a list of structures, whose members are looked at as well */
    MEMBER_STRUCTURE_MAP, /* name -> structure */
};

static const struct row {
    const char *name;
    enum member_type type;
} rows[] = {
    {"QueueUrl", MEMBER_TEXT},
    {"QueueName", MEMBER_TEXT},
    {"QueueNamePrefix", MEMBER_TEXT},
    {"QueueOwnerAWSAccountId", MEMBER_TEXT},
    {"Id", MEMBER_TEXT},
    {"MessageBody", MEMBER_TEXT},
    {"MessageGroupId", MEMBER_TEXT},
    {"MessageDeduplicationId", MEMBER_TEXT},
    {"ReceiptHandle", MEMBER_TEXT},
    {"ReceiveRequestAttemptId", MEMBER_TEXT},
    {"Label", MEMBER_TEXT},
    {"NextToken", MEMBER_TEXT},
    {"SourceArn", MEMBER_TEXT},
    {"DestinationArn", MEMBER_TEXT},
    {"TaskHandle", MEMBER_TEXT},
    {"DelaySeconds", MEMBER_INTEGER},
    {"MaxNumberOfMessages", MEMBER_INTEGER},
    {"MaxNumberOfMessagesPerSecond", MEMBER_INTEGER},
    {"MaxResults", MEMBER_INTEGER},
    {"VisibilityTimeout", MEMBER_INTEGER},
    {"WaitTimeSeconds", MEMBER_INTEGER},
    {"AttributeNames", MEMBER_TEXTS},
    {"MessageAttributeNames", MEMBER_TEXTS},
    {"MessageSystemAttributeNames", MEMBER_TEXTS},
    {"AWSAccountIds", MEMBER_TEXTS},
    {"Actions", MEMBER_TEXTS},
    {"TagKeys", MEMBER_TEXTS},
    {"Attributes", MEMBER_TEXT_MAP},
    {"Tags", MEMBER_TEXT_MAP},
    {"tags", MEMBER_TEXT_MAP},
    {"Entries", MEMBER_STRUCTURES},
    {"MessageAttributes", MEMBER_STRUCTURE_MAP},
    {"MessageSystemAttributes", MEMBER_STRUCTURE_MAP},
};

#define TEXTS_MAX 1000u /* names, of which an answer looks at each for each of its parts */

static const char *const wants[] = {
    [MEMBER_TEXT] = "a string",
    [MEMBER_INTEGER] = "an integer",
    [MEMBER_TEXTS] = "a list of strings, 1000 at most",
    [MEMBER_TEXT_MAP] = "a map of strings",
    [MEMBER_STRUCTURES] = "a list of structures",
    [MEMBER_STRUCTURE_MAP] = "a map of structures",
};

static const struct row *row_of(struct slice name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (slice_equal(name, slice_text(rows[i].name)))
            return &rows[i];
    return NULL;
}

static bool all_are(const struct value *container, enum value_type type)
{
    struct value one;
    for (struct value_walk walk = value_walk_of(container); value_walk_next(&walk, NULL, &one);)
        if (one.type != type)
            return false;
    return true;
}

static bool fits(const struct value *v, enum member_type type)
{
    switch (type) {
    case MEMBER_TEXT:
        return v->type == VALUE_S;
    case MEMBER_INTEGER: /* its reader looks closer */
        return v->type == VALUE_N || v->type == VALUE_S;
    case MEMBER_TEXTS:
        return v->type == VALUE_L && v->count <= TEXTS_MAX && all_are(v, VALUE_S);
    case MEMBER_TEXT_MAP:
        return v->type == VALUE_M && all_are(v, VALUE_S);
    case MEMBER_STRUCTURES:
        return v->type == VALUE_L && all_are(v, VALUE_M);
    case MEMBER_STRUCTURE_MAP:
        return v->type == VALUE_M && all_are(v, VALUE_M);
    }
    return false;
}

static int check_structure(const struct value *in, bool entries, struct sqs_error *e)
{
    struct slice name;
    struct value v, entry;
    for (struct value_walk walk = value_walk_of(in); value_walk_next(&walk, &name, &v);) {
        const struct row *row = row_of(name);
        bool empty =
            v.type == VALUE_S && v.bytes.len == 0 && row && row->type > MEMBER_INTEGER; /* as forms write an empty list */
        if (!row || v.type == VALUE_NULL || empty)
            continue;
        if (!fits(&v, row->type))
            return sqs_fail(e, SQS_MALFORMED, "%s must be %s.", row->name, wants[row->type]);
        if (row->type != MEMBER_STRUCTURES || !entries)
            continue;
        for (struct value_walk each = value_walk_of(&v); value_walk_next(&each, NULL, &entry);)
            if (check_structure(&entry, false, e) != 0)
                return -1;
    }
    return 0;
}

int sqs_members_check(const struct value *in, struct sqs_error *e) { return check_structure(in, true, e); }
