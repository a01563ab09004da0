/* limits.h - every limit on what comes from outside, in one place, with its unit and its reason.
 *
 * A limit is a promise to refuse: whoever reads a length, a depth or a count from a peer, a file or a user
 * checks it against a name of this page and answers with an error that names the limit. */
#ifndef LEAT_COMMON_LIMITS_H
#define LEAT_COMMON_LIMITS_H

#include <assert.h>
#include <stdint.h>

/* -- Values and items (DynamoDB's own limits, see docs/PROTOCOL.md) ------------------------------------------- */
#define LIMIT_ITEM_BYTES (400u * 1024u)                  /* size of an item: names + values, as DynamoDB counts them */
#define LIMIT_ITEM_ENCODED_BYTES (3u * LIMIT_ITEM_BYTES) /* the same item in msgpack: sets of small numbers triple */
#define LIMIT_PARTITION_KEY_BYTES 2048u                  /* S or B partition key */
#define LIMIT_SORT_KEY_BYTES 1024u                       /* S or B sort key */
#define LIMIT_KEY_NAME_BYTES 255u                        /* attribute name of a key */
#define LIMIT_ATTRIBUTE_NAME_BYTES 65535u                /* any other attribute name */
#define LIMIT_VALUE_DEPTH 32                             /* nesting of lists and maps inside an item */
#define LIMIT_NUMBER_DIGITS 38                           /* significant decimal digits */
#define LIMIT_NUMBER_TEXT_BYTES 512u                     /* text of one number before it is normalised */
#define LIMIT_TABLE_NAME_MIN 3u                          /* characters of a table's name */
#define LIMIT_TABLE_NAME_MAX 255u
#define LIMIT_LOCAL_INDEXES 5u /* of one table */
#define LIMIT_GLOBAL_INDEXES 20u
#define LIMIT_NON_KEY_ATTRIBUTES 100u /* projected by all indexes of a table together */
#define LIMIT_TAGS 50u                /* of one table */
#define LIMIT_TAG_KEY_CHARACTERS 128u
#define LIMIT_TAG_VALUE_CHARACTERS 256u
#define LIMIT_CAPACITY_UNITS 1000000000000ll /* provisioned reads or writes a second: kept and shown, never enforced */
#define LIMIT_HOME_BYTES 53u                 /* region and account of whoever asks, as in an ARN: 40 + 1 + 12 */
#define LIMIT_TABLES 2500u                   /* tables in one store: the account quota of DynamoDB */

/* -- Expressions ---------------------------------------------------------------------------------------------- */
#define LIMIT_EXPRESSION_BYTES 4096u    /* text of one expression */
#define LIMIT_EXPRESSION_NODES 2048u    /* AST nodes: 4096 bytes cannot need more, bounds the arena */
#define LIMIT_EXPRESSION_OPERATORS 300u /* operators and functions of one expression */
#define LIMIT_EXPRESSION_IN_OPERANDS 100u
#define LIMIT_EXPRESSION_DEPTH 64                      /* parentheses and NOT: bounds the parser's recursion */
#define LIMIT_PLACEHOLDER_BYTES 255u                   /* #name or :value with its sign */
#define LIMIT_SUBSTITUTIONS_BYTES (2u * 1024u * 1024u) /* all names and values together */
#define LIMIT_ARENA_BYTES (64u * 1024u * 1024u) /* trees and computed values of one operation: a legacy request of 1 MiB */

/* -- Scans ---------------------------------------------------------------------------------------------------- */
#define LIMIT_PAGE_BYTES (1024u * 1024u) /* items read for one page of list, before the filter */
#define LIMIT_SCAN_SEGMENTS 1000000u     /* TotalSegments */

/* -- Batches and transactions ---------------------------------------------------------------------------------- */
#define LIMIT_BATCH_KEYS 100u                        /* keys of one BatchGetItem */
#define LIMIT_BATCH_WRITES 25u                       /* puts and deletes of one BatchWriteItem */
#define LIMIT_BATCH_BYTES (16u * 1024u * 1024u)      /* items that one BatchGetItem answers with; the rest stays unprocessed */
#define LIMIT_TRANSACTION_ACTIONS 100u               /* of one TransactWriteItems, TransactGetItems or ExecuteTransaction */
#define LIMIT_TRANSACTION_BYTES (4u * 1024u * 1024u) /* of its arguments, or of the items that it reads */
#define LIMIT_TOKEN_BYTES 36u                        /* ClientRequestToken */
#define LIMIT_TOKEN_MS (10 * 60 * 1000ll)            /* how long a ClientRequestToken is remembered, at least */
#define LIMIT_STATEMENT_BYTES 8192u                  /* text of one PartiQL statement */
#define LIMIT_BATCH_STATEMENTS 25u                   /* of one BatchExecuteStatement */
#define LIMIT_STATEMENT_READS 50u                    /* ranges of keys that the WHERE of one SELECT may come apart into */

