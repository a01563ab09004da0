/* shape_read.c - the descent into a request along its shape. See shape_read.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/shape_private.h"

#define MEMBERS_MAX 64 /* of one structure: a bit each */
#define KEEP_BYTES (64u * 1024u)

static int read_value(struct shape_reader *s, const struct shape *shape, const struct place *at, enum shape_need need);

/* -- Life ------------------------------------------------------------------------------------------------------ */
struct shape_reader *shape_reader_create(void) { return calloc(1, sizeof(struct shape_reader)); }

void shape_reader_destroy(struct shape_reader **reader)
{
    struct shape_reader *s = *reader;
    if (!s)
        return;
    struct buf *const bufs[] = {&s->scratch, &s->first, &s->violations, &s->value_fault, &s->set, &s->bytes};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        buf_finish(bufs[i]);
    free(s->names);
    free(s->elements);
    free(s);
    *reader = NULL;
}

/* What one large request made grow is given back; scratch at the next request, for its strings are still pointed to. */
static void shrink(struct shape_reader *s)
{
    if (s->set.cap > KEEP_BYTES)
        buf_finish(&s->set);
    if (s->bytes.cap > KEEP_BYTES)
        buf_finish(&s->bytes);
    if (s->names_cap * sizeof *s->names > KEEP_BYTES) {
        free(s->names);
        s->names = NULL;
        s->names_cap = 0;
    }
    if (s->elements_cap * sizeof *s->elements > KEEP_BYTES) {
        free(s->elements);
        s->elements = NULL;
        s->elements_cap = 0;
    }
}

/* -- Lists and maps -------------------------------------------------------------------------------------------- */
/* The text of the list or map that began at `from`, for an error. */
static struct slice text_since(const struct shape_reader *s, const unsigned char *from)
{
    return slice_of(from, s->json.broken ? 0 : (size_t)(s->json.at - from));
}

static int read_list(struct shape_reader *s, const struct shape *shape, const struct place *at, size_t *elements)
{
    struct place here = {.up = at};
    if (json_peek(&s->json) != JSON_ARRAY)
        return shape_mismatch(s, shape, false);
    const unsigned char *from = s->json.at;
    size_t mark = mp_open(s->out);
    json_enter(&s->json);
    while (json_next_element(&s->json)) {
        here.index++;
        if (json_peek(&s->json) != JSON_NULL) {
            if (read_value(s, shape->element, &here, SHAPE_OPTIONAL) != 0)
                return -1;
        } else {
            json_take_word(&s->json);
            mp_put_nil(s->out);
            shape_violation(s, &here, NULL, "Member must not be null");
        }
    }
    mp_close_array(s->out, mark, here.index);
    if (elements)
        *elements = here.index;
    else
        shape_check_length(s, shape, here.index, text_since(s, from), at);
    return 0;
}

/* One pair of a map; a null value is none. */
static int read_entry(struct shape_reader *s, const struct shape *shape, const struct place *here, bool *bad, uint32_t *count)
{
    size_t elements = 0;
    if (json_peek(&s->json) == JSON_NULL) {
        json_take_word(&s->json);
        return 0;
    }
    mp_put_slice(s->out, here->key);
    (*count)++;
    if (shape->element->kind != SHAPE_LIST)
        return read_value(s, shape->element, here, SHAPE_OPTIONAL);
    if (read_list(s, shape->element, here, &elements) != 0)
        return -1;
    *bad |= (int64_t)elements < shape->element->min || (int64_t)elements > shape->element->max;
    return 0;
}

static int read_map(struct shape_reader *s, const struct shape *shape, const struct place *at)
{
    struct place here = {.up = at};
    uint32_t count = 0;
    bool bad_key = false, bad_element = false;
    if (json_peek(&s->json) != JSON_OBJECT)
        return shape_mismatch(s, shape, false);
    const unsigned char *from = s->json.at;
    size_t mark = mp_open(s->out);
    json_enter(&s->json);
    while (json_next_member(&s->json, &here.key)) {
        if (shape->key->table_name)
            here.key = shape_name_in_arn(here.key);
        bad_key |= !shape_fits_text(shape->key, here.key);
        if (read_entry(s, shape, &here, &bad_element, &count) != 0)
            return -1;
    }
    mp_close_map(s->out, mark, count);
    shape_check_length(s, shape, count, text_since(s, from), at);
    shape_check_entries(s, shape, bad_key, bad_element, text_since(s, from), at);
    return 0;
}

/* -- Structures ------------------------------------------------------------------------------------------------ */
static int find_member(const struct shape *shape, struct slice name)
{
    for (size_t i = 0; i < shape->count; i++)
        if (shape->members[i].len == name.len && memcmp(shape->members[i].name, name.ptr, name.len) == 0)
            return (int)i;
    return -1;
}

