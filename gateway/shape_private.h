/* shape_private.h - what the files of the reader share.
 *
 *     shape_read.c        structures, lists, maps
 *     shape_scalar.c      texts, numbers, truths; wrong types
 *     shape_attribute.c   AttributeValues and maps of them
 *     shape_violation.c   where something stands in the request, and how a violated constraint is said
 */
#ifndef LEAT_GATEWAY_SHAPE_PRIVATE_H
#define LEAT_GATEWAY_SHAPE_PRIVATE_H

#include "common/json_cursor.h"
#include "common/item.h"
#include "gateway/shape_read.h"

#define SHAPE_VIOLATIONS_MAX 10u

/* Where a value stands: a chain on the stack, written out for an error only. */
struct place {
    const struct place *up; /* NULL: the request itself */
    const char *member;     /* of a structure; NULL: an element */
    struct slice key;       /* element of a map */
    uint32_t index;         /* element of a list, from 1; 0: of a map */
};

/* Which of two bad attribute values is told: DynamoDB looks at them in this order. */
enum value_rank { RANK_ITEM, RANK_START_KEY, RANK_EXPRESSION_VALUES, RANK_NONE };

struct shape_reader {
    struct json_cursor json;
    struct buf scratch; /* strings that had escapes */
    struct buf *out;
    struct aws_error *error;
    struct slice table;

    struct buf first;      /* the sentence of what is required first; empty: nothing is missing */
    struct buf violations; /* joined by "; " */
    unsigned violation_count;

    struct buf value_fault;           /* the sentence of the bad attribute value to be told */
    enum value_rank fault_rank, rank; /* its rank, and the one of what is read now */
    struct slice attribute;           /* the name in ExpressionAttributeValues that is read now */

    struct slice *names; /* of all maps that are open; owned */
    size_t names_count, names_cap;
    struct buf set;         /* elements of a set, encoded as a list */
    struct buf bytes;       /* a decoded B */
    struct value *elements; /* owned */
    size_t elements_cap;
    bool no_memory;
};

/* All of these return 0 to go on, -1 when reading ends: with the error set, without memory, or because the JSON is broken. */

/* Ends the reading with a SerializationException. */
int shape_refuse(struct shape_reader *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What begins here is none of what `shape` wants. element: of a list or map, not a member. */
int shape_mismatch(struct shape_reader *s, const struct shape *shape, bool element);
int shape_out_of_memory(struct shape_reader *s);

/* true, false, or one of the words that DynamoDB takes for them. */
int shape_read_boolean(struct shape_reader *s, const struct shape *shape, bool *truth);
int shape_read_text(struct shape_reader *s, const struct shape *shape, struct slice *text);

int shape_read_scalar(struct shape_reader *s, const struct shape *shape, const struct place *at, enum shape_need need);
/* The name in arn:aws:dynamodb:REGION:ACCOUNT:table/NAME[/...], or the text itself. */
struct slice shape_name_in_arn(struct slice text);

int shape_read_attribute(struct shape_reader *s, bool element);
int shape_read_item(struct shape_reader *s, bool element);

/* Notes "Value <shown> at <place> failed to satisfy constraint: <rule>". shown NULL: null. */
void shape_violation(struct shape_reader *s, const struct place *at, const struct slice *shown, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Checks the bounds of a string, but for its length where only_pattern. */
void shape_check_text(struct shape_reader *s, const struct shape *shape, struct slice text, const struct place *at,
                      bool only_pattern);
void shape_check_number(struct shape_reader *s, const struct shape *shape, int64_t number, const struct place *at);
void shape_check_length(struct shape_reader *s, const struct shape *shape, size_t count, struct slice shown,
                        const struct place *at);
/* Of a map: its keys, and lists that are its elements, are told of at the map. */
void shape_check_entries(struct shape_reader *s, const struct shape *map, bool bad_key, bool bad_element, struct slice shown,
                         const struct place *at);
bool shape_fits_text(const struct shape *shape, struct slice text);

#endif
