/* partiql_value.c - literals of PartiQL, encoded as values; parameters in their places.
 *
 * A literal is encoded into the parser's work buffer and copied into the arena when it is whole. Its errors say where in it they are:
 * "under root.name[index]". */
#include <assert.h>
#include <stdio.h>

#include "common/decimal.h"
#include "common/limits.h"
#include "worker/table/partiql_parser.h"

static bool put_literal(struct pq_parser *p, uint32_t depth);

bool pq_starts_value(const struct pq_parser *p)
{
    switch (p->token.kind) {
    case PQ_STRING:
    case PQ_NUMBER:
    case PQ_PARAMETER:
    case PQ_PLUS:
    case PQ_MINUS:
    case PQ_OPEN_LIST:
    case PQ_OPEN_MAP:
    case PQ_OPEN_BAG:
        return true;
    default:
        return pq_is_keyword(&p->token, "TRUE") || pq_is_keyword(&p->token, "FALSE") || pq_is_keyword(&p->token, "NULL");
    }
}

/* -- Where in a literal ---------------------------------------------------------------------------------------- */
static void path_begin(struct pq_parser *p)
{
    buf_reset(&p->path);
    buf_text(&p->path, "root");
}

static const char *path_shown(struct pq_parser *p) { return buf_byte(&p->path, 0) == 0 ? (const char *)p->path.data : "root"; }

static bool error_under(struct pq_parser *p, const char *text)
{
    pq_error(p, "%s under %s", text, path_shown(p));
    return false;
}

/* -- Numbers -------------------------------------------------------------------------------------------------- */
/* An exponent, or a scale (digits behind the point less the exponent), that does not fit 32 bits is no number to DynamoDB's parser. */
static bool exponent_fits(struct slice text)
{
    int64_t exponent = 0, behind = 0;
    bool point = false, negative = false, exponents = false;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = text.ptr[i];
        if (c == '.')
            point = true;
        else if ((c | 0x20) == 'e')
            exponents = true;
        else if (c == '-')
            negative = true;
        else if (c >= '0' && c <= '9' && exponents && exponent <= INT32_MAX)
            exponent = exponent * 10 + (c - '0');
        else if (c >= '0' && c <= '9' && point && !exponents)
            behind++;
    }
    if (exponent > INT32_MAX)
        return false;
    return behind - (negative ? -exponent : exponent) <= INT32_MAX;
}

static bool put_number(struct pq_parser *p)
{
    char text[LIMIT_NUMBER_TEXT_BYTES + 3];
    struct err reason = {0};
    bool minus = false;

    for (; p->token.kind == PQ_MINUS || p->token.kind == PQ_PLUS; pq_advance(p))
        minus ^= p->token.kind == PQ_MINUS;
    if (p->token.kind != PQ_NUMBER)
        return pq_unexpected(p) != NULL;
    if (!exponent_fits(p->token.text))
        return pq_malformed(p, "") != NULL;
    int len = snprintf(text, sizeof text, "%s%s%.*s", minus ? "-" : "", p->token.text.ptr[0] == '.' ? "0" : "",
                       (int)(p->token.text.len <= LIMIT_NUMBER_TEXT_BYTES ? p->token.text.len : LIMIT_NUMBER_TEXT_BYTES),
                       (const char *)p->token.text.ptr);
    if (p->token.text.len > LIMIT_NUMBER_TEXT_BYTES)
        return error_under(p, "Attempting to store more than 38 significant digits in a Number");
    if (text[len - 1] == '.') /* "1." is a number here, and ".1" is one */
        len--;
    if (value_put_number_text(&p->work, text, (size_t)len, &reason) < 0)
        return error_under(p, reason.text);
    pq_advance(p);
    return true;
}

/* -- Lists, maps, bags ---------------------------------------------------------------------------------------- */
static bool refuse_parameter(struct pq_parser *p)
{
    char position[64];

    if (p->token.kind != PQ_PARAMETER)
        return true;
    pq_position(&p->lexer, &p->token, position, sizeof position);
    pq_error(p, "Unsupported data type: Parameter under key %s at %s", path_shown(p), position);
    return false;
}

static bool put_element(struct pq_parser *p, uint32_t depth)
{
    if (depth >= LIMIT_VALUE_DEPTH)
        return error_under(p, "Nesting Levels have exceeded supported limits");
    return refuse_parameter(p) && put_literal(p, depth);
}

static bool put_list(struct pq_parser *p, uint32_t depth)
{
    size_t mark = mp_open(&p->work), place = p->path.len;
    uint32_t count = 0;

    pq_advance(p);
    while (p->token.kind != PQ_CLOSE_LIST) {
        if (count && !pq_expect(p, PQ_COMMA))
            return false;
        buf_printf(&p->path, "[%u]", count);
        if (!put_element(p, depth + 1))
            return false;
        p->path.len = place;
        count++;
    }
    pq_advance(p);
    mp_close_array(&p->work, mark, count);
    return true;
}

static bool put_name(struct pq_parser *p)
{
    if (p->token.kind != PQ_STRING)
        return pq_unexpected(p) != NULL;
    struct slice name = pq_text(p, &p->token);
    if (!name.ptr)
        return false;
    mp_put_slice(&p->work, name);
    buf_byte(&p->path, '.');
    buf_append(&p->path, name.ptr, name.len);
    pq_advance(p);
    return pq_expect(p, PQ_COLON);
}

static bool put_map(struct pq_parser *p, uint32_t depth)
{
    size_t mark = mp_open(&p->work), place = p->path.len;
    uint32_t count = 0;

    pq_advance(p);
    while (p->token.kind != PQ_CLOSE_MAP) {
        if ((count && !pq_expect(p, PQ_COMMA)) || !put_name(p) || !put_element(p, depth + 1))
            return false;
        p->path.len = place;
        count++;
    }
    pq_advance(p);
    mp_close_map(&p->work, mark, count);
    return true;
}

