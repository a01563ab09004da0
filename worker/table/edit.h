/* edit.h - a row of the catalog in the making: a copy of an M whose members are set one after the other. */
#ifndef LEAT_WORKER_TABLE_EDIT_H
#define LEAT_WORKER_TABLE_EDIT_H

#include "worker/table/catalog_row.h"

struct edit {
    struct buf now, next, value; /* value: where the caller writes the next member's value */
};

void edit_init(struct edit *edit, struct slice map);
void edit_finish(struct edit *edit);

struct buf *edit_value(struct edit *edit); /* empty, to be filled */
/* The member becomes what was written to edit_value(). */
void edit_set(struct edit *edit, const char *member);
void edit_set_raw(struct edit *edit, const char *member, struct slice encoded); /* empty: the member goes */
void edit_set_int(struct edit *edit, const char *member, int64_t number);
void edit_set_text(struct edit *edit, const char *member, struct slice text);
void edit_set_true(struct edit *edit, const char *member, bool truth); /* false: the member goes */
static inline void edit_drop(struct edit *edit, const char *member) { edit_set_raw(edit, member, slice_of(NULL, 0)); }

struct value edit_map(const struct edit *edit); /* valid until the next change */
bool edit_failed(const struct edit *edit);      /* out of memory */

#endif
