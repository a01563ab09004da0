/* aws.h - "/": the doors of the AWS protocols, and the envelope that they share. Private to gateway/.
 *
 *     POST / with X-Amz-Target SERVICE.ACTION      to the service's function (AWS_TARGETS), body decompressed
 *     GET, HEAD /                                  the health text that load balancers and SDKs look for
 *     OPTIONS / with Origin                        CORS preflight
 *     anything else                                404 <UnknownOperationException/>
 *
 * Every answer has a request id and a checksum of its body as sent, and is compressed when the client asks and it is worth it. */
#ifndef LEAT_GATEWAY_AWS_H
#define LEAT_GATEWAY_AWS_H

#include "common/buf.h"
#include "common/err.h"
#include "gateway/http.h"

struct gateway;

/* Row: what X-Amz-Target begins with, the function that serves it. */
#define AWS_TARGETS(X)                                                                                                         \
    X("DynamoDB_20120810.", dynamodb_serve)                                                                                    \
    X("DynamoDBStreams_20120810.", dynamodb_streams_serve)                                                                     \
    X("AmazonSQS.", sqs_serve_json)

/* action: what follows the prefix. body: decompressed; r->body is as it came. Answers now or later. */
typedef void aws_service(struct gateway *g, struct http_request *r, struct slice action, struct slice body);

#define X(prefix, serve) aws_service serve;
AWS_TARGETS(X)
#undef X

/* SQS's query protocol: a form, or a query string with an Action. */
void sqs_serve_query(struct gateway *g, struct http_request *r, struct slice body);
/* What was refused before SQS's API saw it, in its words: appends the body, and returns its media type. */
const char *sqs_put_error(struct http_request *r, bool json, const struct err *e, const char *request_id);

/* The functions of the route. */
bool aws_begin(struct gateway *g, struct http_request *r);
void aws_serve(struct gateway *g, struct http_request *r);
/* A request for a path that is none, in a client's words: makes its refusal what AWS answers, if the client is of AWS's. */
void aws_begin_elsewhere(struct http_request *r);

/* Answers with r->out, in the client's own JSON type. */
void aws_answer(struct gateway *g, struct http_request *r, unsigned status);
/* The same in any media type (static), under a request id that stands in the body, too. */
#define AWS_REQUEST_ID_BYTES 53 /* 52 characters and a NUL */
void aws_make_request_id(struct gateway *g, char text[static AWS_REQUEST_ID_BYTES]);
void aws_answer_as(struct gateway *g, struct http_request *r, unsigned status, const char *media_type, const char *request_id);
/* Answers with an error. */
void aws_refuse(struct gateway *g, struct http_request *r, const char *name, struct slice sentence);

#endif
