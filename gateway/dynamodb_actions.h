/* dynamodb_actions.h - the table of DynamoDB's actions: what each is called, who does it, and the shapes of its request and answer. */
#ifndef LEAT_GATEWAY_DYNAMODB_ACTIONS_H
#define LEAT_GATEWAY_DYNAMODB_ACTIONS_H

#include "common/op.h"
#include "gateway/http.h"
#include "gateway/shapes.h"

struct gateway;

/* A request as it was read. */
struct dynamodb_request {
    struct slice table;   /* its own TableName, "" if it has none */
    struct value payload; /* an M */
};

/* Row: name, operation of the worker, input, output. NOTHING as output: an answer without a body. */
#define DYNAMODB_CALLS(X)                                                                                                      \
    X("GetItem", READ, get_item_input, get_item_output)                                                                        \
    X("PutItem", CREATE, put_item_input, write_output)                                                                         \
    X("UpdateItem", UPDATE, update_item_input, write_output)                                                                   \
    X("DeleteItem", DELETE, delete_item_input, write_output)                                                                   \
    X("Query", QUERY, query_input, items_output)                                                                               \
    X("Scan", LIST, scan_input, items_output)                                                                                  \
    X("BatchGetItem", BATCH_READ, batch_get_item_input, batch_get_item_output)                                                 \
    X("BatchWriteItem", BATCH_WRITE, batch_write_item_input, batch_write_item_output)                                          \
    X("TransactWriteItems", TRANSACT_WRITE, transact_write_items_input, transact_write_items_output)                           \
    X("TransactGetItems", TRANSACT_READ, transact_get_items_input, responses_output)                                           \
    X("ExecuteStatement", STATEMENT, execute_statement_input, items_output)                                                    \
    X("BatchExecuteStatement", STATEMENTS, batch_execute_statement_input, batch_execute_statement_output)                      \
    X("ExecuteTransaction", STATEMENT_TRANSACTION, execute_transaction_input, responses_output)                                \
    X("CreateTable", TABLE_CREATE, create_table_input, plain_output)                                                           \
    X("DeleteTable", TABLE_DROP, table_input, plain_output)                                                                    \
    X("DescribeTable", TABLE_DESCRIBE, table_input, plain_output)                                                              \
    X("ListTables", TABLE_LIST, list_tables_input, plain_output)                                                               \
    X("UpdateTable", TABLE_UPDATE, update_table_input, plain_output)                                                           \
    X("UpdateTimeToLive", TTL_UPDATE, update_time_to_live_input, plain_output)                                                 \
    X("DescribeTimeToLive", TTL_DESCRIBE, table_input, plain_output)                                                           \
    X("TagResource", TAG, tag_resource_input, nothing)                                                                         \
    X("UntagResource", UNTAG, untag_resource_input, nothing)                                                                   \
    X("ListTagsOfResource", TAGS, list_tags_input, plain_output)                                                               \
    X("CreateBackup", BACKUP_CREATE, create_backup_input, plain_output)                                                        \
    X("DescribeBackup", BACKUP_DESCRIBE, backup_input, plain_output)                                                           \
    X("ListBackups", BACKUP_LIST, list_backups_input, plain_output)                                                            \
    X("DeleteBackup", BACKUP_DELETE, backup_input, plain_output)                                                               \
    X("RestoreTableFromBackup", BACKUP_RESTORE, restore_table_input, plain_output)

#define DYNAMODB_STREAMS_CALLS(X)                                                                                              \
    X("ListStreams", STREAM_LIST, list_streams_input, plain_output)                                                            \
    X("DescribeStream", STREAM_DESCRIBE, describe_stream_input, plain_output)                                                  \
    X("GetShardIterator", STREAM_ITERATOR, get_shard_iterator_input, plain_output)                                             \
    X("GetRecords", STREAM_RECORDS, get_records_input, get_records_output)

/* Row: name, function that answers in the gateway, input. */
#define DYNAMODB_LOCALS(X)                                                                                                     \
    X("DescribeEndpoints", dynamodb_endpoints, nothing)                                                                        \
    X("DescribeLimits", dynamodb_limits, nothing)                                                                              \
    X("DescribeContinuousBackups", dynamodb_continuous_backups, table_input)

typedef void dynamodb_local(struct gateway *g, struct http_request *r, const struct dynamodb_request *request);

#define X(name, answer, input) dynamodb_local answer;
DYNAMODB_LOCALS(X)
#undef X

#endif
