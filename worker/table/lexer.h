/* lexer.h - the token stream of DynamoDB's expressions. Reads one token at a time out of the expression's text, copies nothing,
 * allocates nothing, cannot fail: what is no token comes out as TOKEN_BAD, which no grammar accepts. */
#ifndef LEAT_WORKER_TABLE_LEXER_H
#define LEAT_WORKER_TABLE_LEXER_H

#include "common/buf.h"

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* attribute name, keyword or function: [A-Za-z_][A-Za-z0-9_]* */
    TOKEN_NAME,   /* #name, with its sign */
    TOKEN_VALUE,  /* :value, with its sign */
    TOKEN_NUMBER, /* digits: a list index */
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_OPEN_INDEX,
    TOKEN_CLOSE_INDEX,
    TOKEN_COMMA,
    TOKEN_DOT,
    TOKEN_EQ,
    TOKEN_NE,
    TOKEN_LT,
    TOKEN_LE,
    TOKEN_GT,
    TOKEN_GE,
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_BAD
};

struct token {
    enum token_kind kind;
    struct slice text; /* inside the expression; empty at the end */
};

struct lexer {
    struct slice text;
    size_t at;
};

struct lexer lexer_of(struct slice text);
struct token lexer_next(struct lexer *lexer); /* TOKEN_END for ever at the end */

/* True for the words (in any case) that DynamoDB refuses as bare attribute names. */
bool word_is_reserved(struct slice word);
/* True if the token is this keyword, given in upper case, in any case. */
bool token_is_keyword(const struct token *token, const char *keyword);

#endif
