/* shapes_items.c - requests on single items, queries and scans, and their answers. */
#include "gateway/shapes_private.h"

WORDS(comparison, "|IN|NULL|BETWEEN|LT|NOT_CONTAINS|EQ|GT|NOT_NULL|NE|LE|BEGINS_WITH|GE|CONTAINS|")
WORDS(and_or, "|OR|AND|")
WORDS(return_word, "|ALL_NEW|UPDATED_OLD|ALL_OLD|NONE|UPDATED_NEW|")
WORDS(select_word, "|SPECIFIC_ATTRIBUTES|COUNT|ALL_ATTRIBUTES|ALL_PROJECTED_ATTRIBUTES|")
WORDS(update_word, "|ADD|DELETE|PUT|")
INTEGER(total_segments, 1, 1000000)
INTEGER(segment, 0, 999999)

/* -- The parameters of the time before expressions ------------------------------------------------------------------------------ */
#define EXPECTED(M)                                                                                                            \
    M(AttributeValueList, attribute_list, OPTIONAL)                                                                            \
    M(ComparisonOperator, comparison, OPTIONAL)                                                                                \
    M(Exists, boolean, OPTIONAL)                                                                                               \
    M(Value, attribute, OPTIONAL)
STRUCTURE(expected, "ExpectedAttributeValue", EXPECTED)
MAP(expected_map, MAP_OF("ExpectedAttributeValue"), any_text, expected, NO_MIN, NO_MAX)

#define CONDITION(M)                                                                                                           \
    M(AttributeValueList, attribute_list, OPTIONAL)                                                                            \
    M(ComparisonOperator, comparison, NEEDED)
STRUCTURE(condition, "Condition", CONDITION)
MAP(condition_map, MAP_OF("Condition"), any_text, condition, NO_MIN, NO_MAX)

#define ATTRIBUTE_UPDATE(M)                                                                                                    \
    M(Action, update_word, OPTIONAL)                                                                                           \
    M(Value, attribute, OPTIONAL)
STRUCTURE(attribute_update, "AttributeValueUpdate", ATTRIBUTE_UPDATE)
MAP(attribute_updates, MAP_OF("AttributeValueUpdate"), any_text, attribute_update, NO_MIN, NO_MAX)

/* -- Inputs --------------------------------------------------------------------------------------------------------------------- */
#define WRITE(M)                                                                                                               \
    M(ReturnValues, return_word, OPTIONAL)                                                                                     \
    M(ReturnItemCollectionMetrics, metrics_word, OPTIONAL)                                                                     \
    M(ReturnValuesOnConditionCheckFailure, failure_word, OPTIONAL)                                                             \
    M(ConditionalOperator, and_or, OPTIONAL)                                                                                   \
    M(Expected, expected_map, OPTIONAL)                                                                                        \
    M(ConditionExpression, any_text, OPTIONAL)                                                                                 \
    M(ExpressionAttributeNames, name_map, OPTIONAL)                                                                            \
    M(ExpressionAttributeValues, item, OPTIONAL)

#define PUT_ITEM(M)                                                                                                            \
    M(ReturnConsumedCapacity, capacity_word, OPTIONAL)                                                                         \
    M(TableName, table_name, NEEDED)                                                                                           \
    M(Item, item, NEEDED)                                                                                                      \
    WRITE(M)
INPUT(put_item_input, PUT_ITEM)

#define DELETE_ITEM(M)                                                                                                         \
    M(ReturnConsumedCapacity, capacity_word, OPTIONAL)                                                                         \
    M(TableName, table_name, NEEDED)                                                                                           \
    M(Key, item, NEEDED)                                                                                                       \
    WRITE(M)
INPUT(delete_item_input, DELETE_ITEM)

#define UPDATE_ITEM(M)                                                                                                         \
    M(ReturnConsumedCapacity, capacity_word, OPTIONAL)                                                                         \
    M(TableName, table_name, NEEDED)                                                                                           \
    M(Key, item, NEEDED)                                                                                                       \
    M(AttributeUpdates, attribute_updates, OPTIONAL)                                                                           \
    M(UpdateExpression, any_text, OPTIONAL)                                                                                    \
    WRITE(M)
