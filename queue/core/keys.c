/* keys.c - the idempotency window: which message an idempotency key stands for, in the order in which the keys came, so that the oldest
 * expire first. */
#include "queue/core/state.h"

static uint32_t bucket_of(const unsigned char key[16], uint32_t buckets)
{
    uint64_t half[2];
    memcpy(half, key, sizeof half);
    return (uint32_t)core_mix(half[0] ^ half[1]) & (buckets - 1);
}

static void rehash(struct core *c)
{
    uint32_t count = c->key_bucket_count * 2;
    uint32_t *buckets = core_buckets(c, count);
    if (!buckets)
        return;
    for (int w = 0; w < KEY_WINDOWS; w++)
        for (uint32_t k = c->key_oldest[w]; k != CORE_NONE; k = c->keys[k].newer) {
            uint32_t to = bucket_of(c->keys[k].key, count);
            c->keys[k].chain = buckets[to];
            buckets[to] = k;
        }
    core_resize(c, c->key_buckets, c->key_bucket_count * sizeof *buckets, 0);
    c->key_buckets = buckets;
    c->key_bucket_count = count;
}

static uint32_t find(const struct core *c, const unsigned char key[16])
{
    uint32_t k = c->key_buckets[bucket_of(key, c->key_bucket_count)];
    while (k != CORE_NONE && memcmp(c->keys[k].key, key, 16) != 0)
        k = c->keys[k].chain;
    return k;
}

const struct key *keys_find(const struct core *c, const unsigned char key[16])
{
    uint32_t k = find(c, key);
    return k == CORE_NONE || c->keys[k].expires_ms <= c->now_ms ? NULL : &c->keys[k];
}

static void unlink_age(struct core *c, uint32_t k)
{
    struct key *key = &c->keys[k];
    if (key->older != CORE_NONE)
        c->keys[key->older].newer = key->newer;
    else
        c->key_oldest[key->window] = key->newer;
    if (key->newer != CORE_NONE)
        c->keys[key->newer].older = key->older;
    else
        c->key_newest[key->window] = key->older;
}

static void append_age(struct core *c, uint32_t k)
{
    uint32_t w = c->keys[k].window;
    c->keys[k].older = c->key_newest[w];
    c->keys[k].newer = CORE_NONE;
    if (c->key_newest[w] != CORE_NONE)
        c->keys[c->key_newest[w]].newer = k;
    else
        c->key_oldest[w] = k;
    c->key_newest[w] = k;
}

static void remove_key(struct core *c, uint32_t k)
{
    uint32_t *link = &c->key_buckets[bucket_of(c->keys[k].key, c->key_bucket_count)];
    while (*link != k) {
        assert(*link != CORE_NONE);
        link = &c->keys[*link].chain;
    }
    *link = c->keys[k].chain;
    unlink_age(c, k);
    c->keys[k].chain = c->key_free;
    c->key_free = k;
    c->key_count--;
}

void keys_expire(struct core *c, uint32_t max)
{
    for (int w = 0; w < KEY_WINDOWS; w++)
        for (uint32_t n = max; n > 0 && c->key_oldest[w] != CORE_NONE && c->keys[c->key_oldest[w]].expires_ms <= c->now_ms; n--)
            remove_key(c, c->key_oldest[w]);
}

/* Keys that were carried over stand behind younger ones that expire later: when room is short, all are looked at, but not again
 * before the first of them expires. */
static uint32_t expire_all(struct core *c)
{
    uint32_t before = c->key_count;
    int64_t first_ms = INT64_MAX;
    if (c->now_ms < c->key_sweep_ms)
        return 0;
    for (int w = 0; w < KEY_WINDOWS; w++)
        for (uint32_t k = c->key_oldest[w], newer; k != CORE_NONE; k = newer) {
            newer = c->keys[k].newer;
            if (c->keys[k].expires_ms <= c->now_ms)
                remove_key(c, k);
            else if (c->keys[k].expires_ms < first_ms)
                first_ms = c->keys[k].expires_ms;
        }
    c->key_sweep_ms = first_ms;
    return before - c->key_count;
}

/* Recovery may go over the limit: carried-over keys stand behind younger ones in the journal, and expire later than they should. */
static uint32_t new_key(struct core *c)
{
    uint32_t k = c->key_free;
    if (c->key_count >= c->config.max_keys && !c->replaying)
        return CORE_NONE;
    if (k != CORE_NONE) {
        c->key_free = c->keys[k].chain;
        return k;
    }
    if (c->key_used == c->key_cap && core_grow(c, (void **)&c->keys, &c->key_cap, CORE_NONE, sizeof *c->keys) != 0)
        return CORE_NONE;
    return c->key_used++;
}

/* A key that is known already is taken over: its expiry was found passed, or a copy of its record says the same again. */
int keys_add(struct core *c, enum key_window window, const unsigned char bytes[16], const struct id *id, uint64_t body_hash,
             int64_t expires_ms)
{
    keys_expire(c, 2);
    uint32_t k = find(c, bytes);
    if (k != CORE_NONE)
        remove_key(c, k);
    k = new_key(c);
    if (k == CORE_NONE && expire_all(c) > 0)
        k = new_key(c);
    if (k == CORE_NONE)
        return -1;
    if (++c->key_count > c->key_bucket_count)
        rehash(c);
    uint32_t b = bucket_of(bytes, c->key_bucket_count);
    struct key *key = &c->keys[k];
    memcpy(key->key, bytes, sizeof key->key);
    key->id = *id;
    key->body_hash = body_hash;
    key->expires_ms = expires_ms;
    if (expires_ms < c->key_sweep_ms)
        c->key_sweep_ms = expires_ms;
    key->window = window;
    key->chain = c->key_buckets[b];
    c->key_buckets[b] = k;
    append_age(c, k);
    return 0;
}
