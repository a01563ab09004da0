/* lexer.c - see lexer.h. One table decides the kind of a token by its first byte. */
#include "worker/table/lexer.h"

#include <string.h>

static bool is_word_start(unsigned char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
static bool is_word_part(unsigned char c) { return is_word_start(c) || is_digit(c); }
static bool is_blank(unsigned char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static const struct {
    unsigned char first, second; /* second 0: a single byte */
    enum token_kind kind;
} punctuation[] = {
    /* the longer one first */
    {'<', '>', TOKEN_NE},  {'<', '=', TOKEN_LE}, {'>', '=', TOKEN_GE},  {'<', 0, TOKEN_LT},         {'>', 0, TOKEN_GT},
    {'=', 0, TOKEN_EQ},    {'(', 0, TOKEN_OPEN}, {')', 0, TOKEN_CLOSE}, {'[', 0, TOKEN_OPEN_INDEX}, {']', 0, TOKEN_CLOSE_INDEX},
    {',', 0, TOKEN_COMMA}, {'.', 0, TOKEN_DOT},  {'+', 0, TOKEN_PLUS},  {'-', 0, TOKEN_MINUS},
};

struct lexer lexer_of(struct slice text) { return (struct lexer){.text = text, .at = 0}; }

static size_t run_length(struct slice rest, size_t from, bool (*belongs)(unsigned char))
{
    size_t n = from;
    while (n < rest.len && belongs(rest.ptr[n]))
        n++;
    return n;
}

static enum token_kind punctuation_kind(struct slice rest, size_t *len)
{
    for (size_t i = 0; i < sizeof punctuation / sizeof *punctuation; i++) {
        bool pair = punctuation[i].second != 0;
        if (rest.ptr[0] != punctuation[i].first || (pair && (rest.len < 2 || rest.ptr[1] != punctuation[i].second)))
            continue;
        *len = pair ? 2 : 1;
        return punctuation[i].kind;
    }
    /* a whole UTF-8 character, so that an error message stays valid text */
    *len = 1;
    while (*len < rest.len && (rest.ptr[*len] & 0xC0) == 0x80)
        (*len)++;
    return TOKEN_BAD;
}

static enum token_kind token_kind_of(struct slice rest, size_t *len)
{
    unsigned char first = rest.ptr[0];

    if (is_word_start(first)) {
        *len = run_length(rest, 1, is_word_part);
        return TOKEN_WORD;
    }
    if (first == '#' || first == ':') {
        *len = run_length(rest, 1, is_word_part);
        if (*len == 1)
            return TOKEN_BAD;
        return first == '#' ? TOKEN_NAME : TOKEN_VALUE;
    }
    if (is_digit(first)) {
        *len = run_length(rest, 1, is_digit);
        return TOKEN_NUMBER;
    }
    return punctuation_kind(rest, len);
}

struct token lexer_next(struct lexer *lexer)
{
    while (lexer->at < lexer->text.len && is_blank(lexer->text.ptr[lexer->at]))
        lexer->at++;
    struct slice rest = slice_of(lexer->text.ptr + lexer->at, lexer->text.len - lexer->at);
    if (rest.len == 0)
        return (struct token){.kind = TOKEN_END, .text = rest};
    struct token token;
    token.kind = token_kind_of(rest, &rest.len);
    token.text = rest;
    lexer->at += rest.len;
    return token;
}

bool token_is_keyword(const struct token *token, const char *keyword)
{
    size_t len = strlen(keyword);

    if (token->kind != TOKEN_WORD || token->text.len != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((token->text.ptr[i] & ~0x20) != keyword[i])
            return false;
    return true;
}
