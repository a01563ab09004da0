/* shapes_streams.c - requests of the Streams service, and the answer that holds attribute values. */
#include "gateway/shapes_private.h"

TEXT(stream_arn, 37, 1024)
TEXT(shard_id, 28, 65)
TEXT(sequence_number, 21, 40)
TEXT(iterator, 1, 2048)
WORDS(iterator_word, "|AT_SEQUENCE_NUMBER|AFTER_SEQUENCE_NUMBER|TRIM_HORIZON|LATEST|")
WORDS(filter_word, "|CHILD_SHARDS|")
INTEGER(records_limit, 1, 1000)
INTEGER(page_limit, 1, 100)

#define LIST_STREAMS(M)                                                                                                        \
    M(TableName, table_name, OPTIONAL)                                                                                         \
    M(Limit, page_limit, OPTIONAL)                                                                                             \
    M(ExclusiveStartStreamArn, stream_arn, OPTIONAL)
INPUT(list_streams_input, LIST_STREAMS)

#define SHARD_FILTER(M)                                                                                                        \
    M(Type, filter_word, OPTIONAL)                                                                                             \
    M(ShardId, shard_id, OPTIONAL)
STRUCTURE(shard_filter, "ShardFilter", SHARD_FILTER)

#define DESCRIBE_STREAM(M)                                                                                                     \
    M(StreamArn, stream_arn, NEEDED)                                                                                           \
    M(Limit, page_limit, OPTIONAL)                                                                                             \
    M(ExclusiveStartShardId, shard_id, OPTIONAL)                                                                               \
    M(ShardFilter, shard_filter, OPTIONAL)
INPUT(describe_stream_input, DESCRIBE_STREAM)

#define GET_SHARD_ITERATOR(M)                                                                                                  \
    M(StreamArn, stream_arn, NEEDED)                                                                                           \
    M(ShardId, shard_id, NEEDED)                                                                                               \
    M(ShardIteratorType, iterator_word, NEEDED)                                                                                \
    M(SequenceNumber, sequence_number, OPTIONAL)
INPUT(get_shard_iterator_input, GET_SHARD_ITERATOR)

#define GET_RECORDS(M)                                                                                                         \
    M(ShardIterator, iterator, NEEDED)                                                                                         \
    M(Limit, records_limit, OPTIONAL)
INPUT(get_records_input, GET_RECORDS)

/* -- Output --------------------------------------------------------------------------------------------------------------------- */
#define IMAGES(M)                                                                                                              \
    M(Keys, item, OPTIONAL)                                                                                                    \
    M(NewImage, item, OPTIONAL)                                                                                                \
    M(OldImage, item, OPTIONAL)
STRUCTURE(images, NULL, IMAGES)
#define RECORD(M) M(dynamodb, images, OPTIONAL)
STRUCTURE(record, NULL, RECORD)
LIST(records, record, NO_MIN, NO_MAX)
#define RECORDS(M) M(Records, records, OPTIONAL)
OUTPUT(get_records_output, RECORDS)
