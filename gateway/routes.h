/* routes.h - the table of routes: which path and method goes to which function. Finding one is pure. */
#ifndef LEAT_GATEWAY_ROUTES_H
#define LEAT_GATEWAY_ROUTES_H

#include "common/buf.h"
#include "gateway/http.h"

struct gateway;

/* Row: symbol, name (the route label of the metrics), pattern, methods, in any case of letters, function that looks at the headers alone
 * (NULL: nothing to look at), function that serves.
 * Patterns are compared segment by segment: "*" is any segment that is not empty (the last of them is the request's parameter),
 * a pattern in lower case matches in any case of letters if the row says so. */
#define ROUTES(X)                                                                                                              \
    X(AWS, "aws", "/", HTTP_EVERY, false, aws_begin, aws_serve)                                                                \
    X(MANAGER, "manager", "/dynamodbmanager", HTTP_POST, true, manager_begin, manager_post)                                    \
    X(MANAGER_STAGE, "manager", "/*/dynamodbmanager", HTTP_POST, true, manager_begin, manager_post)                            \
    X(JOB, "job", "/jobs/*", HTTP_GET | HTTP_HEAD | HTTP_DELETE, false, NULL, jobs_one)                                        \
    X(JOBS, "jobs", "/jobs", HTTP_GET | HTTP_HEAD, false, NULL, jobs_list)                                                     \
    X(HEALTH, "healthz", "/healthz", HTTP_GET | HTTP_HEAD, false, NULL, admin_health)                                          \
    X(READY, "readyz", "/readyz", HTTP_GET | HTTP_HEAD, false, NULL, admin_ready)                                              \
    X(METRICS, "metrics", "/metrics", HTTP_GET | HTTP_HEAD, false, NULL, admin_metrics)                                        \
    X(QUEUES, "queues", "/queues", HTTP_GET | HTTP_HEAD, false, NULL, queues_list)                                             \
    X(QUEUE_MESSAGES, "queues", "/queues/*/messages", HTTP_GET | HTTP_HEAD, false, NULL, queues_peek)                          \
    X(QUEUE_MESSAGE, "queues", "/queues/*/messages/*", HTTP_GET | HTTP_HEAD, false, NULL, queues_find)                         \
    X(QUEUE_PAUSE, "queues", "/queues/*/pause", HTTP_POST, false, NULL, queues_pause)                                          \
    X(QUEUE_RESUME, "queues", "/queues/*/resume", HTTP_POST, false, NULL, queues_resume)                                       \
    X(QUEUE_URL, "aws", "/*/*", HTTP_EVERY, false, aws_begin, aws_serve)

enum route_index {
#define X(symbol, name, pattern, methods, any_case, begin, serve) ROUTE_##symbol,
    ROUTES(X)
#undef X
        ROUTE_COUNT
};

struct route {
    const char *name, *pattern;
    unsigned methods;
    bool any_case;
};

const struct route *route_at(enum route_index i);

/* The route of a path, or -1; *parameter is the segment that "*" stands for (empty if none). */
int routes_find(const char *path, struct slice *parameter);

/* The methods as a value of Allow: "GET, HEAD". */
void routes_allow(unsigned methods, char text[static 32]);

#endif
