/* sqs_policy.h - names, ARNs, and the small JSON texts inside of a queue's attributes. Pure. */
#ifndef LEAT_COMMON_SQS_POLICY_H
#define LEAT_COMMON_SQS_POLICY_H

#include "common/json.h"
#include "common/sqs_attributes.h"

struct sqs_redrive {
    char arn[256];
    uint32_t max_receive_count;
};

/* {"deadLetterTargetArn": ARN, "maxReceiveCount": 1..1000, as number or text; 10 if it is left out}. 0 or -1. */
int sqs_redrive_read(struct slice policy, struct sqs_redrive *redrive);

int sqs_fail_redrive(struct sqs_error *e, struct slice policy); /* the error of a policy that cannot be read; -1 */
/* Is it {"redrivePermission": "allowAll" | "denyAll" | "byQueue"}, the last with 1 to 10 sourceQueueArns? */
bool sqs_redrive_allow_valid(struct slice policy);

/* Is it a policy, as sqs_verdict.h says? */
bool sqs_policy_text_valid(struct slice text);
/* May target take the dead letters of `queue`? policy: for the text of the error. 0 or -1. */
int sqs_dead_letter_check(struct slice policy, struct slice queue, const struct sqs_place *place,
                          const struct queue_description *target, struct sqs_error *e);

/* Label, AWSAccountIds and Actions of an AddPermission. 0 or -1. */
int sqs_permission_check(const struct value *in, struct sqs_error *e);
/* Appends the policy `text` (empty: none yet) with the statement of an AddPermission, or without the one of a RemovePermission; nothing if none is
 * left. 0, or -1: the label exists already, or does not. */
int sqs_policy_change(struct json_parser *json, struct slice text, const struct value *in, bool add,
                      const struct sqs_place *place, struct slice queue, struct buf *out, struct sqs_error *e);

#endif
