/* table.c - leat table create|ls|describe|drop: the catalog, through calls to a worker; export|import: table_copy.h. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/session.h"
#include "cli/table_copy.h"
#include "common/conf.h"
#include "common/json.h"

struct settings {
    char *data, *endpoint, *url;
    int64_t timeout_ms, from;
    bool json;
};

#define ROW(field, name, type, preset, min, max, metavar, help)                                                                \
    {                                                                                                                          \
        name, type, offsetof(struct settings, field), preset, min, max, metavar, help                                          \
    }

static const struct conf_row rows[] = {
    ROW(data, "data", CONF_TEXT, "leat-data", 0, 0, "DIR", "data folder of the running stack"),
    ROW(endpoint, "queue-endpoint", CONF_TEXT, NULL, 0, 0, "ENDPOINT", "the broker's client endpoint, when it is not in DIR"),
    ROW(url, "url", CONF_TEXT, "http://127.0.0.1:8080", 0, 0, "URL", "export, import: the gateway"),
    ROW(from, "from", CONF_INT, "1", 1, INT64_MAX, "LINE", "import: the first line to take"),
    ROW(timeout_ms, "timeout", CONF_DURATION, "10s", 100, 600000, "TIME", "how long to wait for an answer"),
    ROW(json, "json", CONF_BOOL, "false", 0, 0, NULL, "print the answer as JSON"),
};

static const struct conf_program program = {
    "leat table", "create, list, describe, drop, export and import tables; TYPE is S, N or B, and S if not said", rows,
    sizeof rows / sizeof rows[0],
    "create NAME KEY[:TYPE][,SORT[:TYPE]] | ls | describe NAME | drop NAME | export NAME > FILE | import NAME < FILE"};

static void put_pair(struct buf *out, struct slice name, const char *member, const char *value)
{
    mp_put_map(out, 2);
    mp_put_text(out, "AttributeName");
    mp_put_slice(out, name);
    mp_put_text(out, member);
    mp_put_text(out, value);
}

/* The request of DynamoDB's CreateTable, without its TableName. */
static void put_create(struct buf *out, const struct key_schema *schema)
{
    uint32_t keys = schema->sort_name.len > 0 ? 2 : 1;
    mp_put_map(out, 3);
    mp_put_text(out, "BillingMode");
    mp_put_text(out, "PAY_PER_REQUEST");
    mp_put_text(out, "KeySchema");
    mp_put_array(out, keys);
    put_pair(out, schema->partition_name, "KeyType", "HASH");
    if (keys == 2)
        put_pair(out, schema->sort_name, "KeyType", "RANGE");
    mp_put_text(out, "AttributeDefinitions");
    mp_put_array(out, keys);
    put_pair(out, schema->partition_name, "AttributeType", value_type_name(schema->partition_type));
    if (keys == 2)
        put_pair(out, schema->sort_name, "AttributeType", value_type_name(schema->sort_type));
}

static int payload_of_create(const char *name, const char *keys, struct buf *payload, struct err *e)
{
    struct buf spec = {0};
    struct slice table;
    struct key_schema schema;
    buf_printf(&spec, "%s:%s", name, keys);
    buf_byte(&spec, 0);
    int result = table_spec_parse((const char *)spec.data, &table, &schema, e);
    if (result == 0)
        put_create(payload, &schema);
    buf_finish(&spec);
    return result;
}

static void print_json(const struct value *v)
{
    struct buf text = {0};
    if (json_from_value(v, &text) == 0)
        printf("%.*s\n", (int)text.len, (const char *)text.data);
    buf_finish(&text);
}

static struct slice text_of(const struct value *map, const char *name) { return value_map_get(map, slice_text(name)).bytes; }

static struct slice type_of(const struct value *table, struct slice attribute)
{
    struct value list = value_map_get(table, slice_text("AttributeDefinitions")), one;
    struct value_walk walk = value_walk_of(&list);
    while (value_walk_next(&walk, NULL, &one))
        if (slice_equal(text_of(&one, "AttributeName"), attribute))
            return text_of(&one, "AttributeType");
    return slice_text("");
}

/* A description on one line: name, status, keys with their types. */
static void print_table(const struct value *table)
{
    struct slice name = text_of(table, "TableName"), status = text_of(table, "TableStatus");
    printf("%-32.*s %-8.*s ", (int)name.len, (const char *)name.ptr, (int)status.len, (const char *)status.ptr);
    struct value keys = value_map_get(table, slice_text("KeySchema")), key;
    struct value_walk walk = value_walk_of(&keys);
    for (bool first = true; value_walk_next(&walk, NULL, &key); first = false) {
        struct slice attribute = text_of(&key, "AttributeName"), type = type_of(table, attribute);
        printf("%s%.*s:%.*s", first ? "" : ",", (int)attribute.len, (const char *)attribute.ptr, (int)type.len,
               (const char *)type.ptr);
    }
    putchar('\n');
}

static int print_named(struct session *session, struct slice name, struct err *e)
{
    struct op op = {.code = OP_TABLE_DESCRIBE, .table = name, .payload = {.type = VALUE_NONE}};
    struct outcome outcome;
    if (session_call(session, &op, &outcome, e) != 0)
        return e->code == ERR_TABLE_NOT_FOUND ? 0 : -1; /* dropped meanwhile */
    struct value table = value_map_get(&outcome.value, slice_text("Table"));
    print_table(&table);
    return 0;
}

