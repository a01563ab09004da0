/* args.h - the keyword arguments of boto3's Table.put_item, get_item, update_item, delete_item and scan: one table of them.
 *
 * args_bind() takes a payload apart: unknown names, wrong types, unknown enum values and missing arguments are refused by name, and
 * what may be stored or compared is checked to the last byte (value_check). */
#ifndef LEAT_WORKER_TABLE_ARGS_H
#define LEAT_WORKER_TABLE_ARGS_H

#include "common/op.h"

/* Operations as bits of a row. */
#define ARGS_PUT 1u
#define ARGS_GET 2u
#define ARGS_UPDATE 4u
#define ARGS_DELETE 8u
#define ARGS_SCAN 16u
#define ARGS_WRITE (ARGS_PUT | ARGS_UPDATE | ARGS_DELETE)
#define ARGS_KEYED (ARGS_GET | ARGS_UPDATE | ARGS_DELETE)
#define ARGS_EVERY (ARGS_WRITE | ARGS_GET | ARGS_SCAN)

/* Row: symbol, name, type, operations that know it, operations that need it, allowed words of an S ("|A|B|") or NULL. */
#define ARGS_TABLE(X)                                                                                                          \
    X(ITEM, "Item", VALUE_M, ARGS_PUT, ARGS_PUT, NULL)                                                                         \
    X(KEY, "Key", VALUE_M, ARGS_KEYED, ARGS_KEYED, NULL)                                                                       \
    X(TABLE_NAME, "TableName", VALUE_S, ARGS_EVERY, 0, NULL)                                                                   \
    X(UPDATE_EXPRESSION, "UpdateExpression", VALUE_S, ARGS_UPDATE, 0, NULL)                                                    \
    X(CONDITION_EXPRESSION, "ConditionExpression", VALUE_S, ARGS_WRITE, 0, NULL)                                               \
    X(FILTER_EXPRESSION, "FilterExpression", VALUE_S, ARGS_SCAN, 0, NULL)                                                      \
    X(PROJECTION_EXPRESSION, "ProjectionExpression", VALUE_S, ARGS_GET | ARGS_SCAN, 0, NULL)                                   \
    X(NAMES, "ExpressionAttributeNames", VALUE_M, ARGS_EVERY, 0, NULL)                                                         \
    X(VALUES, "ExpressionAttributeValues", VALUE_M, ARGS_WRITE | ARGS_SCAN, 0, NULL)                                           \
    X(RETURN_VALUES, "ReturnValues", VALUE_S, ARGS_WRITE, 0, "|NONE|ALL_OLD|UPDATED_OLD|ALL_NEW|UPDATED_NEW|")                 \
    X(RETURN_CAPACITY, "ReturnConsumedCapacity", VALUE_S, ARGS_EVERY, 0, "|INDEXES|TOTAL|NONE|")                               \
    X(RETURN_METRICS, "ReturnItemCollectionMetrics", VALUE_S, ARGS_WRITE, 0, "|SIZE|NONE|")                                    \
    X(RETURN_ON_FAILURE, "ReturnValuesOnConditionCheckFailure", VALUE_S, ARGS_WRITE, 0, "|ALL_OLD|NONE|")                      \
    X(CONSISTENT_READ, "ConsistentRead", VALUE_BOOL, ARGS_GET | ARGS_SCAN, 0, NULL)                                            \
    X(LIMIT, "Limit", VALUE_N, ARGS_SCAN, 0, NULL)                                                                             \
    X(START_KEY, "ExclusiveStartKey", VALUE_M, ARGS_SCAN, 0, NULL)                                                             \
    X(SEGMENT, "Segment", VALUE_N, ARGS_SCAN, 0, NULL)                                                                         \
    X(TOTAL_SEGMENTS, "TotalSegments", VALUE_N, ARGS_SCAN, 0, NULL)                                                            \
    X(SELECT, "Select", VALUE_S, ARGS_SCAN, 0, "|SPECIFIC_ATTRIBUTES|COUNT|ALL_ATTRIBUTES|ALL_PROJECTED_ATTRIBUTES|")          \
    X(INDEX_NAME, "IndexName", VALUE_S, ARGS_SCAN, 0, NULL)                                                                    \
    X(EXPECTED, "Expected", VALUE_M, ARGS_WRITE, 0, NULL)                                                                      \
    X(CONDITIONAL_OPERATOR, "ConditionalOperator", VALUE_S, ARGS_WRITE | ARGS_SCAN, 0, "|OR|AND|")                             \
    X(ATTRIBUTE_UPDATES, "AttributeUpdates", VALUE_M, ARGS_UPDATE, 0, NULL)                                                    \
    X(ATTRIBUTES_TO_GET, "AttributesToGet", VALUE_L, ARGS_GET | ARGS_SCAN, 0, NULL)                                            \
    X(SCAN_FILTER, "ScanFilter", VALUE_M, ARGS_SCAN, 0, NULL)

enum arg {
#define X(symbol, name, type, ops, needed, words) ARG_##symbol,
    ARGS_TABLE(X)
#undef X
        ARG_COUNT
};

struct args {
    struct value at[ARG_COUNT]; /* VALUE_NONE: not given */
};

/* op: one of create, read, update, delete, list. 0, or -1 with the error. */
int args_bind(struct args *args, const struct op *op, struct err *e);

static inline bool arg_given(const struct args *args, enum arg arg) { return args->at[arg].type != VALUE_NONE; }
/* True if the S argument was given and is that word. */
bool arg_is(const struct args *args, enum arg arg, const char *word);
const char *arg_name(enum arg arg);
/* A whole number within the bounds, or `absent` if it was not given. 0, or -1 with DynamoDB's constraint error. */
int arg_number(const struct args *args, enum arg arg, int64_t min, int64_t max, int64_t absent, int64_t *number, struct err *e);

#endif
