/* expr.h - expressions: from text to syntax tree, and what a tree does to an item.
 *
 *     condition  ConditionExpression, FilterExpression      parse_condition  -> condition_eval()
 *     update     UpdateExpression                           parse_update     -> update_apply()   (update.h)
 *     projection ProjectionExpression                       parse_projection -> project()        (project.h)
 *
 * Trees live in the operation's arena and point into the request's bytes. The parser is recursive descent over lexer.h's tokens;
 * a syntax error wins over every other one, then the others in DynamoDB's own order (parser.h). The legacy parameters
 * (Expected, ScanFilter, AttributeUpdates, AttributesToGet) become the same trees, so there is one evaluator (legacy.h). */
#ifndef LEAT_WORKER_TABLE_EXPR_H
#define LEAT_WORKER_TABLE_EXPR_H

#include "common/err.h"
#include "common/item.h"
#include "worker/table/arena.h"

/* -- Document paths ------------------------------------------------------------------------------------------- */
struct path_step {
    bool indexed; /* [index], else .name */
    uint32_t index;
    struct slice name;
};

struct path {
    const struct path_step *steps;
    uint32_t count; /* at least 1; the first step is a name */
};

/* -- Syntax trees --------------------------------------------------------------------------------------------- */
/* Row: symbol, text in messages, is it a condition (else an operand). */
#define NODE_TABLE(X)                                                                                                          \
    X(PATH, "path", false)                                                                                                     \
    X(VALUE, "value", false)                                                                                                   \
    X(SIZE, "size", false)                                                                                                     \
    X(IF_NOT_EXISTS, "if_not_exists", false)                                                                                   \
    X(LIST_APPEND, "list_append", false)                                                                                       \
    X(PLUS, "+", false)                                                                                                        \
    X(MINUS, "-", false)                                                                                                       \
    X(EQ, "=", true)                                                                                                           \
    X(NE, "<>", true)                                                                                                          \
    X(LT, "<", true)                                                                                                           \
    X(LE, "<=", true)                                                                                                          \
    X(GT, ">", true)                                                                                                           \
    X(GE, ">=", true)                                                                                                          \
    X(BETWEEN, "BETWEEN", true)                                                                                                \
    X(IN, "IN", true)                                                                                                          \
    X(EXISTS, "attribute_exists", true)                                                                                        \
    X(NOT_EXISTS, "attribute_not_exists", true)                                                                                \
    X(TYPE, "attribute_type", true)                                                                                            \
    X(BEGINS_WITH, "begins_with", true)                                                                                        \
    X(CONTAINS, "contains", true)                                                                                              \
    X(UNKNOWN, "", true) /* a call of a function that does not exist: only while parsing */                                    \
    X(AND, "AND", true)                                                                                                        \
    X(OR, "OR", true)                                                                                                          \
    X(NOT, "NOT", true)

enum node_kind {
#define X(symbol, text, condition) NODE_##symbol,
    NODE_TABLE(X)
#undef X
        NODE_KINDS
};

struct node {
    enum node_kind kind;
    struct node *args, *next; /* first argument; next argument of the same parent. AND and OR have two or more */
    struct path path;         /* NODE_PATH */
    struct value value;       /* NODE_VALUE */
};

const char *node_text(enum node_kind kind);
bool node_is_condition(enum node_kind kind);

/* -- #names and :values of one request (placeholders.c) ---------------------------------------------------------------- */
struct placeholder {
    struct slice name;  /* with its sign */
    struct value value; /* a name's is an S */
    bool used;
};

struct placeholders {
    struct placeholder *rows; /* sorted by name; in the arena */
    uint32_t count;
};

/* Checks ExpressionAttributeNames or -Values (an M; `names` tells which) and makes the table of them. 0 or -1. */
int placeholders_init(struct placeholders *p, const struct value *map, bool names, struct arena *arena, struct err *e);
/* The row of that name, marked as used, or NULL. */
struct placeholder *placeholders_use(struct placeholders *p, struct slice name);
/* 0, or -1 with the error that lists the ones that no expression used. */
int placeholders_check_used(const struct placeholders *p, bool names, struct err *e);

/* What an expression may refer to, and where its tree goes. */
struct expr_context {
    struct placeholders names, values;
    struct arena *arena;
};

/* -- Parsing -------------------------------------------------------------------------------------------------- */
enum action_kind { ACTION_SET, ACTION_REMOVE, ACTION_ADD, ACTION_DELETE };

/* One action of an update. operand: SET any operand, ADD and DELETE a NODE_VALUE, REMOVE NULL. */
struct action {
    enum action_kind kind;
    struct path path;
    struct node *operand;
    struct action *next;
    bool append_list; /* ADD of an L appends: only the legacy AttributeUpdates may */
};

struct update {
    struct action *actions;
    uint32_t count;
};

struct projection {
    const struct path *paths; /* none overlaps another */
    uint32_t count;
};

/* title: "ConditionExpression" or "FilterExpression". A KeyConditionExpression has the same grammar (key_condition.h says what of it keys
 * can answer). All four: the result, or -1 / NULL with e (or the arena's flags) set. */
struct node *parse_condition(struct expr_context *c, const char *title, struct slice text, struct err *e);
struct node *parse_key_condition(struct expr_context *c, struct slice text, struct err *e);
int parse_update(struct expr_context *c, struct slice text, struct update *update, struct err *e);
int parse_projection(struct expr_context *c, struct slice text, struct projection *projection, struct err *e);

/* -- Evaluating ----------------------------------------------------------------------------------------------- */
/* The value at a path of an item (an M or VALUE_NONE); VALUE_NONE if nothing is there. */
struct value path_get(const struct path *path, const struct value *item);

/* True if the condition holds for the item (VALUE_NONE: it does not exist). Cannot fail. */
bool condition_eval(const struct node *condition, const struct value *item);
/* Does the condition name that attribute, or (inside) a place inside it? */
bool condition_names(const struct node *condition, struct slice name, bool inside);
/* contains(container, element) and begins_with(value, prefix) of conditions. */
bool value_contains(const struct value *container, const struct value *element);
bool value_begins_with(const struct value *value, const struct value *prefix);

#endif