INPUT(update_item_input, UPDATE_ITEM)

#define GET_ITEM(M)                                                                                                            \
    M(AttributesToGet, names_to_get, OPTIONAL)                                                                                 \
    M(ReturnConsumedCapacity, capacity_word, OPTIONAL)                                                                         \
    M(Key, item, NEEDED)                                                                                                       \
    M(TableName, table_name, NEEDED)                                                                                           \
    M(ConsistentRead, boolean, OPTIONAL)                                                                                       \
    M(ProjectionExpression, any_text, OPTIONAL)                                                                                \
    M(ExpressionAttributeNames, name_map, OPTIONAL)
INPUT(get_item_input, GET_ITEM)

#define READ_MANY(M)                                                                                                           \
    M(Select, select_word, OPTIONAL)                                                                                           \
    M(IndexName, index_name, OPTIONAL)                                                                                         \
    M(ReturnConsumedCapacity, capacity_word, OPTIONAL)                                                                         \
    M(TableName, table_name, NEEDED)                                                                                           \
    M(ConditionalOperator, and_or, OPTIONAL)                                                                                   \
    M(AttributesToGet, names_to_get, OPTIONAL)                                                                                 \
    M(ExclusiveStartKey, item, OPTIONAL)                                                                                       \
    M(Limit, positive, OPTIONAL)                                                                                               \
    M(ConsistentRead, boolean, OPTIONAL)                                                                                       \
    M(ProjectionExpression, any_text, OPTIONAL)                                                                                \
    M(FilterExpression, any_text, OPTIONAL)                                                                                    \
    M(ExpressionAttributeNames, name_map, OPTIONAL)                                                                            \
    M(ExpressionAttributeValues, item, OPTIONAL)

#define QUERY(M)                                                                                                               \
    READ_MANY(M)                                                                                                               \
    M(QueryFilter, condition_map, OPTIONAL)                                                                                    \
    M(KeyConditions, condition_map, OPTIONAL)                                                                                  \
    M(KeyConditionExpression, any_text, OPTIONAL)                                                                              \
    M(ScanIndexForward, boolean, OPTIONAL)
INPUT(query_input, QUERY)

#define SCAN(M)                                                                                                                \
    READ_MANY(M)                                                                                                               \
    M(ScanFilter, condition_map, OPTIONAL)                                                                                     \
    M(TotalSegments, total_segments, OPTIONAL)                                                                                 \
    M(Segment, segment, OPTIONAL)
INPUT(scan_input, SCAN)

/* -- Outputs: the way to attribute values ---------------------------------------------------------------------------------------- */
LIST(items, item, NO_MIN, NO_MAX)

#define COLLECTION(M) M(ItemCollectionKey, item, OPTIONAL)
STRUCTURE(collection, "ItemCollectionMetrics", COLLECTION)

#define WRITTEN(M)                                                                                                             \
    M(Attributes, item, OPTIONAL)                                                                                              \
    M(ItemCollectionMetrics, collection, OPTIONAL)
OUTPUT(write_output, WRITTEN)

#define GOT(M) M(Item, item, OPTIONAL)
OUTPUT(get_item_output, GOT)

#define ITEMS(M)                                                                                                               \
    M(Items, items, OPTIONAL)                                                                                                  \
    M(LastEvaluatedKey, item, OPTIONAL)
OUTPUT(items_output, ITEMS)

/* What an error may carry. */
#define REASON(M) M(Item, item, OPTIONAL)
STRUCTURE(reason, "CancellationReason", REASON)
LIST(reasons, reason, NO_MIN, NO_MAX)

#define FAILED(M)                                                                                                              \
    M(Item, item, OPTIONAL)                                                                                                    \
    M(CancellationReasons, reasons, OPTIONAL)
OUTPUT(error_output, FAILED)
