/* job_parse.c - one function a rule, so that each error says one thing. */
#include "gateway/job_parse.h"

#include <openssl/evp.h>
#include <string.h>

#include "common/limits.h"
#include "gateway/http_fields.h"

#define SHOWN_BYTES 100 /* of a stranger's text in an error */

/* How much of it is shown: cut between two characters of UTF-8. */
static int shown(struct slice s)
{
    if (s.len <= SHOWN_BYTES)
        return (int)s.len;
    int len = SHOWN_BYTES;
    while (len > 0 && (s.ptr[len] & 0xc0) == 0x80)
        len--;
    return len;
}

enum member { OPERATION, TABLE_NAME, PAYLOAD, MEMBER_COUNT };

/* The members of an entry; VALUE_NONE for one that is not there. */
struct members {
    struct value at[MEMBER_COUNT];
    struct slice unknown; /* the first name of no member; no pointer: there is none */
};

static struct members members_of(const struct value *entry)
{
    static const struct {
        const char *name;
        size_t len;
    } known[MEMBER_COUNT] = {[OPERATION] = {"operation", 9}, [TABLE_NAME] = {"tableName", 9}, [PAYLOAD] = {"payload", 7}};
    const struct value none = {.type = VALUE_NONE};
    struct members m = {{none, none, none}, {NULL, 0}};
    struct value_walk walk = value_walk_of(entry);
    struct slice name;
    struct value element;
    while (value_walk_next(&walk, &name, &element)) {
        size_t i = 0;
        while (i < MEMBER_COUNT && !slice_equal(name, slice_of(known[i].name, known[i].len)))
            i++;
        if (i < MEMBER_COUNT)
            m.at[i] = element;
        else if (!m.unknown.ptr)
            m.unknown = name;
    }
    return m;
}

static int take_operation(struct value operation, struct op *op, struct err *e)
{
    if (operation.type == VALUE_NONE)
        return err_set(e, ERR_VALIDATION, "operation is missing");
    if (operation.type != VALUE_S)
        return err_set(e, ERR_VALIDATION, "operation must be a string");
    int code = op_by_name(operation.bytes);
    if (code < 0)
        return err_set(e, ERR_UNKNOWN_OPERATION, "Unrecognized operation \"%.*s\"", shown(operation.bytes),
                       (const char *)operation.bytes.ptr);
    op->code = (enum op_code)code;
    return 0;
}

static bool is_table_character(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

static int check_table(struct slice name, struct err *e)
{
    if (name.len < LIMIT_TABLE_NAME_MIN || name.len > LIMIT_TABLE_NAME_MAX)
        return err_set(e, ERR_VALIDATION, "tableName must be at least %u characters long and at most %u characters long",
                       LIMIT_TABLE_NAME_MIN, LIMIT_TABLE_NAME_MAX);
    for (size_t i = 0; i < name.len; i++)
        if (!is_table_character(name.ptr[i]))
            return err_set(e, ERR_VALIDATION,
                           "Value '%.*s' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression "
                           "pattern: [a-zA-Z0-9_.-]+",
                           shown(name), (const char *)name.ptr);
    return 0;
}

static int take_table(struct value table, struct op *op, struct err *e)
{
    if (table.type != VALUE_NONE && table.type != VALUE_S)
        return err_set(e, ERR_VALIDATION, "tableName must be a string");
    if (!op_needs_table(op->code))
        return 0;
    if (table.type == VALUE_NONE)
        return err_set(e, ERR_VALIDATION, "tableName is missing: %s needs it", op_name(op->code));
    op->table = table.bytes;
    return check_table(table.bytes, e);
}

static int take_payload(struct value payload, struct op *op, struct err *e)
{
    static const unsigned char empty_map[] = {0x80};
    op->payload = payload;
    if (op->code == OP_PING)
        return 0;
    if (op->code == OP_LIST && payload.type == VALUE_NONE)
        op->payload = value_of(slice_of(empty_map, sizeof empty_map));
    else if (payload.type == VALUE_NONE)
        return err_set(e, ERR_VALIDATION, "payload is missing: %s needs it", op_name(op->code));
    if (op->code != OP_ECHO && op->payload.type != VALUE_M)
        return err_set(e, ERR_VALIDATION, "payload must be an object: the arguments of %s", op_name(op->code));
    return 0;
}

int job_parse(const struct value *entry, struct op *op, struct err *e)
{
    *op = (struct op){.table = slice_text(""), .payload = {.type = VALUE_NONE}};
    if (entry->type != VALUE_M)
        return err_set(e, ERR_VALIDATION, "a job must be an object with operation, tableName and payload");
    const struct members m = members_of(entry);
    if (take_operation(m.at[OPERATION], op, e) != 0)
        return -1;
    if (m.unknown.ptr)
        return err_set(e, ERR_VALIDATION, "Unknown member \"%.*s\": a job has operation, tableName and payload",
                       shown(m.unknown), (const char *)m.unknown.ptr);
    return take_table(m.at[TABLE_NAME], op, e) != 0 ? -1 : take_payload(m.at[PAYLOAD], op, e);
}

/* -- Headers --------------------------------------------------------------------------------------------------- */
int job_check_key(struct slice key, struct err *e)
{
    if (key.len == 0 || key.len > LIMIT_IDEMPOTENCY_KEY_BYTES)
        return err_set(e, ERR_VALIDATION, "Idempotency-Key must have 1 to %u characters", LIMIT_IDEMPOTENCY_KEY_BYTES);
    for (size_t i = 0; i < key.len; i++)
        if (key.ptr[i] < 0x21 || key.ptr[i] > 0x7e)
            return err_set(e, ERR_VALIDATION, "Idempotency-Key must be visible ASCII characters without blanks");
    return 0;
}

int job_key_digest(struct slice key, uint32_t position, unsigned char digest[static 16])
{
    unsigned char text[LIMIT_IDEMPOTENCY_KEY_BYTES + 5], full[EVP_MAX_MD_SIZE];
    size_t len = key.len;
    if (len > LIMIT_IDEMPOTENCY_KEY_BYTES)
        return -1;
    memcpy(text, key.ptr, len);
    if (position != UINT32_MAX) {
        text[len++] = '\0'; /* no key holds one: an entry's digest is no other key's */
        for (int shift = 24; shift >= 0; shift -= 8)
            text[len++] = (unsigned char)(position >> shift);
    }
    if (EVP_Digest(text, len, full, NULL, EVP_sha256(), NULL) != 1)
        return -1;
    memcpy(digest, full, 16);
    return 0;
}

int job_media(struct slice content_type, enum job_media *media)
{
    /* The form type is what curl -d sends unless told otherwise. */
    static const char *const as_json[] = {
        "", "application/json", "text/json", "application/octet-stream", "text/plain", "application/x-www-form-urlencoded"};
    size_t len = 0;
    while (len < content_type.len && content_type.ptr[len] != ';')
        len++;
    while (len > 0 && (content_type.ptr[len - 1] == ' ' || content_type.ptr[len - 1] == '\t'))
        len--;
    struct slice type = slice_of(content_type.ptr, len);
    *media = JOB_MEDIA_LINES;
    if (http_same_word(type, slice_text("application/x-ndjson")))
        return 0;
    *media = JOB_MEDIA_JSON;
    for (size_t i = 0; i < sizeof as_json / sizeof as_json[0]; i++)
        if (http_same_word(type, slice_text(as_json[i])))
            return 0;
    return -1;
}
