/* aws_sign.c - checks a signature of Version 4: the same text is put together as the client did, and signed with the secret we know.
 *
 *     canonical request = METHOD, path, query, signed headers with their values, their names, hex(SHA-256(body)), line by line
 *     string to sign    = algorithm, date, scope, hex(SHA-256(canonical request))
 *     key               = HMAC(HMAC(HMAC(HMAC("AWS4" + secret, day), region), service), "aws4_request")
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/aws_auth.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define INCOMPLETE "IncompleteSignatureException"
#define INVALID "InvalidSignatureException"
#define DIGEST_BYTES 32
#define DATE_BYTES 16 /* 20261121T090000Z */
#define SLACK_MS (15 * 60 * 1000)
#define SCOPE_PARTS 5

static const char wrong_signature[] = "The request signature we calculated does not match the signature you provided. Check "
                                      "your AWS Secret Access Key and signing "
                                      "method. Consult the service documentation for details.";

/* -- Date ------------------------------------------------------------------------------------------------------ */
static int parse_date(struct slice date, int64_t *ms)
{
    char text[DATE_BYTES + 1];
    struct tm tm = {0};
    if (date.len != DATE_BYTES)
        return -1;
    memcpy(text, date.ptr, DATE_BYTES);
    text[DATE_BYTES] = '\0';
    const char *end = strptime(text, "%Y%m%dT%H%M%SZ", &tm);
    if (!end || *end)
        return -1;
    *ms = (int64_t)timegm(&tm) * 1000;
    return 0;
}

static void format_date(int64_t ms, char text[static DATE_BYTES + 1])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(text, DATE_BYTES + 1, "%Y%m%dT%H%M%SZ", &tm);
}

static int check_date(struct slice date, int64_t wall_ms, struct aws_error *e)
{
    int64_t ms;
    char now[DATE_BYTES + 1], bound[DATE_BYTES + 1];
    if (parse_date(date, &ms) != 0)
        return aws_error_set(e, INCOMPLETE,
                             "Date must be in ISO-8601 'basic format'. Got '%.*s'. See http://en.wikipedia.org/wiki/ISO_8601",
                             (int)date.len, (const char *)date.ptr);
    format_date(wall_ms, now);
    bool early = ms > wall_ms + SLACK_MS;
    if (!early && ms >= wall_ms - SLACK_MS)
        return 0;
    format_date(early ? wall_ms + SLACK_MS : wall_ms - SLACK_MS, bound);
    return aws_error_set(e, INVALID, "Signature %s: %.*s is %s than %s (%s %c 15 min.)", early ? "not yet current" : "expired",
                         DATE_BYTES, (const char *)date.ptr, early ? "still later" : "now earlier", bound, now,
                         early ? '+' : '-');
}

/* -- Scope ----------------------------------------------------------------------------------------------------- */
struct scope {
    struct slice part[SCOPE_PARTS]; /* key id, day, region, service, terminator */
    struct slice text;              /* all but the key id */
};

static int read_scope(const struct aws_authorization *a, struct scope *s, struct aws_error *e)
{
    struct slice rest = a->credential;
    int count = 0;
    while (count < SCOPE_PARTS) {
        const unsigned char *slash = memchr(rest.ptr, '/', rest.len);
        s->part[count++] = slice_of(rest.ptr, slash ? (size_t)(slash - rest.ptr) : rest.len);
        if (!slash)
            break;
        rest = slice_of(slash + 1, rest.len - (size_t)(slash + 1 - rest.ptr));
    }
    if (count < SCOPE_PARTS || memchr(s->part[4].ptr, '/', s->part[4].len) ||
        s->part[4].ptr + s->part[4].len != rest.ptr + rest.len)
        return aws_error_set(
            e, INCOMPLETE,
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got "
            "'%.*s'",
            (int)(a->credential.len < 500 ? a->credential.len : 500), (const char *)a->credential.ptr);
    s->text = slice_of(s->part[1].ptr, (size_t)(s->part[4].ptr + s->part[4].len - s->part[1].ptr));
    if (!slice_equal(s->part[4], slice_text("aws4_request")))
        return aws_error_set(e, INVALID, "Credential should be scoped with a valid terminator: 'aws4_request', not '%.*s'. ",
                             (int)(s->part[4].len < 100 ? s->part[4].len : 100), (const char *)s->part[4].ptr);
    if (s->part[1].len != 8 || memcmp(s->part[1].ptr, a->date.ptr, 8) != 0)
        return aws_error_set(
            e, INVALID,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%.*s' != "
            "'%.8s', from '%.*s'. ",
            (int)(s->part[1].len < 100 ? s->part[1].len : 100), (const char *)s->part[1].ptr, (const char *)a->date.ptr,
            (int)a->date.len, (const char *)a->date.ptr);
    return 0;
}

