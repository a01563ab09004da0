/* expr_fixture.h - expressions in tests: a context of names and values from JSON, and trees as text. */
#ifndef LEAT_TESTS_LIB_EXPR_FIXTURE_H
#define LEAT_TESTS_LIB_EXPR_FIXTURE_H

#include "worker/table/expr.h"

struct expr_fixture {
    struct arena arena;
    struct buf keep; /* what values point into */
    struct expr_context context;
    struct err err;
};

/* names and values: JSON maps with ' for ", or NULL. */
void expr_fixture_init(struct expr_fixture *f, const char *names, const char *values);
void expr_fixture_finish(struct expr_fixture *f);

/* A condition as "(AND (= a.b[0] 'x') (attribute_exists c))", an update as "SET a (+ a 1); REMOVE b", a projection as "a b[0]"; on
 * failure the error's text, with ' for ". In a static buffer. */
const char *expr_condition_text(struct expr_fixture *f, const char *expression);
const char *expr_update_text(struct expr_fixture *f, const char *expression);
const char *expr_projection_text(struct expr_fixture *f, const char *expression);
/* A PartiQL statement without parameters as "SELECT a[0]:a, b:b FROM t.i WHERE (= a 1) ORDER b DESC" and the like. */
const char *expr_statement_text(struct expr_fixture *f, const char *statement);

#endif
