/* shapes_batches.c - requests on many items at once: batches, transactions, PartiQL, and their answers. */
#include "gateway/shapes_private.h"

/* -- Batches -------------------------------------------------------------------------------------------------------------------- */
LIST(keys, item, 1, 100)

#define KEYS_AND_ATTRIBUTES(M)                                                                                                 \
    M(Keys, keys, NEEDED)                                                                                                      \
    M(AttributesToGet, names_to_get, OPTIONAL)                                                                                 \
    M(ConsistentRead, boolean, OPTIONAL)                                                                                       \
    M(ProjectionExpression, any_text, OPTIONAL)                                                                                \
    M(ExpressionAttributeNames, name_map, OPTIONAL)
STRUCTURE(keys_and_attributes, "KeysAndAttributes", KEYS_AND_ATTRIBUTES)
MAP(gets, MAP_OF("KeysAndAttributes"), table_name, keys_and_attributes, 1, NO_MAX)

#define BATCH_GET_ITEM(M)                                                                                                      \
    M(ReturnConsumedCapacity, capacity_word, OPTIONAL)                                                                         \
    M(RequestItems, gets, NEEDED)
INPUT(batch_get_item_input, BATCH_GET_ITEM)

#define DELETE_REQUEST(M) M(Key, item, NEEDED)
STRUCTURE(delete_request, "DeleteRequest", DELETE_REQUEST)
#define PUT_REQUEST(M) M(Item, item, NEEDED)
STRUCTURE(put_request, "PutRequest", PUT_REQUEST)

#define WRITE_REQUEST(M)                                                                                                       \
    M(DeleteRequest, delete_request, OPTIONAL)                                                                                 \
    M(PutRequest, put_request, OPTIONAL)
STRUCTURE(write_request, "WriteRequest", WRITE_REQUEST)
LIST(write_requests, write_request, 1, 25)
MAP(writes, "java.util.Map<java.lang.String, java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>>", table_name,
    write_requests, 1, NO_MAX)

#define BATCH_WRITE_ITEM(M)                                                                                                    \
    M(ReturnConsumedCapacity, capacity_word, OPTIONAL)                                                                         \
    M(ReturnItemCollectionMetrics, metrics_word, OPTIONAL)                                                                     \
    M(RequestItems, writes, NEEDED)
INPUT(batch_write_item_input, BATCH_WRITE_ITEM)

/* -- Transactions --------------------------------------------------------------------------------------------------------------- */
#define CONDITIONAL(M, condition_need)                                                                                         \
    M(TableName, table_name, NEEDED)                                                                                           \
    M(ConditionExpression, any_text, condition_need)                                                                           \
    M(ExpressionAttributeNames, name_map, OPTIONAL)                                                                            \
    M(ExpressionAttributeValues, item, OPTIONAL)                                                                               \
    M(ReturnValuesOnConditionCheckFailure, failure_word, OPTIONAL)

#define CHECK_ACTION(M) M(Key, item, NEEDED) CONDITIONAL(M, NEEDED)
STRUCTURE(check_action, "ConditionCheck", CHECK_ACTION)
#define PUT_ACTION(M) M(Item, item, NEEDED) CONDITIONAL(M, OPTIONAL)
STRUCTURE(put_action, "Put", PUT_ACTION)
#define DELETE_ACTION(M) M(Key, item, NEEDED) CONDITIONAL(M, OPTIONAL)
STRUCTURE(delete_action, "Delete", DELETE_ACTION)
#define UPDATE_ACTION(M) M(Key, item, NEEDED) M(UpdateExpression, any_text, NEEDED) CONDITIONAL(M, OPTIONAL)
STRUCTURE(update_action, "Update", UPDATE_ACTION)

#define TRANSACT_WRITE_ITEM(M)                                                                                                 \
    M(ConditionCheck, check_action, OPTIONAL)                                                                                  \
    M(Put, put_action, OPTIONAL)                                                                                               \
    M(Delete, delete_action, OPTIONAL)                                                                                         \
    M(Update, update_action, OPTIONAL)
STRUCTURE(transact_write_item, "TransactWriteItem", TRANSACT_WRITE_ITEM)
LIST(transact_write_items, transact_write_item, 1, 100)

#define TRANSACT_WRITE_ITEMS(M)                                                                                                \
    M(ReturnConsumedCapacity, capacity_word, OPTIONAL)                                                                         \
    M(ReturnItemCollectionMetrics, metrics_word, OPTIONAL)                                                                     \
    M(ClientRequestToken, request_token, OPTIONAL)                                                                             \
    M(TransactItems, transact_write_items, NEEDED)
INPUT(transact_write_items_input, TRANSACT_WRITE_ITEMS)

#define GET_ACTION(M)                                                                                                          \
    M(Key, item, NEEDED)                                                                                                       \
    M(TableName, table_name, NEEDED)                                                                                           \
    M(ProjectionExpression, any_text, OPTIONAL)                                                                                \
    M(ExpressionAttributeNames, name_map, OPTIONAL)
