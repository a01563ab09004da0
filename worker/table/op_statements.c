/* op_statements.c - batch_execute_statement and execute_transaction: several PartiQL statements, each for itself or all or nothing.
 *
 * All statements are parsed before the first is carried out. */
#include "common/limits.h"
#include "worker/table/partiql_write.h"
#include "worker/table/read.h"
#include "worker/table/transact.h"

/* -- A batch -------------------------------------------------------------------------------------------------- */
struct batch {
    struct request *parts;
    struct pq_statement *statements;
    uint32_t count;
    struct capacity_list capacity;
};

static int parse_batch(struct request *rq, struct batch *b)
{
    const struct value *list = &rq->args.at[ARG_STATEMENTS];
    struct arena *arena = &rq->t->arena;
    struct value_walk walk = value_walk_of(list);
    struct value element;

    if (many_check_length(rq, "statements", list, LIMIT_BATCH_STATEMENTS) < 0)
        return -1;
    b->parts = arena_array(arena, list->count, sizeof *b->parts);
    b->statements = arena_array(arena, list->count, sizeof *b->statements);
    b->capacity = (struct capacity_list){.tables = arena_array(arena, list->count, sizeof *b->capacity.tables)};
    if (!b->parts || !b->statements || !b->capacity.tables)
        return -1;
    for (b->count = 0; value_walk_next(&walk, NULL, &element); b->count++) {
        struct request *part = &b->parts[b->count];
        if (request_init_part(part, rq, ARGS_BATCH_STATEMENT, &element) < 0)
            return many_failed(rq, part);
        part->args.at[ARG_RETURN_CAPACITY] = rq->args.at[ARG_RETURN_CAPACITY];
        if (partiql_read(part, &b->statements[b->count]) < 0 && part->err.code == ERR_NONE)
            return -1; /* the arena's fault */
    }
    return 0;
}

static int select_one(struct request *part, const struct pq_statement *s, struct capacity *capacity, struct slice *shown)
{
    struct pq_key key = {.complete = false};

    if (!s->index.len && partiql_take_key(part, s, &key) < 0)
        return -1;
    if (!key.complete)
        return err_set(&part->err, ERR_VALIDATION,
                       "Select statements within BatchExecuteStatement must specify the primary key in the where clause.");
    if (read_key(part) < 0 || read_item(part, shown) < 0)
        return -1;
    capacity_init(capacity, part->table->name);
    capacity->table =
        capacity_of_read(part->old.type != VALUE_NONE ? item_size(&part->old) : 0, arg_true(&part->args, ARG_CONSISTENT_READ));
    return 0;
}

static int write_one(struct request *part, const struct pq_statement *s, struct capacity *capacity, struct slice *shown)
{
    struct write w;

    if (s->verb == PQ_EXISTS)
        return err_set(&part->err, ERR_VALIDATION, "EXISTS can only be used in ExecuteTransaction write requests.");
    if (partiql_write(part, s, &w) < 0 || write_run(&w) < 0)
        return -1;
    if (answer_wants_capacity(part))
        write_capacity(&w, capacity);
    *shown = partiql_returned(&w, s);
    return 0;
}

static void put_error(struct buf *out, const struct request *part)
{
    mp_put_text(out, "Error");
    mp_put_map(out, part->answer_item ? 3 : 2);
    mp_put_text(out, "Code");
    mp_put_text(out, many_reason_code(part->err.code));
    mp_put_text(out, "Message");
    mp_put_text(out, part->err.text);
    if (part->answer_item) {
        mp_put_text(out, "Item");
        mp_put_raw(out, part->old.encoded);
    }
}

/* What the statement makes of its table, or the error that it failed with before. Only the store's errors are the whole's. */
static int run_one(struct request *rq, struct batch *b, uint32_t at)
{
    struct request *part = &b->parts[at];
    const struct pq_statement *s = &b->statements[at];
    struct arena_mark mark = arena_mark(&rq->t->arena);
    struct slice shown = {NULL, 0};
    struct capacity capacity;

    if (part->err.code == ERR_NONE && request_table(part) == 0) {
        int result = partiql_reads(s) ? select_one(part, s, &capacity, &shown) : write_one(part, s, &capacity, &shown);
        if (result == 0 && answer_wants_capacity(rq))
            capacity_add(capacity_of_table(&b->capacity, capacity.table_name), &capacity);
    }
    if (rq->t->arena.full) {
        rq->t->arena.full = false;
        err_set(&part->err, ERR_VALIDATION, "The statement needs more memory than one may have");
    }
    arena_rewind(&rq->t->arena, mark);
    if (part->store != KV_OK || rq->t->arena.failed)
        return many_failed(rq, part);
    mp_put_map(rq->out, (part->err.code != ERR_NONE || shown.len > 0) + (s->table.len > 0));
    if (part->err.code != ERR_NONE)
        put_error(rq->out, part);
    if (s->table.len) {
        mp_put_text(rq->out, "TableName");
        mp_put_slice(rq->out, s->table);
    }
    if (part->err.code == ERR_NONE && shown.len) {
        mp_put_text(rq->out, "Item");
        mp_put_raw(rq->out, shown);
    }
    return 0;
}

