/* shapes_tables.c - requests on tables, their tags, time to live and backups. Their answers hold no attribute values. */
#include "gateway/shapes_private.h"

TEXT(attribute_name, 1, 255)
WORDS(attribute_type, "|B|N|S|")
WORDS(key_type, "|HASH|RANGE|")
WORDS(projection_type, "|ALL|INCLUDE|KEYS_ONLY|")
WORDS(billing_word, "|PROVISIONED|PAY_PER_REQUEST|")
WORDS(view_word, "|NEW_IMAGE|OLD_IMAGE|NEW_AND_OLD_IMAGES|KEYS_ONLY|")
WORDS(encryption_word, "|AES256|KMS|")
WORDS(class_word, "|STANDARD|STANDARD_INFREQUENT_ACCESS|")
LONG(any_long, NO_MIN, NO_MAX)

/* -- Parts ---------------------------------------------------------------------------------------------------------------------- */
#define ATTRIBUTE_DEFINITION(M)                                                                                                \
    M(AttributeName, attribute_name, NEEDED)                                                                                   \
    M(AttributeType, attribute_type, NEEDED)
STRUCTURE(attribute_definition, "AttributeDefinition", ATTRIBUTE_DEFINITION)
LIST(attribute_definitions, attribute_definition, NO_MIN, NO_MAX)

#define KEY_ELEMENT(M)                                                                                                         \
    M(AttributeName, attribute_name, NEEDED)                                                                                   \
    M(KeyType, key_type, NEEDED)
STRUCTURE(key_element, "KeySchemaElement", KEY_ELEMENT)
LIST(key_schema, key_element, 1, 2)
LIST(global_key_schema, key_element, 1, 8) /* up to four attributes for each half of the key */

LIST(non_key_attributes, attribute_name, 1, 100)
#define PROJECTION(M)                                                                                                          \
    M(ProjectionType, projection_type, OPTIONAL)                                                                               \
    M(NonKeyAttributes, non_key_attributes, OPTIONAL)
STRUCTURE(projection, "Projection", PROJECTION)

#define THROUGHPUT(M)                                                                                                          \
    M(WriteCapacityUnits, positive_long, NEEDED)                                                                               \
    M(ReadCapacityUnits, positive_long, NEEDED)
STRUCTURE(throughput, "ProvisionedThroughput", THROUGHPUT)

#define ON_DEMAND(M)                                                                                                           \
    M(MaxReadRequestUnits, any_long, OPTIONAL)                                                                                 \
    M(MaxWriteRequestUnits, any_long, OPTIONAL)
STRUCTURE(on_demand, "OnDemandThroughput", ON_DEMAND)

#define WARM(M)                                                                                                                \
    M(ReadUnitsPerSecond, any_long, OPTIONAL)                                                                                  \
    M(WriteUnitsPerSecond, any_long, OPTIONAL)
STRUCTURE(warm, "WarmThroughput", WARM)

#define LOCAL_INDEX(M)                                                                                                         \
    M(Projection, projection, NEEDED)                                                                                          \
    M(IndexName, index_name, NEEDED)                                                                                           \
    M(KeySchema, key_schema, NEEDED)
STRUCTURE(local_index, "LocalSecondaryIndex", LOCAL_INDEX)
LIST(local_indexes, local_index, NO_MIN, NO_MAX)

#define GLOBAL_INDEX(M)                                                                                                        \
    M(Projection, projection, NEEDED)                                                                                          \
    M(IndexName, index_name, NEEDED)                                                                                           \
    M(ProvisionedThroughput, throughput, OPTIONAL)                                                                             \
    M(OnDemandThroughput, on_demand, OPTIONAL)                                                                                 \
    M(WarmThroughput, warm, OPTIONAL)                                                                                          \
    M(KeySchema, global_key_schema, NEEDED)
STRUCTURE(global_index, "GlobalSecondaryIndex", GLOBAL_INDEX)
LIST(global_indexes, global_index, NO_MIN, NO_MAX)

#define STREAM(M)                                                                                                              \
    M(StreamEnabled, boolean, NEEDED)                                                                                          \
    M(StreamViewType, view_word, OPTIONAL)
