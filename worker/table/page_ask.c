/* page_ask.c - what a scan or a query asks of a page: arguments, and whether the index shows what is asked for (see page.h). */
#include "worker/table/page.h"

#include <stdio.h>
#include <string.h>

#include "worker/table/project.h"

#define INVALID "One or more parameter values were invalid: "

/* -- Arguments ------------------------------------------------------------------------------------------------ */
static int check_select(struct request *rq)
{
    const struct args *args = &rq->args;
    bool named = arg_given(args, ARG_PROJECTION_EXPRESSION) || arg_given(args, ARG_ATTRIBUTES_TO_GET);

    if (named && arg_given(args, ARG_SELECT) && !arg_is(args, ARG_SELECT, "SPECIFIC_ATTRIBUTES"))
        return err_set(&rq->err, ERR_VALIDATION, "Cannot specify the %s when choosing to get %s",
                       arg_given(args, ARG_ATTRIBUTES_TO_GET) ? "AttributesToGet" : "ProjectionExpression",
                       arg_is(args, ARG_SELECT, "COUNT")            ? "only the Count"
                       : arg_is(args, ARG_SELECT, "ALL_ATTRIBUTES") ? "ALL_ATTRIBUTES"
                                                                    : "ALL_PROJECTED_ATTRIBUTES");
    if (!named && arg_is(args, ARG_SELECT, "SPECIFIC_ATTRIBUTES"))
        return err_set(&rq->err, ERR_VALIDATION,
                       INVALID "Must specify the AttributesToGet or ProjectionExpression when choosing to get "
                               "SPECIFIC_ATTRIBUTES");
    if (arg_is(args, ARG_SELECT, "ALL_PROJECTED_ATTRIBUTES") && !arg_given(args, ARG_INDEX_NAME))
        return err_set(&rq->err, ERR_VALIDATION,
                       INVALID "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
    return 0;
}

/* A query words it in its own way. */
static int check_limit(struct request *rq)
{
    int64_t limit;

    if (rq->form != ARGS_QUERY || !value_to_int(&rq->args.at[ARG_LIMIT], &limit) || limit >= 1)
        return 0;
    return err_set(
        &rq->err, ERR_VALIDATION,
        "1 validation error detected: Value at 'Limit' failed to satisfy constraint: Member must have value greater than "
        "or equal to 1");
}

int page_arguments(struct request *rq, struct page *page)
{
    memset(page, 0, sizeof *page);
    page->count_only = arg_is(&rq->args, ARG_SELECT, "COUNT");
    if (check_limit(rq) < 0)
        return -1;
    if (arg_number(&rq->args, ARG_LIMIT, 1, INT32_MAX, INT64_MAX, &page->limit, &rq->err) < 0)
        return -1;
    return check_select(rq);
}

/* -- What is shown -------------------------------------------------------------------------------------------- */
static void show_whole(struct request *rq, const struct page *page, const struct value *item)
{
    (void)page;
    mp_put_raw(rq->out, item->encoded);
}

static void show_projected(struct request *rq, const struct page *page, const struct value *item)
{
    project(page->paths, item, rq->out);
}

/* Names that the view does not show, as "a, b". */
struct name_list {
    const struct view *view;
    char text[200];
    size_t len;
};

static void note_hidden(struct name_list *list, struct slice name)
{
    const char *comma = list->len ? ", " : "";

    if (view_shows(list->view, name))
        return;
    int n = snprintf(list->text + list->len, sizeof list->text - list->len, "%s%.*s", comma,
                     (int)(name.len < 100 ? name.len : 100), (const char *)name.ptr);
    if (n > 0 && (size_t)n < sizeof list->text - list->len)
        list->len += (size_t)n;
}

static int not_projected(struct request *rq, const struct view *view, const char *what, const struct name_list *list)
{
    return err_set(&rq->err, ERR_VALIDATION, INVALID "%s %.*s does not project %s[%.*s]",
                   *what ? "Secondary index" : "Global secondary index", (int)view->index->name.len,
                   (const char *)view->index->name.ptr, what, (int)list->len, list->text);
}

/* A local index lies beside its table and can read on there; a global one cannot. */
static int check_shown(struct request *rq, struct page *page, const struct view *view)
{
    struct name_list hidden = {.view = view};
    const struct index *index = view->index;
    bool whole = arg_is(&rq->args, ARG_SELECT, "ALL_ATTRIBUTES") && index->projection != PROJECT_ALL;

    if (whole && !index->local)
        return err_set(&rq->err, ERR_VALIDATION,
                       INVALID "Select type ALL_ATTRIBUTES is not supported for global secondary index %.*s because its "
                               "projection type is not ALL",
                       (int)index->name.len, (const char *)index->name.ptr);
    for (uint32_t i = 0; i < rq->projection.count; i++)
        note_hidden(&hidden, rq->projection.paths[i].steps[0].name);
    if (hidden.len && !index->local)
        return not_projected(rq, view, "", &hidden);
    page->fetch = whole || hidden.len;
    return 0;
}

int page_init(struct request *rq, struct page *page, const struct view *view)
{
    page->view = *view;
    page->filter = rq->condition;
    page->begin = rq->out->len;
    page->show = rq->projection.count ? show_projected : show_whole;
    if (view->index && check_shown(rq, page, view) < 0)
        return -1;
    if (rq->projection.count == 0)
        return 0;
    page->paths = project_prepare(&rq->projection, &rq->t->arena);
    return path_range_empty(page->paths) ? -1 : 0;
}

static void note_hidden_in(struct name_list *list, const struct node *node)
{
    if (node->kind == NODE_PATH)
        note_hidden(list, node->path.steps[0].name);
    for (const struct node *arg = node->args; arg; arg = arg->next)
        note_hidden_in(list, arg);
}

int page_check_filter(struct request *rq, const struct view *view)
{
    struct name_list hidden = {.view = view};

    if (!view->index || !rq->condition)
        return 0;
    note_hidden_in(&hidden, rq->condition);
    return hidden.len ? not_projected(rq, view, "one or more filter attributes: ", &hidden) : 0;
}
