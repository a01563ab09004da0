/* dynamodb.c - DynamoDB's API: a request becomes a call to a worker, its outcome the answer.
 *
 *   X-Amz-Target ─▶ action ─▶ signature ─▶ shape_read ─▶ call ─▶ outcome ─▶ shape_write ─▶ 200
 *                    │           │            │                    └─ failed, or nobody there ─▶ error
 *                    └───────────┴────────────┴─▶ error */

#include "common/aws.h"
#include "common/json_cursor.h"
#include "gateway/aws.h"
#include "gateway/aws_auth.h"
#include "gateway/calls.h"
#include "gateway/dynamodb_actions.h"
#include "gateway/gateway.h"
#include "gateway/shape_write.h"

#define KEEP_BYTES (256u * 1024u)

struct action {
    const char *name;
    enum op_code code;     /* if it has no local function */
    dynamodb_local *local; /* NULL: a call */
    const struct shape *input, *output;
};

#define CALL(name_, code_, input_, output_)                                                                                    \
    {.name = name_, .code = OP_##code_, .input = &shape_##input_, .output = &shape_##output_},
#define LOCAL(name_, answer_, input_) {.name = name_, .local = answer_, .input = &shape_##input_},

static const struct action actions[] = {DYNAMODB_CALLS(CALL) DYNAMODB_LOCALS(LOCAL)};
static const struct action streams_actions[] = {DYNAMODB_STREAMS_CALLS(CALL)};

static const struct action *find(const struct action *from, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equal(slice_text(from[i].name), name))
            return &from[i];
    return NULL;
}

/* -- Answers --------------------------------------------------------------------------------------------------- */
static void refuse(struct gateway *g, struct http_request *r)
{
    aws_refuse(g, r, g->error.name, buf_slice(&g->error.sentence));
}

static void on_answered(struct gateway *g, struct http_request *r, const void *what, const struct outcome *outcome)
{
    const struct action *action = what;
    unsigned status = 200;
    if (outcome->state != OUTCOME_SUCCEEDED)
        status = aws_error_put_outcome(&r->out, outcome->code, &outcome->value);
    else if (action->output != &shape_nothing && shape_write(action->output, &outcome->value, &r->out) != 0)
        status = aws_error_put(&r->out, slice_text("InternalServerError"), slice_text("the answer cannot be written"));
    aws_answer(g, r, status);
}

static void on_failed(struct gateway *g, struct http_request *r, const void *what, bool reached)
{
    (void)what;
    if (reached)
        aws_refuse(g, r, "InternalServerError", slice_text("Internal server error"));
    else
        aws_refuse(g, r, "ServiceUnavailable", slice_text("Service is unavailable. Please try again."));
}

static const struct calls_owner owner = {.answered = on_answered, .failed = on_failed};

/* -- Requests -------------------------------------------------------------------------------------------------- */
/* Tables are the account's own: a key of another one, which queues may know, is refused. */
static int check_account(struct gateway *g, const struct aws_authorization *a, const char *action)
{
    struct slice key = aws_auth_key(a), account = aws_auth_account(key, g->credentials, g->credential_count);
    if (account.len == 0 || slice_equal(account, slice_text(g->account)))
        return 0;
    return aws_error_set(
        &g->error, "AccessDeniedException",
        "User: arn:aws:iam::%.*s:user/%.*s is not authorized to perform: dynamodb:%s on resource: * because no "
        "resource-based policy allows the dynamodb:%s action",
        (int)account.len, (const char *)account.ptr, (int)key.len, (const char *)key.ptr, action, action);
}

/* The answer's ARNs are of the region that the signature names, and of our account. */
static void note_home(struct gateway *g, const struct aws_authorization *a)
{
    struct slice region = aws_auth_region(a);
    if (region.len == 0)
        region = slice_text(AWS_REGION);
    buf_reset(&g->home);
    buf_append(&g->home, region.ptr, region.len);
    buf_byte(&g->home, ':');
    buf_text(&g->home, g->account);
}

static int check_signature(struct gateway *g, const struct http_request *r, const char *action)
{
    struct aws_authorization a;
    if (aws_auth_read(r->fields, &a, &g->error) != 0)
        return -1;
    note_home(g, &a);
    if (g->credential_count == 0)
        return 0;
    struct aws_signed request = {.method = "POST", .path = r->path, .fields = r->fields, .body = r->body};
    if (aws_auth_verify(&a, &request, g->credentials, g->credential_count, g->wall_ms, &g->error) != 0)
        return -1;
    return check_account(g, &a, action);
}

static void carry_out(struct gateway *g, struct http_request *r, const struct action *action, struct slice body)
{
    struct dynamodb_request request;
    buf_reset(&g->value);
    if (shape_read(g->shapes, action->input, body, &g->value, &request.table, &g->error) != 0) {
        refuse(g, r);
        return;
    }
    request.payload = value_of(buf_slice(&g->value));
    if (action->local) {
        action->local(g, r, &request);
        return;
    }
    struct op op = {.code = action->code, .table = request.table, .payload = request.payload, .home = buf_slice(&g->home)};
    calls_send(g, r, &owner, action, &op, op_changes(&op));
}

static void serve(struct gateway *g, struct http_request *r, const struct action *action, struct slice body)
{
    aws_error_reset(&g->error);
    if (!action)
        aws_error_set(&g->error, "UnknownOperationException", "%s", "");
    if (action && check_signature(g, r, action->name) == 0) {
        if (body.len == 0)
            aws_error_set(&g->error, AWS_SERIALIZATION, "%s", "");
        else
            carry_out(g, r, action, body);
    }
    if (g->value.cap > KEEP_BYTES)
        buf_finish(&g->value);
    if (!g->error.name || http_is_answered(r))
        return;
    if (body.len > 0 && !json_is_valid(body)) /* DynamoDB parses first */
        aws_error_set(&g->error, AWS_SERIALIZATION, "%s", "");
    refuse(g, r);
}

void dynamodb_serve(struct gateway *g, struct http_request *r, struct slice name, struct slice body)
{
    serve(g, r, find(actions, sizeof actions / sizeof actions[0], name), body);
}

void dynamodb_streams_serve(struct gateway *g, struct http_request *r, struct slice name, struct slice body)
{
    serve(g, r, find(streams_actions, sizeof streams_actions / sizeof streams_actions[0], name), body);
}
