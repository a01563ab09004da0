/* json.h - plain JSON to the value model and back. The only file that knows the JSON library (yajl).
 *
 * Plain JSON cannot say binary or set, so an object with exactly one of these names stands for one, in both directions:
 *     {"$binary":"aGk="}  {"$stringSet":["a"]}  {"$numberSet":[1,2]}  {"$binarySet":["aGk="]}
 * Numbers keep every digit; an object with the same name twice is refused; UTF-8 is checked; nothing is ever cut. */
#ifndef LEAT_COMMON_JSON_H
#define LEAT_COMMON_JSON_H

#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/item.h"

/* A reusable parser: one per thread; holds the yajl handle and its stacks between calls. */
struct json_parser;
struct json_parser *json_parser_create(void); /* NULL if out of memory */
void json_parser_destroy(struct json_parser **p);

/* Appends the value of one JSON text (leading and trailing blanks allowed, nothing else after it) to out. max_depth counts
 * nested arrays and objects, the outermost as 1. 0; -1 with ERR_SERIALIZATION (broken JSON, invalid UTF-8, name given twice, "too
 * deep") or ERR_VALIDATION (a number, a set); out is then cut back to what it held before. */
int json_to_value(struct json_parser *p, struct slice text, int max_depth, struct buf *out, struct err *e);

/* Appends the JSON text of a value; numbers in plain notation. Returns 0, or -1 if v is damaged or memory ran out. */
int json_from_value(const struct value *v, struct buf *out);

/* Appends text as a JSON string with its quotes. */
void json_put_string(struct buf *out, struct slice text);

/* base64 (RFC 4648 with padding); decode returns -1 on anything that is not it. */
void base64_encode(struct buf *out, struct slice bytes);
int base64_decode(struct buf *out, struct slice text);

#endif
