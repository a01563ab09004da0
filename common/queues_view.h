/* queues_view.h - queues and messages as the native endpoints show them: maps that become JSON. Pure. */
#ifndef LEAT_COMMON_QUEUES_VIEW_H
#define LEAT_COMMON_QUEUES_VIEW_H

#include "common/msg_queue.h"

void queues_view_queue(struct buf *out, const struct queue_description *d);
void queues_view_message(struct buf *out, const struct queue_seen *seen);

#endif
