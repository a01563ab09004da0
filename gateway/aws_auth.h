/* aws_auth.h - the signature of an AWS request (Signature Version 4): what it says, and, if credentials are set, whether it is right. Pure.
 *
 * Without credentials any signature is accepted: it is only looked at whether there is one, and what is missing in it, as AWS would say. */
#ifndef LEAT_GATEWAY_AWS_AUTH_H
#define LEAT_GATEWAY_AWS_AUTH_H

#include <stdint.h>

#include "gateway/aws_error.h"
#include "gateway/http_fields.h"

/* What an Authorization header says. Slices of the header; empty where it says nothing. */
struct aws_authorization {
    struct slice algorithm, credential, signed_headers, signature;
    struct slice date; /* of X-Amz-Date, else of Date */
    bool in_query;     /* the signature is in the query string */
};

/* Takes it apart. 0; -1 with MissingAuthenticationTokenException, IncompleteSignatureException or InvalidSignatureException. */
int aws_auth_read(const struct http_fields *f, struct aws_authorization *a, struct aws_error *e);

/* The third part of KEY/DATE/REGION/SERVICE/aws4_request; "" if there is none, or none that could be a region (letters, digits and
 * dashes, 40 at most). */
struct slice aws_auth_region(const struct aws_authorization *a);

/* The access key that signed. */
struct slice aws_auth_key(const struct aws_authorization *a);
/* The account that stands beside a key, "" if there is none or no such key. credentials: as below. */
struct slice aws_auth_account(struct slice key, const char *const *credentials, size_t count);

/* A request as it was signed. */
struct aws_signed {
    const char *method, *path;
    const struct http_fields *fields;
    struct slice body; /* as it came, before decompression */
};

/* credentials: "KEY:SECRET" or "KEY@ACCOUNT:SECRET", count of them. Checks date (15 minutes either way), scope, key and signature, in AWS's order. 0, or -1 with
 * IncompleteSignatureException, InvalidSignatureException, UnrecognizedClientException. O(body). */
int aws_auth_verify(const struct aws_authorization *a, const struct aws_signed *request, const char *const *credentials,
                    size_t count, int64_t wall_ms, struct aws_error *e);

#endif
