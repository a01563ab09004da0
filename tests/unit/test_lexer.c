/* test_lexer.c - tokens of expressions and the reserved words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "worker/table/lexer.h"

/* All tokens of a text as "kind:text kind:text". */
static const char *tokens(const char *expression)
{
    static const char *const kinds[] = {"END", "WORD", "NAME", "VALUE", "NUMBER", "(", ")",  "[", "]", ",",
                                        ".",   "=",    "<>",   "<",     "<=",     ">", ">=", "+", "-", "BAD"};
    static char text[1000];
    struct lexer lexer = lexer_of(slice_text(expression));
    struct token token = lexer_next(&lexer);
    size_t len = 0;

    text[0] = 0;
    for (; token.kind != TOKEN_END; token = lexer_next(&lexer)) {
        const char *kind = kinds[token.kind];
        bool plain = token.kind >= TOKEN_OPEN && token.kind != TOKEN_BAD;
        int n = plain ? snprintf(text + len, sizeof text - len, "%s%s", len ? " " : "", kind)
                      : snprintf(text + len, sizeof text - len, "%s%s:%.*s", len ? " " : "", kind, (int)token.text.len,
                                 (const char *)token.text.ptr);
        len += (size_t)n;
        assert_true(len < sizeof text);
    }
    assert_int_equal(lexer_next(&lexer).kind, TOKEN_END);
    assert_int_equal(lexer_next(&lexer).text.len, 0);
    return text;
}

static void test_words_names_values(void **state)
{
    (void)state;
    assert_string_equal(tokens("a"), "WORD:a");
    assert_string_equal(tokens("_a1 B_2"), "WORD:_a1 WORD:B_2");
    assert_string_equal(tokens("#n :v"), "NAME:#n VALUE::v");
    assert_string_equal(tokens("#1 :2x"), "NAME:#1 VALUE::2x");
    assert_string_equal(tokens("a#b:c"), "WORD:a NAME:#b VALUE::c");
    assert_string_equal(tokens("12ab"), "NUMBER:12 WORD:ab");
}

static void test_punctuation(void **state)
{
    (void)state;
    assert_string_equal(tokens("a<>b<=c>=d<e>f=g"), "WORD:a <> WORD:b <= WORD:c >= WORD:d < WORD:e > WORD:f = WORD:g");
    assert_string_equal(tokens("a.b[12],(c)+d-e"), "WORD:a . WORD:b [ NUMBER:12 ] , ( WORD:c ) + WORD:d - WORD:e");
    assert_string_equal(tokens("< > < = <>"), "< > < = <>");
    assert_string_equal(tokens("<"), "<");
    assert_string_equal(tokens("=="), "= =");
}

static void test_blanks(void **state)
{
    (void)state;
    assert_string_equal(tokens(""), "");
    assert_string_equal(tokens(" \t\r\n "), "");
    assert_string_equal(tokens("\n a \t= \r:b "), "WORD:a = VALUE::b");
}

static void test_what_is_no_token(void **state)
{
    (void)state;
    assert_string_equal(tokens("#"), "BAD:#");
    assert_string_equal(tokens(": x"), "BAD:: WORD:x");
    assert_string_equal(tokens("a!b"), "WORD:a BAD:! WORD:b");
    assert_string_equal(tokens("'a'"), "BAD:' WORD:a BAD:'");
    /* one whole character, so that an error message stays UTF-8 */
    assert_string_equal(tokens("\xC3\xA9x"), "BAD:\xC3\xA9 WORD:x");
    assert_string_equal(tokens("\xE2\x82\xAC"), "BAD:\xE2\x82\xAC");
    /* a zero byte inside is a byte like others */
    struct lexer lexer = lexer_of(slice_of("a\0b", 3));
    assert_int_equal(lexer_next(&lexer).kind, TOKEN_WORD);
    assert_int_equal(lexer_next(&lexer).kind, TOKEN_BAD);
    assert_int_equal(lexer_next(&lexer).kind, TOKEN_WORD);
    assert_int_equal(lexer_next(&lexer).kind, TOKEN_END);
}

static void test_tokens_point_into_the_text(void **state)
{
    const char *expression = "  abc = :d";
    struct lexer lexer = lexer_of(slice_text(expression));
    struct token token = lexer_next(&lexer);

    (void)state;
    assert_ptr_equal(token.text.ptr, expression + 2);
    assert_int_equal(token.text.len, 3);
    token = lexer_next(&lexer);
    assert_ptr_equal(token.text.ptr, expression + 6);
}

static void test_every_byte_ends(void **state)
{
    (void)state;
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            unsigned char bytes[2] = {(unsigned char)a, (unsigned char)b};
            struct lexer lexer = lexer_of(slice_of(bytes, 2));
            int count = 0;
            while (lexer_next(&lexer).kind != TOKEN_END)
                assert_true(++count <= 2);
        }
}

static void test_keywords(void **state)
{
    struct token token = {.kind = TOKEN_WORD, .text = slice_text("aNd")};

    (void)state;
    assert_true(token_is_keyword(&token, "AND"));
    assert_false(token_is_keyword(&token, "AN"));
    assert_false(token_is_keyword(&token, "ANDS"));
    token.kind = TOKEN_NAME;
    assert_false(token_is_keyword(&token, "AND"));
    token = (struct token){.kind = TOKEN_WORD, .text = slice_text("A_D")};
    assert_false(token_is_keyword(&token, "AND"));
}

static void test_reserved_words(void **state)
{
    static const char *const reserved[] = {"ABORT",        "name",           "Status",   "ZONE",  "year", "TTL",
                                           "value",        "INNTER",         "flattern", "LOGED", "data", "items",
                                           "SpecificType", "LOCALTIMESTAMP", "USER",     "url",   "HASH", "size"};
    static const char *const others[] = {"id",   "names_",          "",    "A",     "ZONES", "ABORTS",
                                         "ABOR", "LOCALTIMESTAMPS", "foo", "price", "nam",   "_NAME"};

    (void)state;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        assert_true(word_is_reserved(slice_text(reserved[i])));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(word_is_reserved(slice_text(others[i])));
    assert_false(word_is_reserved(slice_of("NAME\0", 5)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_names_values),
        cmocka_unit_test(test_punctuation),
        cmocka_unit_test(test_blanks),
        cmocka_unit_test(test_what_is_no_token),
        cmocka_unit_test(test_tokens_point_into_the_text),
        cmocka_unit_test(test_every_byte_ends),
        cmocka_unit_test(test_keywords),
        cmocka_unit_test(test_reserved_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
