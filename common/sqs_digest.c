/* sqs_digest.c - see sqs_digest.h; the arithmetic is libcrypto's. */
#include "common/sqs_digest.h"

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

int sqs_md5(struct slice bytes, char out[static SQS_MD5_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (EVP_Digest(bytes.ptr ? bytes.ptr : (const unsigned char *)"", bytes.len, digest, NULL, EVP_md5(), NULL) != 1)
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
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct buf b = {0};
    put_part(&b, scope);
    put_part(&b, text);
    int result = !buf_failed(&b) && EVP_Digest(b.data, b.len, digest, NULL, EVP_sha256(), NULL) == 1 ? 0 : -1;
    buf_finish(&b);
    if (result == 0)
        memcpy(out, digest, 16);
    return result;
}
