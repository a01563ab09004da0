/* worker_stage.h - a queue_worker with a fake broker and a virtual clock; what the worker tells its owner is a text, a line an
 * event:
 *
 *     link up | link down     jobs LOW: SEQ/LEASE ...     calls: NUMBER ...     left
 */
#ifndef LEAT_TESTS_LIB_WORKER_STAGE_H
#define LEAT_TESTS_LIB_WORKER_STAGE_H

#include "common/queue_client.h"
#include "tests/lib/fake_broker.h"

struct stage {
    struct fake_broker broker;
    struct queue_worker *worker;
    int64_t now_ms;
    struct msg_beat beat;
    struct buf text;
    bool credit_when_up; /* give credit in link(true) */
};

extern const struct queue_worker_events stage_events; /* self is a stage */

void stage_turn(void *self);
int stage_setup(void **state);
int stage_teardown(void **state);
void stage_settle(struct stage *s, const char *expected);
void stage_answer(struct stage *s);
void stage_expect_join(struct stage *s, const char *catalog);
void stage_expect_beat(struct stage *s, const struct msg_beat *expected);
void stage_welcome(struct stage *s, uint64_t instance);
void stage_pong(struct stage *s, uint64_t instance);
void stage_join(struct stage *s);
void stage_expect_credit(struct stage *s, uint32_t messages, uint32_t calls);
void stage_deliver(struct stage *s, int first, int count);
void stage_done(struct stage *s, uint64_t seq, const char *outcome);
void stage_expect_done(struct stage *s, uint64_t first, uint32_t count);

#endif
