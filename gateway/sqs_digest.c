/* sqs_digest.c - see sqs_digest.h; the arithmetic is libcrypto's. */
#include "gateway/sqs_digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

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

struct named {
    struct slice name;
    struct value value;
};

static int compare_names(const void *a, const void *b)
{
    return slice_compare(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static void put_part(struct buf *b, struct slice part)
{
    buf_byte(b, (unsigned char)(part.len >> 24));
    buf_byte(b, (unsigned char)(part.len >> 16));
    buf_byte(b, (unsigned char)(part.len >> 8));
    buf_byte(b, (unsigned char)part.len);
    buf_append(b, part.ptr, part.len);
}

static void put_attribute(struct buf *b, const struct named *n)
{
    struct value type = value_map_get(&n->value, slice_text("DataType"));
    struct value text = value_map_get(&n->value, slice_text("StringValue"));
    struct value binary = value_map_get(&n->value, slice_text("BinaryValue"));
    put_part(b, n->name);
    put_part(b, type.bytes);
    buf_byte(b, text.type == VALUE_S ? 1 : 2);
    put_part(b, text.type == VALUE_S ? text.bytes : binary.bytes);
}

int sqs_md5_attributes(const struct value *attributes, char out[static SQS_MD5_BYTES])
{
    struct named *all = calloc(attributes->count ? attributes->count : 1, sizeof *all);
    struct buf b = {0};
    size_t count = 0;
    if (!all)
        return -1;
    for (struct value_walk walk = value_walk_of(attributes);
         count < attributes->count && value_walk_next(&walk, &all[count].name, &all[count].value);)
        count++;
    qsort(all, count, sizeof *all, compare_names);
    for (size_t i = 0; i < count; i++)
        put_attribute(&b, &all[i]);
    int result = buf_failed(&b) ? -1 : sqs_md5(buf_slice(&b), out);
    buf_finish(&b);
    free(all);
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
