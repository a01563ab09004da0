/* arn.h - names of resources: written with the region and account of whoever asks, read with any.
 *
 *     arn:aws:dynamodb:REGION:ACCOUNT:table/NAME[/index/NAME | /stream/LABEL | /backup/ID] */
#ifndef LEAT_WORKER_TABLE_ARN_H
#define LEAT_WORKER_TABLE_ARN_H

#include "common/buf.h"

/* Appends the text. home: "REGION:ACCOUNT"; kind may be NULL, leaf is of no matter then. */
void arn_put(struct buf *out, struct slice home, struct slice table, const char *kind, struct slice leaf);
/* The same as a value S, as a member of an open map. */
void arn_put_member(struct buf *out, struct slice home, const char *member, struct slice table, const char *kind,
                    struct slice leaf);

struct slice arn_region(struct slice home); /* points into it */

struct arn {
    struct slice table, kind, leaf; /* kind and leaf may be empty; point into the text */
};
bool arn_parse(struct slice text, struct arn *arn);

/* A time in epoch milliseconds as the label of a stream, "2026-11-21T12:13:00.123", and back. */
#define ARN_LABEL_BYTES 24 /* with a NUL */
void arn_label(int64_t ms, char label[static ARN_LABEL_BYTES]);

#endif