/* KEY:SECRET or KEY@ACCOUNT:SECRET; a secret may hold both signs. False if it is neither. */
static bool read_credential(const char *text, struct slice *key, struct slice *account, struct slice *secret)
{
    const char *colon = strchr(text, ':');
    const char *at = colon ? memchr(text, '@', (size_t)(colon - text)) : NULL;
    if (!colon)
        return false;
    *key = slice_of(text, (size_t)((at ? at : colon) - text));
    *account = at ? slice_of(at + 1, (size_t)(colon - at - 1)) : slice_text("");
    *secret = slice_text(colon + 1);
    return true;
}

/* The secret of a key, or "" if it is unknown. */
static struct slice secret_of(struct slice wanted, const char *const *credentials, size_t count)
{
    struct slice key, account, secret;
    for (size_t i = 0; i < count; i++)
        if (read_credential(credentials[i], &key, &account, &secret) && slice_equal(key, wanted))
            return secret;
    return slice_text("");
}

struct slice aws_auth_account(struct slice wanted, const char *const *credentials, size_t count)
{
    struct slice key, account, secret;
    for (size_t i = 0; i < count; i++)
        if (read_credential(credentials[i], &key, &account, &secret) && slice_equal(key, wanted))
            return account;
    return slice_text("");
}

/* -- Canonical request ----------------------------------------------------------------------------------------- */
static void put_hex_digest(struct buf *out, struct slice bytes)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (EVP_Digest(bytes.ptr, bytes.len, digest, &len, EVP_sha256(), NULL) != 1 || len != DIGEST_BYTES) {
        out->failed = true;
        return;
    }
    for (unsigned i = 0; i < len; i++) {
        buf_byte(out, (unsigned char)hex[digest[i] >> 4]);
        buf_byte(out, (unsigned char)hex[digest[i] & 15]);
    }
}

/* Without blanks at its ends, and with one blank for several. */
static void put_header_value(struct buf *out, struct slice value)
{
    bool blank = false, begun = false;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == ' ' || value.ptr[i] == '\t') {
            blank = true;
            continue;
        }
        if (blank && begun)
            buf_byte(out, ' ');
        blank = false;
        begun = true;
        buf_byte(out, value.ptr[i]);
    }
}

static int put_signed_headers(struct buf *out, struct slice names, const struct http_fields *f)
{
    bool host = false;
    while (names.len > 0) {
        const unsigned char *end = memchr(names.ptr, ';', names.len);
        size_t len = end ? (size_t)(end - names.ptr) : names.len;
        char name[128];
        struct slice value;
        if (len == 0 || len >= sizeof name)
            return -1;
        memcpy(name, names.ptr, len);
        name[len] = '\0';
        host |= http_same_word(slice_of(name, len), slice_text("host"));
        if (!http_header_get(f, name, 0, &value))
            return -1;
        buf_append(out, name, len);
        buf_byte(out, ':');
        put_header_value(out, value);
        for (unsigned nth = 1; http_header_get(f, name, nth, &value); nth++) {
            buf_byte(out, ',');
            put_header_value(out, value);
        }
        buf_byte(out, '\n');
        names = end ? slice_of(end + 1, names.len - len - 1) : slice_of(names.ptr + len, 0);
    }
    return host ? 0 : -1;
}

static int compare_fields(const void *left, const void *right)
{
    const struct http_field *const *a = left, *const *b = right;
    int order = slice_compare((*a)->name, (*b)->name);
    return order ? order : slice_compare((*a)->value, (*b)->value);
}

/* Parameters as they were sent, in the order of their names. */
static void put_query(struct buf *out, const struct http_fields *f)
{
    const struct http_field *sorted[HTTP_FIELDS_MAX] = {NULL};
    size_t count = 0;
    for (unsigned i = 0; i < f->count; i++)
        if (f->at[i].query)
            sorted[count++] = &f->at[i];
    qsort(sorted, count, sizeof *sorted, compare_fields);
    for (size_t i = 0; i < count; i++) {
        buf_text(out, i ? "&" : "");
        buf_append(out, sorted[i]->name.ptr, sorted[i]->name.len);
        buf_byte(out, '=');
        buf_append(out, sorted[i]->value.ptr, sorted[i]->value.len);
    }
}

