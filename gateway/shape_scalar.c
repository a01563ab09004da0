/* shape_scalar.c - texts, numbers and truths of a request, and the sentences about what is none of them. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/decimal.h"
#include "gateway/shape_private.h"

/* -- Types ----------------------------------------------------------------------------------------------------- */
int shape_refuse(struct shape_reader *s, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return aws_error_set(s->error, AWS_SERIALIZATION, "%s", text);
}

int shape_out_of_memory(struct shape_reader *s)
{
    s->no_memory = true;
    return -1;
}

/* How a scalar is called in "... cannot be converted to String". */
static const char *token_name(struct shape_reader *s, enum json_kind kind)
{
    struct slice text;
    switch (kind) {
    case JSON_STRING:
        return "STRING_VALUE";
    case JSON_TRUE:
        return "TRUE_VALUE";
    case JSON_FALSE:
        return "FALSE_VALUE";
    case JSON_NUMBER:
        text = json_take_number(&s->json);
        for (size_t i = 0; i < text.len; i++)
            if (strchr(".eE", text.ptr[i]))
                return "DECIMAL_VALUE";
        return "NUMBER_VALUE";
    default:
        return "NULL_VALUE";
    }
}

static bool is_scalar(const struct shape *shape) { return shape->kind <= SHAPE_BOOLEAN; }

static int mismatch_array(struct shape_reader *s, const struct shape *shape)
{
    switch (shape->kind) {
    case SHAPE_MAP:
    case SHAPE_ITEM:
        return shape_refuse(s, "Unrecognized collection type %s", shape->type);
    case SHAPE_STRUCTURE:
    case SHAPE_ATTRIBUTE:
        return shape_refuse(s, "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.%s", shape->type);
    default:
        return shape_refuse(s, "Unrecognized collection type class java.%s.%s",
                            strcmp(shape->type, "ByteBuffer") == 0 ? "nio" : "lang", shape->type);
    }
}

int shape_mismatch(struct shape_reader *s, const struct shape *shape, bool element)
{
    enum json_kind kind = json_peek(&s->json);
    if (kind == JSON_BROKEN)
        return -1;
    if (kind == JSON_OBJECT)
        return shape_refuse(s, "Start of structure or map found where not expected");
    if (kind == JSON_ARRAY)
        return mismatch_array(s, shape);
    if (!is_scalar(shape))
        return shape_refuse(s, element ? "Unexpected value type in payload" : "Unexpected field type");
    return shape_refuse(s, "%s cannot be converted to %s", token_name(s, kind), shape->type);
}

/* -- Texts and words --------------------------------------------------------------------------------------------------- */
int shape_read_text(struct shape_reader *s, const struct shape *shape, struct slice *text)
{
    if (json_peek(&s->json) != JSON_STRING)
        return shape_mismatch(s, shape, false);
    *text = json_take_string(&s->json);
    return s->json.broken ? -1 : 0;
}

static bool same_letters(struct slice text, const char *word)
{
    size_t i = 0;
    while (i < text.len && word[i] && (text.ptr[i] | 0x20) == (unsigned char)word[i])
        i++;
    return i == text.len && !word[i];
}

int shape_read_boolean(struct shape_reader *s, const struct shape *shape, bool *truth)
{
    enum json_kind kind = json_peek(&s->json);
    if (kind == JSON_TRUE || kind == JSON_FALSE) {
        *truth = kind == JSON_TRUE;
        json_take_word(&s->json);
        return 0;
    }
    if (kind != JSON_STRING)
        return shape_mismatch(s, shape, false);
    struct slice text = json_take_string(&s->json);
    *truth = same_letters(text, "true") || same_letters(text, "yes") || slice_equal(text, slice_text("1"));
    if (*truth || same_letters(text, "false") || same_letters(text, "no") || slice_equal(text, slice_text("0")))
        return 0;
    return s->json.broken ? -1 : shape_refuse(s, "Unexpected token received from parser");
}