int op_statements(struct request *rq)
{
    struct batch b;
    bool capacity;

    if (request_arguments(rq) < 0 || parse_batch(rq, &b) < 0)
        return -1;
    capacity = answer_wants_capacity(rq);
    answer_begin(rq->out);
    mp_put_map(rq->out, capacity ? 2 : 1);
    mp_put_text(rq->out, "Responses");
    mp_put_array(rq->out, b.count);
    for (uint32_t i = 0; i < b.count; i++)
        if (run_one(rq, &b, i) < 0)
            return -1;
    if (capacity) {
        mp_put_text(rq->out, "ConsumedCapacity");
        capacity_put_list(rq->out, &b.capacity, CAPACITY_PLAIN, answer_wants_indexes(rq));
    }
    return 0;
}

/* -- A transaction -------------------------------------------------------------------------------------------- */
/* The error of one statement as the whole's. */
static int refuse(struct request *rq, uint32_t at, const char *text)
{
    return err_set(&rq->err, ERR_VALIDATION, "Validation failed in TransactStatements[%u]: %s", at, text);
}

static int check_statement(struct request *rq, uint32_t at, const struct pq_statement *s)
{
    if (s->returning != PQ_NOTHING)
        return refuse(rq, at, "RETURNING clause is not supported in ExecuteTransaction.");
    if (s->index.len && (partiql_reads(s) || s->verb == PQ_EXISTS))
        return refuse(rq, at, "Reads on indices are not supported within transactions.");
    return 0;
}

static int parse_transaction(struct request *rq, struct transaction *tx)
{
    const struct value *list = &rq->args.at[ARG_TRANSACT_STATEMENTS];
    struct value_walk walk = value_walk_of(list);
    struct value element;

    if (many_check_length(rq, "transactStatements", list, LIMIT_TRANSACTION_ACTIONS) < 0 ||
        transaction_init(rq, tx, list->count) < 0)
        return -1;
    tx->statements = arena_array(&rq->t->arena, tx->count, sizeof *tx->statements);
    if (!tx->statements)
        return -1;
    for (uint32_t i = 0; value_walk_next(&walk, NULL, &element); i++) {
        struct request *part = &tx->parts[i];
        if (request_init_part(part, rq, ARGS_ACTION_STATEMENT, &element) < 0)
            return many_failed(rq, part);
        if (partiql_read(part, &tx->statements[i]) < 0)
            return part->err.code == ERR_NONE ? -1 : refuse(rq, i, part->err.text);
        if (check_statement(rq, i, &tx->statements[i]) < 0)
            return -1;
    }
    for (uint32_t i = 1; i < tx->count; i++)
        if (partiql_reads(&tx->statements[i]) != partiql_reads(&tx->statements[0]))
            return err_set(&rq->err, ERR_VALIDATION,
                           "ExecuteTransaction API does not support both read and write operations in the same request.");
    return 0;
}

static int take_key(struct request *rq, struct transaction *tx, uint32_t at)
{
    struct request *part = &tx->parts[at];
    const struct pq_statement *s = &tx->statements[at];
    struct pq_key key;

    if (partiql_reads(s)) {
        if (partiql_take_key(part, s, &key) < 0)
            return many_failed(rq, part);
        return key.complete ? 0
                            : refuse(rq, at,
                                     "Select statements within ExecuteTransaction must specify the primary key in the where "
                                     "clause.");
    }
    if (partiql_write(part, s, &tx->writes[at]) == 0)
        return 0;
    return part->err.code == ERR_NONE ? many_failed(rq, part) : refuse(rq, at, part->err.text);
}

static void answer_done(struct request *rq, const struct transaction *tx)
{
    bool capacity = answer_wants_capacity(rq);

    answer_begin(rq->out);
    mp_put_map(rq->out, capacity ? 2 : 1);
    mp_put_text(rq->out, "Responses");
    mp_put_array(rq->out, tx->count);
    for (uint32_t i = 0; i < tx->count; i++)
        mp_put_map(rq->out, 0);
    if (capacity)
        transact_put_capacity(rq, tx, tx->again ? CAPACITY_READ : CAPACITY_WRITE);
}

int op_statement_transaction(struct request *rq)
{
    struct transaction tx;

    if (request_arguments(rq) < 0 || parse_transaction(rq, &tx) < 0 || transact_take_token(rq, &tx) < 0)
        return -1;
    tx.missing_tables_cancel = true;
    tx.take_key = take_key;
    tx.asked = &rq->args.at[ARG_TRANSACT_STATEMENTS];
    if (partiql_reads(&tx.statements[0]))
        return transact_read(rq, &tx);
    for (uint32_t i = 0; i < tx.count; i++)
        tx.writes[i] = (struct write){.rq = &tx.parts[i], .kind = tx.statements[i].verb == PQ_INSERT ? WRITE_PUT : WRITE_CHECK};
    if (transact_write(rq, &tx) < 0)
        return -1;
    if (tx.canceled)
        return transact_answer_canceled(rq, &tx);
    answer_done(rq, &tx);
    return 0;
}
