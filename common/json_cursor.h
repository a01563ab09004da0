/* json_cursor.h - a JSON text read from left to right by somebody who knows what should stand there.
 *
 * json.h builds plain values of whatever it meets. A reader that is led by a schema wants to be asked instead: what begins here, is
 * there another member, what is its name. So nothing is built that is not wanted, and every byte is looked at once.
 *
 *     json_cursor_init(&c, text, &scratch);
 *     if (json_peek(&c) == JSON_OBJECT)
 *         for (json_enter(&c); json_next_member(&c, &name);)
 *             ... exactly one of json_take_*, json_enter or json_skip for its value
 *     if (json_finish(&c) != 0) the text is broken
 *
 * A cursor that met an error stays broken: every later call finds nothing. Strings are slices of the text itself, or of the scratch
 * buffer when they hold escapes; both stay where they are until the cursor is initialised again. Recursion is the caller's; he bounds it. */
#ifndef LEAT_COMMON_JSON_CURSOR_H
#define LEAT_COMMON_JSON_CURSOR_H

#include <stdbool.h>

#include "common/buf.h"

enum json_kind {
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
    JSON_BROKEN /* nothing that could be a value, or the cursor is broken */
};

struct json_cursor {
    const unsigned char *at, *end;
    struct buf *scratch;
    bool broken;
    bool entered; /* an object or array was opened and has no element yet */
};

/* scratch is emptied. The text must stay; that it is UTF-8 is checked here, O(n): a cursor over other bytes is broken at once. */
void json_cursor_init(struct json_cursor *c, struct slice text, struct buf *scratch);

/* What begins behind the blanks here; moves behind the blanks only. */
enum json_kind json_peek(struct json_cursor *c);

struct slice json_take_string(struct json_cursor *c);
struct slice json_take_number(struct json_cursor *c); /* its text, of JSON's grammar */
void json_take_word(struct json_cursor *c);           /* true, false, null: as peeked */
/* The text of a whole value of any kind, checked to the grammar; no recursion. More than 4096 levels count as broken. */
struct slice json_skip(struct json_cursor *c);

void json_enter(struct json_cursor *c); /* into the object or array that begins here */
/* Moves to the next member or element; false behind the last one (the closing bracket is taken then) or when broken. */
bool json_next_member(struct json_cursor *c, struct slice *name);
bool json_next_element(struct json_cursor *c);

/* 0 if nothing but blanks is left and nothing was broken, else -1. */
int json_finish(struct json_cursor *c);

/* Is the whole text one JSON value? */
bool json_is_valid(struct slice text);

#endif
