/* write.h - what becomes of one item: the stages of a put, an update, a delete and a check, alone or among others.
 *
 *     write_table ── write_key ── write_size ── write_decide ── write_store
 *
 * Up to write_decide nothing is written, and write_store cannot fail for the user's reasons. So several writes are all or nothing
 * inside one transaction of the store: decide about all of them, then store all of them (op_transact.c). write_decide may be called
 * again, and gives the same again while nobody writes. Arguments and expressions of the request come first (request.h), or are set by
 * who has read them from elsewhere (partiql.h). Stages return 0, or -1 as all stages of a request do. */
#ifndef LEAT_WORKER_TABLE_WRITE_H
#define LEAT_WORKER_TABLE_WRITE_H

#include "worker/table/answer.h"
#include "worker/table/update.h"

enum write_kind { WRITE_PUT, WRITE_UPDATE, WRITE_DELETE, WRITE_CHECK };

/* What it means that the item is there, or is not, beside the condition. */
enum write_presence {
    PRESENCE_ANY,
    PRESENCE_NEEDED,  /* no item: the condition fails (PartiQL's UPDATE) */
    PRESENCE_REFUSED, /* an item: it is a duplicate (PartiQL's INSERT) */
    PRESENCE_FORGIVEN /* no item: the condition is not looked at (PartiQL's DELETE) */
};

struct write {
    struct request *rq; /* its arguments have Item for a put, Key for the others */
    enum write_kind kind;
    enum write_presence presence;

    /* from write_decide on */
    struct update_plan plan; /* of an update */
    struct value item;       /* the item as it will be; VALUE_NONE: none. Valid until the next write_decide of any request */
    bool stores;             /* there is something to write or to remove */
};

/* The kind of a form of arguments. */
enum write_kind write_kind_of(unsigned form);

int write_table(struct write *w); /* the table exists */
int write_key(struct write *w);   /* the key fits the schema and is not updated */
int write_size(struct write *w);  /* of what a put brings: known without the item */
int write_decide(struct write *w);
int write_store(struct write *w);

/* All of them, in this order. */
int write_run(struct write *w);

/* What the write that was decided costs. Call before write_store. */
void write_capacity(const struct write *w, struct capacity *capacity);

#endif
