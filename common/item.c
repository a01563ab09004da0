/* item.c - values read in place: what a value is, walking containers, finding an element, and the simple writers. */
#include "common/item.h"

#include <assert.h>

#include "common/decimal.h"
#include "common/item_parts.h"
#include "common/limits.h"

/* Row: name, ext type (0: none), type of a set's elements. */
struct row {
    const char *name;
    int8_t ext;
    enum value_type element;
};

static const struct row rows[] = {
    [VALUE_S] = {"S", 0, VALUE_NONE},
    [VALUE_N] = {"N", ITEM_EXT_NUMBER, VALUE_NONE},
    [VALUE_B] = {"B", 0, VALUE_NONE},
    [VALUE_BOOL] = {"BOOL", 0, VALUE_NONE},
    [VALUE_NULL] = {"NULL", 0, VALUE_NONE},
    [VALUE_L] = {"L", 0, VALUE_NONE},
    [VALUE_M] = {"M", 0, VALUE_NONE},
    [VALUE_SS] = {"SS", ITEM_EXT_STRING_SET, VALUE_S},
    [VALUE_NS] = {"NS", ITEM_EXT_NUMBER_SET, VALUE_N},
    [VALUE_BS] = {"BS", ITEM_EXT_BINARY_SET, VALUE_B},
    [VALUE_NONE] = {"NONE", 0, VALUE_NONE},
};

const char *value_type_name(enum value_type type)
{
    assert(type <= VALUE_NONE);
    return rows[type].name;
}

enum value_type value_element_type(enum value_type set)
{
    assert(set <= VALUE_NONE);
    return rows[set].element;
}

int8_t value_set_ext(enum value_type set)
{
    assert(value_element_type(set) != VALUE_NONE);
    return rows[set].ext;
}

/* -- Reading -------------------------------------------------------------------------------------------------- */
static const struct value none = {.type = VALUE_NONE};

static struct value number_or_set(const struct mp_token *t)
{
    struct value v = {.type = VALUE_NONE, .bytes = t->bytes};
    if (t->ext == ITEM_EXT_NUMBER) {
        v.type = t->bytes.len > 0 && decimal_encoded_length(t->bytes) == t->bytes.len ? VALUE_N : VALUE_NONE;
    } else if (t->ext >= ITEM_EXT_STRING_SET && t->ext <= ITEM_EXT_BINARY_SET) {
        struct mp_reader payload = mp_reader_of(t->bytes);
        v.count = mp_array(&payload, UINT32_MAX);
        v.type = v.count == 0 ? VALUE_NONE : (enum value_type)(VALUE_SS + (t->ext - ITEM_EXT_STRING_SET));
    }
    return v;
}

static struct value container(enum value_type type, const struct mp_token *t, struct slice whole, const unsigned char *elements)
{
    struct slice content = slice_of(elements, (size_t)(whole.ptr + whole.len - elements));
    return (struct value){.type = type, .bytes = content, .count = t->count};
}

static struct value of_token(const struct mp_token *t)
{
    switch (t->type) {
    case MP_NIL:
        return (struct value){.type = VALUE_NULL};
    case MP_BOOL:
        return (struct value){.type = VALUE_BOOL, .truth = t->number == 1};
    case MP_STR:
        return (struct value){.type = VALUE_S, .bytes = t->bytes};
    case MP_BIN:
        return (struct value){.type = VALUE_B, .bytes = t->bytes};
    case MP_EXT:
        return number_or_set(t);
    default:
        return none;
    }
}

struct value value_read(struct mp_reader *r)
{
    struct mp_reader start = *r;
    struct mp_token t = mp_next(r);
    struct value v;
    if (t.type == MP_ARRAY || t.type == MP_MAP) {
        const unsigned char *elements = r->at;
        *r = start;
        struct slice whole = mp_skip(r);
        if (r->failed)
            return none;
        v = container(t.type == MP_ARRAY ? VALUE_L : VALUE_M, &t, whole, elements);
    } else {
        v = of_token(&t);
    }
    if (v.type == VALUE_NONE) {
        r->failed = true;
        return none;
    }
    v.encoded = slice_of(start.at, (size_t)(r->at - start.at));
    return v;
}

struct value value_of(struct slice encoded)
{
    struct mp_reader r = mp_reader_of(encoded);
    struct value v = value_read(&r);
    return mp_at_end(&r) ? v : none;
}

struct value_walk value_walk_of(const struct value *container_value)
{
    struct value_walk w = {.reader = mp_reader_of(container_value->bytes)};
    if (value_element_type(container_value->type) != VALUE_NONE)
        w.left = mp_array(&w.reader, UINT32_MAX);
    else if (container_value->type == VALUE_L || container_value->type == VALUE_M)
        w.left = container_value->count;
    w.named = container_value->type == VALUE_M;
    return w;
}

bool value_walk_next(struct value_walk *w, struct slice *name, struct value *element)
{
    struct slice found = {0};
    if (w->left == 0)
        return false;
    w->left--;
    if (w->named)
        found = mp_str(&w->reader, LIMIT_ATTRIBUTE_NAME_BYTES);
    *element = value_read(&w->reader);
    if (w->reader.failed) {
        w->left = 0;
        return false;
    }
    if (name)
        *name = found;
    return true;
}

struct value value_map_get(const struct value *map, struct slice name)
{
    struct mp_reader r = mp_reader_of(map->bytes);
    if (map->type != VALUE_M)
        return none;
    for (uint32_t i = 0; i < map->count && !r.failed; i++) {
        if (slice_equal(mp_str(&r, LIMIT_ATTRIBUTE_NAME_BYTES), name) && !r.failed)
            return value_read(&r);
        mp_skip(&r);
    }
    return none;
}

struct value value_list_get(const struct value *list, uint32_t index)
{
    struct mp_reader r = mp_reader_of(list->bytes);
    if (list->type != VALUE_L || index >= list->count)
        return none;
    for (uint32_t i = 0; i < index; i++)
        mp_skip(&r);
    return value_read(&r);
}

bool value_set_has(const struct value *set, const struct value *element)
{
    struct value_walk w = value_walk_of(set);
    struct value each;
    if (element->type == VALUE_NONE || value_element_type(set->type) != element->type)
        return false;
    while (value_walk_next(&w, NULL, &each)) {
        int order = slice_compare(each.bytes, element->bytes);
        if (order >= 0)
            return order == 0 && each.type == element->type;
    }
    return false;
}

/* -- Writing -------------------------------------------------------------------------------------------------- */
void value_put_number(struct buf *b, const unsigned char *ordered, size_t len) { mp_put_ext(b, ITEM_EXT_NUMBER, ordered, len); }

static void put_decimal(struct buf *b, const struct decimal *d)
{
    unsigned char ordered[DECIMAL_ENCODED_MAX];
    value_put_number(b, ordered, decimal_encode(d, ordered));
}

int value_put_number_text(struct buf *b, const char *text, size_t len, struct err *e)
{
    struct decimal d;
    if (decimal_parse(text, len, &d, e) != 0)
        return -1;
    put_decimal(b, &d);
    return 0;
}

void value_put_int(struct buf *b, int64_t number)
{
    struct decimal d;
    decimal_from_int(number, &d);
    put_decimal(b, &d);
}

bool value_to_int(const struct value *v, int64_t *number)
{
    struct decimal d;
    return v->type == VALUE_N && decimal_decode(v->bytes, &d) == 0 && decimal_to_int(&d, number);
}
