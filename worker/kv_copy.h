/* kv_copy.h - copies of a Berkeley DB store, and whether they are sound. All of it waits for the disk. */
#ifndef LEAT_WORKER_KV_COPY_H
#define LEAT_WORKER_KV_COPY_H

#include "worker/kv.h"

/* Copies the store that kv (of kv_bdb_open) has open to the folder target, which is made, while others write to it: a hot backup. What
 * was committed before it began is in it once kv_copy_settle() has worked its log off. 0, or -1 with the reason. */
int kv_copy_hot(struct kv *kv, const char *target, struct err *e);
/* Copies the files of a store that nobody has open; ERR_INTERNAL if they are damaged, as far as the store's own notes tell. */
int kv_copy_cold(const char *folder, const char *target, struct err *e);

/* Makes a copy whole: recovery from its whole log, everything synced, nothing shared left behind. Nobody may have it open. */
int kv_copy_settle(const char *folder, struct err *e);

/* The structure of every database file of a settled copy, read-only. *files: how many. */
int kv_copy_check(const char *folder, unsigned *files, struct err *e);
/* Every row of one space of a settled copy, read-only, until visit returns non-zero: then -1 with what visit set, or e. */
typedef int kv_copy_visit(void *self, struct slice key, struct slice value, struct err *e);
int kv_copy_walk(const char *folder, enum kv_space space, kv_copy_visit *visit, void *self, struct err *e);

#endif
