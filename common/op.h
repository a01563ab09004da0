/* op.h - what a job says (the operation) and what became of it (the outcome): the bodies that the broker carries unread.
 *
 *     operation = [op, table, payload, home]      op: enum op as uint; table: str ("" where none); payload: any value,
 *                                                 left out of the array where none was given; home: str "REGION:ACCOUNT", left
 *                                                 out where it does not matter
 *     outcome   = [state, code, value]            state: enum outcome_state; code: error name str, "" on success;
 *                                                 value: the operation's answer, or an M {"message": S, ...} on failure
 * Gateway and worker meet here; both directions are checked against limits. */
#ifndef LEAT_COMMON_OP_H
#define LEAT_COMMON_OP_H

#include "common/buf.h"
#include "common/err.h"
#include "common/id.h"
#include "common/item.h"

/* Row: symbol, name in the API, does it need a table, does it write. LOOKUP and all below it are calls only: not for users' jobs. */
#define OP_TABLE(X)                                                                                                            \
    X(CREATE, "create", true, true)                                                                                            \
    X(READ, "read", true, false)                                                                                               \
    X(UPDATE, "update", true, true)                                                                                            \
    X(DELETE, "delete", true, true)                                                                                            \
    X(LIST, "list", true, false)                                                                                               \
    X(ECHO, "echo", false, false)                                                                                              \
    X(PING, "ping", false, false)                                                                                              \
    X(LOOKUP, "", false, false)     /* payload B: the 16 bytes of a job's id; answers its recorded outcome */                  \
    X(TABLE_CREATE, "", true, true) /* this and all below: payload M as the request of DynamoDB's API, values native */        \
    X(TABLE_DROP, "", true, true)                                                                                              \
    X(TABLE_DESCRIBE, "", true, false)                                                                                         \
    X(TABLE_LIST, "", false, false)                                                                                            \
    X(QUERY, "", true, false)                                                                                                  \
    X(BATCH_READ, "", false, false)                                                                                            \
    X(BATCH_WRITE, "", false, true)                                                                                            \
    X(TRANSACT_WRITE, "", false, true)                                                                                         \
    X(TRANSACT_READ, "", false, false)                                                                                         \
    X(STATEMENT, "", false, true)                                                                                              \
    X(STATEMENTS, "", false, true)                                                                                             \
    X(STATEMENT_TRANSACTION, "", false, true)                                                                                  \
    X(TABLE_UPDATE, "", false, true)                                                                                           \
    X(TTL_UPDATE, "", false, true)                                                                                             \
    X(TTL_DESCRIBE, "", false, false)                                                                                          \
    X(TAG, "", false, true)                                                                                                    \
    X(UNTAG, "", false, true)                                                                                                  \
    X(TAGS, "", false, false)                                                                                                  \
    X(BACKUP_CREATE, "", false, true)                                                                                          \
    X(BACKUP_DESCRIBE, "", false, false)                                                                                       \
    X(BACKUP_LIST, "", false, false)                                                                                           \
    X(BACKUP_DELETE, "", false, true)                                                                                          \
    X(BACKUP_RESTORE, "", false, true)                                                                                         \
    X(STREAM_LIST, "", false, false)                                                                                           \
    X(STREAM_DESCRIBE, "", false, false)                                                                                       \
    X(STREAM_ITERATOR, "", false, false)                                                                                       \
    X(STREAM_RECORDS, "", false, false)

enum op_code {
#define X(symbol, name, table, writes) OP_##symbol,
    OP_TABLE(X)
#undef X
        OP_COUNT
};

#define OP_LAST_OF_USERS OP_PING

struct op {
    enum op_code code;
    struct slice table;
    struct value payload; /* VALUE_NONE: none given */
    struct slice home;    /* "REGION:ACCOUNT" of whoever asks, for the answer's ARNs; empty: AWS_HOME. Only beside a payload */
};

const char *op_name(enum op_code code);
bool op_needs_table(enum op_code code);
bool op_writes(enum op_code code);
/* May this very operation change anything? A SELECT does not, though its operation writes. Who only reads needs no id, and its answer may be
 * large. */
bool op_changes(const struct op *op);
/* One of the users' operations by its API name (exact case), or -1. */
int op_by_name(struct slice name);

void op_encode(struct buf *out, const struct op *op);
int op_decode(struct slice body, struct op *op); /* 0; -1 unless well-formed and within limits (points into body) */

enum outcome_state { OUTCOME_SUCCEEDED = 0, OUTCOME_FAILED = 1, OUTCOME_DEAD = 2, OUTCOME_CANCELLED = 3 };

#define OUTCOME_CODE_CANCELLED "Cancelled"

struct outcome {
    enum outcome_state state;
    struct slice code; /* error name, "" on success */
    struct value value;
};

void outcome_encode(struct buf *out, const struct outcome *o);
void outcome_encode_err(struct buf *out, const struct err *e);
int outcome_decode(struct slice body, struct outcome *o); /* 0 or -1; points into body */

/* -- The key schema of tables, as workers publish it and gateways use it to find a job's item ------------------------------ */
struct key_schema {
    struct slice partition_name, sort_name;    /* sort_name.len == 0: none */
    enum value_type partition_type, sort_type; /* VALUE_S, VALUE_N or VALUE_B */
};

/* catalog = {table name: [partition name, type, sort name or "", type]}, type as "S" "N" "B". */
void catalog_put(struct buf *out, struct slice table, const struct key_schema *schema); /* one pair, after mp_open/close_map */
bool catalog_find(struct slice catalog, struct slice table, struct key_schema *schema);
/* The next pair of a catalog whose mp_map() was read; false if it is damaged. Slices point into the catalog. */
bool catalog_read(struct mp_reader *r, struct slice *table, struct key_schema *schema);

/* 64-bit hash of a partition key value (type and content), never 0: its top bits choose the slice and prefix the item's key. */
uint64_t key_hash_partition(const struct value *partition);
/* The message group of a job: equal for jobs on the same item, 0 where order does not matter (list, echo, ping). Derived from
 * payload.Item or payload.Key with the schema; where the key cannot be found (unknown table, bad payload) the whole table is
 * one group. *slice is the store's slice (top byte of the partition hash), or a spread of `salt` where there is none. */
uint64_t op_group(const struct op *op, const struct key_schema *schema /* NULL: unknown table */, uint64_t salt,
                  uint8_t *slice);

/* Parses "NAME:KEY[:TYPE][,SORT[:TYPE]]" of --table; slices point into text. 0 or -1 with the reason. */
int table_spec_parse(const char *text, struct slice *table, struct key_schema *schema, struct err *e);

#endif
