/* shape_fixture.h - reads requests by their shapes, written with ' for ". One reader for a program; shape_begin and shape_finish are
 * setup and teardown of its group. */
#ifndef LEAT_TESTS_LIB_SHAPE_FIXTURE_H
#define LEAT_TESTS_LIB_SHAPE_FIXTURE_H

#include "gateway/shape_read.h"

extern struct buf shape_out;          /* the payload read last */
extern struct aws_error shape_fault;  /* the error of it */
extern struct slice shape_table_read; /* its table */

int shape_begin(void **state);
int shape_finish(void **state);

/* The text with " for '; valid until the next one. */
struct slice shape_quoted(const char *with_ticks);
int shape_read_body(const struct shape *input, struct slice body);
/* Reads the request, prints the payload as plain JSON, and compares. */
void shape_check(const struct shape *input, const char *request, const char *plain);
void shape_check_error(const struct shape *input, const char *request, const char *name, const char *sentence);
/* A PutItem whose item has this attribute "a"; valid until the next one. */
const char *shape_with_attribute(const char *value);

#endif
