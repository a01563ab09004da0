/* token.h - ClientRequestTokens: a transaction that was carried out is not carried out again for ten minutes.
 *
 * In KV_TOKENS:  [window 8 B BE][digest of the token 16 B] -> [digest of the request 16 B][wall ms 8 B BE]
 *
 * A window is as long as a token is remembered, so a token is in the present window or in the one before, old rows stand together at
 * the beginning, and sweeping is a walk that ends at the first young one. The row is written in the transaction that it speaks of. */
#ifndef LEAT_WORKER_TABLE_TOKEN_H
#define LEAT_WORKER_TABLE_TOKEN_H

#include "common/item.h"
#include "worker/kv.h"

#define TOKEN_DIGEST_BYTES 16u

/* The same for equal values, however their maps and sets are ordered. */
void token_digest(const struct value *request, unsigned char digest[static TOKEN_DIGEST_BYTES]);

/* Was that token used within LIMIT_TOKEN_MS? *known tells; then *same: with a request of that digest. */
enum kv_result token_find(struct kv_txn *txn, int64_t now_ms, struct slice token, const unsigned char *digest, bool *known,
                          bool *same);
enum kv_result token_put(struct kv_txn *txn, int64_t now_ms, struct slice token, const unsigned char *digest);

/* Removes up to max rows that are remembered no more, in a transaction of its own; *left tells whether more wait. */
enum kv_result token_sweep(struct kv *kv, int64_t now_ms, size_t max, bool *left);

#endif
