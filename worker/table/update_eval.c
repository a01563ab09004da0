/* update_eval.c - the first half of an update: what each action's place will hold, computed from the old item. */
#include <assert.h>
#include <string.h>

#include "common/decimal.h"
#include "worker/table/effect.h"
#include "worker/table/update.h"

#define WRONG_TYPE "An operand in the update expression has an incorrect data type"

struct evaluation {
    const struct value *base;
    struct arena *arena;
    struct buf work; /* computed values, until they are copied into the arena */
    struct err *e;
};

/* Moves what was written to the work buffer into the arena and reads it back. */
static int take_work(struct evaluation *v, struct value *result)
{
    if (buf_failed(&v->work)) {
        v->arena->failed = true;
        return -1;
    }
    struct slice copy = arena_copy(v->arena, buf_slice(&v->work));
    buf_reset(&v->work);
    if (!copy.ptr)
        return -1;
    *result = value_of(copy);
    assert(result->type != VALUE_NONE);
    return 0;
}

static int wrong_type(struct evaluation *v) { return err_set(v->e, ERR_VALIDATION, WRONG_TYPE); }

static int compute_sum(struct evaluation *v, const struct value *a, const struct value *b, bool minus, struct value *result)
{
    unsigned char encoded[DECIMAL_ENCODED_MAX];
    struct decimal left, right, sum;

    if (a->type != VALUE_N || b->type != VALUE_N)
        return wrong_type(v);
    if (decimal_decode(a->bytes, &left) < 0 || decimal_decode(b->bytes, &right) < 0)
        return err_set(v->e, ERR_INTERNAL, "A stored number is damaged");
    if ((minus ? decimal_subtract(&left, &right, &sum, v->e) : decimal_add(&left, &right, &sum, v->e)) < 0)
        return -1;
    value_put_number(&v->work, encoded, decimal_encode(&sum, encoded));
    return take_work(v, result);
}

static int compute_append(struct evaluation *v, const struct value *a, const struct value *b, struct value *result)
{
    if (a->type != VALUE_L || b->type != VALUE_L)
        return wrong_type(v);
    mp_put_array(&v->work, a->count + b->count);
    mp_put_raw(&v->work, a->bytes);
    mp_put_raw(&v->work, b->bytes);
    return take_work(v, result);
}

/* -- SET ------------------------------------------------------------------------------------------------------ */
static int eval_operand(struct evaluation *v, const struct node *node, struct value *result);

static int eval_pair(struct evaluation *v, const struct node *node, struct value *result)
{
    struct value a, b;

    if (eval_operand(v, node->args, &a) < 0 || eval_operand(v, node->args->next, &b) < 0)
        return -1;
    if (node->kind == NODE_LIST_APPEND)
        return compute_append(v, &a, &b, result);
    return compute_sum(v, &a, &b, node->kind == NODE_MINUS, result);
}

static int eval_operand(struct evaluation *v, const struct node *node, struct value *result)
{
    switch (node->kind) {
    case NODE_VALUE:
        *result = node->value;
        return 0;
    case NODE_PATH:
        *result = path_get(&node->path, v->base);
        if (result->type == VALUE_NONE)
            return err_set(v->e, ERR_VALIDATION,
                           "The provided expression refers to an attribute that does not exist in the item");
        return 0;
    case NODE_IF_NOT_EXISTS:
        *result = path_get(&node->args->path, v->base);
        return result->type != VALUE_NONE ? 0 : eval_operand(v, node->args->next, result);
    default:
        return eval_pair(v, node, result);
    }
}

/* -- ADD and DELETE ------------------------------------------------------------------------------------------- */
static int eval_add(struct evaluation *v, const struct action *action, struct effect *effect)
{
    struct value old = path_get(&action->path, v->base);
    const struct value *operand = &action->operand->value;

    effect->kind = EFFECT_PUT;
    effect->value = *operand;
    if (old.type == VALUE_NONE)
        return 0;
    if (old.type != operand->type)
        return wrong_type(v);
    if (old.type == VALUE_N)
        return compute_sum(v, &old, operand, false, &effect->value);
    if (old.type == VALUE_L && action->append_list)
        return compute_append(v, &old, operand, &effect->value);
    if (old.type < VALUE_SS)
        return wrong_type(v);
    if (value_put_union(&v->work, &old, operand) < 0)
        v->work.failed = true;
    return take_work(v, &effect->value);
}

static int eval_delete(struct evaluation *v, const struct action *action, struct effect *effect)
{
    struct value old = path_get(&action->path, v->base);

    effect->kind = EFFECT_NONE;
    if (old.type == VALUE_NONE)
        return 0;
    if (old.type != action->operand->value.type || old.type < VALUE_SS)
        return wrong_type(v);
    int left = value_put_difference(&v->work, &old, &action->operand->value);
    if (left < 0)
        v->work.failed = true;
    effect->kind = left > 0 ? EFFECT_DROP : EFFECT_PUT;
    return left > 0 ? 0 : take_work(v, &effect->value);
}

static int eval_action(struct evaluation *v, const struct action *action, struct effect *effect)
{
    switch (action->kind) {
    case ACTION_SET:
        effect->kind = EFFECT_PUT;
        return eval_operand(v, action->operand, &effect->value);
    case ACTION_ADD:
        return eval_add(v, action, effect);
    case ACTION_DELETE:
        return eval_delete(v, action, effect);
    default:
        assert(action->kind == ACTION_REMOVE);
        effect->kind = EFFECT_DROP;
        return 0;
    }
}

static int eval_actions(struct evaluation *v, struct update_plan *plan, const struct update *update, struct path_entry *entries)
{
    struct effect *effects = arena_array(v->arena, update->count, sizeof *effects);
    uint32_t n = 0;

    if (!effects)
        return -1;
    for (const struct action *action = update->actions; action; action = action->next, n++) {
        entries[n] = (struct path_entry){.path = &action->path, .owner = &effects[n], .order = n};
        if (eval_action(v, action, &effects[n]) < 0)
            return -1;
        if (action->kind == ACTION_SET || action->kind == ACTION_ADD)
            plan->creates = true;
        if (effects[n].kind == EFFECT_PUT && (effects[n].value.type == VALUE_L || effects[n].value.type == VALUE_M))
            plan->nests = true;
    }
    return 0;
}

int update_plan_init(struct update_plan *plan, const struct update *update, const struct value *base, struct arena *arena,
                     struct err *e)
{
    struct evaluation v = {.base = base, .arena = arena, .e = e};
    struct path_entry *entries = arena_array(arena, update->count, sizeof *entries);

    memset(plan, 0, sizeof *plan);
    if (!entries)
        return -1;
    buf_init(&v.work);
    plan->creates = update->count == 0;
    int result = eval_actions(&v, plan, update, entries);
    buf_finish(&v.work);
    if (result == 0)
        result = path_set_init(entries, update->count, e);
    plan->paths = (struct path_range){entries, entries + update->count};
    return result;
}
