/* index.h - secondary indexes: which items are in one, where their entries lie, and what of an item an entry shows.
 *
 * In KV_INDEXES:  key   = [index id 4 B BE][hash 8 B][partition values][sort values][base]
 *                 value = the projected item, an M
 *
 * The hash is of the partition values. Values are encoded as in keys of items (key.h), each with an end of its own, so that a list of them
 * sorts as their tuple does and no list is a prefix of another one: [letter][content] of a partition value, [content] of a sort value,
 * where content is the ordered number, or S and B with 00 -> 00 FF and the end 00 00. base is the item's key behind its table id: it
 * makes entries unique and leads back to the item. key_table() and key_hash() of key.h read the id and the hash of an entry's key, too.
 *
 * So a Query is a walk over a prefix: index_encode_partition(), then for each sort value that is given by equality
 * index_encode_value(). A range on the next one: from where `value` (or the prefix of begins_with) begins to where it ends, which
 * is key_successor() of its encoding. Ids are never used twice, so an index made again under an old name inherits nothing. */
#ifndef LEAT_WORKER_TABLE_INDEX_H
#define LEAT_WORKER_TABLE_INDEX_H

#include "common/op.h"

#define INDEX_PARTITIONS 4u /* attributes of a global index's partition key; a local one has the table's */
#define INDEX_SORTS 4u

enum index_state { INDEX_ACTIVE, INDEX_CREATING /* maintained, but not filled yet: not to be read */ };
enum index_projection { PROJECT_ALL, PROJECT_KEYS, PROJECT_INCLUDE };

struct index_attribute {
    struct slice name;
    enum value_type type; /* VALUE_S, VALUE_N or VALUE_B */
};

struct index {
    struct slice name; /* slices point into the catalog's rows */
    uint32_t id;
    bool local;
    enum index_state state;
    uint32_t partition_count, sort_count; /* at least 1; sort_count 0: no sort key */
    struct index_attribute partition[INDEX_PARTITIONS], sort[INDEX_SORTS];
    enum index_projection projection;
    struct value included;  /* PROJECT_INCLUDE: an L of S, the names */
    struct value described; /* the index's part of the table's row (catalog_row.h) */
};

struct table;

/* The values of an index's key in an item, or as a request gives them. */
struct index_key {
    struct value partition[INDEX_PARTITIONS], sort[INDEX_SORTS];
};

const struct index *index_find(const struct table *table, struct slice name); /* NULL: no such index */

/* False if the item is not in the index: an attribute of the key is missing, has another type, is empty or too long. */
bool index_key_of_item(const struct index *index, const struct value *item, struct index_key *key);

/* May this item be written? 0, or -1 with DynamoDB's error: an index key of another type, empty, or too long. What `old` (VALUE_NONE:
 * no item) had already is let through: it may be older than the index, and is not in it. update: the texts of UpdateItem. */
int index_check_item(const struct table *table, const struct value *item, const struct value *old, bool update, struct err *e);

/* -- Keys of entries ------------------------------------------------------------------------------------------ */
/* [index id][hash][partition values]: where the entries of one partition begin. */
void index_encode_partition(struct buf *out, const struct index *index, const struct value *partition);
void index_encode_value(struct buf *out, const struct value *value); /* one sort value with its end */
void index_encode_start(struct buf *out,
                        struct slice bytes); /* an S or B without its end: all that begin with bytes are behind */
/* The whole key. item_key: the key of the item (key_encode). */
void index_encode(struct buf *out, const struct index *index, const struct index_key *key, struct slice item_key);

/* The base in an entry's key: put KEY_TABLE_BYTES of the table's id before it, and it is the item's key. Empty: damaged. */
struct slice index_base(const struct index *index, struct slice entry_key);

/* Appends the key of the entry that ExclusiveStartKey names: exactly the attributes of the index's and the table's key. 0, or -1 with
 * DynamoDB's error. */
int index_start_key(const struct table *table, const struct index *index, const struct value *map, struct buf *out,
                    struct err *e);

/* -- Entries -------------------------------------------------------------------------------------------------- */
/* Appends an M with the attributes of the index's and the table's key: LastEvaluatedKey. item: an entry's or the whole one. */
void index_put_key_map(struct buf *out, const struct table *table, const struct index *index, const struct value *item);
/* Appends what the index shows of an item. */
void index_put_view(struct buf *out, const struct table *table, const struct index *index, const struct value *item);
/* Does the index show this top-level attribute? */
bool index_shows(const struct table *table, const struct index *index, struct slice attribute);

#endif
