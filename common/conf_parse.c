/* conf_parse.c - one function a type in a table: text to value, checked against the row's range. */
#include "common/conf_parse.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define AMOUNT_BYTES 32 /* an int64_t with its unit as text */

const char *conf_variable(const char *name, char out[static CONF_NAME_BYTES])
{
    size_t at = (size_t)snprintf(out, CONF_NAME_BYTES, "LEAT_");
    for (; *name && at < CONF_NAME_BYTES - 1; name++, at++)
        out[at] = (char)(*name == '-' ? '_' : *name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name);
    assert(!*name);
    out[at] = '\0';
    return out;
}

struct unit {
    const char *suffix;
    int64_t factor;
};

static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

static const struct unit byte_units[] = {
    {"TiB", 1ll << 40}, {"GiB", 1ll << 30}, {"MiB", 1ll << 20}, {"KiB", 1ll << 10}, {"", 1}, {"B", 1}, {NULL, 0},
};

static const struct unit duration_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0},
};

/* Digits and one of the units. */
static int parse_amount(const char *text, const struct unit *units, int64_t *amount)
{
    int64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *at - '0', &value))
            return -1;
    }
    if (at == text)
        return -1;
    for (; units->suffix; units++)
        if (strcmp(at, units->suffix) == 0)
            return __builtin_mul_overflow(value, units->factor, amount) ? -1 : 0;
    return -1;
}

static int parse_int(const char *text, int64_t *value)
{
    if (*text != '-')
        return parse_amount(text, no_units, value);
    if (parse_amount(text + 1, no_units, value) != 0)
        return -1;
    *value = -*value;
    return 0;
}

int conf_parse_bytes(const char *text, int64_t *bytes) { return parse_amount(text, byte_units, bytes); }

int conf_parse_duration(const char *text, int64_t *ms)
{
    if (strcmp(text, "0") != 0) /* nothing is the same in every unit */
        return parse_amount(text, duration_units, ms);
    *ms = 0;
    return 0;
}

/* The amount in the largest unit that divides it: the first of the table, whose last resort has the factor 1. */
static const char *format_amount(int64_t amount, const struct unit *units, char out[static AMOUNT_BYTES])
{
    while (units->factor > 1 && (amount == 0 || amount % units->factor != 0))
        units++;
    snprintf(out, AMOUNT_BYTES, "%lld%s", (long long)(amount / units->factor), units->suffix);
    return out;
}

static void *field_of(const struct conf_row *row, void *settings) { return (char *)settings + row->offset; }

static char *copy_of(const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    if (copy) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

static int no_memory(char *why)
{
    snprintf(why, CONF_WHY_BYTES, "out of memory");
    return -1;
}

static int set_text(const struct conf_row *row, void *field, const char *text, char *why)
{
    (void)row;
    char **owned = field, *copy = copy_of(text, strlen(text));
    if (!copy)
        return no_memory(why);
    free(*owned);
    *owned = copy;
    return 0;
}

int conf_list_add(struct conf_list *list, const char *text, size_t len)
{
    char **at = realloc(list->at, (list->count + 1) * sizeof *at);
    if (!at)
        return -1;
    list->at = at;
    list->at[list->count] = copy_of(text, len);
    if (!list->at[list->count])
        return -1;
    list->count++;
    return 0;
}

static int set_list(const struct conf_row *row, void *field, const char *text, char *why)
{
    (void)row;
    static const char blanks[] = " \t";
    for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
        size_t len = strcspn(text, blanks);
        if (conf_list_add(field, text, len) != 0)
            return no_memory(why);
        text += len;
    }
    return 0;
}

static int set_bool(const struct conf_row *row, void *field, const char *text, char *why)
{
    (void)row;
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    bool *value = field;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0) {
            *value = i % 2 == 1;
            return 0;
        }
    snprintf(why, CONF_WHY_BYTES, "\"%.40s\" is neither true nor false", text);
    return -1;
}

/* What the three number types differ in. */
struct number_kind {
    int (*parse)(const char *text, int64_t *value);
    const struct unit *units;
    const char *what;
};

static const struct number_kind number_kinds[] = {
    [CONF_INT] = {parse_int, no_units, "a whole number"},
    [CONF_BYTES] = {conf_parse_bytes, byte_units, "a size such as 4096, 512KiB or 64MiB"},
    [CONF_DURATION] = {conf_parse_duration, duration_units, "a duration such as 250ms, 30s, 5m, 12h or 4d"},
};

static int set_number(const struct conf_row *row, void *field, const char *text, char *why)
{
    const struct number_kind *kind = &number_kinds[row->type];
    int64_t value, *number = field;
    if (kind->parse(text, &value) != 0) {
        snprintf(why, CONF_WHY_BYTES, "\"%.40s\" is not %s", text, kind->what);
        return -1;
    }
    if (value < row->min || value > row->max) {
        char min[AMOUNT_BYTES], max[AMOUNT_BYTES];
        snprintf(why, CONF_WHY_BYTES, "%.40s is not between %s and %s", text, format_amount(row->min, kind->units, min),
                 format_amount(row->max, kind->units, max));
        return -1;
    }
    *number = value;
    return 0;
}

int conf_value_set(const struct conf_row *row, void *settings, const char *text, char why[static CONF_WHY_BYTES])
{
    static int (*const setters[])(const struct conf_row *, void *, const char *, char *) = {
        [CONF_TEXT] = set_text,    [CONF_LIST] = set_list,       [CONF_INT] = set_number,
        [CONF_BYTES] = set_number, [CONF_DURATION] = set_number, [CONF_BOOL] = set_bool,
    };
    assert((size_t)row->type < sizeof setters / sizeof *setters);
    return setters[row->type](row, field_of(row, settings), text, why);
}

void conf_value_clear(const struct conf_row *row, void *settings)
{
    void *field = field_of(row, settings);
    if (row->type == CONF_TEXT) {
        char **owned = field;
        free(*owned);
        *owned = NULL;
    } else if (row->type == CONF_LIST) {
        struct conf_list *list = field;
        while (list->count > 0)
            free(list->at[--list->count]);
        free(list->at);
        *list = (struct conf_list){0};
    }
}
