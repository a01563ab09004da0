/* sqs_xml.h - answers in the words of SQS's query protocol: the same values that the JSON protocol shows as JSON. Pure. */
#ifndef LEAT_GATEWAY_SQS_XML_H
#define LEAT_GATEWAY_SQS_XML_H

#include "common/buf.h"
#include "common/item.h"

/* Appends <ACTIONResponse>...</ACTIONResponse> with the members of result, an M or VALUE_NONE. 0, or -1 if it is damaged or memory ran out. */
int sqs_xml_answer(struct buf *out, struct slice action, const struct value *result, struct slice request_id);
void sqs_xml_error(struct buf *out, bool sender, const char *code, struct slice message, struct slice request_id);
void sqs_xml_text(struct buf *out, struct slice text); /* escaped */

#endif
