/* legacy_update.c - AttributeUpdates become an update, AttributesToGet a projection (see legacy.h). */
#include <string.h>

#include "worker/table/legacy.h"
#include "worker/table/legacy_path.h"
#include "worker/table/paths.h"

#define INVALID "One or more parameter values were invalid: "
#define NAMES_MAX 255 /* AttributesToGet */

int legacy_path(struct arena *arena, struct slice name, struct path *path)
{
    struct path_step *step = arena_alloc(arena, sizeof *step);

    if (!step)
        return -1;
    step->name = name;
    path->steps = step;
    path->count = 1;
    return 0;
}

static int read_update(const struct value *map, struct value *action, struct value *value, struct err *e)
{
    struct value_walk walk = value_walk_of(map);
    struct slice name;
    struct value part;

    action->type = value->type = VALUE_NONE;
    if (map->type != VALUE_M)
        return err_set(e, ERR_SERIALIZATION, "Each of AttributeUpdates must be a map with Action and Value");
    while (value_walk_next(&walk, &name, &part)) {
        bool is_action = slice_equal(name, slice_text("Action"));
        if (!is_action && !slice_equal(name, slice_text("Value")))
            return err_set(e, ERR_VALIDATION, "Unknown parameter in AttributeUpdates: \"%.*s\", must be one of: Value, Action",
                           (int)(name.len < 64 ? name.len : 64), (const char *)name.ptr);
        if (is_action && part.type != VALUE_S)
            return err_set(e, ERR_SERIALIZATION, "Invalid type for parameter Action: expected S, got %s",
                           value_type_name(part.type));
        *(is_action ? action : value) = part;
    }
    return 0;
}

static int choose_kind(const struct value *name, const struct value *value, enum action_kind *kind, struct err *e)
{
    static const struct {
        const char *name;
        enum action_kind kind;
    } kinds[] = {{"PUT", ACTION_SET}, {"ADD", ACTION_ADD}, {"DELETE", ACTION_DELETE}};
    size_t i = 0;

    while (i < 3 && name->type != VALUE_NONE && !slice_equal(name->bytes, slice_text(kinds[i].name)))
        i++;
    if (i == 3)
        return err_set(e, ERR_VALIDATION,
                       "1 validation error detected: Value '%.*s' at 'attributeUpdates.member.action' failed to satisfy "
                       "constraint: Member must "
                       "satisfy enum value set: [ADD, PUT, DELETE]",
                       (int)(name->bytes.len < 40 ? name->bytes.len : 40), (const char *)name->bytes.ptr);
    *kind = kinds[i].kind;
    if (value->type == VALUE_NONE && *kind != ACTION_DELETE)
        return err_set(e, ERR_VALIDATION, INVALID "Only DELETE action is allowed when no attribute value is specified");
    if (value->type == VALUE_NONE)
        *kind = ACTION_REMOVE;
    if (*kind == ACTION_DELETE && value->type < VALUE_SS)
        return err_set(e, ERR_VALIDATION, INVALID "DELETE action with value is not supported for the type %s",
                       value_type_name(value->type));
    if (*kind == ACTION_ADD && value->type < VALUE_SS && value->type != VALUE_N && value->type != VALUE_L)
        return err_set(e, ERR_VALIDATION, INVALID "ADD action is not supported for the type %s", value_type_name(value->type));
    return 0;
}

static struct action *new_action(struct arena *arena, enum action_kind kind, struct slice name, const struct value *value)
{
    struct action *action = arena_alloc(arena, sizeof *action);

    if (!action || legacy_path(arena, name, &action->path) < 0)
        return NULL;
    action->kind = kind;
    action->append_list = true;
    if (kind == ACTION_REMOVE)
        return action;
    action->operand = arena_alloc(arena, sizeof *action->operand);
    if (!action->operand)
        return NULL;
    action->operand->kind = NODE_VALUE;
    action->operand->value = *value;
    return action;
}

int legacy_updates(const struct value *map, struct arena *arena, struct update *update, struct err *e)
{
    struct value_walk walk = value_walk_of(map);
    struct action **tail = &update->actions;
    struct value each, name_of_action, value;
    struct slice name;
    enum action_kind kind = ACTION_SET;

    memset(update, 0, sizeof *update);
    while (value_walk_next(&walk, &name, &each)) {
        if (read_update(&each, &name_of_action, &value, e) < 0 || choose_kind(&name_of_action, &value, &kind, e) < 0)
            return -1;
        *tail = new_action(arena, kind, name, &value);
        if (!*tail)
            return -1;
        tail = &(*tail)->next;
        update->count++;
    }
    return 0;
}

int legacy_projection(const struct value *list, struct arena *arena, struct projection *projection, struct err *e)
{
    struct value_walk walk = value_walk_of(list);
    struct value name;
    uint32_t count = 0;

    memset(projection, 0, sizeof *projection);
    if (list->count == 0 || list->count > NAMES_MAX)
        return err_set(e, ERR_VALIDATION, INVALID "AttributesToGet has 1 to %d names, not %u", NAMES_MAX, list->count);
    struct path *paths = arena_array(arena, list->count, sizeof *paths);
    if (!paths)
        return -1;
    for (; value_walk_next(&walk, NULL, &name); count++) {
        if (name.type != VALUE_S)
            return err_set(e, ERR_SERIALIZATION, "Invalid type for parameter AttributesToGet[%u]: expected S, got %s", count,
                           value_type_name(name.type));
        if (legacy_path(arena, name.bytes, &paths[count]) < 0)
            return -1;
        for (uint32_t i = 0; i < count; i++)
            if (path_compare(&paths[i], &paths[count]) == 0)
                return err_set(e, ERR_VALIDATION, INVALID "Duplicate value in attribute name: %.*s",
                               (int)(name.bytes.len < 100 ? name.bytes.len : 100), (const char *)name.bytes.ptr);
    }
    projection->paths = paths;
    projection->count = count;
    return 0;
}
