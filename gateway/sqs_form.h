/* sqs_form.h - the parameters of SQS's query protocol, as the JSON protocol would say them. Pure.
 *
 *     Action=SendMessage&MessageBody=hi&MessageAttribute.1.Name=a&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=b
 *     -> action "SendMessage", {"MessageBody": "hi", "MessageAttributes": {"a": {"DataType": "String", "StringValue": "b"}}}
 *
 * So there is one set of actions behind both. Scalars stay texts, whatever the API calls them. Lists are taken in the order of their numbers,
 * which need not be without gaps. */
#ifndef LEAT_GATEWAY_SQS_FORM_H
#define LEAT_GATEWAY_SQS_FORM_H

#include "common/err.h"
#include "gateway/http_fields.h"

#define SQS_FORM_PARAMETERS_MAX                                                                                                \
    1024u /* a batch of ten messages with ten attributes each has 441; each is compared with its neighbours */
#define SQS_FORM_DEPTH_MAX 7u /* SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringListValue.1 */

/* Appends the payload, an M, to out. Parameters come from the query string first, then from the body, a form. *action: its value, "" if there is
 * none; valid as long as out is not changed. 0, or -1 with ERR_BAD_REQUEST (percent-encoding, UTF-8, names, too many) or ERR_UNAVAILABLE (memory). */
int sqs_form_read(const struct http_fields *fields, struct slice body, struct buf *out, struct buf *action, struct err *e);

#endif
