/* partiql_write.c - see partiql_write.h. */
#include "worker/table/partiql_write.h"

#include <assert.h>
#include <string.h>

#include "worker/table/partiql_bound.h"
#include "worker/table/project.h"

int partiql_read(struct request *rq, struct pq_statement *statement)
{
    const struct value *parameters = &rq->args.at[ARG_PARAMETERS];

    if (parameters->type == VALUE_L && parameters->count == 0)
        return err_set(&rq->err, ERR_VALIDATION,
                       "1 validation error detected: Value '[]' at 'parameters' failed to satisfy constraint: Member must have "
                       "length greater than or equal to 1");
    if (partiql_parse(rq->args.at[ARG_STATEMENT].bytes, parameters, &rq->t->arena, statement, &rq->err) < 0)
        return -1;
    rq->table_name = statement->table;
    rq->condition = statement->where;
    rq->update = statement->update;
    rq->projection = statement->columns;
    rq->columns = statement->column_names;
    rq->args.at[ARG_ITEM] = statement->item;
    return 0;
}

/* -- Keys ----------------------------------------------------------------------------------------------------- */
/* What the WHERE says of one attribute of the key. */
struct finder {
    struct slice name;
    struct value value;
    uint32_t found, others;
};

static int find(void *self, const struct node *conjunct)
{
    struct finder *f = self;

    if (pq_equality(conjunct, f->name, &f->value))
        f->found++;
    else
        f->others++;
    return 0;
}

static void put_attribute(struct buf *out, const struct finder *f)
{
    mp_put_slice(out, f->name);
    mp_put_raw(out, f->value.encoded);
}

int partiql_take_key(struct request *rq, const struct pq_statement *s, struct pq_key *key)
{
    const struct key_schema *schema = &rq->table->schema;
    struct finder finders[2] = {{.name = schema->partition_name}, {.name = schema->sort_name}};
    uint32_t attributes = schema->sort_name.len ? 2 : 1;
    struct buf *map = &rq->t->spare;

    memset(key, 0, sizeof *key);
    for (uint32_t i = 0; i < attributes && s->where; i++) {
        pq_each(s->where, NODE_AND, find, &finders[i]);
        if (finders[i].found > 1 && !key->twice)
            key->name = finders[i].name;
        key->twice |= finders[i].found > 1;
    }
    key->complete = finders[0].found == 1 && (attributes == 1 || finders[1].found == 1);
    key->more = finders[0].others >= attributes; /* others of the partition key: the sort key's, and what is more */
    if (!key->complete)
        return 0;
    buf_reset(map);
    mp_put_map(map, attributes);
    for (uint32_t i = 0; i < attributes; i++)
        put_attribute(map, &finders[i]);
    if (buf_failed(map))
        return request_store_failed(rq, KV_NO_MEMORY);
    struct slice copy = arena_copy(&rq->t->arena, buf_slice(map));
    if (!copy.ptr)
        return -1;
    rq->args.at[ARG_KEY] = value_of(copy);
    return 0;
}

/* -- Writes --------------------------------------------------------------------------------------------------- */
static int check_key(struct request *rq, const struct pq_statement *s, const struct pq_key *key)
{
    if (s->verb == PQ_EXISTS && (!key->complete || !key->more))
        return err_set(&rq->err, ERR_VALIDATION, "EXISTS() must contain a single item read with additional condition");
    if (key->twice)
        return err_set(&rq->err, ERR_VALIDATION,
                       "Multiple conditions on same key %.*s. Only single item Update/Insert/Delete are supported",
                       (int)key->name.len, (const char *)key->name.ptr);
    if (!key->complete)
        return err_set(&rq->err, ERR_VALIDATION, "Where clause does not contain a mandatory equality on all key attributes");
    return 0;
}

int partiql_write(struct request *rq, const struct pq_statement *s, struct write *w)
{
    static const struct {
        enum write_kind kind;
        enum write_presence presence;
    } writes[] = {[PQ_INSERT] = {WRITE_PUT, PRESENCE_REFUSED},
                  [PQ_UPDATE] = {WRITE_UPDATE, PRESENCE_NEEDED},
                  [PQ_DELETE] = {WRITE_DELETE, PRESENCE_FORGIVEN},
                  [PQ_EXISTS] = {WRITE_CHECK, PRESENCE_NEEDED}};
    struct pq_key key;

    assert(!partiql_reads(s));
    *w = (struct write){.rq = rq, .kind = writes[s->verb].kind, .presence = writes[s->verb].presence};
    if (s->index.len)
        return err_set(&rq->err, ERR_VALIDATION, "Index names are only supported in the FROM clause of SELECT statements");
    if (s->verb == PQ_INSERT)
        return 0;
    if (partiql_take_key(rq, s, &key) < 0)
        return -1;
    return check_key(rq, s, &key);
}

struct slice partiql_returned(const struct write *w, const struct pq_statement *s)
{
    const struct request *rq = w->rq;
    struct buf *part = &rq->t->spare;
    bool old = s->returning == PQ_ALL_OLD || s->returning == PQ_MODIFIED_OLD;
    const struct value *image = old ? &rq->old : &w->item;

    if (s->returning == PQ_NOTHING || image->type == VALUE_NONE)
        return slice_of(NULL, 0);
    if (s->returning == PQ_ALL_OLD || s->returning == PQ_ALL_NEW)
        return image->encoded;
    buf_reset(part);
    return project(w->plan.paths, image, part) ? buf_slice(part) : slice_of(NULL, 0);
}
