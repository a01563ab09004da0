/* shapes.h - what the requests and answers of DynamoDB's API look like: tables of members, types and bounds. No code.
 *
 * An input shape leads the reader of a request (shape_read.h): a member that it does not know is skipped. An output shape leads the writer
 * of an answer (shape_write.h) and only names the way to attribute values: everything else in an answer is written as it is. */
#ifndef LEAT_GATEWAY_SHAPES_H
#define LEAT_GATEWAY_SHAPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum shape_kind {
    SHAPE_STRING,
    SHAPE_INTEGER, /* 32 bits */
    SHAPE_LONG,    /* 64 bits */
    SHAPE_NUMBER,  /* any: a moment in seconds */
    SHAPE_BOOLEAN,
    SHAPE_LIST,      /* of element */
    SHAPE_MAP,       /* names to element */
    SHAPE_STRUCTURE, /* members */
    SHAPE_ATTRIBUTE, /* an AttributeValue, {"S": "x"}: native inside */
    SHAPE_ITEM,      /* names to AttributeValues: an M inside */
    SHAPE_PLAIN      /* output only: written as plain JSON */
};

#define SHAPE_NO_MIN INT64_MIN
#define SHAPE_NO_MAX INT64_MAX

struct shape_member;

struct shape {
    enum shape_kind kind;
    bool table_name;   /* STRING: a name of a table or an index, [a-zA-Z0-9_.-]+; as a table's it may be an ARN */
    const char *type;  /* how DynamoDB calls it in its serialization errors */
    const char *words; /* STRING: the allowed ones, "|A|B|"; NULL: any */
    int64_t min, max;  /* STRING, LIST, MAP: length; numbers: value */
    const struct shape *element, *key;
    const struct shape_member *members;
    size_t count;
};

/* How its absence is said, and in which order errors are. */
enum shape_need {
    SHAPE_OPTIONAL,
    SHAPE_NEEDED, /* "Value null at 'x' failed to satisfy constraint: Member must not be null", with the other constraints */
    SHAPE_NEEDED_FIRST /* "The parameter 'X' is required ...", and the bounds of its length: before all constraints */
};

struct shape_member {
    const char *name;
    size_t len; /* of the name */
    const struct shape *shape;
    enum shape_need need;
};

/* -- Inputs and outputs of the actions ----------------------------------------------------------------------------------------- */
extern const struct shape shape_nothing;
extern const struct shape shape_put_item_input, shape_get_item_input, shape_update_item_input, shape_delete_item_input;
extern const struct shape shape_query_input, shape_scan_input;
extern const struct shape shape_batch_get_item_input, shape_batch_write_item_input;
extern const struct shape shape_transact_write_items_input, shape_transact_get_items_input;
extern const struct shape shape_execute_statement_input, shape_batch_execute_statement_input, shape_execute_transaction_input;
extern const struct shape shape_create_table_input, shape_table_input, shape_list_tables_input, shape_update_table_input;
extern const struct shape shape_update_time_to_live_input, shape_tag_resource_input, shape_untag_resource_input,
    shape_list_tags_input;
extern const struct shape shape_create_backup_input, shape_backup_input, shape_list_backups_input, shape_restore_table_input;
extern const struct shape shape_list_streams_input, shape_describe_stream_input, shape_get_shard_iterator_input,
    shape_get_records_input;

extern const struct shape shape_plain_output, shape_error_output;
extern const struct shape shape_write_output, shape_get_item_output, shape_items_output;
extern const struct shape shape_batch_get_item_output, shape_batch_write_item_output;
extern const struct shape shape_transact_write_items_output, shape_responses_output, shape_batch_execute_statement_output;
extern const struct shape shape_get_records_output;

#endif
