/* http.h - the little HTTP that the command line needs, over libcurl. The only file that knows it. */
#ifndef LEAT_CLI_HTTP_H
#define LEAT_CLI_HTTP_H

#include "common/buf.h"
#include "common/err.h"

struct http;

struct http *http_create(int64_t timeout_ms); /* keeps its connection between requests; NULL: no memory */
void http_destroy(struct http **h);
/* Signs what follows as AWS clients do (Signature Version 4), in leat's preset region. 0, or -1: no memory. */
int http_sign(struct http *h, const char *service, const char *key, const char *secret);

/* Blocks. Returns the status code and the body (appended to out), or -1 with the reason when no answer came. */
int http_get(struct http *h, const char *url, struct buf *out, struct err *e);
/* headers: "Name: value" strings, count of them. */
int http_post(struct http *h, const char *url, const char *const *headers, size_t count, struct slice body, struct buf *out,
              struct err *e);

#endif
