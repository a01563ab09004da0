/* partiql_parser.h - what the parts of the PartiQL parser share; private to partiql_*.c.
 *
 * The first error ends the parse. Functions return false or NULL then. */
#ifndef LEAT_WORKER_TABLE_PARTIQL_PARSER_H
#define LEAT_WORKER_TABLE_PARTIQL_PARSER_H

#include "worker/table/partiql.h"
#include "worker/table/partiql_lexer.h"

struct pq_parser {
    struct arena *arena;
    struct pq_lexer lexer;
    struct pq_token token, following;
    struct value_walk parameters; /* those that no ? has taken yet */
    bool has_parameters;
    uint32_t nodes, operators, depth;
    struct buf work; /* a literal that is being encoded */
    struct buf path; /* and where in it: "root.a[0]" */
    struct err *e;
};

void pq_advance(struct pq_parser *p);
bool pq_accept(struct pq_parser *p, enum pq_kind kind);
bool pq_accept_keyword(struct pq_parser *p, const char *keyword);
/* Accept it, or fail with a malformed statement. */
bool pq_expect(struct pq_parser *p, enum pq_kind kind);
bool pq_expect_keyword(struct pq_parser *p, const char *keyword);

/* Errors. malformed: "Statement wasn't well formed, can't be processed: " and the detail, or nothing where the token is none. */
void *pq_malformed(struct pq_parser *p, const char *detail);
void *pq_unexpected(struct pq_parser *p); /* malformed, with what the current token is */
void *pq_error(struct pq_parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bounds: nodes and operators as in expressions, and the recursion. NULL or false at the limit. */
struct node *pq_node(struct pq_parser *p, enum node_kind kind, struct node *args);
bool pq_count_operator(struct pq_parser *p);
bool pq_enter(struct pq_parser *p);
void pq_leave(struct pq_parser *p);

/* A name or string without its quotes, in the arena if something had to be taken out. .ptr NULL: no memory. */
struct slice pq_text(struct pq_parser *p, const struct pq_token *token);
bool pq_is_name(const struct pq_token *token); /* "quoted", or a word that is no keyword */
bool pq_name(struct pq_parser *p, struct slice *name);
bool pq_path(struct pq_parser *p, struct path *path);

/* A literal or a parameter; pq_starts_value tells whether one is there. */
bool pq_starts_value(const struct pq_parser *p);
bool pq_value(struct pq_parser *p, struct value *value);
/* VALUE {...}: parameters may stand for its members. */
bool pq_item(struct pq_parser *p, struct value *item);

struct node *pq_condition(struct pq_parser *p);
struct node *pq_operand(struct pq_parser *p);
bool pq_changes(struct pq_parser *p, struct update *update); /* SET and REMOVE clauses */

/* Checks of one node (partiql_check.c). */
bool pq_check_comparison(struct pq_parser *p, const struct node *node);
bool pq_check_function(struct pq_parser *p, const struct node *node);
bool pq_check_arithmetic(struct pq_parser *p, const struct node *node);

#endif