STRUCTURE(stream, "StreamSpecification", STREAM)

#define ENCRYPTION(M)                                                                                                          \
    M(Enabled, boolean, OPTIONAL)                                                                                              \
    M(SSEType, encryption_word, OPTIONAL)                                                                                      \
    M(KMSMasterKeyId, any_text, OPTIONAL)
STRUCTURE(encryption, "SSESpecification", ENCRYPTION)

TEXT(tag_key, 1, 128)
TEXT(tag_value, 0, 256)
#define TAG(M)                                                                                                                 \
    M(Key, tag_key, NEEDED)                                                                                                    \
    M(Value, tag_value, NEEDED)
STRUCTURE(tag, "Tag", TAG)
LIST(tags, tag, NO_MIN, NO_MAX)

/* -- Tables --------------------------------------------------------------------------------------------------------------------- */
#define CREATE_TABLE(M)                                                                                                        \
    M(AttributeDefinitions, attribute_definitions, NEEDED)                                                                     \
    M(TableName, table_name, NEEDED_FIRST)                                                                                     \
    M(BillingMode, billing_word, OPTIONAL)                                                                                     \
    M(ProvisionedThroughput, throughput, OPTIONAL)                                                                             \
    M(KeySchema, key_schema, NEEDED)                                                                                           \
    M(LocalSecondaryIndexes, local_indexes, OPTIONAL)                                                                          \
    M(GlobalSecondaryIndexes, global_indexes, OPTIONAL)                                                                        \
    M(StreamSpecification, stream, OPTIONAL)                                                                                   \
    M(SSESpecification, encryption, OPTIONAL)                                                                                  \
    M(Tags, tags, OPTIONAL)                                                                                                    \
    M(TableClass, class_word, OPTIONAL)                                                                                        \
    M(DeletionProtectionEnabled, boolean, OPTIONAL)                                                                            \
    M(OnDemandThroughput, on_demand, OPTIONAL)                                                                                 \
    M(WarmThroughput, warm, OPTIONAL)                                                                                          \
    M(ResourcePolicy, any_text, OPTIONAL)
INPUT(create_table_input, CREATE_TABLE)

#define TABLE(M) M(TableName, table_name, NEEDED_FIRST)
INPUT(table_input, TABLE)

INTEGER(up_to_100, 1, 100)
#define LIST_TABLES(M)                                                                                                         \
    M(ExclusiveStartTableName, table_name, OPTIONAL)                                                                           \
    M(Limit, up_to_100, OPTIONAL)
INPUT(list_tables_input, LIST_TABLES)

#define INDEX_UPDATE(M)                                                                                                        \
    M(IndexName, index_name, NEEDED)                                                                                           \
    M(ProvisionedThroughput, throughput, OPTIONAL)                                                                             \
    M(OnDemandThroughput, on_demand, OPTIONAL)                                                                                 \
    M(WarmThroughput, warm, OPTIONAL)
STRUCTURE(index_update, "UpdateGlobalSecondaryIndexAction", INDEX_UPDATE)
STRUCTURE(index_create, "CreateGlobalSecondaryIndexAction", GLOBAL_INDEX)
#define INDEX_DELETE(M) M(IndexName, index_name, NEEDED)
STRUCTURE(index_delete, "DeleteGlobalSecondaryIndexAction", INDEX_DELETE)
#define INDEX_CHANGE(M)                                                                                                        \
    M(Update, index_update, OPTIONAL)                                                                                          \
    M(Create, index_create, OPTIONAL)                                                                                          \
    M(Delete, index_delete, OPTIONAL)
STRUCTURE(index_change, "GlobalSecondaryIndexUpdate", INDEX_CHANGE)
LIST(index_changes, index_change, NO_MIN, NO_MAX)

