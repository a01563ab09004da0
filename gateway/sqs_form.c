/* sqs_form.c - parameters become a tree of their names' parts, and the tree a value; see sqs_form.h. */
#include "gateway/sqs_form.h"

#include <stdlib.h>
#include <string.h>

#include "common/mp.h"

/* How a list or map of the API is written with numbered names. */
enum form_kind {
    FORM_LIST,      /* X.1=text */
    FORM_MAP,       /* X.1.KEY=name, X.1.VALUE=text */
    FORM_STRUCTURES /* X.1.* : a list of structures; with a key: a map of them, whose values are X.1.VALUE.* */
};

struct rule {
    const char *name, *member; /* in the form; in JSON */
    enum form_kind kind;
    const char *key, *value;
};

static const struct rule rules[] = {
    {"AttributeName", "AttributeNames", FORM_LIST, NULL, NULL},
    {"MessageSystemAttributeName", "MessageSystemAttributeNames", FORM_LIST, NULL, NULL},
    {"MessageAttributeName", "MessageAttributeNames", FORM_LIST, NULL, NULL},
    {"TagKey", "TagKeys", FORM_LIST, NULL, NULL},
    {"AWSAccountId", "AWSAccountIds", FORM_LIST, NULL, NULL},
    {"ActionName", "Actions", FORM_LIST, NULL, NULL},
    {"StringListValue", "StringListValues", FORM_LIST, NULL, NULL},
    {"BinaryListValue", "BinaryListValues", FORM_LIST, NULL, NULL},
    {"Attribute", "Attributes", FORM_MAP, "Name", "Value"},
    {"Tag", "Tags", FORM_MAP, "Key", "Value"},
    {"MessageAttribute", "MessageAttributes", FORM_STRUCTURES, "Name", "Value"},
    {"MessageSystemAttribute", "MessageSystemAttributes", FORM_STRUCTURES, "Name", "Value"},
    {"SendMessageBatchRequestEntry", "Entries", FORM_STRUCTURES, NULL, NULL},
    {"DeleteMessageBatchRequestEntry", "Entries", FORM_STRUCTURES, NULL, NULL},
    {"ChangeMessageVisibilityBatchRequestEntry", "Entries", FORM_STRUCTURES, NULL, NULL},
};

#define NONE UINT32_MAX

struct node {
    struct slice name;  /* one part, decoded */
    struct slice value; /* of a leaf; ptr NULL: none was given */
    uint32_t first, next;
};

struct form {
    struct node *nodes; /* [0] is the root */
    uint32_t count, cap, parameters;
    struct buf *text; /* decoded names and values; reserved ahead, so that it never moves */
    struct err *e;
};

static int broken(struct form *f, const char *what) { return err_set(f->e, ERR_BAD_REQUEST, "%s", what); }

