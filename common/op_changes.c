/* op_changes.c - does this operation change anything? PartiQL says so only in its text. */
#include <strings.h>

#include "common/op.h"

static bool is_select(const struct value *statement)
{
    static const char word[] = "select";
    struct slice text = statement->type == VALUE_S ? statement->bytes : slice_text("");
    while (text.len > 0 && (text.ptr[0] <= ' ' || text.ptr[0] == '('))
        text = slice_of(text.ptr + 1, text.len - 1);
    return text.len >= sizeof word - 1 && strncasecmp((const char *)text.ptr, word, sizeof word - 1) == 0;
}

static bool all_select(const struct value *payload, const char *member)
{
    struct value list = value_map_get(payload, slice_text(member)), element;
    if (list.type != VALUE_L)
        return false;
    for (struct value_walk walk = value_walk_of(&list); value_walk_next(&walk, NULL, &element);) {
        struct value statement = value_map_get(&element, slice_text("Statement"));
        if (!is_select(&statement))
            return false;
    }
    return true;
}

bool op_changes(const struct op *op)
{
    struct value statement = value_map_get(&op->payload, slice_text("Statement"));
    switch (op->code) {
    case OP_STATEMENT:
        return !is_select(&statement);
    case OP_STATEMENTS:
        return !all_select(&op->payload, "Statements");
    case OP_STATEMENT_TRANSACTION:
        return !all_select(&op->payload, "TransactStatements");
    default:
        return op_writes(op->code);
    }
}
