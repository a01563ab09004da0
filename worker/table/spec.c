/* spec.c - keys, definitions, billing, encryption and streams of a table's specification (see spec.h). */
#include "worker/table/spec.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"

#define INVALID "One or more parameter values were invalid: "

/* -- Names ---------------------------------------------------------------------------------------------------- */
/* Appends "a, b" of a KeySchema or of AttributeDefinitions, each once. */
struct names_text {
    char text[160];
    size_t len;
};

static void add_text(struct names_text *t, struct slice name)
{
    int n = snprintf(t->text + t->len, sizeof t->text - t->len, "%s%.*s", t->len ? ", " : "", (int)name.len,
                     (const char *)name.ptr);
    if (n > 0 && (size_t)n < sizeof t->text - t->len)
        t->len += (size_t)n;
    t->text[t->len] = 0;
}

static void list_names(const struct value *list, struct names_text *t)
{
    struct value_walk walk = value_walk_of(list);
    struct value one;

    *t = (struct names_text){.len = 0};
    while (value_walk_next(&walk, NULL, &one))
        add_text(t, member_text(&one, "AttributeName"));
}

bool spec_names_attribute(const struct value *list, struct slice name)
{
    struct value_walk walk = value_walk_of(list);
    struct value one;

    while (value_walk_next(&walk, NULL, &one))
        if (slice_equal(member_text(&one, "AttributeName"), name))
            return true;
    return false;
}

/* -- Keys ----------------------------------------------------------------------------------------------------- */
static int check_defined(const struct value *schema, const struct value *definitions, struct err *e)
{
    struct value_walk walk = value_walk_of(schema);
    struct names_text keys, defined;
    struct value one;

    while (value_walk_next(&walk, NULL, &one)) {
        if (spec_names_attribute(definitions, member_text(&one, "AttributeName")))
            continue;
        list_names(schema, &keys);
        list_names(definitions, &defined);
        return err_set(e, ERR_VALIDATION,
                       INVALID "Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], "
                               "AttributeDefinitions: [%s]",
                       keys.text, defined.text);
    }
    return 0;
}

static bool is_hash(const struct value *element) { return slice_equal(member_text(element, "KeyType"), slice_text("HASH")); }
static bool is_range(const struct value *element) { return slice_equal(member_text(element, "KeyType"), slice_text("RANGE")); }

