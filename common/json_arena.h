/* json_arena.h - memory for one parse of yajl: taken in a row from one block, all given back at once.
 *
 * yajl cannot reset a handle, so each text gets a new one; from the arena that costs a few additions instead of half a dozen
 * heap calls. yajl also does not look whether an allocation failed, so the block is made large enough for all that it can ask
 * for before a parse starts. */
#ifndef LEAT_COMMON_JSON_ARENA_H
#define LEAT_COMMON_JSON_ARENA_H

#include <stddef.h>

struct json_arena {
    unsigned char *block; /* owned */
    size_t used, cap;
    size_t last; /* offset of the newest allocation: only it can grow in place */
};

void json_arena_init(struct json_arena *a); /* no allocation */
void json_arena_finish(struct json_arena *a);

/* Empties the arena and makes room for the parse of a text of so many bytes. 0 or -1. */
int json_arena_begin(struct json_arena *a, size_t text_bytes);
void json_arena_trim(struct json_arena *a); /* gives back the block of an unusually large text */

/* The functions of yajl_alloc_funcs; context is the arena. free does nothing. */
void *json_arena_malloc(void *context, size_t size);
void *json_arena_realloc(void *context, void *ptr, size_t size);
void json_arena_free(void *context, void *ptr);

#endif
