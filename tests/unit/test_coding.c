/* test_coding.c - compressed bodies in and out, the choice of a coding, the checksum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gateway/coding.h"

static struct buf packed, out;

static struct slice pack(struct slice bytes)
{
    buf_reset(&packed);
    assert_int_equal(coding_compress(CODING_GZIP, bytes, &packed), 0);
    return buf_slice(&packed);
}

static void test_the_choice(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        enum coding coding;
    } rows[] = {
        {"", CODING_IDENTITY},
        {"identity", CODING_IDENTITY},
        {"br", CODING_IDENTITY},
        {"x-gzip", CODING_IDENTITY},
        {"gzip", CODING_GZIP},
        {"deflate", CODING_DEFLATE},
        {"gzip, deflate", CODING_GZIP},
        {"br, identity, deflate, gzip", CODING_DEFLATE},
        {"GZIP, identity", CODING_GZIP},
        {"dog, gzip ,, cat", CODING_GZIP},
        {"gzip;q=0.8, deflate;q=0.5", CODING_GZIP},
        {"gzip;q=0.5, deflate;q=0.55", CODING_DEFLATE},
        {"br, gzip;q=0, deflate; q = 0.5 , identity;q=0", CODING_DEFLATE},
        {"*", CODING_GZIP},
        {"*, deflate;q=0.5", CODING_GZIP},
        {"*, deflate", CODING_DEFLATE},
        {"*, identity", CODING_GZIP},
        {"*, gzip;q=0.5", CODING_DEFLATE},
        {"gzip ;q=0", CODING_IDENTITY},
        {"*;q=0", CODING_IDENTITY},
        {"*;q=0, gzip", CODING_GZIP},
        {"gzip;q=0.000", CODING_IDENTITY},
        {"gzip;q=0.001", CODING_GZIP},
        {";;;,,,q=", CODING_IDENTITY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (coding_choose(slice_text(rows[i].accept)) != rows[i].coding)
            fail_msg("%s", rows[i].accept);
}

static void test_there_and_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 100, 65535, 65536, 65537, 3000000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *bytes = malloc(sizes[i] + 1);
        for (size_t k = 0; k < sizes[i]; k++)
            bytes[k] = (unsigned char)(k * k >> 7);
        assert_int_equal(coding_gunzip(pack(slice_of(bytes, sizes[i])), sizes[i], &out), CODING_OK);
        assert_true(slice_equal(buf_slice(&out), slice_of(bytes, sizes[i])));
        if (sizes[i] > 0)
            assert_int_equal(coding_gunzip(buf_slice(&packed), sizes[i] - 1, &out), CODING_TOO_LARGE);
        free(bytes);
    }
}

static void test_two_members_are_one_body(void **state)
{
    (void)state;
    struct buf both = {0};
    struct slice part = pack(slice_text("hello "));
    buf_append(&both, part.ptr, part.len);
    part = pack(slice_text("world"));
    buf_append(&both, part.ptr, part.len);
    assert_int_equal(coding_gunzip(buf_slice(&both), 100, &out), CODING_OK);
    assert_true(slice_equal(buf_slice(&out), slice_text("hello world")));
    buf_text(&both, "junk");
    assert_int_equal(coding_gunzip(buf_slice(&both), 100, &out), CODING_BROKEN);
    buf_finish(&both);
}

static void test_what_is_broken(void **state)
{
    (void)state;
    assert_int_equal(coding_gunzip(slice_text(""), 100, &out), CODING_BROKEN);
    assert_int_equal(coding_gunzip(slice_text("{\"TableName\":\"x\"}"), 100, &out), CODING_BROKEN);
    struct slice whole = pack(slice_text("a body that is cut at every place"));
    for (size_t len = 0; len < whole.len; len++) {
        unsigned char *part = malloc(len + 1);
        memcpy(part, whole.ptr, len);
        assert_int_equal(coding_gunzip(slice_of(part, len), 1000, &out), CODING_BROKEN);
        free(part);
    }
    packed.data[packed.len / 2] ^= 1;
    assert_int_not_equal(coding_gunzip(buf_slice(&packed), 1000, &out), CODING_OK);
}

static void test_a_small_body_that_grows_is_stopped(void **state)
{
    (void)state;
    size_t size = 64u * 1024u * 1024u;
    unsigned char *blanks = malloc(size);
    memset(blanks, ' ', size);
    pack(slice_of(blanks, size));
    free(blanks);
    buf_finish(&out);
    assert_int_equal(coding_gunzip(buf_slice(&packed), 1024 * 1024, &out), CODING_TOO_LARGE);
    assert_true(out.cap <= 4u * 1024u * 1024u);
}

static void test_checksum(void **state)
{
    (void)state;
    assert_int_equal(coding_crc32(slice_text("{}")), 2745614147u); /* DynamoDB's own of these bodies */
    assert_int_equal(coding_crc32(slice_text("<UnknownOperationException/>\n")), 3552371480u);
    assert_int_equal(coding_crc32(slice_text("healthy: dynamodb.us-east-1.amazonaws.com ")), 3128867991u);
}

static int finish(void **state)
{
    (void)state;
    buf_finish(&packed);
    buf_finish(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_choice),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_two_members_are_one_body),
        cmocka_unit_test(test_what_is_broken),
        cmocka_unit_test(test_a_small_body_that_grows_is_stopped),
        cmocka_unit_test(test_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, finish);
}
