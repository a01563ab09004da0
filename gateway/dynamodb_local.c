/* dynamodb_local.c - what needs no worker: where the service is, what its limits are, and whether a table's past can be restored. */
#include "common/json.h"
#include "gateway/aws.h"
#include "gateway/dynamodb_actions.h"
#include "gateway/gateway.h"

/* The client's own way to us. */
void dynamodb_endpoints(struct gateway *g, struct http_request *r, const struct dynamodb_request *request)
{
    struct slice host = slice_text("");
    (void)request;
    http_header_get(r->fields, "host", 0, &host);
    buf_text(&r->out, "{\"Endpoints\":[{\"Address\":");
    json_put_string(&r->out, host);
    buf_text(&r->out, ",\"CachePeriodInMinutes\":1440}]}");
    aws_answer(g, r, 200);
}

/* Those of a new account: nothing here is throttled. */
void dynamodb_limits(struct gateway *g, struct http_request *r, const struct dynamodb_request *request)
{
    (void)request;
    buf_text(&r->out, "{\"AccountMaxReadCapacityUnits\":80000,\"AccountMaxWriteCapacityUnits\":80000,"
                      "\"TableMaxReadCapacityUnits\":40000,\"TableMaxWriteCapacityUnits\":40000}");
    aws_answer(g, r, 200);
}

/* Backups are made when they are asked for, not all the time. */
void dynamodb_continuous_backups(struct gateway *g, struct http_request *r, const struct dynamodb_request *request)
{
    struct buf sentence = {0};
    if (schemas_find(&g->schemas, request->table)) {
        buf_text(&r->out, "{\"ContinuousBackupsDescription\":{\"ContinuousBackupsStatus\":\"ENABLED\","
                          "\"PointInTimeRecoveryDescription\":{\"PointInTimeRecoveryStatus\":\"DISABLED\"}}}");
        aws_answer(g, r, 200);
        return;
    }
    buf_printf(&sentence, "Table not found: %.*s", (int)request->table.len, (const char *)request->table.ptr);
    aws_refuse(g, r, "TableNotFoundException", buf_slice(&sentence));
    buf_finish(&sentence);
}
