/* spec.h - what CreateTable, UpdateTable and RestoreTableFromBackup say of a table: checked, and made into its row (catalog_row.h).
 *
 * All checks return 0, or -1 with DynamoDB's error. The gateway has checked shapes and ranges already; here a member of another
 * shape reads as missing. */
#ifndef LEAT_WORKER_TABLE_SPEC_H
#define LEAT_WORKER_TABLE_SPEC_H

#include "common/err.h"
#include "common/item.h"
#include "worker/table/edit.h"

enum key_kind { KEY_OF_TABLE, KEY_OF_LOCAL_INDEX, KEY_OF_GLOBAL_INDEX };

/* Does a KeySchema or an L of AttributeDefinitions name this attribute? */
bool spec_names_attribute(const struct value *list, struct slice name);

/* A KeySchema: its order, its attributes defined, none twice. */
int spec_check_keys(const struct value *schema, const struct value *definitions, enum key_kind kind, struct err *e);
/* No attribute is defined that no key uses. indexes: an L of M with KeySchema, or VALUE_NONE. */
int spec_check_definitions(const struct value *definitions, const struct value *schema, const struct value *indexes,
                           struct err *e);

/* The row's AttributeDefinitions become what its keys and indexes use, each once: of those it has, then of more (an L or VALUE_NONE). */
void spec_set_definitions(struct edit *row, const struct value *more);

/* One index as the request describes it. Billing: of its table. */
struct spec_index {
    bool local;
    bool on_demand;             /* the table's billing mode */
    const struct value *given;  /* M */
    const struct value *schema; /* the table's KeySchema */
    const struct value *definitions;
};
int spec_check_index(const struct spec_index *spec, struct err *e);
/* Over all indexes together (an L of M as above): names once each, attributes projected. */
int spec_check_indexes(const struct value *indexes, struct err *e);
/* Appends the index as it is kept in the row. */
void spec_put_index(struct buf *out, const struct spec_index *spec, uint32_t id, enum index_state state);

/* BillingMode and ProvisionedThroughput of a new table. */
int spec_check_billing(const struct value *payload, struct err *e);
int spec_check_throughput(const struct value *throughput, const char *index, size_t index_len, struct err *e);
bool spec_is_on_demand(const struct value *map); /* of a request or a row */

/* The members that a request and a row have in other shapes: sets them in the row. */
int spec_set_encryption(struct edit *edit, const struct value *given, struct slice home, struct err *e);
int spec_check_stream(const struct value *given, bool *enabled, struct err *e);

#endif