/* -- Into a tree --------------------------------------------------------------------------------------------------------- */
static int hex(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* application/x-www-form-urlencoded: '+' is a blank. The result lies in f->text. */
static int decode(struct form *f, struct slice in, struct slice *out)
{
    size_t at = f->text->len;
    for (size_t i = 0; i < in.len; i++) {
        unsigned char c = in.ptr[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < in.len ? hex(in.ptr[i + 1]) : -1, low = i + 2 < in.len ? hex(in.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return broken(f, "The request has a malformed percent-encoding.");
            c = (unsigned char)(high << 4 | low);
            i += 2;
        }
        f->text->data[f->text->len++] = c;
    }
    *out = slice_of(f->text->data + at, f->text->len - at);
    return utf8_valid(*out) ? 0 : broken(f, "The request has a parameter that is not UTF-8.");
}

static uint32_t add_node(struct form *f, struct slice name)
{
    if (f->count == f->cap) {
        uint32_t cap = f->cap ? f->cap * 2 : 64;
        struct node *grown = realloc(f->nodes, cap * sizeof *grown);
        if (!grown) {
            err_set(f->e, ERR_UNAVAILABLE, "this gateway is out of memory");
            return NONE;
        }
        f->nodes = grown;
        f->cap = cap;
    }
    f->nodes[f->count] = (struct node){.name = name, .first = NONE, .next = NONE};
    return f->count++;
}

static bool is_number(struct slice s, unsigned long *number)
{
    *number = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9' || i > 8)
            return false;
        *number = *number * 10 + (unsigned long)(s.ptr[i] - '0');
    }
    return s.len > 0;
}

/* Numbers by their value, names behind them in the order in which they come. */
static bool stands_before(struct slice a, struct slice b)
{
    unsigned long x, y;
    return is_number(a, &x) && (!is_number(b, &y) || x < y);
}

/* The child of that name, made in its place if there is none. */
static uint32_t child_of(struct form *f, uint32_t parent, struct slice name)
{
    uint32_t before = NONE, at = f->nodes[parent].first;
    for (uint32_t i = at; i != NONE; i = f->nodes[i].next)
        if (slice_equal(f->nodes[i].name, name))
            return i;
    while (at != NONE && !stands_before(name, f->nodes[at].name))
        before = at, at = f->nodes[at].next;
    uint32_t made = add_node(f, name);
    if (made == NONE)
        return NONE;
    f->nodes[made].next = at;
    if (before == NONE)
        f->nodes[parent].first = made;
    else
        f->nodes[before].next = made;
    return made;
}

static int add(struct form *f, struct slice name, struct slice value)
{
    uint32_t node = 0, depth = 0;
    if (++f->parameters > SQS_FORM_PARAMETERS_MAX)
        return broken(f, "The request has too many parameters.");
    for (size_t begin = 0, i = 0; i <= name.len; i++) {
        if (i < name.len && name.ptr[i] != '.')
            continue;
        if (i == begin || ++depth > SQS_FORM_DEPTH_MAX)
            return broken(f, "The request has a malformed parameter name.");
        node = child_of(f, node, slice_of(name.ptr + begin, i - begin));
        if (node == NONE)
            return -1;
        begin = i + 1;
    }
    if (!f->nodes[node].value.ptr) /* the first of a name counts, as it does at AWS */
        f->nodes[node].value = value.ptr ? value : slice_text("");
    return 0;
}

static int add_pair(struct form *f, struct slice pair)
{
    if (pair.len == 0)
        return 0;
    const unsigned char *equals = memchr(pair.ptr, '=', pair.len);
    size_t name_len = equals ? (size_t)(equals - pair.ptr) : pair.len;
    struct slice name, value = slice_text("");
    if (decode(f, slice_of(pair.ptr, name_len), &name) != 0 ||
        (equals && decode(f, slice_of(equals + 1, pair.len - name_len - 1), &value) != 0))
        return -1;
    return add(f, name, value);
}

static int add_body(struct form *f, struct slice body)
{
    for (size_t begin = 0, i = 0; i <= body.len; i++) {
        if (i < body.len && body.ptr[i] != '&')
            continue;
        if (add_pair(f, slice_of(body.ptr + begin, i - begin)) != 0)
            return -1;
        begin = i + 1;
    }
    return 0;
}

static int add_query(struct form *f, const struct http_fields *fields)
{
    for (unsigned i = 0; i < fields->count; i++) {
        const struct http_field *field = &fields->at[i];
        if (!field->query)
            continue;
        struct slice name, value;
        if (decode(f, field->name, &name) != 0 || decode(f, field->value, &value) != 0 || add(f, name, value) != 0)
            return -1;
    }
    return fields->overflow ? broken(f, "The request has too many parameters.") : 0;
}

/* -- Out of it ------------------------------------------------------------------------------------------------------------- */
static const struct node *find(const struct form *f, const struct node *parent, const char *name)
{
    for (uint32_t i = parent->first; i != NONE; i = f->nodes[i].next)
        if (slice_equal(f->nodes[i].name, slice_text(name)))
            return &f->nodes[i];
    return NULL;
}

static const struct rule *rule_of(struct slice name)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (slice_equal(name, slice_text(rules[i].name)))
            return &rules[i];
    return NULL;
}

static void put_structure(const struct form *f, const struct node *node, struct buf *out);

