/* transact.h - several writes of one request, all or nothing, inside the transaction of the store that many requests share.
 *
 * Nothing is undone, because nothing is written before everything is decided: transact_write() goes through all writes once to decide
 * about them, and only then through all of them again, deciding and storing. Between the two nobody writes, so the second pass finds
 * what the first one found. No item's image is kept in between: a hundred large ones would be a lot of memory. */
#ifndef LEAT_WORKER_TABLE_TRANSACT_H
#define LEAT_WORKER_TABLE_TRANSACT_H

#include "worker/table/many.h"
#include "worker/table/write.h"

/* Why an action cancels its transaction. */
struct reason {
    const char *code;  /* static; NULL: it does not */
    struct slice text; /* in the arena */
    struct slice item; /* encoded, in the arena: empty if not asked for */
};

struct transaction {
    uint32_t count;
    struct request *parts; /* one an action, with arguments and expressions */
    struct write *writes;  /* of a transaction of writes */
    struct many_key *keys;
    struct reason *reasons;
    bool canceled;     /* there is a reason */
    bool again;        /* it was carried out before, under the same token */
    size_t item_bytes; /* of the items in reasons */
    struct capacity_list capacity;
    struct slice token;         /* empty: none */
    const struct value *asked;  /* what must be the same under the same token */
    bool missing_tables_cancel; /* a table that does not exist is a reason, not an error */
};

/* Memory for so many actions, in the arena. 0 or -1. */
int transaction_init(struct request *rq, struct transaction *tx, uint32_t count);

/* Takes ClientRequestToken, if there is one. 0 or -1. */
int transact_take_token(struct request *rq, struct transaction *tx);

/* Carries out the writes, or notes why not. 0 (see canceled), or -1 with the error. */
int transact_write(struct request *rq, struct transaction *tx);

/* Reads items by their keys and answers with them, or with a cancellation. 0 or -1. */
int transact_read(struct request *rq, struct transaction *tx);

/* The pair "ConsumedCapacity" of an answer. */
void transact_put_capacity(struct request *rq, const struct transaction *tx, enum capacity_kind kind);

/* Notes that an action failed with the error of its part. 0; -1 if it is an error of the whole request. */
int transact_reason(struct request *rq, struct transaction *tx, uint32_t at);
/* The outcome of a canceled transaction. */
int transact_answer_canceled(struct request *rq, const struct transaction *tx);
/* The key of every read or write: checks of the tables and keys, and that no item is named twice. As transact_write. */
int transact_check_keys(struct request *rq, struct transaction *tx, int (*check_key)(struct transaction *tx, uint32_t at));

#endif
