/* care.h - what leat-queue does for an operator instead of serving: repair, copy or check a journal. Each says on standard output what it
 * found, or on standard error why not, and returns the exit status. Each waits for the disk. */
#ifndef LEAT_QUEUE_CARE_H
#define LEAT_QUEUE_CARE_H

#include "queue/journal.h"

int care_salvage(const struct journal_config *config);     /* 0; 74: damage or I/O, 75: in use */
int care_backup(const char *folder, const char *target);   /* a journal in use, too; target is made */
int care_verify(const char *folder, int64_t max_messages); /* not in use */

#endif
