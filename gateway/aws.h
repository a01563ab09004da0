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
    X("DynamoDBStreams_20120810.", dynamodb_streams_serve)

/* action: what follows the prefix. body: decompressed; r->body is as it came. Answers now or later. */
typedef void aws_service(struct gateway *g, struct http_request *r, struct slice action, struct slice body);

#define X(prefix, serve) aws_service serve;
AWS_TARGETS(X)
#undef X

/* The functions of the route. */
bool aws_begin(struct gateway *g, struct http_request *r);
void aws_serve(struct gateway *g, struct http_request *r);
/* A request for a path that is none, in a client's words: makes its refusal what AWS answers, if the client is of AWS's. */
void aws_begin_elsewhere(struct http_request *r);

/* Answers with r->out, in the client's own JSON type. */
void aws_answer(struct gateway *g, struct http_request *r, unsigned status);
/* Answers with an error. */
void aws_refuse(struct gateway *g, struct http_request *r, const char *name, struct slice sentence);

#endif
