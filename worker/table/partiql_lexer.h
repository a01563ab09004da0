/* partiql_lexer.h - the token stream of PartiQL statements: names, literals, punctuation; blanks and comments are skipped.
 *
 * Like lexer.h it reads one token at a time out of the text, copies nothing and cannot fail: what is no token comes out as PQ_BAD. */
#ifndef LEAT_WORKER_TABLE_PARTIQL_LEXER_H
#define LEAT_WORKER_TABLE_PARTIQL_LEXER_H

#include "common/buf.h"

enum pq_kind {
    PQ_END,
    PQ_WORD,   /* a bare name or a keyword */
    PQ_QUOTED, /* "name", "" inside stands for one " */
    PQ_STRING, /* 'text', '' inside stands for one ' */
    PQ_NUMBER, /* without a sign */
    PQ_PARAMETER,
    PQ_STAR,
    PQ_COMMA,
    PQ_DOT,
    PQ_OPEN,
    PQ_CLOSE,
    PQ_OPEN_LIST,
    PQ_CLOSE_LIST,
    PQ_OPEN_MAP,
    PQ_CLOSE_MAP,
    PQ_OPEN_BAG,
    PQ_CLOSE_BAG,
    PQ_COLON,
    PQ_SEMICOLON,
    PQ_EQ,
    PQ_NE,
    PQ_LT,
    PQ_LE,
    PQ_GT,
    PQ_GE,
    PQ_PLUS,
    PQ_MINUS,
    PQ_BAD
};

struct pq_token {
    enum pq_kind kind;
    struct slice text; /* inside the statement, with its quotes; empty at the end */
};

struct pq_lexer {
    struct slice text;
    size_t at;
};

struct pq_lexer pq_lexer_of(struct slice text);
struct pq_token pq_lexer_next(struct pq_lexer *lexer); /* PQ_END for ever at the end, PQ_BAD for ever at what is no token */

/* True if the token is this keyword, given in upper case, in any case. */
bool pq_is_keyword(const struct pq_token *token, const char *keyword);
/* True for the words of the grammar, which cannot stand as bare names. */
bool pq_is_reserved(const struct pq_token *token);

/* The content of a name or a string without its quotes; `unescaped` (may be NULL) is told whether doubled quotes are left in it. */
struct slice pq_content(const struct pq_token *token, bool *unescaped);

/* "line:column:length" of a token, as errors show it. */
void pq_position(const struct pq_lexer *lexer, const struct pq_token *token, char *text, size_t size);

#endif