static void check_needed(struct shape_reader *s, const struct shape *shape, uint64_t seen, const struct place *at)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct shape_member *m = &shape->members[i];
        if (seen >> i & 1 || m->need == SHAPE_OPTIONAL)
            continue;
        if (m->need == SHAPE_NEEDED)
            shape_violation(s, &(struct place){.up = at, .member = m->name}, NULL, "Member must not be null");
        else if (s->first.len == 0)
            buf_printf(&s->first, "The parameter '%s' is required but was not present in the request", m->name);
    }
}

static enum value_rank rank_of(const char *member)
{
    if (strcmp(member, "ExpressionAttributeValues") == 0)
        return RANK_EXPRESSION_VALUES;
    return strcmp(member, "ExclusiveStartKey") == 0 ? RANK_START_KEY : RANK_ITEM;
}

static int read_member(struct shape_reader *s, const struct shape_member *m, const struct place *at)
{
    mp_put_str(s->out, m->name, m->len);
    s->rank = rank_of(m->name);
    return read_value(s, m->shape, &(struct place){.up = at, .member = m->name}, m->need);
}

static int read_structure(struct shape_reader *s, const struct shape *shape, const struct place *at)
{
    uint64_t seen = 0;
    uint32_t count = 0;
    struct slice name;
    assert(shape->count <= MEMBERS_MAX);
    if (json_peek(&s->json) != JSON_OBJECT)
        return shape_mismatch(s, shape, at && !at->member);
    size_t mark = mp_open(s->out);
    json_enter(&s->json);
    while (json_next_member(&s->json, &name)) {
        int i = find_member(shape, name);
        if (i < 0 || json_peek(&s->json) == JSON_NULL) {
            json_skip(&s->json);
            continue;
        }
        if (seen >> i & 1)
            return shape_refuse(s, "Duplicate field '%s'", shape->members[i].name);
        seen |= UINT64_C(1) << i;
        count++;
        if (read_member(s, &shape->members[i], at) != 0)
            return -1;
    }
    mp_close_map(s->out, mark, count);
    check_needed(s, shape, seen, at);
    return 0;
}

static int read_value(struct shape_reader *s, const struct shape *shape, const struct place *at, enum shape_need need)
{
    switch (shape->kind) {
    case SHAPE_STRING:
    case SHAPE_INTEGER:
    case SHAPE_LONG:
    case SHAPE_NUMBER:
    case SHAPE_BOOLEAN:
        return shape_read_scalar(s, shape, at, need);
    case SHAPE_LIST:
        return read_list(s, shape, at, NULL);
    case SHAPE_MAP:
        return read_map(s, shape, at);
    case SHAPE_STRUCTURE:
        return read_structure(s, shape, at);
    case SHAPE_ATTRIBUTE:
        return shape_read_attribute(s, !at->member);
    case SHAPE_ITEM:
        return shape_read_item(s, !at->member);
    case SHAPE_PLAIN:
        break;
    }
    assert(!"an input has no plain members");
    return -1;
}

/* -- The request ----------------------------------------------------------------------------------------------- */
static void begin(struct shape_reader *s, struct slice body, struct buf *out, struct aws_error *e)
{
    if (s->scratch.cap > KEEP_BYTES)
        buf_finish(&s->scratch);
    json_cursor_init(&s->json, body, &s->scratch);
    s->out = out;
    s->error = e;
    s->table = slice_text("");
    buf_reset(&s->first);
    buf_reset(&s->violations);
    buf_reset(&s->value_fault);
    s->violation_count = 0;
    s->fault_rank = RANK_NONE;
    s->names_count = 0;
    s->no_memory = false;
    aws_error_reset(e);
}

static int say(struct aws_error *e, const struct buf *sentence)
{
    e->name = AWS_VALIDATION;
    buf_append(&e->sentence, sentence->data, sentence->len);
    return -1;
}

/* Everything but types, in the order in which DynamoDB tells. */
static int validate(struct shape_reader *s, struct aws_error *e)
{
    if (s->first.len > 0)
        return say(e, &s->first);
    if (s->violation_count > 0) {
        buf_printf(&e->sentence, "%u validation error%s detected: ", s->violation_count, s->violation_count > 1 ? "s" : "");
        return say(e, &s->violations);
    }
    return s->fault_rank != RANK_NONE ? say(e, &s->value_fault) : 0;
}

int shape_read(struct shape_reader *s, const struct shape *input, struct slice body, struct buf *out, struct slice *table,
               struct aws_error *e)
{
    size_t before = out->len;
    begin(s, body, out, e);
    int result = read_structure(s, input, NULL);
    if (result == 0 && json_finish(&s->json) == 0)
        result = validate(s, e);
    else if (!s->no_memory && (s->json.broken || result == 0 || !json_is_valid(body)))
        result = aws_error_set(e, AWS_SERIALIZATION, "%s", ""); /* DynamoDB says no more when the JSON itself is broken */
    *table = s->table;
    if (s->no_memory || buf_failed(out) || buf_failed(&s->scratch) || buf_failed(&e->sentence))
        result = aws_error_set(e, "InternalServerError", "out of memory");
    if (result != 0) {
        out->len = before;
        out->failed = false;
    }
    shrink(s);
    return result;
}
