/* err.c - lookups over the rows of ERR_TABLE, and the one way to fill a struct err. */
#include "common/err.h"

#include <stdio.h>
#include <string.h>

struct row {
    const char *name;
    int http_status;
    bool may_retry;
};

static const struct row rows[ERR_COUNT] = {
#define X(symbol, status, name, retry) [ERR_##symbol] = {name, status, retry},
    ERR_TABLE(X)
#undef X
};

/* Codes also come from peers and old journals, so an unknown one is data, not a bug. */
static const struct row *row_of(enum err_code code) { return (unsigned)code < ERR_COUNT ? &rows[code] : &rows[ERR_INTERNAL]; }

int err_set(struct err *e, enum err_code code, const char *format, ...)
{
    if (!e)
        return -1;
    e->code = code;
    va_list args;
    va_start(args, format);
    if (vsnprintf(e->text, sizeof e->text, format, args) < 0)
        e->text[0] = '\0';
    va_end(args);
    return -1;
}

const char *err_name(enum err_code code) { return row_of(code)->name; }

int err_http_status(enum err_code code) { return row_of(code)->http_status; }

bool err_may_retry(enum err_code code) { return row_of(code)->may_retry; }

enum err_code err_by_name(const char *name, unsigned long len)
{
    for (int code = 0; code < ERR_COUNT; code++)
        if (strlen(rows[code].name) == len && memcmp(rows[code].name, name, len) == 0)
            return (enum err_code)code;
    return ERR_INTERNAL;
}
