/* request.h - one operation on its way through the engine; private to worker/table.
 *
 * The stages of every operation stand in DynamoDB's order: arguments, expressions, the table, the key, sizes, the item itself, the
 * condition. Each stage returns 0, or -1 with either err.code (the user's fault) or store (the store's) set; the operation then
 * stops, and nothing was written. */
#ifndef LEAT_WORKER_TABLE_REQUEST_H
#define LEAT_WORKER_TABLE_REQUEST_H

#include "worker/table/args.h"
#include "worker/table/catalog.h"
#include "worker/table/expr.h"
#include "worker/table/key.h"
#include "worker/table/table.h"

struct tables {
    struct kv *kv; /* not owned */
    struct catalog catalog;
    struct arena arena;                /* of the operation that runs */
    struct buf key, old, fresh, spare; /* reused: item key, old item, new item, whatever else */
};

struct request {
    struct tables *t;
    struct kv_txn *txn;
    const struct op *op;
    struct buf *out;

    struct args args;
    struct expr_context expr;
    struct node *condition; /* ConditionExpression, FilterExpression, Expected or ScanFilter; NULL if none */
    struct update update;
    struct projection projection; /* count 0: none */

    const struct table *table;
    struct item_key key;
    struct value old; /* the item as it is; VALUE_NONE if there is none or it was not read */

    struct err err;
    enum kv_result store;
    bool answer_item; /* the error's answer carries the old item */
};

/* Takes the payload apart, parses all expressions or their legacy forms, checks that they use all names and values. */
int request_arguments(struct request *rq);
int request_expressions(struct request *rq);
/* Checks the table's name; finds the table. */
int request_table_name(struct request *rq);
int request_table(struct request *rq);

/* From rq->key: the item's key to t->key. Call before the others. */
int request_encode_key(struct request *rq);
/* The item that a row holds. Damage is never taken for data: it is KV_FATAL, and logged. Overwrites t->spare. */
int request_item(struct request *rq, struct slice key, struct slice bytes, struct value *item);
/* Reads the item to rq->old. */
int request_read(struct request *rq, bool for_update);
int request_condition(struct request *rq);
int request_write(struct request *rq, struct slice item);
int request_remove(struct request *rq);

/* Stores -1 with the store's result, or with "no memory" if the arena failed. */
int request_store_failed(struct request *rq, enum kv_result result);

/* The operations: write the whole outcome to rq->out. */
int op_put(struct request *rq);
int op_get(struct request *rq);
int op_update(struct request *rq);
int op_delete(struct request *rq);
int op_scan(struct request *rq);
int op_echo(struct request *rq);
int op_ping(struct request *rq);
int op_table_create(struct request *rq);
int op_table_drop(struct request *rq);
int op_table_describe(struct request *rq);
int op_table_list(struct request *rq);

#endif
