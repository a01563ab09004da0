/* shape_violation.c - violated constraints in DynamoDB's words.
 *
 *     2 validation errors detected: Value 'a;' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression
 *     pattern: [a-zA-Z0-9_.-]+; Value null at 'item' failed to satisfy constraint: Member must not be null
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gateway/shape_private.h"

#define SHOWN_BYTES 512 /* of a value in a sentence */
#define DEPTH_MAX 16    /* shapes are not deeper */
#define NAME_PATTERN "[a-zA-Z0-9_.-]+"

/* -- Places ---------------------------------------------------------------------------------------------------- */
static void put_place(struct buf *out, const struct place *at)
{
    const struct place *chain[DEPTH_MAX];
    size_t depth = 0;
    for (; at && depth < DEPTH_MAX; at = at->up)
        chain[depth++] = at;
    for (size_t i = depth; i-- > 0;) {
        if (i + 1 < depth)
            buf_byte(out, '.');
        if (chain[i]->member) {
            buf_byte(out, (unsigned char)(chain[i]->member[0] | 0x20));
            buf_text(out, chain[i]->member + 1);
        } else if (chain[i]->index > 0) {
            buf_printf(out, "%" PRIu32 ".member", chain[i]->index);
        } else {
            buf_append(out, chain[i]->key.ptr, chain[i]->key.len);
            buf_text(out, ".member");
        }
    }
}

/* Not in the middle of a character. */
static size_t cut(struct slice text)
{
    if (text.len <= SHOWN_BYTES)
        return text.len;
    size_t len = SHOWN_BYTES;
    while (len > 0 && (text.ptr[len] & 0xC0) == 0x80)
        len--;
    return len;
}

void shape_violation(struct shape_reader *s, const struct place *at, const struct slice *shown, const char *format, ...)
{
    char rule[512];
    struct buf *out = &s->violations;
    va_list args;
    if (s->violation_count == SHAPE_VIOLATIONS_MAX)
        return;
    buf_text(out, s->violation_count++ ? "; Value " : "Value ");
    if (shown) {
        buf_byte(out, '\'');
        buf_append(out, shown->ptr, cut(*shown));
        buf_text(out, cut(*shown) < shown->len ? "...'" : "'");
    } else {
        buf_text(out, "null");
    }
    buf_text(out, " at '");
    put_place(out, at);
    va_start(args, format);
    vsnprintf(rule, sizeof rule, format, args);
    va_end(args);
    buf_text(out, "' failed to satisfy constraint: ");
    buf_text(out, rule);
}

/* -- Checks ---------------------------------------------------------------------------------------------------- */
static bool fits_pattern(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = text.ptr[i], letter = (unsigned char)(c | 0x20);
        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '.' && c != '-')
            return false;
    }
    return text.len > 0;
}

static int64_t characters(struct slice text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += (text.ptr[i] & 0xC0) != 0x80;
    return count;
}

static bool is_word(const char *words, struct slice text)
{
    for (const char *at = words; text.len > 0 && at[1];) {
        const char *end = strchr(at + 1, '|');
        if (slice_equal(text, slice_of(at + 1, (size_t)(end - at - 1))))
            return true;
        at = end;
    }
    return false;
}

/* "|A|B|" as "A, B". */
static void list_words(const char *words, char *list, size_t size)
{
    size_t len = 0;
    for (const char *at = words + 1; at[0] && len + 3 < size; at++) {
        if (*at != '|') {
            list[len++] = *at;
        } else if (at[1]) {
            list[len++] = ',';
            list[len++] = ' ';
        }
    }
    list[len] = '\0';
}

bool shape_fits_text(const struct shape *shape, struct slice text)
{
    int64_t count = characters(text);
    return (!shape->table_name || fits_pattern(text)) && count >= shape->min && count <= shape->max;
}

void shape_check_text(struct shape_reader *s, const struct shape *shape, struct slice text, const struct place *at,
                      bool only_pattern)
{
    char list[256];
    if (shape->words && !is_word(shape->words, text)) {
        list_words(shape->words, list, sizeof list);
        shape_violation(s, at, &text, "Member must satisfy enum value set: [%s]", list);
    }
    if (shape->table_name && !fits_pattern(text))
        shape_violation(s, at, &text, "Member must satisfy regular expression pattern: %s", NAME_PATTERN);
    if (!only_pattern && (shape->min != SHAPE_NO_MIN || shape->max != SHAPE_NO_MAX))
        shape_check_length(s, shape, (size_t)characters(text), text, at);
}

void shape_check_length(struct shape_reader *s, const struct shape *shape, size_t count, struct slice shown,
                        const struct place *at)
{
    if ((int64_t)count < shape->min)
        shape_violation(s, at, &shown, "Member must have length greater than or equal to %" PRId64, shape->min);
    if ((int64_t)count > shape->max)
        shape_violation(s, at, &shown, "Member must have length less than or equal to %" PRId64, shape->max);
}

void shape_check_number(struct shape_reader *s, const struct shape *shape, int64_t number, const struct place *at)
{
    char text[24];
    struct slice shown = slice_of(text, (size_t)snprintf(text, sizeof text, "%" PRId64, number));
    if (number < shape->min)
        shape_violation(s, at, &shown, "Member must have value greater than or equal to %" PRId64, shape->min);
    if (number > shape->max)
        shape_violation(s, at, &shown, "Member must have value less than or equal to %" PRId64, shape->max);
}

void shape_check_entries(struct shape_reader *s, const struct shape *map, bool bad_key, bool bad_element, struct slice shown,
                         const struct place *at)
{
    const struct shape *key = map->key, *element = map->element;
    if (bad_key)
        shape_violation(s, at, &shown,
                        "Map keys must satisfy constraint: [Member must have length less than or equal to %" PRId64
                        ", Member must have length greater than or equal to %" PRId64
                        ", Member must satisfy regular expression pattern: %s]",
                        key->max, key->min, NAME_PATTERN);
    if (bad_element)
        shape_violation(s, at, &shown,
                        "Map value must satisfy constraint: [Member must have length less than or equal to %" PRId64
                        ", Member must have length greater than or equal to %" PRId64 "]",
                        element->max, element->min);
}
