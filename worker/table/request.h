/* request.h - one operation on its way through the engine; private to worker/table.
 *
 * The stages of every operation stand in DynamoDB's order: arguments, expressions, the table, the key, sizes, the item itself, the
 * condition. Each stage returns 0, or -1 with either err.code (the user's fault) or store (the store's) set; the operation then
 * stops, and nothing was written. */
#ifndef LEAT_WORKER_TABLE_REQUEST_H
#define LEAT_WORKER_TABLE_REQUEST_H

#include "common/limits.h"
#include "worker/table/args.h"
#include "worker/table/catalog.h"
#include "worker/table/expr.h"
#include "worker/table/key.h"
#include "worker/table/pending.h"
#include "worker/table/table.h"
#include "worker/table/view.h"

struct tables {
    struct kv *kv; /* not owned */
    struct catalog catalog;
    int64_t now_ms;                     /* wall clock: the time of the transaction */
    struct slice home;                  /* of the operation that runs: see op.h, never empty */
    struct arena arena;                 /* of the operation that runs */
    struct buf key, old, fresh, spare;  /* reused: item key, old item, new item, whatever else */
    struct buf scratch[4];              /* of track.c */
    int64_t census_due_ms, trim_due_ms; /* of the chores: not before */
    struct pending pending;             /* of the transaction: written by table_end() */
};

struct request {
    struct tables *t;
    struct kv_txn *txn;
    const struct op *op;
    struct buf *out;

    unsigned form; /* of args */
    struct args args;
    struct expr_context expr;
    struct node *condition;     /* ConditionExpression, FilterExpression, Expected, ScanFilter or QueryFilter; NULL if none */
    struct node *key_condition; /* KeyConditionExpression or KeyConditions; NULL if none */
    struct update update;
    struct projection projection; /* count 0: none */
    const struct slice
        *columns; /* what each of its paths is shown as, side by side (PartiQL); NULL: where it lies in the item */

    struct slice table_name;
    const struct table *table;
    struct item_key key;
    struct value old; /* the item as it is; VALUE_NONE if there is none or it was not read */
    bool old_read;    /* old says what there is */
    bool by_service;  /* the engine itself removes an expired item */

    struct err err;
    enum kv_result store;
    bool answer_item; /* the error's answer carries the old item */
};

/* Everything unset. The arena is not touched: a part of a request lives beside its whole. */
void request_init(struct request *rq, struct tables *t, struct kv_txn *txn, const struct op *op, struct buf *out);
/* A part of a request with arguments of its own (a map in its payload); it has its own names and values, too. */
int request_init_part(struct request *part, const struct request *whole, unsigned form, const struct value *map);

/* Takes the payload apart, parses all expressions or their legacy forms, checks that they use all names and values. */
int request_arguments(struct request *rq);
int request_expressions(struct request *rq);
/* Checks the table's name; finds the table, whose keys no path of the request may lead into. */
int request_table_name(struct request *rq);
int request_table(struct request *rq);
/* What IndexName names, or the table. */
int request_view(struct request *rq, struct view *view);

/* From rq->key: the item's key to t->key. Call before the others. */
int request_encode_key(struct request *rq);
/* The item that a row holds. Damage is never taken for data: it is KV_FATAL, and logged. Overwrites t->spare. */
int request_item(struct request *rq, struct slice key, struct slice bytes, struct value *item);
/* Reads the item to rq->old. */
int request_read(struct request *rq, bool for_update);
int request_condition(struct request *rq);
/* May the item be written, as the table's indexes see it? Before the first write of an operation; update: with the texts of UpdateItem.
 * Where the item as it was is known, what it had already is let through. */
int request_check_indexes(struct request *rq, const struct value *item, bool update);
/* Both change what depends on the item as well (track.h); they read the item first if that was not done and is needed. */
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
int op_query(struct request *rq);
int op_batch_read(struct request *rq);
int op_batch_write(struct request *rq);
int op_transact_read(struct request *rq);
int op_transact_write(struct request *rq);
int op_statement(struct request *rq);
int op_statements(struct request *rq);
int op_statement_transaction(struct request *rq);
int op_echo(struct request *rq);
int op_ping(struct request *rq);
int op_table_create(struct request *rq);
int op_table_drop(struct request *rq);
int op_table_describe(struct request *rq);
int op_table_list(struct request *rq);
int op_table_update(struct request *rq);
int op_ttl_update(struct request *rq);
int op_ttl_describe(struct request *rq);
int op_tag(struct request *rq);
int op_untag(struct request *rq);
int op_tags(struct request *rq);
int op_backup_create(struct request *rq);
int op_backup_describe(struct request *rq);
int op_backup_list(struct request *rq);
int op_backup_delete(struct request *rq);
int op_backup_restore(struct request *rq);
int op_stream_list(struct request *rq);
int op_stream_describe(struct request *rq);
int op_stream_iterator(struct request *rq);
int op_stream_records(struct request *rq);

#endif
