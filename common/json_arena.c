/* json_arena.c - the block that yajl's allocations of one parse come from. */
#include "common/json_arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN 16u
#define FIXED_BYTES 16384u /* handle, lexer, state stack, the first 2 KiB of its two buffers, an error text */
#define BYTES_A_BYTE 10u   /* two buffers that double until they hold the text: old and new copies of each below 5 times it */
#define KEEP_BYTES (1u << 18) /* a block up to here stays for the next text */

/* In front of each allocation; its size is what a move must copy. */
struct head {
    size_t size;
    size_t unused; /* keeps what follows aligned */
};
static_assert(sizeof(struct head) == ALIGN, "allocations are aligned");

void json_arena_init(struct json_arena *a) { *a = (struct json_arena){0}; }

void json_arena_finish(struct json_arena *a)
{
    free(a->block);
    json_arena_init(a);
}

int json_arena_begin(struct json_arena *a, size_t text_bytes)
{
    if (text_bytes > (SIZE_MAX - FIXED_BYTES) / BYTES_A_BYTE)
        return -1;
    size_t need = FIXED_BYTES + text_bytes * BYTES_A_BYTE;
    a->used = a->last = 0;
    if (need <= a->cap)
        return 0;
    json_arena_finish(a);
    a->block = malloc(need);
    a->cap = a->block ? need : 0;
    return a->block ? 0 : -1;
}

void json_arena_trim(struct json_arena *a)
{
    if (a->cap > KEEP_BYTES)
        json_arena_finish(a);
}

static size_t rounded(size_t size) { return (size + ALIGN - 1) / ALIGN * ALIGN; }

void *json_arena_malloc(void *context, size_t size)
{
    struct json_arena *a = context;
    size_t left = a->cap - a->used;
    assert(left >= sizeof(struct head) && size <= left - sizeof(struct head) && rounded(size) <= left - sizeof(struct head));
    struct head *h = (struct head *)(void *)(a->block + a->used);
    h->size = size;
    a->last = a->used;
    a->used += sizeof *h + rounded(size);
    return h + 1;
}

void *json_arena_realloc(void *context, void *ptr, size_t size)
{
    struct json_arena *a = context;
    if (!ptr)
        return json_arena_malloc(a, size);
    struct head *h = (struct head *)ptr - 1;
    if ((unsigned char *)h == a->block + a->last) {
        a->used = a->last;
        return json_arena_malloc(a, size);
    }
    if (size <= h->size)
        return ptr;
    void *moved = json_arena_malloc(a, size);
    memcpy(moved, ptr, h->size);
    return moved;
}

void json_arena_free(void *context, void *ptr)
{
    (void)context;
    (void)ptr;
}
