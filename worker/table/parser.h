/* parser.h - what the three grammars share; private to parse_*.c.
 *
 * Errors: a syntax error ends the parse and wins. Everything else is noted with a rank and the parse goes on, so that the error
 * that DynamoDB would name first is the one that is reported, not the one that comes first in the text. */
#ifndef LEAT_WORKER_TABLE_PARSER_H
#define LEAT_WORKER_TABLE_PARSER_H

#include "worker/table/expr.h"
#include "worker/table/lexer.h"

/* Lower is reported first; the same rank: the earlier one in the text. */
enum error_rank {
    RANK_PARENTHESES,
    RANK_UNKNOWN_FUNCTION,
    RANK_MISUSED_FUNCTION,
    RANK_RESERVED,
    RANK_SECTION,
    RANK_LIMIT,
    RANK_CONDITION, /* + RANK_CONDITION_SPAN for each condition that ended before, so the earlier condition's come first */
    RANK_PLACEHOLDER = RANK_CONDITION,
    RANK_OPERAND_COUNT,
    RANK_DISTINCT,
    RANK_OPERAND_TYPE,
    RANK_CONDITION_SPAN = 4
};

enum grammar { GRAMMAR_CONDITION, GRAMMAR_UPDATE, GRAMMAR_PROJECTION };

struct parser {
    struct expr_context *context;
    enum grammar grammar;
    const char *title; /* "UpdateExpression": goes before every message */
    struct lexer lexer;
    struct token previous, token, following; /* the current one and its neighbours */
    uint32_t nodes, operators, depth, conditions;
    struct token redundant_open, redundant_close; /* the parentheses that closed last */
    bool doubled;                                 /* doubled parentheses are good */
    bool syntax_failed;
    bool noted;
    uint32_t note_rank;
    struct err note, *e;
};

/* Checks the text's size and reads the first tokens. 0 or -1. */
int parser_init(struct parser *p, struct expr_context *c, enum grammar grammar, const char *title, struct slice text,
                struct err *e);
/* At the end: 0 if nothing was noted and nothing failed, else -1 with the error that wins in p->e. */
int parser_finish(struct parser *p);

void parser_advance(struct parser *p);
/* Takes a token of that kind; false (after noting a syntax error) if another one is there. */
bool parser_expect(struct parser *p, enum token_kind kind);
bool parser_accept(struct parser *p, enum token_kind kind);
/* The syntax error at the current token; returns NULL for convenience. */
void *parser_syntax_error(struct parser *p);
void parser_note(struct parser *p, uint32_t rank, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Bounds the recursion: enter fails (with an error noted as a syntax error would be) below LIMIT_EXPRESSION_DEPTH. */
bool parser_enter(struct parser *p);
void parser_leave(struct parser *p);

/* A new node; NULL when a limit or memory is exhausted. Operators and functions are counted against their limit. */
bool parser_count_operator(struct parser *p);
struct node *parser_node(struct parser *p, enum node_kind kind, struct node *args);

/* path := (name | #name) ( .name | .#name | [n] )*          value := :value          false or NULL on a syntax error */
bool parse_path(struct parser *p, struct path *path);
struct node *parse_path_node(struct parser *p);
struct node *parse_value_node(struct parser *p);

/* function := word ( operand, ... ), at the word; `operand` parses one argument. */
struct node *parse_function(struct parser *p, struct node *(*operand)(struct parser *p));

/* Checks of one node's operands that need no item (parse_check.c): counts, kinds, types of literals. */
void check_function(struct parser *p, const struct node *node, struct slice name);
void check_comparison(struct parser *p, const struct node *node);
void check_arithmetic(struct parser *p, const struct node *node);
/* Notes functions that may not stand as operands of a condition. */
void check_misused(struct parser *p, const struct node *args);
void check_action(struct parser *p, const struct action *action);

/* Rank of an error inside the condition that is being parsed. */
uint32_t condition_rank(const struct parser *p, uint32_t rank);

#endif
