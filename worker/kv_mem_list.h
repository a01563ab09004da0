/* kv_mem_list.h - the skip list under kv_mem.c: nodes in the order of their keys; nobody else includes it. */
#ifndef LEAT_WORKER_KV_MEM_LIST_H
#define LEAT_WORKER_KV_MEM_LIST_H

#include "worker/kv.h"

#define LEVELS 20 /* a quarter goes up a level: enough for 4^20 keys */

struct node {
    unsigned char *value; /* owned */
    size_t value_len, key_len;
    unsigned char *key; /* behind next[] in the same block */
    int levels;
    struct node *next[];
};

struct space {
    struct node *head[LEVELS];
    int levels;       /* of the highest node that was ever linked: the ones above are empty */
    uint64_t changes; /* counts inserts and removals */
};

static inline struct slice node_key(const struct node *n) { return slice_of(n->key, n->key_len); }
static inline struct slice node_value(const struct node *n) { return slice_of(n->value, n->value_len); }

/* A node of its own memory, linked nowhere; NULL: out of memory. random is the state of the generator of levels. */
struct node *node_make(uint64_t *random, struct slice key, struct slice value);
void node_free(struct node *node);
unsigned char *copy_bytes(struct slice bytes); /* owned by the caller; NULL: out of memory */

/* The first node >= key; before[] (LEVELS of them, or NULL) gets the link of each level that leads to it. */
struct node *list_find(struct space *space, struct slice key, struct node ***before);
/* The last node < key, or with an empty key the last of all; NULL if there is none. */
struct node *list_find_before(struct space *space, struct slice key);

/* before comes from list_find() of the node's key. */
void list_link_behind(struct space *space, struct node *node, struct node ***before);
void list_link(struct space *space, struct node *node);
void list_unlink(struct space *space, struct node *node); /* it must be linked */

#endif
