/* http.h - the HTTP server of the gateway: connections, requests, answers. Its .c files are the only ones that know libmicrohttpd.
 *
 * One thread. The owner's loop polls http_fds(), calls http_run() after every wake-up and at the latest at http_deadline(), and gets
 * requests through callbacks. A request whose callback returns without an answer waits: http_answer() may come at any later time.
 * Nothing here blocks. */
#ifndef LEAT_GATEWAY_HTTP_H
#define LEAT_GATEWAY_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "gateway/http_fields.h"
#include "gateway/limit.h"

struct http_server;

#define HTTP_GET 1u
#define HTTP_HEAD 2u
#define HTTP_POST 4u
#define HTTP_DELETE 8u
#define HTTP_OPTIONS 16u
#define HTTP_OTHER 32u /* any other method */
#define HTTP_EVERY 63u

struct http_request;

/* Appends the body of an error to r->out, puts headers, and returns the media type (static). self: of the server's events. */
typedef const char *http_error_writer(void *self, struct http_request *r, const struct err *e);

/* One request. Everything in it belongs to the server and is valid until the request is answered or gone. */
struct http_request {
    unsigned method;
    const char *path; /* as sent, not decoded, without the query */
    struct http_fields *fields;
    struct slice body;
    int64_t begun_us;             /* monotonic: when its request line was there */
    const void *route;            /* the owner's; NULL at first */
    struct slice parameter;       /* the owner's: the part of the path that the route leaves open */
    void *state;                  /* the owner's; NULL at first */
    struct buf out;               /* the answer's body: append to it before http_answer() */
    bool watch;                   /* the owner wants gone() as soon as the client ends its side while the request waits */
    size_t body_max;              /* bytes; begin() may change it */
    http_error_writer *put_error; /* how http_refuse() says it; NULL: a problem body */
};

struct http_events {
    /* The headers are there, the body is not. False if the request is refused: then it has been answered already. */
    bool (*begin)(void *self, struct http_request *r);
    /* The request is complete: answer it now or later. */
    void (*request)(void *self, struct http_request *r);
    /* A request that waits will not be answered any more: its client is gone. */
    void (*gone)(void *self, struct http_request *r);
    /* An answer was sent, or could not be. For counting; r->route is NULL for what was refused before any callback. */
    void (*done)(void *self, const struct http_request *r, unsigned status, int64_t now_us);
};

/* listen_fd is a listening socket (http_listen.h), owned by the server from now on. limit must outlive it. NULL with the reason. */
struct http_server *http_server_create(int listen_fd, struct limit *limit, const struct http_events *events, void *self,
                                       int64_t now_ms, struct err *e);
void http_server_destroy(struct http_server **h); /* closes every connection; requests that wait are told to be gone */

int http_epoll_fd(const struct http_server *h);
int http_watch_fd(const struct http_server *h);  /* readable when a client has left that is watched for it */
int http_listen_fd(const struct http_server *h); /* -1 while nothing is accepted */
/* Reads, calls back, writes, and closes what has had its time. Accepts first if somebody knocks: the listening socket is readable. */
void http_run(struct http_server *h, int64_t now_ms, bool knocks);
int64_t http_deadline(const struct http_server *h, int64_t now_ms); /* now_ms: at once */
/* No new connections from now on; each answer closes its connection, idle ones are closed at once. */
void http_drain(struct http_server *h);

/* -- Answers ----------------------------------------------------------------------------------------------------------------- */
/* Adds a header to the answer; at most 10, values of at most 79 bytes. name must be static. */
void http_put_header(struct http_request *r, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same with a value that is not copied: it ends with a NUL and lives as long as the request, as the fields' values do. */
void http_put_header_of(struct http_request *r, const char *name, struct slice value);
/* Answers with r->out. Once for each request. media_type must be static. */
void http_answer(struct http_request *r, unsigned status, const char *media_type);
/* Answers with an error body (r->put_error) instead of what r->out holds; headers that were put stay. */
void http_refuse(struct http_request *r, const struct err *e);
bool http_is_answered(const struct http_request *r);

#endif
