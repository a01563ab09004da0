/* table_fixture.h - a table engine over kv_mem for tests, driven by JSON.
 *
 * In all texts, ' stands for ", so that payloads read well inside C strings. Every operation runs in a transaction of its own. */
#ifndef LEAT_TESTS_LIB_TABLE_FIXTURE_H
#define LEAT_TESTS_LIB_TABLE_FIXTURE_H

#include "common/json.h"
#include "worker/table/table.h"

#define FIXTURE_NOW_MS 1700000000000ll

struct table_fixture {
    struct kv *kv;
    struct tables *tables;
    struct json_parser *json;
    struct buf payload, outcome, text;
    int64_t now_ms; /* wall clock of the transactions: FIXTURE_NOW_MS at first */
};

/* Opens the store with tables by specs ("people:id", ...), NULL-terminated. */
void table_fixture_init(struct table_fixture *f, char *const *specs);
void table_fixture_finish(struct table_fixture *f);

/* Runs an operation and commits. Returns the answer without its ResponseMetadata and with every TableId as UUID, or
 * "ErrorName: message", or for an error with an item or with reasons "ErrorName: message {item}". Valid until the next call. payload
 * NULL: none. */
const char *table_fixture_run(struct table_fixture *f, enum op_code code, const char *table, const char *payload);

/* A PartiQL statement, in which quotes are its own; more: the other members of the request, "'Limit':1" and the like, or "". */
const char *table_fixture_statement(struct table_fixture *f, const char *statement, const char *more);
/* Several: every second string is `more` of the statement before it; NULL ends. Statements or TransactStatements by the operation. */
const char *table_fixture_statements(struct table_fixture *f, enum op_code code, const char *const *statements,
                                     const char *more);

/* The same, compared. */
#define CHECK_RUN(f, code, table, payload, expected) assert_string_equal(table_fixture_run(f, code, table, payload), expected)

/* Payloads of OP_TABLE_CREATE, put together from literals: FIXTURE_TABLE(FIXTURE_KEY("id", "HASH"), FIXTURE_TYPE("id", "S")). */
#define FIXTURE_KEY(name, kind) "{'AttributeName':'" name "','KeyType':'" kind "'}"
#define FIXTURE_TYPE(name, type) "{'AttributeName':'" name "','AttributeType':'" type "'}"
#define FIXTURE_TABLE_WITH(keys, types, more)                                                                                  \
    "{'BillingMode':'PAY_PER_REQUEST','KeySchema':[" keys "],'AttributeDefinitions':[" types "]" more "}"
#define FIXTURE_TABLE(keys, types) FIXTURE_TABLE_WITH(keys, types, "")
#define FIXTURE_TABLE_ID FIXTURE_TABLE(FIXTURE_KEY("id", "HASH"), FIXTURE_TYPE("id", "S"))
/* An index of either kind, with keys as above and a ProjectionType. */
#define FIXTURE_INDEX(name, keys, projection)                                                                                  \
    "{'IndexName':'" name "','KeySchema':[" keys "],'Projection':{'ProjectionType':'" projection "'}}"

/* Runs the engine's chores until none is left, at most max rows a transaction; returns the number of calls. */
unsigned table_fixture_chores(struct table_fixture *f, size_t max);

/* Every call of the store fails once while an operation runs: the result comes back as it is and nothing is written or leaked. kv: of
 * kv_fault.h. */
void fixture_fail_each_call(struct kv *kv, struct tables *t, const struct op *op, enum kv_result result);

/* A value from JSON, appended to keep (which must not be moved afterwards: reserve enough, see fixture_value). */
struct value fixture_value(struct buf *keep, const char *json);
/* A value as text, in a static buffer that lasts for four calls. */
const char *fixture_text(const struct value *v);

#endif
