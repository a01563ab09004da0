/* http_fields.h - headers and query parameters of one request, and the strictness that the HTTP library leaves to us. Pure.
 *
 * The library accepts several Content-Lengths, Content-Length beside Transfer-Encoding, unknown transfer codings and names with blanks:
 * each lets a proxy in front of us and ourselves disagree on where a request ends (request smuggling). Such requests are refused and
 * their connection is closed. */
#ifndef LEAT_GATEWAY_HTTP_FIELDS_H
#define LEAT_GATEWAY_HTTP_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

#define HTTP_FIELDS_MAX 100u /* headers and query parameters of one request */

struct http_field {
    struct slice name, value; /* point into the library's buffer: valid until the request is answered */
    bool query;
};

struct http_fields {
    struct http_field at[HTTP_FIELDS_MAX];
    unsigned count;
    bool overflow;
    /* Set by http_fields_check(): */
    bool chunked;            /* the body's length is not known before its end */
    uint64_t content_length; /* 0 if none is given */
};

void http_fields_reset(struct http_fields *f);
void http_fields_add(struct http_fields *f, struct slice name, struct slice value, bool query);

/* Header `name` (lower-case, any case in the request), the nth of that name from 0; false if there is none. */
bool http_header_get(const struct http_fields *f, const char *name, unsigned nth, struct slice *value);
/* Query parameter `name` (exact case), the first of that name. */
bool http_query_get(const struct http_fields *f, const char *name, struct slice *value);

/* The rules of this page on a request of HTTP/1.1 (or 1.0). 0, or -1 with the reason: the connection must then be closed. */
int http_fields_check(struct http_fields *f, bool version_1_1, struct err *e);

/* The path of a request target: cuts an absolute form's scheme and host. NULL if the target is no path or holds a byte that it may not. */
const char *http_target_path(const char *target);

/* True if both are the same but for the case of ASCII letters. */
bool http_same_word(struct slice a, struct slice b);

#endif
