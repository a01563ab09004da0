/* expire.h - items whose time has come are removed, along the expiry index (track.h), as any other removal: with their index
 * entries, and with a change record that names the service.
 *
 * What expired more than five years ago stays: DynamoDB takes such times for mistakes. */
#ifndef LEAT_WORKER_TABLE_EXPIRE_H
#define LEAT_WORKER_TABLE_EXPIRE_H

#include "worker/table/chores.h"

enum kv_result expire_step(const struct chore *chore, bool *left);

#endif
