/* sqs_attributes.h - a queue's attributes as SQS's clients write them, and what the broker is told. Pure.
 *
 * The broker keeps, beside its own settings, a document for us: an M of
 *     "attributes"  M: every attribute that was given, name -> text, as it was given
 *     "tags"        M: name -> text
 * So what a client reads is what it wrote, and the broker's settings follow from it: sqs_attributes_apply(). */
#ifndef LEAT_COMMON_SQS_ATTRIBUTES_H
#define LEAT_COMMON_SQS_ATTRIBUTES_H

#include "common/item.h"
#include "common/sqs_error.h"

/* Row: name, kind, lowest, highest, preset ("" none), FIFO queues only. Seconds, bytes, counts. Names that begin with Leat are ours: no SDK trips
 * over a name that it does not know. */
#define SQS_ATTRIBUTES(X)                                                                                                      \
    X("DelaySeconds", NUMBER, 0, 900, "0", false)                                                                              \
    X("MaximumMessageSize", NUMBER, 1024, 1048576, "1048576", false)                                                           \
    X("MessageRetentionPeriod", NUMBER, 60, 1209600, "345600", false)                                                          \
    X("ReceiveMessageWaitTimeSeconds", NUMBER, 0, 20, "0", false)                                                              \
    X("VisibilityTimeout", NUMBER, 0, 43200, "30", false)                                                                      \
    X("Policy", JSON, 0, 8192, "", false)                                                                                      \
    X("RedrivePolicy", JSON, 0, 8192, "", false)                                                                               \
    X("RedriveAllowPolicy", JSON, 0, 8192, "", false)                                                                          \
    X("KmsMasterKeyId", TEXT, 0, 2048, "", false)                                                                              \
    X("KmsDataKeyReusePeriodSeconds", NUMBER, 60, 86400, "", false)                                                            \
    X("SqsManagedSseEnabled", SWITCH, 0, 0, "true", false)                                                                     \
    X("FifoQueue", SWITCH, 0, 0, "", true)                                                                                     \
    X("ContentBasedDeduplication", SWITCH, 0, 0, "false", true)                                                                \
    X("DeduplicationScope", SCOPE, 0, 0, "queue", true)                                                                        \
    X("FifoThroughputLimit", THROUGHPUT, 0, 0, "perQueue", true)                                                               \
    X("LeatPaused", SWITCH, 0, 0, "", false)                                                                                   \
    X("LeatMaxLeaseSeconds", NUMBER, 1, 1209600, "", false)                                                                    \
    X("LeatMaxInFlight", NUMBER, 1, 120000, "", false)                                                                         \
    X("LeatMaxPerGroup", NUMBER, 1, 120000, "", false)                                                                         \
    X("LeatMaxMessages", NUMBER, 1, 1000000000000, "", false)                                                                  \
    X("LeatMaxBytes", NUMBER, 1, 1000000000000000, "", false)

/* Where a queue lives: for ARNs, and to find the broker's name of another queue. */
struct sqs_place {
    struct slice region, account;
};

bool sqs_attribute_known(struct slice name);  /* that can be asked for: of the table, a figure, or "All" */
bool sqs_queue_name_valid(struct slice name); /* 1 to 80 of [A-Za-z0-9_-], ".fifo" may stand at the end */
bool sqs_queue_is_fifo(struct slice name);
bool sqs_queue_is_own(struct slice name); /* leat-jobs or leat-jobs-dead: what they are, the settings of leat say */
/* Appends the broker's name: REGION/NAME, or the name alone of leat's own queues, which are everywhere. */
void sqs_put_path(struct buf *out, struct slice region, struct slice name);
/* The name in a broker's name, and its region (empty for leat's own). */
struct slice sqs_name_of_path(struct slice path, struct slice *region);
void sqs_put_arn(struct buf *out, const struct sqs_place *place, struct slice name);
/* The name and region in an ARN of a queue; 0 or -1. */
int sqs_read_arn(struct slice arn, struct slice *region, struct slice *name);

/* Checks given, an M of name -> text, for a queue of that name: known names, values, FIFO rules. creating: FifoQueue may be given. */
int sqs_attributes_check(const struct value *given, struct slice queue, bool creating, struct sqs_error *e);

int sqs_tags_check(const struct value *tags, struct sqs_error *e); /* those of a request: at most 50 texts; 0 or -1 */

/* The first attribute of `given` that leat's own queues do not take: its name, or empty. */
struct slice sqs_attributes_not_own(const struct value *given);

/* Appends the document of a queue: old (VALUE_NONE: none) with `given` put over its attributes; an empty text removes one. tags: over all of the old
 * ones, if not VALUE_NONE. */
void sqs_document_put(struct buf *out, const struct value *old, const struct value *given, const struct value *tags);
/* The effective text of an attribute: given, or preset; empty: none. document may be VALUE_NONE. */
struct slice sqs_attribute_text(const struct value *document, const char *name, bool fifo);

/* What the broker is told of a queue with this document. dead_letter points into scratch, which holds the broker's name of it. 0; -1: a redrive policy
 * that cannot be (then e). */
int sqs_attributes_apply(const struct value *document, struct slice queue, const struct sqs_place *place,
                         struct queue_attributes *attributes, struct buf *scratch, struct sqs_error *e);

/* The CHANGE that pauses a queue, or lets it go on. Its document, what SQS's clients read of it as LeatPaused, is made in scratch; leat's own queues
 * have none. */
void sqs_define_paused(const struct queue_description *d, bool paused, struct buf *scratch, struct queue_request *request);

/* The first attribute of `given` (a CreateQueue's, all checked) that is not what the queue has: its name, or empty. */
struct slice sqs_attributes_differ(const struct value *document, const struct value *given, bool fifo);

/* Appends an M of the attributes asked for (names: L of S, "All" is all), name -> text. */
void sqs_attributes_answer(struct buf *out, const struct queue_description *d, const struct value *names,
                           const struct sqs_place *place);

/* May `source` (an ARN) name a queue with this RedriveAllowPolicy text as its dead-letter queue? */
bool sqs_redrive_allowed(struct slice policy, struct slice source_arn);

#endif
