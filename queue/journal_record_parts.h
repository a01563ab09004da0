/* journal_record_parts.h - which fields a record of each kind has; private to queue/journal_record*.c.
 *
 *     u32 length of what follows | u8 kind | u64 number | i64 now_ms | the kind's fields in the order of enum field
 *
 * A body comes last, behind the low 32 bits of its own checksum, so that it can be read and verified without its record. A kind's fields never
 * change once they are written anywhere: what is new gets a new number. */
#ifndef LEAT_QUEUE_JOURNAL_RECORD_PARTS_H
#define LEAT_QUEUE_JOURNAL_RECORD_PARTS_H

#include "queue/journal_internal.h"

enum field {
    F_SEQ = 1 << 0,
    F_QUEUE = 1 << 1,
    F_COUNT = 1 << 2,
    F_ID = 1 << 3,
    F_GROUP = 1 << 4,
    F_ACCEPTED = 1 << 5,
    F_DUE = 1 << 6,
    F_KEY = 1 << 7,    /* u8 has_key, and if it is 1: key, body_hash, key_expires_ms */
    F_REASON = 1 << 8, /* u8 length, text */
    F_OLD_ATTRIBUTES = 1 << 9,
    F_SOURCE = 1 << 10,  /* u8 length, text */
    F_RECEIPT = 1 << 11, /* u8 priority, u8 leased, first, received, kept, u32 before */
    F_ATTEMPT = 1 << 12, /* u8 has_attempt, and if it is 1: attempt */
    F_RENUMBERED = 1 << 13,
    F_TARGET = 1 << 14,
    F_DEFINITION = 1 << 15, /* created, changed, version, purge number, secret, attributes */
    F_TASK = 1 << 16,       /* u8 status, u32 rate, moved, total, started */
    F_TASK_QUEUE = 1 << 17,
    F_BODY = 1 << 18
};

static const unsigned fields_of[CORE_REC_COUNT] = {
    [CORE_REC_SEND] = F_SEQ | F_QUEUE | F_COUNT | F_ID | F_GROUP | F_ACCEPTED | F_DUE | F_KEY | F_REASON | F_BODY,
    [CORE_REC_DONE] = F_SEQ,
    [CORE_REC_RELEASE] = F_SEQ | F_COUNT | F_DUE,
    [CORE_REC_MOVE] = F_SEQ | F_QUEUE | F_COUNT | F_DUE | F_REASON,
    [CORE_REC_QUEUE] = F_QUEUE | F_OLD_ATTRIBUTES,
    [CORE_REC_KEY] = F_SEQ | F_QUEUE | F_ID | F_GROUP | F_ACCEPTED | F_KEY,
    [CORE_REC_MARK] = 0,
    [CORE_REC_POST] = F_SEQ | F_QUEUE | F_COUNT | F_ID | F_GROUP | F_ACCEPTED | F_DUE | F_KEY | F_REASON | F_SOURCE |
                      F_RECEIPT | F_ATTEMPT | F_BODY,
    [CORE_REC_LEASE] = F_SEQ | F_COUNT | F_DUE | F_ATTEMPT,
    [CORE_REC_EXTEND] = F_SEQ | F_COUNT | F_DUE,
    [CORE_REC_TRANSFER] = F_SEQ | F_QUEUE | F_COUNT | F_ACCEPTED | F_REASON | F_SOURCE | F_RENUMBERED | F_TASK_QUEUE,
    [CORE_REC_DEFINE] = F_QUEUE | F_DEFINITION | F_BODY,
    [CORE_REC_PURGE] = F_QUEUE | F_ID | F_TARGET,
    [CORE_REC_REMOVE] = F_QUEUE | F_ID | F_SOURCE,
    [CORE_REC_TASK] = F_QUEUE | F_ID | F_REASON | F_SOURCE | F_TASK | F_BODY,
};

#define JOURNAL_PREFIX_BYTES 4u /* the length itself */

#endif