struct member {
    struct value value;
    struct member *next;
};

/* One element of a bag: encoded behind what the work buffer holds, and taken out of it. */
static struct member *take_member(struct pq_parser *p)
{
    size_t mark = p->work.len;
    struct member *member = arena_alloc(p->arena, sizeof *member);

    if (!refuse_parameter(p) || !put_literal(p, 1) || !member || buf_failed(&p->work))
        return NULL;
    struct slice copy = arena_copy(p->arena, slice_of(p->work.data + mark, p->work.len - mark));
    p->work.len = mark;
    if (!copy.ptr)
        return NULL;
    member->value = value_of(copy);
    return member;
}

static bool put_set(struct pq_parser *p, const struct member *first, uint32_t count)
{
    struct value *elements = arena_array(p->arena, count, sizeof *elements);
    enum value_type type = first->value.type;
    struct err reason = {0};

    if (!elements)
        return false;
    for (uint32_t i = 0; i < count; i++, first = first->next) {
        if ((type != VALUE_S && type != VALUE_N) || first->value.type != type)
            return pq_error(p, "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags") !=
                   NULL;
        elements[i] = first->value;
    }
    if (value_put_set(&p->work, type == VALUE_S ? VALUE_SS : VALUE_NS, elements, count, &reason) == 0)
        return true;
    if (reason.code != ERR_VALIDATION) {
        p->arena->failed = true;
        return false;
    }
    return pq_error(p, "%s", reason.text) != NULL;
}

static bool put_bag(struct pq_parser *p)
{
    struct member *first = NULL, **tail = &first;
    uint32_t count = 0;

    pq_advance(p);
    while (p->token.kind != PQ_CLOSE_BAG) {
        if (count && !pq_expect(p, PQ_COMMA))
            return false;
        *tail = take_member(p);
        if (!*tail)
            return false;
        tail = &(*tail)->next;
        count++;
    }
    pq_advance(p);
    if (count == 0)
        return pq_error(p, "Empty bags are not supported") != NULL;
    return put_set(p, first, count);
}

/* -- Literals ------------------------------------------------------------------------------------------------- */
static bool put_scalar(struct pq_parser *p)
{
    if (p->token.kind == PQ_STRING) {
        struct slice text = pq_text(p, &p->token);
        if (!text.ptr)
            return false;
        mp_put_slice(&p->work, text);
    } else if (pq_is_keyword(&p->token, "NULL")) {
        mp_put_nil(&p->work);
    } else if (pq_is_keyword(&p->token, "TRUE") || pq_is_keyword(&p->token, "FALSE")) {
        mp_put_bool(&p->work, pq_is_keyword(&p->token, "TRUE"));
    } else {
        return pq_unexpected(p) != NULL;
    }
    pq_advance(p);
    return true;
}

/* depth: of containers around it. */
static bool put_literal(struct pq_parser *p, uint32_t depth)
{
    switch (p->token.kind) {
    case PQ_NUMBER:
    case PQ_PLUS:
    case PQ_MINUS:
        return put_number(p);
    case PQ_OPEN_LIST:
        return put_list(p, depth);
    case PQ_OPEN_MAP:
        return put_map(p, depth);
    case PQ_OPEN_BAG:
        return put_bag(p);
    default:
        return put_scalar(p);
    }
}

static bool take_parameter(struct pq_parser *p, struct value *value)
{
    pq_advance(p);
    if (p->has_parameters && value_walk_next(&p->parameters, NULL, value))
        return true;
    pq_error(p, "Number of parameters in request and statement don't match.");
    return false;
}

/* Checks what was encoded and moves it into the arena. */
static bool take_work(struct pq_parser *p, struct value *value)
{
    struct slice copy = {NULL, 0};
    struct err reason = {0};

    if (buf_failed(&p->work) || buf_failed(&p->path))
        p->arena->failed = true;
    else
        copy = arena_copy(p->arena, buf_slice(&p->work));
    if (!copy.ptr)
        return false;
    if (value_check(copy, &reason) < 0)
        return pq_error(p, "%s", reason.text) != NULL;
    *value = value_of(copy);
    assert(value->type != VALUE_NONE);
    return true;
}

bool pq_value(struct pq_parser *p, struct value *value)
{
    if (p->token.kind == PQ_PARAMETER)
        return take_parameter(p, value);
    buf_reset(&p->work);
    path_begin(p);
    return put_literal(p, 0) && take_work(p, value);
}

static bool put_attribute(struct pq_parser *p)
{
    struct value value;

    if (!put_name(p))
        return false;
    path_begin(p);
    if (p->token.kind != PQ_PARAMETER)
        return put_literal(p, 0);
    if (!take_parameter(p, &value))
        return false;
    mp_put_raw(&p->work, value.encoded);
    return true;
}

bool pq_item(struct pq_parser *p, struct value *item)
{
    uint32_t count = 0;

    if (p->token.kind == PQ_PARAMETER)
        return take_parameter(p, item) && (item->type == VALUE_M || pq_malformed(p, "Expected a tuple in VALUE"));
    buf_reset(&p->work);
    size_t mark = mp_open(&p->work);
    if (!pq_expect(p, PQ_OPEN_MAP))
        return false;
    while (p->token.kind != PQ_CLOSE_MAP) {
        if ((count && !pq_expect(p, PQ_COMMA)) || !put_attribute(p))
            return false;
        count++;
    }
    pq_advance(p);
    mp_close_map(&p->work, mark, count);
    return take_work(p, item);
}
