/* partiql_lexer.c - see partiql_lexer.h. */
#include "worker/table/partiql_lexer.h"

#include <stdio.h>
#include <string.h>

static bool is_blank(unsigned char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
static bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
static bool is_word_start(unsigned char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$'; }
static bool is_word_part(unsigned char c) { return is_word_start(c) || is_digit(c); }

static const struct {
    const char *text;
    enum pq_kind kind;
} punctuation[] = {
    /* the longer ones first */
    {"<<", PQ_OPEN_BAG}, {">>", PQ_CLOSE_BAG}, {"<>", PQ_NE},      {"!=", PQ_NE},       {"<=", PQ_LE},
    {">=", PQ_GE},       {"<", PQ_LT},         {">", PQ_GT},       {"=", PQ_EQ},        {"?", PQ_PARAMETER},
    {"*", PQ_STAR},      {",", PQ_COMMA},      {".", PQ_DOT},      {"(", PQ_OPEN},      {")", PQ_CLOSE},
    {"[", PQ_OPEN_LIST}, {"]", PQ_CLOSE_LIST}, {"{", PQ_OPEN_MAP}, {"}", PQ_CLOSE_MAP}, {":", PQ_COLON},
    {";", PQ_SEMICOLON}, {"+", PQ_PLUS},       {"-", PQ_MINUS},
};

static const char *const reserved[] = {"AND",   "AS",     "ASC",   "BETWEEN", "BY",      "DELETE",    "DESC",   "EXISTS",
                                       "FALSE", "FROM",   "IN",    "INSERT",  "INTO",    "IS",        "LIKE",   "NOT",
                                       "NULL",  "OR",     "ORDER", "REMOVE",  "MISSING", "RETURNING", "SELECT", "SET",
                                       "TRUE",  "UPDATE", "VALUE", "VALUES",  "WHERE"};

struct pq_lexer pq_lexer_of(struct slice text) { return (struct pq_lexer){.text = text, .at = 0}; }

static bool starts_with(struct slice rest, const char *text)
{
    size_t len = strlen(text);
    return rest.len >= len && memcmp(rest.ptr, text, len) == 0;
}

static struct slice rest_of(const struct pq_lexer *lexer)
{
    return slice_of(lexer->text.ptr + lexer->at, lexer->text.len - lexer->at);
}

/* Moves behind blanks and comments; false if a comment does not end. */
static bool skip_blanks(struct pq_lexer *lexer)
{
    for (;;) {
        struct slice rest = rest_of(lexer);
        if (rest.len > 0 && is_blank(rest.ptr[0])) {
            lexer->at++;
        } else if (starts_with(rest, "--")) {
            const unsigned char *end = memchr(rest.ptr, '\n', rest.len);
            lexer->at += end ? (size_t)(end - rest.ptr) : rest.len;
        } else if (starts_with(rest, "/*")) {
            const unsigned char *end = memmem(rest.ptr + 2, rest.len - 2, "*/", 2);
            if (!end)
                return false;
            lexer->at += (size_t)(end - rest.ptr) + 2;
        } else {
            return true;
        }
    }
}

/* The length of a text in quotes, 0 if it does not end. */
static size_t quoted_length(struct slice rest)
{
    for (size_t at = 1; at < rest.len; at++) {
        if (rest.ptr[at] != rest.ptr[0])
            continue;
        if (at + 1 == rest.len || rest.ptr[at + 1] != rest.ptr[0])
            return at + 1;
        at++;
    }
    return 0;
}

/* digits [. digits] [e [sign] digits], or a point first. */
static size_t number_length(struct slice rest)
{
    size_t at = 0;

    while (at < rest.len && is_digit(rest.ptr[at]))
        at++;
    if (at < rest.len && rest.ptr[at] == '.')
        for (at++; at < rest.len && is_digit(rest.ptr[at]); at++)
            continue;
    if (at >= rest.len || (rest.ptr[at] | 0x20) != 'e')
        return at;
    size_t exponent = at + 1;
    if (exponent < rest.len && (rest.ptr[exponent] == '+' || rest.ptr[exponent] == '-'))
        exponent++;
    if (exponent >= rest.len || !is_digit(rest.ptr[exponent]))
        return at;
    while (exponent < rest.len && is_digit(rest.ptr[exponent]))
        exponent++;
    return exponent;
}

static enum pq_kind punctuation_kind(struct slice rest, size_t *len)
{
    for (size_t i = 0; i < sizeof punctuation / sizeof *punctuation; i++)
        if (starts_with(rest, punctuation[i].text)) {
            *len = strlen(punctuation[i].text);
            return punctuation[i].kind;
        }
    return PQ_BAD;
}

static enum pq_kind kind_of(struct slice rest, size_t *len)
{
    unsigned char first = rest.ptr[0];

    if (first == '\'' || first == '"') {
        *len = quoted_length(rest);
        if (*len == 0)
            return PQ_BAD;
        return first == '"' ? PQ_QUOTED : PQ_STRING;
    }
    if (is_word_start(first)) {
        for (*len = 1; *len < rest.len && is_word_part(rest.ptr[*len]);)
            (*len)++;
        return PQ_WORD;
    }
    if (is_digit(first) || (first == '.' && rest.len > 1 && is_digit(rest.ptr[1]))) {
        *len = number_length(rest);
        return PQ_NUMBER;
    }
    return punctuation_kind(rest, len);
}

struct pq_token pq_lexer_next(struct pq_lexer *lexer)
{
    bool good = skip_blanks(lexer);
    struct slice rest = rest_of(lexer);
    size_t len = 0;

    if (!good)
        return (struct pq_token){PQ_BAD, slice_of(rest.ptr, 0)};
    if (rest.len == 0)
        return (struct pq_token){PQ_END, rest};
    enum pq_kind kind = kind_of(rest, &len);
    if (kind == PQ_BAD)
        return (struct pq_token){PQ_BAD, slice_of(rest.ptr, 0)};
    lexer->at += len;
    return (struct pq_token){kind, slice_of(rest.ptr, len)};
}

/* -- Words ---------------------------------------------------------------------------------------------------- */
bool pq_is_keyword(const struct pq_token *token, const char *keyword)
{
    size_t len = strlen(keyword);

    if (token->kind != PQ_WORD || token->text.len != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = token->text.ptr[i];
        if ((c >= 'a' && c <= 'z' ? c - 32 : c) != keyword[i])
            return false;
    }
    return true;
}

bool pq_is_reserved(const struct pq_token *token)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (pq_is_keyword(token, reserved[i]))
            return true;
    return false;
}

struct slice pq_content(const struct pq_token *token, bool *unescaped)
{
    struct slice text = token->text;
    bool quoted = token->kind == PQ_QUOTED || token->kind == PQ_STRING;

    if (quoted)
        text = slice_of(text.ptr + 1, text.len - 2);
    if (unescaped)
        *unescaped = quoted && text.len > 0 && memchr(text.ptr, token->text.ptr[0], text.len) != NULL;
    return text;
}

void pq_position(const struct pq_lexer *lexer, const struct pq_token *token, char *text, size_t size)
{
    unsigned line = 1;
    const unsigned char *start = lexer->text.ptr;

    for (const unsigned char *at = lexer->text.ptr; at < token->text.ptr; at++)
        if (*at == '\n') {
            line++;
            start = at + 1;
        }
    snprintf(text, size, "%u:%zu:%zu", line, (size_t)(token->text.ptr - start) + 1, token->text.len);
}
