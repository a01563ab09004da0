/* args.h - the arguments of all item operations: one table of their names, types, words and of the forms that know them.
 *
 * A form is what a map of arguments belongs to: a whole operation (its payload has the members of DynamoDB's request, which are boto3's
 * keyword arguments), or a part of one (an action of a transaction, the keys of one table of a batch, a statement).
 *
 * args_bind() takes a map apart: unknown names, wrong types, unknown enum values and missing arguments are refused by name, and
 * what may be stored or compared is checked to the last byte (value_check). */
#ifndef LEAT_WORKER_TABLE_ARGS_H
#define LEAT_WORKER_TABLE_ARGS_H

#include "common/op.h"

/* Forms, as bits of a row. */
#define ARGS_PUT (1u << 0)
#define ARGS_GET (1u << 1)
#define ARGS_UPDATE (1u << 2)
#define ARGS_DELETE (1u << 3)
#define ARGS_SCAN (1u << 4)
#define ARGS_QUERY (1u << 5)
#define ARGS_BATCH_READ (1u << 6)
#define ARGS_BATCH_WRITE (1u << 7)
#define ARGS_TRANSACT_WRITE (1u << 8)
#define ARGS_TRANSACT_READ (1u << 9)
#define ARGS_STATEMENT (1u << 10)
#define ARGS_STATEMENTS (1u << 11)
#define ARGS_STATEMENT_TRANSACTION (1u << 12)
/* Parts: of a batch (the keys of one table, a put, a delete), of a transaction, of a list of statements. */
#define ARGS_KEYS_OF_TABLE (1u << 13)
#define ARGS_PUT_REQUEST (1u << 14)
#define ARGS_DELETE_REQUEST (1u << 15)
#define ARGS_ACTION_PUT (1u << 16)
#define ARGS_ACTION_UPDATE (1u << 17)
#define ARGS_ACTION_DELETE (1u << 18)
#define ARGS_ACTION_CHECK (1u << 19)
#define ARGS_ACTION_GET (1u << 20)
#define ARGS_BATCH_STATEMENT (1u << 21)
#define ARGS_ACTION_STATEMENT (1u << 22)

#define ARGS_WRITE (ARGS_PUT | ARGS_UPDATE | ARGS_DELETE)
#define ARGS_PAGE (ARGS_SCAN | ARGS_QUERY)
#define ARGS_ACTION_WRITE (ARGS_ACTION_PUT | ARGS_ACTION_UPDATE | ARGS_ACTION_DELETE | ARGS_ACTION_CHECK)
#define ARGS_ACTION (ARGS_ACTION_WRITE | ARGS_ACTION_GET)
#define ARGS_KEYED                                                                                                             \
    (ARGS_GET | ARGS_UPDATE | ARGS_DELETE | ARGS_DELETE_REQUEST | ARGS_ACTION_UPDATE | ARGS_ACTION_DELETE |                    \
     ARGS_ACTION_CHECK | ARGS_ACTION_GET)
#define ARGS_WITH_ITEM (ARGS_PUT | ARGS_PUT_REQUEST | ARGS_ACTION_PUT)
#define ARGS_ONE_TABLE (ARGS_WRITE | ARGS_GET | ARGS_PAGE)
#define ARGS_MANY (ARGS_BATCH_READ | ARGS_BATCH_WRITE | ARGS_TRANSACT_WRITE | ARGS_TRANSACT_READ)
#define ARGS_ANY_STATEMENT (ARGS_STATEMENT | ARGS_BATCH_STATEMENT | ARGS_ACTION_STATEMENT)
#define ARGS_WHOLE (ARGS_ONE_TABLE | ARGS_MANY | ARGS_STATEMENT | ARGS_STATEMENTS | ARGS_STATEMENT_TRANSACTION)
#define ARGS_PROJECTED (ARGS_GET | ARGS_PAGE | ARGS_KEYS_OF_TABLE)

/* Instead of words: the value is a frame around arguments and items, which are checked when it is taken apart. */
#define ARGS_FRAME ""

