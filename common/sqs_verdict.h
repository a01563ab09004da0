/* sqs_verdict.h - what a queue's policy says of a caller, and whether a policy is one at all. Pure.
 *
 *     {"Statement": [{"Effect": "Allow" | "Deny", "Principal": "*" | {"AWS": P | [P ...]}, "Action": A | [A ...], "Resource": R | [R ...],
 *                     "Condition": {OPERATOR: {KEY: V | [V ...]}}} ...]}
 *
 * P is "*", an account, arn:aws:iam::ACCOUNT:root or arn:aws:iam::ACCOUNT:user/KEY: an access key is the user of its name. A and R are patterns with '*'
 * and '?', actions in any case of letters; NotPrincipal, NotAction and NotResource say the opposite. Conditions: the operators of strings and ARNs,
 * Bool and Null; another one cannot be judged, and so allows nothing, and denies. */
#ifndef LEAT_COMMON_SQS_VERDICT_H
#define LEAT_COMMON_SQS_VERDICT_H

#include <stdbool.h>

#include "common/item.h"

struct sqs_caller {
    struct slice key, account; /* both empty: nobody knows */
};

/* One question: may the caller do this with that queue? */
struct sqs_claim {
    struct sqs_caller caller;
    const char *action;       /* in lower case: "sendmessage" */
    struct slice arn, region; /* the queue's */
};

enum sqs_verdict { SQS_SILENT, SQS_ALLOWED, SQS_DENIED };

/* policy: of the JSON text, or VALUE_NONE. A Deny that matches beats every Allow. */
enum sqs_verdict sqs_policy_verdict(const struct value *policy, const struct sqs_claim *claim);

/* Is it of the form above, within SQS's bounds: 20 statements, 50 principals, 10 conditions? */
bool sqs_policy_valid(const struct value *policy);

#endif
