/* key.h - item keys: checked against a table's schema and encoded so that memcmp is the table's order (table.h has the layout). */
#ifndef LEAT_WORKER_TABLE_KEY_H
#define LEAT_WORKER_TABLE_KEY_H

#include "common/op.h"

#define KEY_TABLE_BYTES 4
#define KEY_HASH_BYTES 8
#define KEY_PREFIX_BYTES (KEY_TABLE_BYTES + KEY_HASH_BYTES)

/* A key's attributes, found in an item or in a Key argument. */
struct item_key {
    struct value partition, sort; /* sort: VALUE_NONE if the schema has none */
    uint64_t hash;                /* key_hash_partition of partition */
};

/* The key of an item (an M that may have more attributes). 0, or -1 with DynamoDB's error: missing, wrong type, empty, too long. */
int key_of_item(const struct key_schema *schema, const struct value *item, struct item_key *key, struct err *e);
/* The key that a Key or ExclusiveStartKey argument gives: exactly the key's attributes. */
int key_of_argument(const struct key_schema *schema, const struct value *map, struct item_key *key, struct err *e);

/* May a key attribute have this content? An S or B is not empty and not too long; other types are good. 0, or -1 with DynamoDB's error. */
int key_check_content(struct slice name, const struct value *value, bool partition, struct err *e);

void key_encode(struct buf *out, uint32_t table, const struct item_key *key);
/* What the keys of all items of key's partition begin with, and no other key. */
void key_encode_partition(struct buf *out, uint32_t table, const struct item_key *key);
/* Where the items of a table with a hash from that one on begin. */
void key_encode_prefix(struct buf *out, uint32_t table, uint64_t hash);
uint32_t key_table(struct slice encoded); /* 0, which no table has: a key that is too short to be one */
uint64_t key_hash(struct slice encoded);

/* One value behind others: the ordered number, or S and B escaped with an end, so that no value is a prefix of another one. */
void key_put_value(struct buf *out, const struct value *value);
/* An escaped S or B without its end: what the encodings of all that begin with these bytes begin with. */
void key_put_start(struct buf *out, struct slice bytes);
/* From the bytes of `key` that begin at `from`: makes them the least that is above everything that begins with them. False, and
 * no bytes are left, if nothing is. */
bool key_successor(struct buf *key, size_t from);

/* Appends an M with the item's key attributes only. */
void key_put_map(struct buf *out, const struct key_schema *schema, const struct value *item);

/* Segments of a parallel scan: equal ranges of the hash. segment_of is the segment that a hash falls into; segment_start the
 * first hash of a segment. segment < total <= LIMIT_SCAN_SEGMENTS. */
uint32_t segment_of(uint64_t hash, uint32_t total);
uint64_t segment_start(uint32_t segment, uint32_t total);

#endif