/* Asks for the names behind that one: a page has a hundred. */
static int next_names(struct session *session, struct slice last, struct buf *answer, struct err *e)
{
    struct buf payload = {0};
    struct outcome outcome;
    mp_put_map(&payload, 1);
    mp_put_text(&payload, "ExclusiveStartTableName");
    mp_put_slice(&payload, last);
    struct op op = {.code = OP_TABLE_LIST, .payload = value_of(buf_slice(&payload))};
    int result = session_call(session, &op, &outcome, e);
    buf_reset(answer);
    if (result == 0)
        buf_append(answer, outcome.value.encoded.ptr, outcome.value.encoded.len);
    buf_finish(&payload);
    return result;
}

/* The names are copied: the session's next answer takes their place. */
static int print_list(struct session *session, const struct value *answer, struct err *e)
{
    struct buf copy = {0};
    struct slice last;
    int result = 0;
    buf_append(&copy, answer->encoded.ptr, answer->encoded.len);
    do {
        struct value list = value_of(buf_slice(&copy)), names = value_map_get(&list, slice_text("TableNames")), name;
        struct value_walk walk = value_walk_of(&names);
        last = text_of(&list, "LastEvaluatedTableName");
        while (result == 0 && value_walk_next(&walk, NULL, &name))
            result = print_named(session, name.bytes, e);
        if (result == 0 && last.len > 0)
            result = next_names(session, last, &copy, e);
    } while (result == 0 && last.len > 0);
    buf_finish(&copy);
    return result;
}

static int print_answer(const struct settings *s, struct session *session, enum op_code code, const struct value *answer,
                        struct err *e)
{
    if (s->json) {
        print_json(answer);
        return 0;
    }
    if (code == OP_TABLE_LIST)
        return print_list(session, answer, e);
    struct value table = value_map_get(answer, slice_text(code == OP_TABLE_DESCRIBE ? "Table" : "TableDescription"));
    print_table(&table);
    return 0;
}

static int run(const struct settings *s, const struct op *op)
{
    struct err e = {0};
    struct buf endpoint = {0};
    struct outcome outcome;
    session_endpoint(s->data, s->endpoint, &endpoint);
    struct session *session = session_open((const char *)endpoint.data, s->timeout_ms, &e);
    bool done =
        session && session_call(session, op, &outcome, &e) == 0 && print_answer(s, session, op->code, &outcome.value, &e) == 0;
    if (!done)
        fprintf(stderr, "leat table: %s\n", e.text);
    session_close(&session);
    buf_finish(&endpoint);
    return done ? 0 : e.code == ERR_UNAVAILABLE ? 69 : 1;
}

/* -- Verbs ------------------------------------------------------------------------------------------------------- */
static int create(const struct settings *s, char **operands)
{
    struct buf payload = {0};
    struct err e = {0};
    int status = 64;
    if (payload_of_create(operands[0], operands[1], &payload, &e) != 0) {
        fprintf(stderr, "leat table: %s\n", e.text);
    } else {
        struct op op = {.code = OP_TABLE_CREATE, .table = slice_text(operands[0]), .payload = value_of(buf_slice(&payload))};
        status = run(s, &op);
    }
    buf_finish(&payload);
    return status;
}

static int run_plain(const struct settings *s, enum op_code code, const char *name)
{
    struct op op = {.code = code, .table = slice_text(name), .payload = {.type = VALUE_NONE}};
    return run(s, &op);
}

static int list(const struct settings *s, char **operands) { return (void)operands, run_plain(s, OP_TABLE_LIST, ""); }
static int describe(const struct settings *s, char **operands) { return run_plain(s, OP_TABLE_DESCRIBE, operands[0]); }
static int drop(const struct settings *s, char **operands) { return run_plain(s, OP_TABLE_DROP, operands[0]); }
static int export(const struct settings *s, char **operands) { return table_export(s->url, s->timeout_ms, operands[0]); }

static int import(const struct settings *s, char **operands)
{
    return table_import(s->url, s->timeout_ms, operands[0], s->from);
}

int command_table(int argc, char **argv)
{
    static const struct {
        const char *name;
        int operands;
        int (*serve)(const struct settings *s, char **operands);
    } verbs[] = {{"create", 2, create}, {"ls", 0, list},       {"describe", 1, describe},
                 {"drop", 1, drop},     {"export", 1, export}, {"import", 1, import}};
    struct settings s = {0};
    int first, status = 64, loaded = conf_load(&program, argc, argv, &s, &first, stdout, stderr);
    if (loaded == 0) {
        size_t verb = 0, count = sizeof verbs / sizeof verbs[0];
        while (first < argc && verb < count && strcmp(argv[first], verbs[verb].name) != 0)
            verb++;
        if (first < argc && verb < count && argc - first - 1 == verbs[verb].operands)
            status = verbs[verb].serve(&s, argv + first + 1);
        else
            fprintf(stderr, "Usage: leat table %s\n", program.operands);
    }
    conf_free(&program, &s);
    return loaded == 1 ? 0 : status;
}