static int put_canonical(struct buf *out, const struct aws_authorization *a, const struct aws_signed *r)
{
    buf_printf(out, "%s\n%s\n", r->method, r->path);
    put_query(out, r->fields);
    buf_byte(out, '\n');
    if (put_signed_headers(out, a->signed_headers, r->fields) != 0)
        return -1;
    buf_byte(out, '\n');
    buf_append(out, a->signed_headers.ptr, a->signed_headers.len);
    buf_byte(out, '\n');
    put_hex_digest(out, r->body);
    return buf_failed(out) ? -1 : 0;
}

/* -- Signature ------------------------------------------------------------------------------------------------- */
static int sign(unsigned char key[static DIGEST_BYTES], size_t key_len, struct slice text,
                unsigned char out[static DIGEST_BYTES])
{
    unsigned len = 0;
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (!HMAC(EVP_sha256(), key, (int)key_len, text.ptr, text.len, digest, &len) || len != DIGEST_BYTES)
        return -1;
    memcpy(out, digest, DIGEST_BYTES);
    return 0;
}

static int derive_key(struct slice secret, const struct scope *s, unsigned char key[static DIGEST_BYTES])
{
    unsigned char first[4 + 256] = "AWS4";
    if (secret.len > sizeof first - 4)
        return -1;
    memcpy(first + 4, secret.ptr, secret.len);
    int result = sign(first, 4 + secret.len, s->part[1], key);
    for (int i = 2; i < SCOPE_PARTS && result == 0; i++)
        result = sign(key, DIGEST_BYTES, s->part[i], key);
    OPENSSL_cleanse(first, sizeof first);
    return result;
}

static bool is_signature(const unsigned char digest[static DIGEST_BYTES], struct slice given)
{
    char text[2 * DIGEST_BYTES + 1];
    size_t len = 0;
    if (given.len != sizeof text - 1 || OPENSSL_buf2hexstr_ex(text, sizeof text, &len, digest, DIGEST_BYTES, '\0') != 1)
        return false;
    for (size_t i = 0; i < given.len; i++)
        text[i] |= text[i] >= 'A' ? 0x20 : 0;
    return CRYPTO_memcmp(text, given.ptr, given.len) == 0;
}

static bool matches(const struct aws_authorization *a, const struct aws_signed *r, const struct scope *s, struct slice secret)
{
    struct buf canonical = {0}, text = {0};
    unsigned char key[DIGEST_BYTES], digest[DIGEST_BYTES];
    bool good = put_canonical(&canonical, a, r) == 0 && derive_key(secret, s, key) == 0;
    if (good) {
        buf_printf(&text, "%s\n%.*s\n%.*s\n", ALGORITHM, (int)a->date.len, (const char *)a->date.ptr, (int)s->text.len,
                   (const char *)s->text.ptr);
        put_hex_digest(&text, buf_slice(&canonical));
        good =
            !buf_failed(&text) && sign(key, DIGEST_BYTES, buf_slice(&text), digest) == 0 && is_signature(digest, a->signature);
    }
    OPENSSL_cleanse(key, sizeof key);
    buf_finish(&canonical);
    buf_finish(&text);
    return good;
}

int aws_auth_verify(const struct aws_authorization *a, const struct aws_signed *request, const char *const *credentials,
                    size_t count, int64_t wall_ms, struct aws_error *e)
{
    struct scope scope;
    if (a->in_query) /* no SDK signs requests of these services so */
        return aws_error_set(e, "MissingAuthenticationTokenException", "Request is missing Authentication Token");
    if (check_date(a->date, wall_ms, e) != 0)
        return -1;
    if (!slice_equal(a->algorithm, slice_text(ALGORITHM)))
        return aws_error_set(e, INCOMPLETE, "Unsupported AWS 'algorithm': '%.*s' (only " ALGORITHM " for now). ",
                             (int)(a->algorithm.len < 100 ? a->algorithm.len : 100), (const char *)a->algorithm.ptr);
    if (read_scope(a, &scope, e) != 0)
        return -1;
    struct slice secret = secret_of(scope.part[0], credentials, count);
    if (secret.len == 0)
        return aws_error_set(e, "UnrecognizedClientException", "The security token included in the request is invalid.");
    return matches(a, request, &scope, secret) ? 0 : aws_error_set(e, INVALID, "%s", wrong_signature);
}
