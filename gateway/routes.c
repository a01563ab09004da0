/* routes.c - finds a route by comparing segments; the table is short, so it is walked. */
#include "gateway/routes.h"

#include <stddef.h>
#include <string.h>

static const struct route table[] = {
#define X(symbol, name_, pattern_, methods_, any_case_, begin, serve)                                                          \
    {.name = name_, .pattern = pattern_, .methods = methods_, .any_case = any_case_},
    ROUTES(X)
#undef X
};

const struct route *route_at(enum route_index i) { return &table[i]; }

/* Cuts the next "/segment" off *rest. False at its end, or if it does not begin with a slash. */
static bool next_segment(struct slice *rest, struct slice *segment)
{
    if (rest->len == 0 || rest->ptr[0] != '/')
        return false;
    const unsigned char *from = rest->ptr + 1;
    const unsigned char *slash = memchr(from, '/', rest->len - 1);
    size_t len = slash ? (size_t)(slash - from) : rest->len - 1;
    *segment = slice_of(from, len);
    *rest = slice_of(from + len, rest->len - 1 - len);
    return true;
}

static bool matches(const struct route *r, struct slice path, struct slice *parameter)
{
    struct slice pattern = slice_text(r->pattern), want, have;
    *parameter = slice_text("");
    while (next_segment(&pattern, &want)) {
        if (!next_segment(&path, &have))
            return false;
        if (want.len == 1 && want.ptr[0] == '*') {
            if (have.len == 0)
                return false;
            *parameter = have;
        } else if (r->any_case ? !http_same_word(want, have) : !slice_equal(want, have)) {
            return false;
        }
    }
    return path.len == 0;
}

int routes_find(const char *path, struct slice *parameter)
{
    struct slice whole = slice_text(path);
    for (int i = 0; i < ROUTE_COUNT; i++)
        if (matches(&table[i], whole, parameter))
            return i;
    return -1;
}

void routes_allow(unsigned methods, char text[static 32])
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{HTTP_GET, "GET"}, {HTTP_HEAD, "HEAD"}, {HTTP_POST, "POST"}, {HTTP_DELETE, "DELETE"}};
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (methods & names[i].bit) {
            const char *parts[] = {len ? ", " : "", names[i].name};
            for (int k = 0; k < 2; k++) {
                size_t part = strlen(parts[k]);
                memcpy(text + len, parts[k], part + 1);
                len += part;
            }
        }
}
