/* shape_fixture.c - see shape_fixture.h. */
#include "tests/lib/shape_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

struct buf shape_out;
struct aws_error shape_fault;
struct slice shape_table_read;
static struct shape_reader *reader;
static struct buf text;

struct slice shape_quoted(const char *with_ticks)
{
    buf_reset(&text);
    buf_text(&text, with_ticks);
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '\'')
            text.data[i] = '"';
    return buf_slice(&text);
}

int shape_read_body(const struct shape *input, struct slice body)
{
    buf_reset(&shape_out);
    return shape_read(reader, input, body, &shape_out, &shape_table_read, &shape_fault);
}

void shape_check(const struct shape *input, const char *request, const char *plain)
{
    struct buf printed = {0};
    if (shape_read_body(input, shape_quoted(request)) != 0)
        fail_msg("%s: %s: %.*s", request, shape_fault.name, (int)shape_fault.sentence.len, (char *)shape_fault.sentence.data);
    assert_int_equal(value_check(buf_slice(&shape_out), NULL), 0);
    struct value value = value_of(buf_slice(&shape_out));
    assert_int_equal(json_from_value(&value, &printed), 0);
    struct slice want = shape_quoted(plain);
    if (!slice_equal(buf_slice(&printed), want))
        fail_msg("%s:\n    %.*s\nnot %s", request, (int)printed.len, (char *)printed.data, plain);
    buf_finish(&printed);
}

void shape_check_error(const struct shape *input, const char *request, const char *name, const char *sentence)
{
    struct slice body = shape_quoted(request);
    if (shape_read_body(input, body) != -1)
        fail_msg("%s: no error", request);
    if (strcmp(shape_fault.name, name) != 0 || !slice_equal(buf_slice(&shape_fault.sentence), slice_text(sentence)))
        fail_msg("%s:\n    %s %.*s\nnot %s %s", request, shape_fault.name, (int)shape_fault.sentence.len,
                 shape_fault.sentence.len ? (char *)shape_fault.sentence.data : "", name, sentence);
    assert_int_equal(shape_out.len, 0);
}

const char *shape_with_attribute(const char *value)
{
    static char request[4096];
    snprintf(request, sizeof request, "{'TableName':'abc','Item':{'a':%s}}", value);
    return request;
}

int shape_begin(void **state)
{
    (void)state;
    reader = shape_reader_create();
    return reader ? 0 : -1;
}

int shape_finish(void **state)
{
    (void)state;
    shape_reader_destroy(&reader);
    buf_finish(&shape_out);
    buf_finish(&text);
    aws_error_finish(&shape_fault);
    return 0;
}
