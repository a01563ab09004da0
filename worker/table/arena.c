/* arena.c - bump allocation out of a chain of blocks (see arena.h). */
#include "worker/table/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)16 * 1024)

struct arena_block {
    struct arena_block *next;
    size_t size, used;
    alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *a, size_t max_bytes)
{
    memset(a, 0, sizeof *a);
    a->max = max_bytes;
}

static void free_chain(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_finish(struct arena *a)
{
    free_chain(a->first);
    arena_init(a, a->max);
}

void arena_reset(struct arena *a)
{
    if (a->first) {
        free_chain(a->first->next);
        a->first->next = NULL;
        a->first->used = 0;
    }
    a->current = a->first;
    a->used = 0;
    a->failed = a->full = false;
}

struct arena_mark arena_mark(const struct arena *a)
{
    return (struct arena_mark){a->current, a->current ? a->current->used : 0, a->used};
}

void arena_rewind(struct arena *a, struct arena_mark mark)
{
    bool failed = a->failed, full = a->full;

    if (!mark.block) {
        arena_reset(a);
    } else {
        free_chain(mark.block->next);
        mark.block->next = NULL;
        mark.block->used = mark.block_used;
        a->current = mark.block;
        a->used = mark.used;
    }
    a->failed = failed;
    a->full = full;
}

static struct arena_block *grow(struct arena *a, size_t need)
{
    size_t size = need > BLOCK_BYTES ? need : BLOCK_BYTES;
    struct arena_block *block = malloc(sizeof *block + size);

    if (!block) {
        a->failed = true;
        return NULL;
    }
    block->next = NULL;
    block->size = size;
    block->used = 0;
    if (a->current)
        a->current->next = block;
    else
        a->first = block;
    a->current = block;
    return block;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    const size_t align = alignof(max_align_t);

    if (bytes > a->max - a->used) {
        a->full = true;
        return NULL;
    }
    size_t need = bytes ? (bytes + align - 1) / align * align : align;
    struct arena_block *block = a->current;
    if (!block || block->size - block->used < need)
        block = grow(a, need);
    if (!block)
        return NULL;
    void *result = block->bytes + block->used;
    block->used += need;
    a->used += need < a->max - a->used ? need : a->max - a->used;
    assert(block->used <= block->size && a->used <= a->max);
    return memset(result, 0, need);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    if (size && count > a->max / size) {
        a->full = true;
        return NULL;
    }
    return arena_alloc(a, count * size);
}

struct slice arena_copy(struct arena *a, struct slice bytes)
{
    unsigned char *copy = arena_alloc(a, bytes.len);

    if (!copy)
        return slice_of(NULL, 0);
    if (bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    return slice_of(copy, bytes.len);
}
