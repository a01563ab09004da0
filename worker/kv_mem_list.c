/* kv_mem_list.c - see kv_mem_list.h. */
#include "worker/kv_mem_list.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct node *list_find(struct space *space, struct slice key, struct node ***before)
{
    struct node **links = space->head;
    struct node *found = NULL;

    for (int level = space->levels - 1; level >= 0; level--) {
        while (links[level] && links[level] != found && slice_compare(node_key(links[level]), key) < 0)
            links = links[level]->next;
        found = links[level];
        if (before)
            before[level] = &links[level];
    }
    return found;
}

struct node *list_find_before(struct space *space, struct slice key)
{
    struct node **links = space->head;
    struct node *last = NULL;

    for (int level = space->levels - 1; level >= 0; level--)
        while (links[level] && (key.len == 0 || slice_compare(node_key(links[level]), key) < 0)) {
            last = links[level];
            links = last->next;
        }
    return last;
}

static void raise_levels(struct space *space, int levels, struct node ***before)
{
    for (; space->levels < levels; space->levels++)
        before[space->levels] = &space->head[space->levels];
}

void list_link_behind(struct space *space, struct node *node, struct node ***before)
{
    raise_levels(space, node->levels, before);
    for (int level = 0; level < node->levels; level++) {
        node->next[level] = *before[level];
        *before[level] = node;
    }
    space->changes++;
}

void list_link(struct space *space, struct node *node)
{
    struct node **before[LEVELS];

    list_find(space, node_key(node), before);
    list_link_behind(space, node, before);
}

void list_unlink(struct space *space, struct node *node)
{
    struct node **before[LEVELS];

    list_find(space, node_key(node), before);
    for (int level = 0; level < node->levels; level++) {
        assert(*before[level] == node);
        *before[level] = node->next[level];
    }
    space->changes++;
}

void node_free(struct node *node)
{
    free(node->value);
    free(node);
}

unsigned char *copy_bytes(struct slice bytes)
{
    unsigned char *copy = malloc(bytes.len ? bytes.len : 1);

    if (copy && bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    return copy;
}

static int random_levels(uint64_t *random)
{
    int levels = 1;

    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    for (uint64_t bits = *random; (bits & 3) == 0 && levels < LEVELS; bits >>= 2)
        levels++;
    return levels;
}

struct node *node_make(uint64_t *random, struct slice key, struct slice value)
{
    int levels = random_levels(random);
    size_t links = (size_t)levels * sizeof(struct node *);
    struct node *node = malloc(sizeof *node + links + key.len);

    if (!node)
        return NULL;
    node->levels = levels;
    node->key = (unsigned char *)node->next + links;
    node->key_len = key.len;
    memcpy(node->key, key.ptr, key.len);
    node->value = copy_bytes(value);
    node->value_len = value.len;
    if (node->value)
        return node;
    free(node);
    return NULL;
}