#define UPDATE_TABLE(M)                                                                                                        \
    M(AttributeDefinitions, attribute_definitions, OPTIONAL)                                                                   \
    M(TableName, table_name, NEEDED_FIRST)                                                                                     \
    M(BillingMode, billing_word, OPTIONAL)                                                                                     \
    M(ProvisionedThroughput, throughput, OPTIONAL)                                                                             \
    M(GlobalSecondaryIndexUpdates, index_changes, OPTIONAL)                                                                    \
    M(StreamSpecification, stream, OPTIONAL)                                                                                   \
    M(SSESpecification, encryption, OPTIONAL)                                                                                  \
    M(TableClass, class_word, OPTIONAL)                                                                                        \
    M(DeletionProtectionEnabled, boolean, OPTIONAL)                                                                            \
    M(OnDemandThroughput, on_demand, OPTIONAL)                                                                                 \
    M(WarmThroughput, warm, OPTIONAL)
INPUT(update_table_input, UPDATE_TABLE)

/* -- Time to live, tags --------------------------------------------------------------------------------------------------------- */
#define TIME_TO_LIVE(M)                                                                                                        \
    M(Enabled, boolean, NEEDED)                                                                                                \
    M(AttributeName, attribute_name, NEEDED)
STRUCTURE(time_to_live, "TimeToLiveSpecification", TIME_TO_LIVE)
#define UPDATE_TIME_TO_LIVE(M)                                                                                                 \
    M(TableName, table_name, NEEDED_FIRST)                                                                                     \
    M(TimeToLiveSpecification, time_to_live, NEEDED)
INPUT(update_time_to_live_input, UPDATE_TIME_TO_LIVE)

TEXT(resource, 1, 1283)
LIST(tag_keys, tag_key, NO_MIN, NO_MAX)
#define TAG_RESOURCE(M)                                                                                                        \
    M(ResourceArn, resource, NEEDED)                                                                                           \
    M(Tags, tags, NEEDED)
INPUT(tag_resource_input, TAG_RESOURCE)
#define UNTAG_RESOURCE(M)                                                                                                      \
    M(ResourceArn, resource, NEEDED)                                                                                           \
    M(TagKeys, tag_keys, NEEDED)
INPUT(untag_resource_input, UNTAG_RESOURCE)
#define LIST_TAGS(M)                                                                                                           \
    M(ResourceArn, resource, NEEDED)                                                                                           \
    M(NextToken, any_text, OPTIONAL)
INPUT(list_tags_input, LIST_TAGS)

/* -- Backups -------------------------------------------------------------------------------------------------------------------- */
TEXT_AS(static const, backup_name, NULL, 3, 255, true)
TEXT(backup_arn, 37, 1024)
WORDS(backup_word, "|SYSTEM|ALL|AWS_BACKUP|USER|")

#define CREATE_BACKUP(M)                                                                                                       \
    M(TableName, table_name, NEEDED)                                                                                           \
    M(BackupName, backup_name, NEEDED)
INPUT(create_backup_input, CREATE_BACKUP)

#define BACKUP(M) M(BackupArn, backup_arn, NEEDED)
INPUT(backup_input, BACKUP)

#define LIST_BACKUPS(M)                                                                                                        \
    M(TableName, table_name, OPTIONAL)                                                                                         \
    M(Limit, up_to_100, OPTIONAL)                                                                                              \
    M(TimeRangeLowerBound, moment, OPTIONAL)                                                                                   \
    M(TimeRangeUpperBound, moment, OPTIONAL)                                                                                   \
    M(ExclusiveStartBackupArn, backup_arn, OPTIONAL)                                                                           \
    M(BackupType, backup_word, OPTIONAL)
INPUT(list_backups_input, LIST_BACKUPS)

#define RESTORE_TABLE(M)                                                                                                       \
    M(TargetTableName, table_name, NEEDED)                                                                                     \
    M(BackupArn, backup_arn, NEEDED)                                                                                           \
    M(BillingModeOverride, billing_word, OPTIONAL)                                                                             \
    M(GlobalSecondaryIndexOverride, global_indexes, OPTIONAL)                                                                  \
    M(LocalSecondaryIndexOverride, local_indexes, OPTIONAL)                                                                    \
    M(ProvisionedThroughputOverride, throughput, OPTIONAL)                                                                     \
    M(OnDemandThroughputOverride, on_demand, OPTIONAL)                                                                         \
    M(SSESpecificationOverride, encryption, OPTIONAL)
INPUT(restore_table_input, RESTORE_TABLE)