STRUCTURE(get_action, "Get", GET_ACTION)
#define TRANSACT_GET_ITEM(M) M(Get, get_action, NEEDED)
STRUCTURE(transact_get_item, "TransactGetItem", TRANSACT_GET_ITEM)
LIST(transact_get_items, transact_get_item, 1, 100)

#define TRANSACT_GET_ITEMS(M)                                                                                                  \
    M(ReturnConsumedCapacity, capacity_word, OPTIONAL)                                                                         \
    M(TransactItems, transact_get_items, NEEDED)
INPUT(transact_get_items_input, TRANSACT_GET_ITEMS)

/* -- PartiQL -------------------------------------------------------------------------------------------------------------------- */
TEXT(statement, 1, 8192)
TEXT(next_token, 1, 32768)
LIST(parameters, attribute, 1, NO_MAX)

#define STATEMENT(M)                                                                                                           \
    M(Statement, statement, NEEDED)                                                                                            \
    M(Parameters, parameters, OPTIONAL)                                                                                        \
    M(ReturnValuesOnConditionCheckFailure, failure_word, OPTIONAL)

#define EXECUTE_STATEMENT(M)                                                                                                   \
    STATEMENT(M)                                                                                                               \
    M(ConsistentRead, boolean, OPTIONAL)                                                                                       \
    M(NextToken, next_token, OPTIONAL)                                                                                         \
    M(ReturnConsumedCapacity, capacity_word, OPTIONAL)                                                                         \
    M(Limit, positive, OPTIONAL)
INPUT(execute_statement_input, EXECUTE_STATEMENT)

#define BATCH_STATEMENT(M) STATEMENT(M) M(ConsistentRead, boolean, OPTIONAL)
STRUCTURE(batch_statement, "BatchStatementRequest", BATCH_STATEMENT)
LIST(batch_statements, batch_statement, 1, 25)

#define BATCH_EXECUTE_STATEMENT(M)                                                                                             \
    M(Statements, batch_statements, NEEDED)                                                                                    \
    M(ReturnConsumedCapacity, capacity_word, OPTIONAL)
INPUT(batch_execute_statement_input, BATCH_EXECUTE_STATEMENT)

STRUCTURE(transact_statement, "ParameterizedStatement", STATEMENT)
LIST(transact_statements, transact_statement, 1, 100)

#define EXECUTE_TRANSACTION(M)                                                                                                 \
    M(TransactStatements, transact_statements, NEEDED)                                                                         \
    M(ClientRequestToken, request_token, OPTIONAL)                                                                             \
    M(ReturnConsumedCapacity, capacity_word, OPTIONAL)
INPUT(execute_transaction_input, EXECUTE_TRANSACTION)

/* -- Outputs: the way to attribute values --------------------------------------------------------------------------------------- */
LIST(items_of_table, item, NO_MIN, NO_MAX)
MAP(items_by_table, NULL, any_text, items_of_table, NO_MIN, NO_MAX)
MAP(gets_left, NULL, any_text, keys_and_attributes, NO_MIN, NO_MAX)

#define BATCH_GOT(M)                                                                                                           \
    M(Responses, items_by_table, OPTIONAL)                                                                                     \
    M(UnprocessedKeys, gets_left, OPTIONAL)
OUTPUT(batch_get_item_output, BATCH_GOT)

#define COLLECTION(M) M(ItemCollectionKey, item, OPTIONAL)
STRUCTURE(collection, NULL, COLLECTION)
LIST(collections, collection, NO_MIN, NO_MAX)
MAP(collections_by_table, NULL, any_text, collections, NO_MIN, NO_MAX)
MAP(writes_left, NULL, any_text, write_requests, NO_MIN, NO_MAX)

#define BATCH_WRITTEN(M)                                                                                                       \
    M(UnprocessedItems, writes_left, OPTIONAL)                                                                                 \
    M(ItemCollectionMetrics, collections_by_table, OPTIONAL)
OUTPUT(batch_write_item_output, BATCH_WRITTEN)

#define TRANSACTION_WRITTEN(M) M(ItemCollectionMetrics, collections_by_table, OPTIONAL)
OUTPUT(transact_write_items_output, TRANSACTION_WRITTEN)

#define RESPONSE(M) M(Item, item, OPTIONAL)
STRUCTURE(response, NULL, RESPONSE)
LIST(responses, response, NO_MIN, NO_MAX)
#define RESPONSES(M) M(Responses, responses, OPTIONAL)
OUTPUT(responses_output, RESPONSES)

#define STATEMENT_RESPONSE(M)                                                                                                  \
    M(Error, response, OPTIONAL)                                                                                               \
    M(Item, item, OPTIONAL)
STRUCTURE(statement_response, NULL, STATEMENT_RESPONSE)
LIST(statement_responses, statement_response, NO_MIN, NO_MAX)
#define STATEMENT_RESPONSES(M) M(Responses, statement_responses, OPTIONAL)
OUTPUT(batch_execute_statement_output, STATEMENT_RESPONSES)
