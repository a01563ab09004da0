/* sqs_digest.c - see sqs_digest.h; the arithmetic is libcrypto's. */
#include "common/sqs_digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define ATTRIBUTES_MAX 10u

static void to_hex(const unsigned char digest[static 16], char out[static SQS_MD5_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[32] = '\0';
}

/* libcrypto looks an algorithm up under locks each time it is named (EVP_md5()), which costs more than the digest of a small message: each is fetched
 * once, and stays for the life of the process. */
static int digest_with(EVP_MD **algorithm, const char *name, struct slice bytes, unsigned char digest[static EVP_MAX_MD_SIZE])
{
    static EVP_MD_CTX *context;
    if (!context)
        context = EVP_MD_CTX_new();
    if (!*algorithm)
        *algorithm = EVP_MD_fetch(NULL, name, NULL);
    return context && *algorithm && EVP_DigestInit_ex2(context, *algorithm, NULL) == 1 &&
                   EVP_DigestUpdate(context, bytes.ptr, bytes.len) == 1 && EVP_DigestFinal_ex(context, digest, NULL) == 1
               ? 0
               : -1;
}

int sqs_md5(struct slice bytes, char out[static SQS_MD5_BYTES])
{
    static EVP_MD *algorithm;
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (digest_with(&algorithm, "MD5", bytes, digest) != 0)
        return -1;
    to_hex(digest, out);
    return 0;
}

bool sqs_type_is_binary(struct slice type)
{
    static const char binary[] = "Binary";
    size_t len = sizeof binary - 1;
    return type.len >= len && memcmp(type.ptr, binary, len) == 0 && (type.len == len || type.ptr[len] == '.');
}

static int compare_names(const void *a, const void *b)
{
    const struct envelope_attribute *const *left = a, *const *right = b;
    return slice_compare((*left)->name, (*right)->name);
}

static void put_part(struct buf *b, struct slice part)
{
    buf_byte(b, (unsigned char)(part.len >> 24));
    buf_byte(b, (unsigned char)(part.len >> 16));
    buf_byte(b, (unsigned char)(part.len >> 8));
    buf_byte(b, (unsigned char)part.len);
    buf_append(b, part.ptr, part.len);
}

int sqs_md5_attributes(const struct envelope_attribute *all, uint32_t count, char out[static SQS_MD5_BYTES])
{
    const struct envelope_attribute *sorted[ATTRIBUTES_MAX];
    struct buf b = {0};
    assert(count <= ATTRIBUTES_MAX);
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = &all[i];
    qsort(sorted, count, sizeof *sorted, compare_names);
    for (uint32_t i = 0; i < count; i++) {
        put_part(&b, sorted[i]->name);
        put_part(&b, sorted[i]->type);
        buf_byte(&b, sqs_type_is_binary(sorted[i]->type) ? 2 : 1);
        put_part(&b, sorted[i]->value);
    }
    int result = buf_failed(&b) ? -1 : sqs_md5(buf_slice(&b), out);
    buf_finish(&b);
    return result;
}

int sqs_key(struct slice scope, struct slice text, unsigned char out[static 16])
{
    static EVP_MD *algorithm;
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct buf b = {0};
    put_part(&b, scope);
    put_part(&b, text);
    int result = buf_failed(&b) ? -1 : digest_with(&algorithm, "SHA256", buf_slice(&b), digest);
    buf_finish(&b);
    if (result == 0)
        memcpy(out, digest, 16);
    return result;
}
