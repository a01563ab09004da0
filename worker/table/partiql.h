/* partiql.h - PartiQL statements: from text to the trees that all other requests become, too (expr.h).
 *
 *     SELECT * | path, ... FROM table[.index] [WHERE condition] [ORDER BY name [ASC | DESC], ...]
 *     INSERT INTO table VALUE {'name': value, ...}
 *     UPDATE table { SET path = value, ... | REMOVE path, ... } [WHERE condition] [RETURNING {ALL | MODIFIED} {OLD | NEW} *]
 *     DELETE FROM table [WHERE condition] [RETURNING ALL OLD *]
 *     EXISTS ( SELECT ... )
 *
 * partiql_parse()    text and parameters -> statement          partiql_parse.c, partiql_condition.c, partiql_value.c, partiql_update.c
 * partiql_check.c    what can be said of operands without an item
 * partiql_plan()     WHERE of a SELECT -> ranges of keys        partiql_plan.c
 * partiql_write()    a statement that writes -> a write         partiql_write.c
 * op_statement.c, op_statements.c                               one; several, each for itself or all or nothing
 *
 * Everything lives in the arena and points into the request. */
#ifndef LEAT_WORKER_TABLE_PARTIQL_H
#define LEAT_WORKER_TABLE_PARTIQL_H

#include "worker/table/expr.h"

enum pq_verb { PQ_SELECT, PQ_INSERT, PQ_UPDATE, PQ_DELETE, PQ_EXISTS };

/* RETURNING; what follows the verb. */
enum pq_returning { PQ_NOTHING, PQ_ALL_OLD, PQ_MODIFIED_OLD, PQ_ALL_NEW, PQ_MODIFIED_NEW };

#define PQ_ORDER_MAX 8 /* names in ORDER BY: a key has no more attributes */

struct pq_order {
    struct slice name;
    bool descending;
};

struct pq_statement {
    enum pq_verb verb;
    struct slice table, index; /* index.len 0: none */
    struct projection columns; /* SELECT; count 0: all */
    struct slice *column_names;
    struct node *where; /* NULL: none */
    struct pq_order order[PQ_ORDER_MAX];
    uint32_t order_count;
    struct value item; /* INSERT: an M */
    struct update update;
    enum pq_returning returning;
};

/* parameters: an L, or VALUE_NONE. 0; -1 with e, or the arena's flags, set. */
int partiql_parse(struct slice text, const struct value *parameters, struct arena *arena, struct pq_statement *statement,
                  struct err *e);

static inline bool partiql_reads(const struct pq_statement *statement) { return statement->verb == PQ_SELECT; }

#endif