/* -- Jobs and messages ---------------------------------------------------------------------------------------- */
#define LIMIT_BODY_BYTES (1024u * 1024u)           /* HTTP body and message body: the SQS limit */
#define LIMIT_JOBS_PER_REQUEST 1000u               /* jobs in one array or NDJSON body */
#define LIMIT_JSON_DEPTH (LIMIT_VALUE_DEPTH + 8)   /* the item's depth plus the request around it */
#define LIMIT_MSGPACK_DEPTH (LIMIT_JSON_DEPTH + 8) /* plus the envelope */
#define LIMIT_WIRE_BYTES (64u * 1024u * 1024u)     /* one ZeroMQ message: more is dropped by ZMQ_MAXMSGSIZE */
#define LIMIT_ANSWER_BYTES (4u * 1024u * 1024u)    /* an operation's own answer: a 1 MiB page, JSON-escaped or binary */
#define LIMIT_BATCH_ENTRIES 4096u                  /* entries in one wire message */
#define LIMIT_QUEUE_NAME_BYTES 80u                 /* SQS */
#define LIMIT_QUEUES 10002u                  /* queues of one broker, 10,000 beside its own two: under 10 MB of fixed records */
#define LIMIT_PEER_NAME_BYTES 64u            /* name a peer gives itself */
#define LIMIT_REASON_BYTES 255u              /* why a message was dead-lettered */
#define LIMIT_CATALOG_BYTES (1024u * 1024u)  /* key schemas of all tables, as sent to gateways */
#define LIMIT_CALL_MS (60ll * 1000)          /* time-out of a call: whoever waits is an HTTP client */
#define LIMIT_CREDIT 65536u                  /* messages or calls that a worker may ask for at once */
#define LIMIT_ERROR_NAME_BYTES 64u           /* error name in an outcome; the longest of ours has 36 */
#define LIMIT_OUTSTANDING_BYTES (256u << 20) /* what a client keeps to send again until it is answered */

/* -- Calls: a client of the DynamoDB API waits ----------------------------------------------------------------- */
#define LIMIT_REQUEST_BYTES (16u << 20)     /* HTTP body of the AWS protocols, after decompression: DynamoDB's limit */
#define LIMIT_CALL_BYTES (24u << 20)        /* the same in msgpack: only sets of small numbers grow, by half at most */
#define LIMIT_CALL_ANSWER_BYTES (20u << 20) /* answer to a call: 16 MB of items (BatchGetItem), the last one beyond, names */

/* -- Queue attributes (SQS's ranges) -------------------------------------------------------------------------- */
#define LIMIT_VISIBILITY_MS (43200ll * 1000) /* 12 h */
#define LIMIT_DELAY_MS (900ll * 1000)        /* 15 min */
#define LIMIT_RETENTION_MIN_MS (60ll * 1000)
#define LIMIT_RETENTION_MAX_MS (1209600ll * 1000) /* 14 days */
#define LIMIT_RECEIVE_COUNT 1000u                 /* maxReceiveCount */
#define LIMIT_RECEIVE_MESSAGES 10u                /* of one receive */
#define LIMIT_RECEIVE_WAIT_MS (20ll * 1000)       /* a long poll */
#define LIMIT_INFLIGHT 120000u                    /* messages of one queue that are received and not deleted */
#define LIMIT_DEDUPLICATION_MS (5ll * 60 * 1000)  /* how long a FIFO queue knows a key, and a receive's attempt */
#define LIMIT_QUEUE_REST_MS (60ll * 1000)         /* between two purges; from a queue's removal to its name's reuse */
#define LIMIT_MOVE_RATE 500u                      /* messages a second of a move task */
#define LIMIT_MOVE_TASKS 10u                      /* that a queue remembers */

/* -- Queues beyond SQS ---------------------------------------------------------------------------------------- */
#define LIMIT_QUEUE_PATH_BYTES 128u              /* a queue's name at the broker: fronts may put a region before it */
#define LIMIT_QUEUE_DOCUMENT_BYTES (32u * 1024u) /* a policy (8 KiB) and 50 tags (384 bytes each), and some air */
#define LIMIT_MESSAGE_BYTES                                                                                                    \
    (LIMIT_BODY_BYTES + 64u * 1024u)             /* an envelope: body and attributes, which are a body's size, and ids */
#define LIMIT_HANDLE_BYTES 64u                   /* a receipt handle as the broker makes it; it makes shorter ones */
#define LIMIT_SCHEDULE_MS (366ll * 86400 * 1000) /* delay of a scheduled message: a year */
#define LIMIT_LEASE_MS (14ll * 86400 * 1000)     /* a receive's visibility in queues that allow it: the longest retention */
#define LIMIT_PRIORITIES 4u                      /* levels, 0 to 3 */
#define LIMIT_RECEIVES 65536u                    /* receivers that wait at one broker */
#define LIMIT_QUEUES_LISTED 1000u                /* queues in one page */
#define LIMIT_QUEUES_SHOWN 100u                  /* clients' queues with metrics of their own; the rest is a sum */
#define LIMIT_PEEK 1000u                         /* messages in one look */

/* -- HTTP ----------------------------------------------------------------------------------------------------- */
#define LIMIT_HEADER_BYTES (10u * 1024u) /* request line and headers: the limit of API Gateway */
#define LIMIT_IDEMPOTENCY_KEY_BYTES 255u
#define LIMIT_WAIT_MS (30ll * 1000)      /* Prefer: wait=N */
#define LIMIT_GATEWAY_BYTES (512u << 20) /* bodies and answers that one gateway holds: 500 of the largest at once */

static_assert(LIMIT_WIRE_BYTES > 16 * LIMIT_BODY_BYTES, "a wire message holds at least a batch of the largest bodies");
static_assert(LIMIT_ITEM_BYTES < LIMIT_BODY_BYTES, "the largest item fits a body");
static_assert(LIMIT_WIRE_BYTES > LIMIT_WIRE_BYTES / 4 + LIMIT_CALL_BYTES,
              "a frame that is closed at a quarter holds one more call");
static_assert(LIMIT_WIRE_BYTES > LIMIT_WIRE_BYTES / 4 + LIMIT_CALL_ANSWER_BYTES, "and one more answer");
static_assert(LIMIT_CALL_BYTES >= LIMIT_REQUEST_BYTES && LIMIT_CALL_ANSWER_BYTES >= LIMIT_ANSWER_BYTES, "calls may be larger");

#endif
