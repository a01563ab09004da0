/* aws_auth.c - what an Authorization header says. The sentences are AWS's own. */
#include "gateway/aws_auth.h"

#include <string.h>

#define REGION_BYTES 40u
#define INCOMPLETE "IncompleteSignatureException"

/* -- In a header ----------------------------------------------------------------------------------------------- */
static bool is_separator(unsigned char c) { return c == ',' || c == ' ' || c == '\t'; }

/* Cuts the next word off *rest; "" at its end. */
static struct slice next_word(struct slice *rest)
{
    size_t from = 0, to;
    while (from < rest->len && is_separator(rest->ptr[from]))
        from++;
    for (to = from; to < rest->len && !is_separator(rest->ptr[to]);)
        to++;
    struct slice word = slice_of(rest->ptr + from, to - from);
    *rest = slice_of(rest->ptr + to, rest->len - to);
    return word;
}

static bool take(struct slice word, const char *name, struct slice *value)
{
    size_t len = strlen(name);
    if (word.len <= len || memcmp(word.ptr, name, len) != 0 || word.ptr[len] != '=')
        return false;
    *value = slice_of(word.ptr + len + 1, word.len - len - 1);
    return true;
}

static int incomplete(const struct aws_authorization *a, struct slice header, struct aws_error *e)
{
    const struct {
        const char *name;
        struct slice value;
    } parts[] = {{"Credential", a->credential}, {"Signature", a->signature}, {"SignedHeaders", a->signed_headers}};
    bool missing = false;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        missing |= parts[i].value.len == 0;
    if (!missing && a->date.len > 0)
        return 0;
    aws_error_set(e, INCOMPLETE, "%s", "");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i].value.len == 0)
            buf_printf(&e->sentence, "Authorization header requires '%s' parameter. ", parts[i].name);
    if (a->date.len == 0)
        buf_text(&e->sentence, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ");
    buf_text(&e->sentence, "Authorization=");
    buf_append(&e->sentence, header.ptr, header.len);
    return -1;
}

static int read_header(struct slice header, struct aws_authorization *a, struct aws_error *e)
{
    struct slice rest = header;
    a->algorithm = next_word(&rest);
    for (struct slice word; (word = next_word(&rest)).len > 0;)
        if (!take(word, "Credential", &a->credential) && !take(word, "Signature", &a->signature))
            take(word, "SignedHeaders", &a->signed_headers);
    return incomplete(a, header, e);
}

/* -- In the query string ---------------------------------------------------------------------------------------- */
static int read_query(const struct http_fields *f, struct aws_authorization *a, struct aws_error *e)
{
    const struct {
        const char *name;
        struct slice *value;
    } parts[] = {{"X-Amz-Algorithm", &a->algorithm},
                 {"X-Amz-Credential", &a->credential},
                 {"X-Amz-Signature", &a->signature},
                 {"X-Amz-SignedHeaders", &a->signed_headers},
                 {"X-Amz-Date", &a->date}};
    bool missing = false;
    a->in_query = true;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        missing |= !http_query_get(f, parts[i].name, parts[i].value) || parts[i].value->len == 0;
    if (!missing)
        return 0;
    aws_error_set(e, INCOMPLETE, "%s", "");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i].value->len == 0)
            buf_printf(&e->sentence, "AWS query-string parameters must include '%s'. ", parts[i].name);
    buf_text(&e->sentence, "Re-examine the query-string parameters.");
    return -1;
}

int aws_auth_read(const struct http_fields *f, struct aws_authorization *a, struct aws_error *e)
{
    static const char scheme[] = "AWS4-";
    struct slice header = {0}, unused;
    *a = (struct aws_authorization){.in_query = false};
    bool by_header = http_header_get(f, "authorization", 0, &header);
    bool by_query = http_query_get(f, "X-Amz-Algorithm", &unused);
    if (by_header && by_query)
        return aws_error_set(e, "InvalidSignatureException",
                             "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.");
    if (by_query)
        return read_query(f, a, e);
    if (!by_header || header.len < sizeof scheme - 1 || memcmp(header.ptr, scheme, sizeof scheme - 1) != 0)
        return aws_error_set(e, "MissingAuthenticationTokenException", "Request is missing Authentication Token");
    if (!http_header_get(f, "x-amz-date", 0, &a->date))
        http_header_get(f, "date", 0, &a->date);
    return read_header(header, a, e);
}

struct slice aws_auth_key(const struct aws_authorization *a)
{
    const unsigned char *slash = a->credential.len ? memchr(a->credential.ptr, '/', a->credential.len) : NULL;
    return slash ? slice_of(a->credential.ptr, (size_t)(slash - a->credential.ptr)) : a->credential;
}

static bool is_of_region(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

struct slice aws_auth_region(const struct aws_authorization *a)
{
    struct slice rest = a->credential;
    for (int i = 0; i < 2; i++) {
        const unsigned char *slash = rest.len ? memchr(rest.ptr, '/', rest.len) : NULL;
        if (!slash)
            return slice_text("");
        rest = slice_of(slash + 1, rest.len - (size_t)(slash + 1 - rest.ptr));
    }
    size_t len = 0;
    while (len < rest.len && is_of_region(rest.ptr[len]))
        len++;
    return len < rest.len && rest.ptr[len] == '/' && len <= REGION_BYTES ? slice_of(rest.ptr, len) : slice_text("");
}
