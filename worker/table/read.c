/* read.c - see read.h. */
#include "worker/table/read.h"

#include "worker/table/project.h"

int read_key(struct request *rq) { return key_of_argument(&rq->table->schema, &rq->args.at[ARG_KEY], &rq->key, &rq->err); }

int read_item(struct request *rq, struct slice *shown)
{
    struct buf *part = &rq->t->fresh;

    *shown = slice_of(NULL, 0);
    rq->old.type = VALUE_NONE;
    if (request_encode_key(rq) < 0 || request_read(rq, false) < 0)
        return -1;
    if (rq->old.type == VALUE_NONE)
        return 0;
    *shown = rq->old.encoded;
    if (rq->projection.count == 0)
        return 0;
    struct path_range paths = project_prepare(&rq->projection, &rq->t->arena);
    if (path_range_empty(paths))
        return -1;
    buf_reset(part);
    project(paths, &rq->old, part);
    *shown = buf_slice(part);
    return buf_failed(part) ? request_store_failed(rq, KV_NO_MEMORY) : 0;
}