static struct slice key_of(const struct form *f, const struct rule *rule, const struct node *node)
{
    const struct node *key = rule->key ? find(f, node, rule->key) : NULL;
    return key && key->value.ptr ? key->value : slice_text("");
}

static void put_element(const struct form *f, const struct rule *rule, const struct node *node, struct buf *out)
{
    const struct node *value = rule->value ? find(f, node, rule->value) : node;
    if (rule->key) /* a name that is missing is an empty one, which nothing takes */
        mp_put_slice(out, key_of(f, rule, node));
    if (rule->kind == FORM_STRUCTURES && value)
        put_structure(f, value, out);
    else if (rule->kind == FORM_STRUCTURES)
        mp_put_map(out, 0);
    else
        mp_put_slice(out, value && value->value.ptr ? value->value : slice_text(""));
}

/* A map's name twice is the map's writer's fault, but must not become a map with a name twice. */
static bool seen_before(const struct form *f, const struct rule *rule, const struct node *parent, const struct node *node)
{
    struct slice key = key_of(f, rule, node);
    for (uint32_t i = parent->first; rule->key && &f->nodes[i] != node; i = f->nodes[i].next)
        if (slice_equal(key_of(f, rule, &f->nodes[i]), key))
            return true;
    return false;
}

static void put_collection(const struct form *f, const struct rule *rule, const struct node *node, struct buf *out)
{
    uint32_t count = 0;
    size_t mark = mp_open(out);
    for (uint32_t i = node->first; i != NONE; i = f->nodes[i].next) {
        if (seen_before(f, rule, node, &f->nodes[i]))
            continue;
        put_element(f, rule, &f->nodes[i], out);
        count++;
    }
    if (rule->key)
        mp_close_map(out, mark, count);
    else
        mp_close_array(out, mark, count);
}

/* Several names in a form stand for one member, and a name may be written as the member's own: the first counts. */
static bool member_again(struct slice member, unsigned *seen)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (slice_equal(member, slice_text(rules[i].member))) {
            bool again = *seen & 1u << i;
            *seen |= 1u << i;
            return again;
        }
    return false;
}

static void put_structure(const struct form *f, const struct node *node, struct buf *out)
{
    uint32_t count = 0;
    unsigned seen = 0;
    size_t mark = mp_open(out);
    for (uint32_t i = node->first; i != NONE; i = f->nodes[i].next) {
        const struct node *member = &f->nodes[i];
        const struct rule *rule = member->first != NONE ? rule_of(member->name) : NULL;
        if (!rule && !member->value.ptr)
            continue; /* parts of a name that the API does not know */
        if (member_again(rule ? slice_text(rule->member) : member->name, &seen))
            continue;
        if (rule)
            mp_put_text(out, rule->member);
        else
            mp_put_slice(out, member->name);
        if (rule)
            put_collection(f, rule, member, out);
        else
            mp_put_slice(out, member->value);
        count++;
    }
    mp_close_map(out, mark, count);
}

int sqs_form_read(const struct http_fields *fields, struct slice body, struct buf *out, struct buf *action, struct err *e)
{
    struct buf text = {0};
    struct form f = {.text = &text, .e = e};
    int result = -1;
    size_t room = body.len + 1;
    for (unsigned i = 0; i < fields->count; i++)
        room += fields->at[i].name.len + fields->at[i].value.len;
    if (buf_reserve(&text, room) != 0)
        err_set(e, ERR_UNAVAILABLE, "this gateway is out of memory");
    else if (add_node(&f, slice_text("")) != NONE && add_query(&f, fields) == 0 && add_body(&f, body) == 0)
        result = 0;
    if (result == 0) {
        const struct node *named = find(&f, &f.nodes[0], "Action");
        if (named && named->value.ptr)
            buf_append(action, named->value.ptr, named->value.len);
        put_structure(&f, &f.nodes[0], out);
        if (buf_failed(out) || buf_failed(action))
            result = err_set(e, ERR_UNAVAILABLE, "this gateway is out of memory");
    }
    free(f.nodes);
    buf_finish(&text);
    return result;
}
