/* item_check.c - the full check of a value that came from outside or from disk, every rule of item.h, in one pass. */
#include <stdlib.h>
#include <string.h>

#include "common/decimal.h"
#include "common/item_parts.h"
#include "common/limits.h"
#include "common/names.h"

#define FEW_NAMES 64 /* kept on the stack */

/* The names of all open maps lie on one stack, which grows with the names that were read, never with what a header declares. */
struct checker {
    struct mp_reader reader;
    struct err *e;
    struct slice *names; /* few or heap */
    size_t count, cap;
    struct slice *heap; /* owned; NULL while few suffices */
    struct slice few[FEW_NAMES];
};

static int check(struct checker *c, int depth);

static int refuse(struct err *e, const char *reason) { return err_set(e, ERR_VALIDATION, "%s", reason); }

static int check_number(struct slice ordered, struct err *e)
{
    bool good = ordered.len > 0 && decimal_encoded_length(ordered) == ordered.len;
    return good ? 0 : refuse(e, "A number is not in its canonical encoding");
}

/* The content of a set's element, or false if it is none of the set's type. */
static bool set_element(struct mp_reader *r, enum value_type type, struct slice *content)
{
    struct mp_token t = mp_next(r);
    *content = t.bytes;
    switch (type) {
    case VALUE_S:
        return t.type == MP_STR && utf8_valid(t.bytes);
    case VALUE_N:
        return t.type == MP_EXT && t.ext == ITEM_EXT_NUMBER && check_number(t.bytes, NULL) == 0;
    default:
        return t.type == MP_BIN;
    }
}

static int check_set(const struct mp_token *t, struct err *e)
{
    enum value_type type = value_element_type((enum value_type)(VALUE_SS + (t->ext - ITEM_EXT_STRING_SET)));
    struct mp_reader r = mp_reader_of(t->bytes);
    struct slice before = {0}, content;
    uint32_t count = mp_array(&r, UINT32_MAX);
    if (r.failed || count == 0)
        return refuse(e, "A set is empty or damaged");
    for (uint32_t i = 0; i < count; i++, before = content) {
        if (!set_element(&r, type, &content))
            return refuse(e, "A set holds an element of another type");
        if (i > 0 && slice_compare(before, content) >= 0)
            return refuse(e, "A set is not sorted or holds an element twice");
    }
    return mp_at_end(&r) ? 0 : refuse(e, "A set is followed by stray bytes");
}

static int check_ext(const struct mp_token *t, struct err *e)
{
    if (t->ext == ITEM_EXT_NUMBER)
        return check_number(t->bytes, e);
    if (t->ext >= ITEM_EXT_STRING_SET && t->ext <= ITEM_EXT_BINARY_SET)
        return check_set(t, e);
    return refuse(e, "A value has an unknown type");
}

/* depth: how many lists and maps may still be opened. */
static int check_list(struct checker *c, uint32_t count, int depth)
{
    for (uint32_t i = 0; i < count; i++)
        if (check(c, depth) != 0)
            return -1;
    return 0;
}

static int check_name(struct slice name, struct err *e)
{
    if (name.len == 0)
        return refuse(e, "Attribute names must not be empty");
    if (name.len > LIMIT_ATTRIBUTE_NAME_BYTES)
        return err_set(e, ERR_VALIDATION, "Attribute names must not be longer than %u bytes", LIMIT_ATTRIBUTE_NAME_BYTES);
    return utf8_valid(name) ? 0 : refuse(e, "An attribute name is not valid UTF-8");
}

static int push_name(struct checker *c, struct slice name)
{
    if (c->count == c->cap) {
        struct slice *more = reallocarray(c->heap, 2 * c->cap, sizeof *more);
        if (!more)
            return err_set(c->e, ERR_INTERNAL, "out of memory");
        if (!c->heap)
            memcpy(more, c->few, sizeof c->few);
        c->heap = c->names = more;
        c->cap *= 2;
    }
    c->names[c->count++] = name;
    return 0;
}

static int check_map(struct checker *c, uint32_t count, int depth)
{
    size_t from = c->count;
    for (uint32_t i = 0; i < count; i++) {
        struct slice name = mp_str(&c->reader, UINT32_MAX);
        if (c->reader.failed)
            return refuse(c->e, "An attribute name is not a string");
        if (check_name(name, c->e) != 0 || push_name(c, name) != 0 || check(c, depth) != 0)
            return -1;
    }
    if (names_twice(c->names + from, c->count - from))
        return refuse(c->e, "A map holds the same name twice");
    c->count = from;
    return 0;
}

static int check(struct checker *c, int depth)
{
    struct mp_token t = mp_next(&c->reader);
    switch (t.type) {
    case MP_NIL:
    case MP_BOOL:
    case MP_BIN:
        return 0;
    case MP_STR:
        return utf8_valid(t.bytes) ? 0 : refuse(c->e, "A string is not valid UTF-8");
    case MP_EXT:
        return check_ext(&t, c->e);
    case MP_ARRAY:
    case MP_MAP:
        if (depth == 0)
            return refuse(c->e, "Nesting Levels have exceeded supported limits");
        return t.type == MP_MAP ? check_map(c, t.count, depth - 1) : check_list(c, t.count, depth - 1);
    default:
        return refuse(c->e, "A value is damaged or of an unknown type");
    }
}

/* The top map is not counted as a level of nesting. */
int value_check(struct slice encoded, struct err *e)
{
    struct checker c = {.reader = mp_reader_of(encoded), .e = e, .cap = FEW_NAMES};
    c.names = c.few;
    int result = check(&c, LIMIT_VALUE_DEPTH + 1);
    free(c.heap);
    if (result != 0)
        return -1;
    return mp_at_end(&c.reader) ? 0 : refuse(e, "A value is followed by stray bytes");
}
