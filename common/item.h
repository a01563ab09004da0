/* item.h - the one value model: DynamoDB's ten types in msgpack, the same bytes on the wire and at rest.
 *
 *     S     str (UTF-8)                       N     ext 1, ordered encoding of decimal.h
 *     B     bin                               BOOL  bool          NULL  nil
 *     L     array                             M     map with str keys, no key twice, in the order of the writer
 *     SS    ext 2                             NS    ext 3         BS    ext 4
 *     (a set's payload is one msgpack array of its elements, sorted by slice_compare of their contents, no element twice, never
 *     empty; so equal sets are equal bytes)
 *
 * An item is an M. Values are read in place: a struct value points into the encoded bytes and is valid as long as they are. */
#ifndef LEAT_COMMON_ITEM_H
#define LEAT_COMMON_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/mp.h"

#define ITEM_EXT_NUMBER 1
#define ITEM_EXT_STRING_SET 2
#define ITEM_EXT_NUMBER_SET 3
#define ITEM_EXT_BINARY_SET 4

enum value_type {
    VALUE_S,
    VALUE_N,
    VALUE_B,
    VALUE_BOOL,
    VALUE_NULL,
    VALUE_L,
    VALUE_M,
    VALUE_SS,
    VALUE_NS,
    VALUE_BS,
    VALUE_NONE
};

struct value {
    enum value_type type; /* VALUE_NONE: absent or unreadable */
    struct slice encoded; /* the whole value */
    struct slice bytes;   /* S, B: content; N: ordered encoding; sets: payload; L, M: the elements after the header */
    uint32_t count;       /* L: elements; M: pairs; sets: elements */
    bool truth;           /* BOOL */
};

/* Reads one value and moves r behind it; VALUE_NONE (and r->failed) when it is none of ours. O(size) for L and M. */
struct value value_read(struct mp_reader *r);
struct value value_of(struct slice encoded); /* as above; VALUE_NONE unless encoded holds exactly one value */

/* Walking: for L, sets (elements) and M (name, element). Returns false at the end. */
struct value_walk {
    struct mp_reader reader;
    uint32_t left;
    bool named;
};
struct value_walk value_walk_of(const struct value *container);
bool value_walk_next(struct value_walk *w, struct slice *name /* M only; may be NULL */, struct value *element);

struct value value_map_get(const struct value *map, struct slice name); /* VALUE_NONE if absent or map is no M */
struct value value_list_get(const struct value *list, uint32_t index);
bool value_set_has(const struct value *set, const struct value *element);

/* "S", "N", ... as DynamoDB names them. The string is static. */
const char *value_type_name(enum value_type type);

/* Deep equality as DynamoDB defines it: maps unordered, sets unordered, numbers by value. */
bool value_equal(const struct value *a, const struct value *b);
/* Order of two S, two N or two B: <0, 0, >0. Must not be called for other types or mixed ones (asserted). */
int value_compare(const struct value *a, const struct value *b);

/* DynamoDB's size of a value, of an item (names + values), in bytes. */
size_t value_size(const struct value *v);
size_t item_size(const struct value *item);

/* Full check of bytes that came from outside or from disk: exactly one value, every rule of this page, depth at most
 * LIMIT_VALUE_DEPTH below the top map. 0, or -1 with the reason. */
int value_check(struct slice encoded, struct err *e);

/* -- Writing (on top of mp.h) --------------------------------------------------------------------------------- */
void value_put_number(struct buf *b, const unsigned char *ordered, size_t len);
int value_put_number_text(struct buf *b, const char *text, size_t len, struct err *e); /* 0 or -1 */
void value_put_int(struct buf *b, int64_t number);

/* Builds a set of `type` from elements in any order: sorts them; -1 with "Input collection [..] contains duplicates." style
 * error, with an empty-set error, or out of memory. Elements are S, N or B values matching the set's type. */
int value_put_set(struct buf *b, enum value_type type, const struct value *elements, size_t count, struct err *e);

/* Set algebra on two sets of one type, written to b: union; difference (returns 1 and writes nothing if nothing is left).
 * 0, 1 or -1 (out of memory). */
int value_put_union(struct buf *b, const struct value *a, const struct value *other);
int value_put_difference(struct buf *b, const struct value *a, const struct value *other);

/* value <-> number helpers */
bool value_to_int(const struct value *v, int64_t *number); /* an N that is a whole number in range */

#endif
