/* client_story.h - a queue_client with a fake broker and a virtual clock; what the client tells its owner is a text, a line an
 * event:
 *
 *     sent TAG RESULT [known N]     result N OUTCOME     reply TAG STATUS BODY     state TAG STATE BODY
 *     admin TAG CODE                catalog BYTES        link up | link down
 *     response TAG RESULT
 *
 * Tags are small numbers, and so are ids (the first byte of 16). */
#ifndef LEAT_TESTS_LIB_CLIENT_STORY_H
#define LEAT_TESTS_LIB_CLIENT_STORY_H

#include "common/op.h"
#include "common/queue_client.h"
#include "tests/lib/fake_broker.h"

struct story {
    struct fake_broker broker;
    struct queue_client *client;
    int64_t now_ms;
    struct buf text;
    void (*on_sent)(struct story *s, int tag); /* may be NULL: what the owner does in the callback */
};

int story_setup(void **state); /* client made, HELLO not yet answered */
int story_teardown(void **state);

struct id story_id(int n);
void *story_tag(int n);
/* HELLO and WELCOME, and the two lines that follow. */
void story_welcome(struct story *s, uint64_t instance);
/* The broker dies and another one, of that instance, knows nobody: PING, WHO, HELLO, WELCOME. */
void story_broker_dies(struct story *s); /* and the client's socket knows */
void story_broker_restarts(struct story *s, uint64_t instance);
void story_settle(struct story *s, const char *expected); /* turns until the text is this */
void story_skip_to(struct story *s, const char *line);    /* turns until the text ends so */
/* The client sends nothing before a request that is made now, and tells nothing before its answer. */
void story_expect_silence(struct story *s);

int story_send(struct story *s, int n, uint32_t flags, const char *body); /* id and tag n, to queue "q" */
/* Expects a SEND of `count` messages with ids first, first + 1 ... and returns its batch number. */
uint64_t story_expect_send(struct story *s, int first, int count);
void story_sent_all(struct story *s, uint64_t batch);
void story_sent_one(struct story *s, uint64_t batch, enum msg_result result, int known /* 0: none */);
void story_result(struct story *s, int n, const char *outcome);
/* Expects WATCH of message n; answers it with that state. */
void story_watched(struct story *s, int n, enum msg_state state, const char *body);
/* Expects the CALL that looks message n up; returns its number. */
uint64_t story_expect_lookup(struct story *s, int n);
uint64_t story_expect_call(struct story *s, const char *body);
void story_reply(struct story *s, uint64_t call, enum msg_call_status status, struct slice body);

#endif