/* Row: symbol, name, type, forms that know it, forms that need it, allowed words of an S ("|A|B|"), ARGS_FRAME or NULL. */
#define ARGS_TABLE(X)                                                                                                          \
    X(ITEM, "Item", VALUE_M, ARGS_WITH_ITEM, ARGS_WITH_ITEM, NULL)                                                             \
    X(KEY, "Key", VALUE_M, ARGS_KEYED, ARGS_KEYED, NULL)                                                                       \
    X(KEYS, "Keys", VALUE_L, ARGS_KEYS_OF_TABLE, ARGS_KEYS_OF_TABLE, NULL)                                                     \
    X(TABLE_NAME, "TableName", VALUE_S, ARGS_ONE_TABLE | ARGS_ACTION, ARGS_ACTION, NULL)                                       \
    X(UPDATE_EXPRESSION, "UpdateExpression", VALUE_S, ARGS_UPDATE | ARGS_ACTION_UPDATE, ARGS_ACTION_UPDATE, NULL)              \
    X(CONDITION_EXPRESSION, "ConditionExpression", VALUE_S, ARGS_WRITE | ARGS_ACTION_WRITE, ARGS_ACTION_CHECK, NULL)           \
    X(KEY_CONDITION, "KeyConditionExpression", VALUE_S, ARGS_QUERY, 0, NULL)                                                   \
    X(FILTER_EXPRESSION, "FilterExpression", VALUE_S, ARGS_PAGE, 0, NULL)                                                      \
    X(PROJECTION_EXPRESSION, "ProjectionExpression", VALUE_S, ARGS_PROJECTED | ARGS_ACTION_GET, 0, NULL)                       \
    X(NAMES, "ExpressionAttributeNames", VALUE_M, ARGS_ONE_TABLE | ARGS_ACTION | ARGS_KEYS_OF_TABLE, 0, NULL)                  \
    X(VALUES, "ExpressionAttributeValues", VALUE_M, ARGS_WRITE | ARGS_PAGE | ARGS_ACTION_WRITE, 0, NULL)                       \
    X(RETURN_VALUES, "ReturnValues", VALUE_S, ARGS_WRITE, 0, "|NONE|ALL_OLD|UPDATED_OLD|ALL_NEW|UPDATED_NEW|")                 \
    X(RETURN_CAPACITY, "ReturnConsumedCapacity", VALUE_S, ARGS_WHOLE, 0, "|INDEXES|TOTAL|NONE|")                               \
    X(RETURN_METRICS, "ReturnItemCollectionMetrics", VALUE_S, ARGS_WRITE | ARGS_BATCH_WRITE | ARGS_TRANSACT_WRITE, 0,          \
      "|SIZE|NONE|")                                                                                                           \
    X(RETURN_ON_FAILURE, "ReturnValuesOnConditionCheckFailure", VALUE_S, ARGS_WRITE | ARGS_ACTION_WRITE | ARGS_ANY_STATEMENT,  \
      0, "|ALL_OLD|NONE|")                                                                                                     \
    X(CONSISTENT_READ, "ConsistentRead", VALUE_BOOL, ARGS_PROJECTED | ARGS_STATEMENT | ARGS_BATCH_STATEMENT, 0, NULL)          \
    X(LIMIT, "Limit", VALUE_N, ARGS_PAGE | ARGS_STATEMENT, 0, NULL)                                                            \
    X(START_KEY, "ExclusiveStartKey", VALUE_M, ARGS_PAGE, 0, NULL)                                                             \
    X(SEGMENT, "Segment", VALUE_N, ARGS_SCAN, 0, NULL)                                                                         \
    X(TOTAL_SEGMENTS, "TotalSegments", VALUE_N, ARGS_SCAN, 0, NULL)                                                            \
    X(FORWARD, "ScanIndexForward", VALUE_BOOL, ARGS_QUERY, 0, NULL)                                                            \
    X(SELECT, "Select", VALUE_S, ARGS_PAGE, 0, "|SPECIFIC_ATTRIBUTES|COUNT|ALL_ATTRIBUTES|ALL_PROJECTED_ATTRIBUTES|")          \
    X(INDEX_NAME, "IndexName", VALUE_S, ARGS_PAGE, 0, NULL)                                                                    \
    X(EXPECTED, "Expected", VALUE_M, ARGS_WRITE, 0, NULL)                                                                      \
    X(CONDITIONAL_OPERATOR, "ConditionalOperator", VALUE_S, ARGS_WRITE | ARGS_PAGE, 0, "|OR|AND|")                             \
    X(ATTRIBUTE_UPDATES, "AttributeUpdates", VALUE_M, ARGS_UPDATE, 0, NULL)                                                    \
    X(ATTRIBUTES_TO_GET, "AttributesToGet", VALUE_L, ARGS_PROJECTED, 0, NULL)                                                  \
    X(SCAN_FILTER, "ScanFilter", VALUE_M, ARGS_SCAN, 0, NULL)                                                                  \
    X(QUERY_FILTER, "QueryFilter", VALUE_M, ARGS_QUERY, 0, NULL)                                                               \
    X(KEY_CONDITIONS, "KeyConditions", VALUE_M, ARGS_QUERY, 0, NULL)                                                           \
    X(REQUEST_ITEMS, "RequestItems", VALUE_M, ARGS_BATCH_READ | ARGS_BATCH_WRITE, ARGS_BATCH_READ | ARGS_BATCH_WRITE,          \
      ARGS_FRAME)                                                                                                              \
    X(TRANSACT_ITEMS, "TransactItems", VALUE_L, ARGS_TRANSACT_WRITE | ARGS_TRANSACT_READ,                                      \
      ARGS_TRANSACT_WRITE | ARGS_TRANSACT_READ, ARGS_FRAME)                                                                    \
    X(TOKEN, "ClientRequestToken", VALUE_S, ARGS_TRANSACT_WRITE | ARGS_STATEMENT_TRANSACTION, 0, NULL)                         \
    X(STATEMENT, "Statement", VALUE_S, ARGS_ANY_STATEMENT, ARGS_ANY_STATEMENT, NULL)                                           \
    X(PARAMETERS, "Parameters", VALUE_L, ARGS_ANY_STATEMENT, 0, NULL)                                                          \
    X(NEXT_TOKEN, "NextToken", VALUE_S, ARGS_STATEMENT, 0, NULL)                                                               \
    X(STATEMENTS, "Statements", VALUE_L, ARGS_STATEMENTS, ARGS_STATEMENTS, ARGS_FRAME)                                         \
    X(TRANSACT_STATEMENTS, "TransactStatements", VALUE_L, ARGS_STATEMENT_TRANSACTION, ARGS_STATEMENT_TRANSACTION, ARGS_FRAME)

enum arg {
#define X(symbol, name, type, forms, needed, words) ARG_##symbol,
    ARGS_TABLE(X)
#undef X
        ARG_COUNT
};

struct args {
    struct value at[ARG_COUNT]; /* VALUE_NONE: not given */
};

/* The form of an operation's payload; 0 if the operation has no arguments of this table. */
unsigned args_form_of(enum op_code code);

/* form: one bit; map: an M, or VALUE_NONE for none. 0, or -1 with the error. */
int args_bind(struct args *args, unsigned form, const struct value *map, struct err *e);

static inline bool arg_given(const struct args *args, enum arg arg) { return args->at[arg].type != VALUE_NONE; }
/* True if the S argument was given and is that word. */
bool arg_is(const struct args *args, enum arg arg, const char *word);
/* True if the BOOL argument was given and is true. */
static inline bool arg_true(const struct args *args, enum arg arg) { return arg_given(args, arg) && args->at[arg].truth; }
const char *arg_name(enum arg arg);
/* A whole number within the bounds, or `absent` if it was not given. 0, or -1 with DynamoDB's constraint error. */
int arg_number(const struct args *args, enum arg arg, int64_t min, int64_t max, int64_t absent, int64_t *number, struct err *e);

#endif