/* The classic key: HASH, or HASH and RANGE. */
static int check_simple_key(const struct value *schema, struct err *e)
{
    struct value first = value_list_get(schema, 0), second = value_list_get(schema, 1);

    if (schema->count == 2 && slice_equal(member_text(&first, "AttributeName"), member_text(&second, "AttributeName")))
        return err_set(e, ERR_VALIDATION, "Both the Hash Key and the Range Key element in the KeySchema have the same name");
    if (!is_hash(&first))
        return err_set(e, ERR_VALIDATION, "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    if (schema->count == 2 && !is_range(&second))
        return err_set(e, ERR_VALIDATION, "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
    return 0;
}

static int check_twice(const struct value *schema, struct err *e)
{
    for (uint32_t i = 1; i < schema->count; i++) {
        struct value one = value_list_get(schema, i);
        struct slice name = member_text(&one, "AttributeName");
        for (uint32_t j = 0; j < i; j++) {
            struct value other = value_list_get(schema, j);
            if (slice_equal(name, member_text(&other, "AttributeName")))
                return err_set(e, ERR_VALIDATION, "Invalid KeySchema: Duplicate attribute name in the KeySchema: %.*s",
                               (int)name.len, (const char *)name.ptr);
        }
    }
    return 0;
}

/* The key of a global index: one to four HASH, then none to four RANGE. */
static int check_long_key(const struct value *schema, struct err *e)
{
    struct value_walk walk = value_walk_of(schema);
    struct value one;
    uint32_t hashes = 0, ranges = 0;

    while (value_walk_next(&walk, NULL, &one)) {
        if (is_hash(&one) && ranges > 0)
            return err_set(e, ERR_VALIDATION,
                           "Invalid KeySchema: All HASH key elements must come before the RANGE key elements");
        if (!is_hash(&one) && !is_range(&one))
            return err_set(e, ERR_VALIDATION, "Invalid KeySchema: A KeySchemaElement is neither a HASH nor a RANGE key type");
        ++*(is_hash(&one) ? &hashes : &ranges);
    }
    if (hashes == 0)
        return err_set(e, ERR_VALIDATION, "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    if (hashes > INDEX_PARTITIONS || ranges > INDEX_SORTS)
        return err_set(e, ERR_VALIDATION, "Invalid KeySchema: A key has at most %u HASH and %u RANGE key elements",
                       INDEX_PARTITIONS, INDEX_SORTS);
    return check_twice(schema, e);
}

/* Does it need the rules of keys with several attributes, and not the texts of the classic ones? */
static bool is_long(const struct value *schema)
{
    struct value second = value_list_get(schema, 1);
    return schema->count > 2 || (schema->count == 2 && is_hash(&second));
}

static int check_key_names(const struct value *schema, struct err *e)
{
    struct value_walk walk = value_walk_of(schema);
    struct value one;

    while (value_walk_next(&walk, NULL, &one)) {
        size_t len = member_text(&one, "AttributeName").len;
        if (len == 0 || len > LIMIT_KEY_NAME_BYTES)
            return err_set(e, ERR_VALIDATION, "Invalid KeySchema: an AttributeName has 1 to %u bytes", LIMIT_KEY_NAME_BYTES);
    }
    return 0;
}

int spec_check_keys(const struct value *schema, const struct value *definitions, enum key_kind kind, struct err *e)
{
    uint32_t most = kind == KEY_OF_GLOBAL_INDEX ? INDEX_PARTITIONS + INDEX_SORTS : 2;

    if (schema->type != VALUE_L || definitions->type != VALUE_L)
        return err_set(e, ERR_VALIDATION, "Missing required parameter in input: \"%s\"",
                       schema->type != VALUE_L ? "KeySchema" : "AttributeDefinitions");
    if (schema->count < 1 || schema->count > most)
        return err_set(
            e, ERR_VALIDATION,
            "1 validation error detected: Value at 'keySchema' failed to satisfy constraint: Member must have length "
            "%s than or equal to %u",
            schema->count < 1 ? "greater" : "less", schema->count < 1 ? 1 : most);
    if (kind == KEY_OF_TABLE && schema->count > definitions->count)
        return err_set(e, ERR_VALIDATION, "Invalid KeySchema: Some index key attribute have no definition");
    if (check_key_names(schema, e) < 0 || check_defined(schema, definitions, e) < 0)
        return -1;
    return kind == KEY_OF_GLOBAL_INDEX && is_long(schema) ? check_long_key(schema, e) : check_simple_key(schema, e);
}

/* -- Definitions ---------------------------------------------------------------------------------------------- */
static int check_types(const struct value *definitions, struct err *e)
{
    for (uint32_t i = 0; i < definitions->count; i++) {
        struct value one = value_list_get(definitions, i);
        struct slice letter = member_text(&one, "AttributeType"), name = member_text(&one, "AttributeName");
        if (letter.len != 1 || !memchr("SNB", letter.ptr[0], 3))
            return err_set(e, ERR_VALIDATION,
                           "1 validation error detected: Value '%.*s' at 'attributeDefinitions.%u.member.attributeType' failed "
                           "to satisfy constraint: Member must satisfy enum value set: [B, N, S]",
                           (int)(letter.len < 40 ? letter.len : 40), (const char *)letter.ptr, i + 1);
        for (uint32_t j = 0; j < i; j++) {
            struct value other = value_list_get(definitions, j);
            if (slice_equal(name, member_text(&other, "AttributeName")))
                return err_set(e, ERR_VALIDATION, INVALID "Duplicate AttributeName in AttributeDefinitions: %.*s",
                               (int)name.len, (const char *)name.ptr);
        }
    }
    return 0;
}

static bool is_used(struct slice name, const struct value *schema, const struct value *indexes)
{
    struct value_walk walk = value_walk_of(indexes);
    struct value index;

    if (spec_names_attribute(schema, name))
        return true;
    while (indexes->type == VALUE_L && value_walk_next(&walk, NULL, &index)) {
        struct value keys = value_map_get(&index, slice_text("KeySchema"));
        if (spec_names_attribute(&keys, name))
            return true;
    }
    return false;
}

static int unused(const struct value *definitions, const struct value *schema, const struct value *indexes, struct err *e)
{
    struct names_text defined, used = {.len = 0};
    struct value_walk walk = value_walk_of(definitions);
    struct value one;

    if (indexes->type != VALUE_L || indexes->count == 0)
        return err_set(e, ERR_VALIDATION,
                       INVALID "Number of attributes in KeySchema does not exactly match number of attributes defined in "
                               "AttributeDefinitions");
    list_names(definitions, &defined);
    while (value_walk_next(&walk, NULL, &one))
        if (is_used(member_text(&one, "AttributeName"), schema, indexes))
            add_text(&used, member_text(&one, "AttributeName"));
    return err_set(e, ERR_VALIDATION,
                   INVALID "Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]", defined.text,
                   used.text);
}

int spec_check_definitions(const struct value *definitions, const struct value *schema, const struct value *indexes,
                           struct err *e)
{
    struct value_walk walk = value_walk_of(definitions);
    struct value one;

    if (check_types(definitions, e) < 0)
        return -1;
    while (value_walk_next(&walk, NULL, &one))
        if (!is_used(member_text(&one, "AttributeName"), schema, indexes))
            return unused(definitions, schema, indexes, e);
    return 0;
}

static uint32_t put_used(struct buf *out, const struct value *row, const struct value *from, const struct value *not_of)
{
    struct value keys = value_map_get(row, slice_text("KeySchema")), indexes = value_map_get(row, slice_text("Indexes")), one;
    struct value_walk walk = value_walk_of(from);
    uint32_t count = 0;

    while (value_walk_next(&walk, NULL, &one)) {
        struct slice name = member_text(&one, "AttributeName");
        if (!is_used(name, &keys, &indexes) || (not_of && spec_names_attribute(not_of, name)))
            continue;
        mp_put_raw(out, one.encoded);
        count++;
    }
    return count;
}

void spec_set_definitions(struct edit *row, const struct value *more)
{
    struct value map = edit_map(row), old = value_map_get(&map, slice_text("AttributeDefinitions"));
    struct buf *out = edit_value(row);
    size_t mark = mp_open(out);
    uint32_t count = put_used(out, &map, &old, NULL);

    if (more->type == VALUE_L)
        count += put_used(out, &map, more, &old);
    mp_close_array(out, mark, count);
    edit_set(row, "AttributeDefinitions");
}

/* -- Billing -------------------------------------------------------------------------------------------------- */
bool spec_is_on_demand(const struct value *map)
{
    return slice_equal(member_text(map, "BillingMode"), slice_text("PAY_PER_REQUEST"));
}

int spec_check_throughput(const struct value *throughput, const char *index, size_t index_len, struct err *e)
{
    static const char *const members[] = {"ReadCapacityUnits", "WriteCapacityUnits"};

    for (size_t i = 0; i < 2; i++) {
        int64_t units = member_int(throughput, members[i], 0);
        if (units >= 1 && units <= LIMIT_CAPACITY_UNITS)
            continue;
        return err_set(e, ERR_VALIDATION, "Given value %lld for %s is out of bounds%s%.*s", (long long)units, members[i],
                       index ? " for index " : "", index ? (int)index_len : 0, index ? index : "");
    }
    return 0;
}

int spec_check_billing(const struct value *payload, struct err *e)
{
    struct value throughput = value_map_get(payload, slice_text("ProvisionedThroughput"));

    if (spec_is_on_demand(payload) && throughput.type == VALUE_M)
        return err_set(e, ERR_VALIDATION,
                       INVALID "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                               "PAY_PER_REQUEST");
    if (spec_is_on_demand(payload))
        return 0;
    if (throughput.type != VALUE_M)
        return err_set(e, ERR_VALIDATION,
                       INVALID
                       "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
    return spec_check_throughput(&throughput, NULL, 0, e);
}

/* -- Streams and encryption ----------------------------------------------------------------------------------- */
int spec_check_stream(const struct value *given, bool *enabled, struct err *e)
{
    struct slice view = member_text(given, "StreamViewType");

    static const char *const views[] = {"KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"};
    bool known = view.len == 0;

    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        known |= slice_equal(view, slice_text(views[i]));
    *enabled = member_true(given, "StreamEnabled");
    if (!known)
        return err_set(e, ERR_VALIDATION,
                       "1 validation error detected: Value '%.*s' at 'streamSpecification.streamViewType' failed to satisfy "
                       "constraint: Member must satisfy enum value set: [NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, KEYS_ONLY]",
                       (int)(view.len < 60 ? view.len : 60), (const char *)view.ptr);
    if (*enabled && view.len == 0)
        return err_set(e, ERR_VALIDATION, INVALID "StreamViewType must be specified when StreamEnabled is true");
    if (!*enabled && view.len > 0)
        return err_set(e, ERR_VALIDATION, INVALID "StreamViewType must not be specified when StreamEnabled is false");
    return 0;
}

/* The key that was asked for, else the one that DynamoDB has in each region. */
static void put_key_arn(struct buf *out, struct slice home, struct slice key)
{
    char preset[LIMIT_HOME_BYTES + 40];

    snprintf(preset, sizeof preset, "arn:aws:kms:%.*s:alias/aws/dynamodb", (int)home.len, (const char *)home.ptr);
    if (key.len == 0)
        key = slice_text(preset);
    mp_put_text(out, "KMSMasterKeyArn");
    mp_put_slice(out, key);
}

/* Nothing is encrypted here: the description is kept and shown, as tools compare it with what they asked for. */
int spec_set_encryption(struct edit *edit, const struct value *given, struct slice home, struct err *e)
{
    struct slice key = member_text(given, "KMSMasterKeyId"), type = member_text(given, "SSEType");
    struct buf *out;

    if (!member_true(given, "Enabled") && (key.len > 0 || type.len > 0))
        return err_set(e, ERR_VALIDATION, INVALID "SSEType and KMSMasterKeyId can only be specified when SSE is enabled");
    if (!member_true(given, "Enabled")) {
        edit_drop(edit, "SSEDescription");
        return 0;
    }
    if (type.len > 0 && !slice_equal(type, slice_text("KMS")))
        return err_set(e, ERR_VALIDATION, INVALID "SSEType %.*s is not supported", (int)(type.len < 40 ? type.len : 40),
                       (const char *)type.ptr);
    out = edit_value(edit);
    mp_put_map(out, 3);
    mp_put_text(out, "Status");
    mp_put_text(out, "ENABLED");
    mp_put_text(out, "SSEType");
    mp_put_text(out, "KMS");
    put_key_arn(out, home, key);
    edit_set(edit, "SSEDescription");
    return 0;
}
