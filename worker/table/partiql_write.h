/* partiql_write.h - statements on one item: the key that their WHERE gives, and the write (write.h) that they are. */
#ifndef LEAT_WORKER_TABLE_PARTIQL_WRITE_H
#define LEAT_WORKER_TABLE_PARTIQL_WRITE_H

#include "worker/table/partiql.h"
#include "worker/table/write.h"

/* Parses the Statement and Parameters of a request: its table's name, condition, update, projection and Item come from there. 0; -1
 * with the error, or with the arena's flags set. */
int partiql_read(struct request *rq, struct pq_statement *statement);

/* After request_table. The Key that a WHERE gives with one equality for each attribute, in ConditionChecks and more; *complete tells
 * whether it does, *twice whether it gives one more than once, *more whether there are other conditions. 0; -1 with the arena's flags. */
struct pq_key {
    bool complete, twice, more;
    struct slice name; /* of the attribute that is given twice */
};
int partiql_take_key(struct request *rq, const struct pq_statement *statement, struct pq_key *key);

/* The write that a statement is, with its Key. Its table is known. 0 or -1. */
int partiql_write(struct request *rq, const struct pq_statement *statement, struct write *write);

/* What RETURNING shows after the write; empty for nothing. Uses t->spare. */
struct slice partiql_returned(const struct write *write, const struct pq_statement *statement);

#endif
