/* msg_parts.h - what the files of msg.h share; private to common/msg*.c.
 *
 * A frame is [kind, fields...]; a batched kind ends with an array of entries, each an array of a fixed number of fields. */
#ifndef LEAT_COMMON_MSG_PARTS_H
#define LEAT_COMMON_MSG_PARTS_H

#include "common/msg.h"

/* Writes the array header and the kind; the caller adds exactly the fields of the kind's row in MSG_TABLE. */
void msg_begin(struct buf *b, enum msg_kind kind);
void msg_put_id(struct buf *b, const struct id *id);

/* Reads the header of the entries (at most LIMIT_BATCH_ENTRIES) into m->left. Like every msg_read_*(): 0, or -1 on damage. */
int msg_read_entries(struct msg *m);
/* Moves into the next entry, an array of `fields`; false at the end and on damage. */
bool msg_next_entry(struct msg *m, uint32_t fields);
/* The entry's result: true unless one of its fields was damaged, which also ends the walk. */
bool msg_entry_ok(struct msg *m);
static inline int msg_read_ok(const struct msg *m) { return m->reader.failed ? -1 : 0; }
void msg_get_id(struct msg *m, struct id *id); /* zeroed on damage */

#endif