/* The name in arn:aws:dynamodb:REGION:ACCOUNT:table/NAME[/...], or the text itself. */
struct slice shape_name_in_arn(struct slice text)
{
    static const char begin[] = "arn:", mark[] = ":table/";
    if (text.len < sizeof begin - 1 || memcmp(text.ptr, begin, sizeof begin - 1) != 0)
        return text;
    const unsigned char *at = memmem(text.ptr, text.len, mark, sizeof mark - 1), *end = text.ptr + text.len;
    if (!at)
        return text;
    at += sizeof mark - 1;
    const unsigned char *slash = memchr(at, '/', (size_t)(end - at));
    return slice_of(at, (size_t)((slash ? slash : end) - at));
}

static void check_first(struct shape_reader *s, const struct shape *shape, struct slice text, const struct place *at)
{
    if (text.len < (size_t)shape->min || text.len > (size_t)shape->max)
        buf_printf(&s->first, "%s must be at least %lld characters long and at most %lld characters long", at->member,
                   (long long)shape->min, (long long)shape->max);
}

static int read_text(struct shape_reader *s, const struct shape *shape, const struct place *at, enum shape_need need)
{
    struct slice text;
    if (shape_read_text(s, shape, &text) != 0)
        return -1;
    if (shape->table_name)
        text = shape_name_in_arn(text);
    if (need == SHAPE_NEEDED_FIRST)
        check_first(s, shape, text, at);
    shape_check_text(s, shape, text, at, need == SHAPE_NEEDED_FIRST);
    if (!at->up && (strcmp(at->member, "TableName") == 0 || strcmp(at->member, "TargetTableName") == 0))
        s->table = text;
    mp_put_slice(s->out, text);
    return 0;
}

/* The whole number below; what does not fit is the nearest that does. */
static int64_t whole(struct slice text, bool wide)
{
    struct decimal d;
    int64_t low = wide ? INT64_MIN : INT32_MIN, high = wide ? INT64_MAX : INT32_MAX, number;
    bool negative = text.len > 0 && text.ptr[0] == '-';
    const unsigned char *point = memchr(text.ptr, '.', text.len);
    bool exponent = memchr(text.ptr, 'e', text.len) || memchr(text.ptr, 'E', text.len);
    if (point && !exponent)
        text.len = (size_t)(point - text.ptr);
    if (decimal_parse((const char *)text.ptr, text.len, &d, NULL) != 0 || !decimal_to_int(&d, &number))
        return negative ? low : high;
    if (point && !exponent && negative)
        number--;
    return number < low ? low : number > high ? high : number;
}

static int read_integer(struct shape_reader *s, const struct shape *shape, const struct place *at)
{
    if (json_peek(&s->json) != JSON_NUMBER)
        return shape_mismatch(s, shape, false);
    struct slice text = json_take_number(&s->json);
    if (s->json.broken)
        return -1;
    int64_t number = whole(text, shape->kind == SHAPE_LONG);
    shape_check_number(s, shape, number, at);
    value_put_int(s->out, number);
    return 0;
}

static int read_number(struct shape_reader *s, const struct shape *shape)
{
    if (json_peek(&s->json) != JSON_NUMBER)
        return shape_mismatch(s, shape, false);
    struct slice text = json_take_number(&s->json);
    if (s->json.broken)
        return -1;
    if (value_put_number_text(s->out, (const char *)text.ptr, text.len, NULL) != 0)
        return shape_refuse(s, "DECIMAL_VALUE cannot be converted to %s", shape->type);
    return 0;
}

static int read_boolean(struct shape_reader *s, const struct shape *shape)
{
    bool truth;
    if (shape_read_boolean(s, shape, &truth) != 0)
        return -1;
    mp_put_bool(s->out, truth);
    return 0;
}

int shape_read_scalar(struct shape_reader *s, const struct shape *shape, const struct place *at, enum shape_need need)
{
    switch (shape->kind) {
    case SHAPE_STRING:
        return read_text(s, shape, at, need);
    case SHAPE_BOOLEAN:
        return read_boolean(s, shape);
    case SHAPE_NUMBER:
        return read_number(s, shape);
    default:
        return read_integer(s, shape, at);
    }
}
