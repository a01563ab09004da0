/* shard.h - how the one shard of a stream is named to clients: its id, its sequence numbers, its iterators. */
#ifndef LEAT_WORKER_TABLE_SHARD_H
#define LEAT_WORKER_TABLE_SHARD_H

#include "worker/table/request.h"
#include "worker/table/stream.h"
#include "worker/table/stream_list.h"

struct shard {
    struct stream_row row;
    struct stream_end end;
    int64_t created_ms;
    bool closed;
};

void shard_init(struct shard *s);
void shard_finish(struct shard *s);

/* By a stream's ARN, or its id. 0, or -1 as a stage of a request. */
int shard_find(struct request *rq, struct slice arn, struct shard *s);
int shard_find_id(struct request *rq, uint32_t id, struct slice named, struct shard *s);
int shard_no_stream(struct request *rq, struct slice arn); /* sets the error; -1 */
int shard_trimmed(struct request *rq);

/* "shardId-" with the time and the number of the stream: 37 characters; the AWS CLI wants at least 28. */
#define SHARD_ID_BYTES 38
void shard_id(const struct shard *s, char id[static SHARD_ID_BYTES]);

/* Numbers of 21 digits, so that they sort as texts, too. */
#define SHARD_NUMBER_BYTES 22
void shard_number(uint64_t number, char text[static SHARD_NUMBER_BYTES]);
bool shard_number_parse(struct slice text, uint64_t *number);

/* An iterator is a text of ours that clients pass back: the stream, the number of the next record, and when it was issued. */
struct shard_iterator {
    uint32_t stream;
    uint64_t position;
    int64_t issued_ms;
};
#define SHARD_ITERATOR_MS (15ll * 60 * 1000) /* good for so long */
/* As a member of an open map of the answer. */
void shard_put_iterator(struct request *rq, const char *member, const struct shard *s, uint64_t position);
bool shard_iterator_parse(struct slice text, struct shard_iterator *iterator);

#endif
