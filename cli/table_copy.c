/* table_copy.c - see table_copy.h. Items stay the text that they are: nobody here looks into them. */
#include "cli/table_copy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/dynamodb.h"
#include "cli/progress.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/json_cursor.h"

#define BATCH_ITEMS 25                       /* of one BatchWriteItem */
#define BATCH_BYTES (8u * 1024u * 1024u)     /* half of what a request may have */
#define LINE_BYTES_MAX (12u * 1024u * 1024u) /* more is no item: 400 KB, however they are escaped */
#define UNPROCESSED_TRIES 20
#define STATUS_INPUT 65
#define STATUS_INTERNAL 70
#define STATUS_OUTPUT 74

struct copy {
    struct dynamodb *gateway;
    const char *table;
    struct progress progress;
    struct buf request, scratch;
    uint64_t items;
    struct err e;
};

static int copy_init(struct copy *c, const char *url, int64_t timeout_ms, const char *table)
{
    *c = (struct copy){.gateway = dynamodb_create(url, timeout_ms), .table = table};
    return c->gateway ? 0 : err_set(&c->e, ERR_INTERNAL, "out of memory");
}

static void copy_finish(struct copy *c)
{
    dynamodb_destroy(&c->gateway);
    buf_finish(&c->request);
    buf_finish(&c->scratch);
}

static int call(struct copy *c, const char *action, struct slice *answer)
{
    if (buf_failed(&c->request))
        return err_set(&c->e, ERR_INTERNAL, "out of memory");
    return dynamodb_call(c->gateway, action, buf_slice(&c->request), answer, &c->e);
}

static int unreadable(struct copy *c) { return err_set(&c->e, ERR_INTERNAL, "the gateway's answer is damaged"); }

/* The text of a member's value in an object; empty if there is none. */
static struct slice member_of(struct copy *c, struct slice object, const char *name)
{
    struct slice found = slice_text(""), member;
    struct json_cursor cursor;
    json_cursor_init(&cursor, object, &c->scratch);
    if (json_peek(&cursor) != JSON_OBJECT)
        return found;
    for (json_enter(&cursor); json_next_member(&cursor, &member);) {
        struct slice value = json_skip(&cursor);
        if (slice_equal(member, slice_text(name)))
            found = value;
    }
    return json_finish(&cursor) == 0 ? found : slice_text("");
}

static void put_table_name(struct copy *c)
{
    buf_reset(&c->request);
    buf_text(&c->request, "{\"TableName\":");
    json_put_string(&c->request, slice_text(c->table));
}

/* Is there such a table? *items: about how many it has. */
static int describe(struct copy *c, uint64_t *items)
{
    struct slice answer;
    char count[24] = "";
    put_table_name(c);
    buf_byte(&c->request, '}');
    if (call(c, "DescribeTable", &answer) != 0)
        return -1;
    struct slice text = member_of(c, member_of(c, answer, "Table"), "ItemCount");
    if (text.len == 0 || text.len >= sizeof count)
        return unreadable(c);
    memcpy(count, text.ptr, text.len);
    *items = strtoull(count, NULL, 10);
    return 0;
}

/* -- Export ------------------------------------------------------------------------------------------------------ */
static int print_items(struct copy *c, struct slice items)
{
    struct json_cursor cursor;
    json_cursor_init(&cursor, items, &c->scratch);
    if (json_peek(&cursor) != JSON_ARRAY)
        return unreadable(c);
    for (json_enter(&cursor); json_next_element(&cursor); c->items++) {
        struct slice item = json_skip(&cursor);
        printf("{\"Item\":");
        fwrite(item.ptr, 1, item.len, stdout);
        printf("}\n");
    }
    if (json_finish(&cursor) != 0)
        return unreadable(c);
    return fflush(stdout) == 0 ? 0 : err_set(&c->e, ERR_DISK_FULL, "standard output: %s", strerror(errno));
}

/* *more: the request for the next page is made. */
static int export_page(struct copy *c, bool *more)
{
    struct slice answer;
    if (call(c, "Scan", &answer) != 0 || print_items(c, member_of(c, answer, "Items")) != 0)
        return -1;
    struct slice last = member_of(c, answer, "LastEvaluatedKey");
    *more = last.len > 0;
    put_table_name(c);
    buf_text(&c->request, ",\"ConsistentRead\":true,\"ExclusiveStartKey\":");
    buf_append(&c->request, last.ptr, last.len);
    buf_byte(&c->request, '}');
    return 0;
}

static int export_all(struct copy *c)
{
    uint64_t about;
    bool more = true;
    if (describe(c, &about) != 0)
        return -1;
    progress_init(&c->progress, about, clock_mono_ms());
    put_table_name(c);
    buf_text(&c->request, ",\"ConsistentRead\":true}");
    while (more) {
        if (export_page(c, &more) != 0)
            return -1;
        progress_show(&c->progress, c->items < about ? c->items : about, c->items, "items", clock_mono_ms());
    }
    return 0;
}

static int status_of(const struct err *e)
{
    return e->code == ERR_UNAVAILABLE ? 69
           : e->code == ERR_DISK_FULL ? STATUS_OUTPUT
           : e->code == ERR_INTERNAL  ? STATUS_INTERNAL
                                      : 1;
}

int table_export(const char *url, int64_t timeout_ms, const char *table)
{
    struct copy c;
    int result = copy_init(&c, url, timeout_ms, table) == 0 ? export_all(&c) : -1;
    progress_finish(&c.progress);
    if (result != 0)
        fprintf(stderr, "leat table: stopped after %" PRIu64 " items: %s\n", c.items, c.e.text);
    copy_finish(&c);
    return result == 0 ? 0 : status_of(&c.e);
}

/* -- Import: lines ------------------------------------------------------------------------------------------------ */
/* A batch in the making. */
struct import {
    struct copy copy;
    struct buf line, items; /* the texts of the items, one behind the other */
    size_t ends[BATCH_ITEMS];
    uint64_t lines[BATCH_ITEMS]; /* their numbers */
    size_t count;
    uint64_t line_number, bytes; /* read so far */
    bool bad;                    /* the line is at fault, not the table or the gateway */
};

/* 1 and the line without its end in m->line, cut where no item reaches; 0 at the end of the input, -1. */
static int read_line(struct import *m)
{
    int byte;
    buf_reset(&m->line);
    while ((byte = getc_unlocked(stdin)) != EOF && byte != '\n')
        if (m->line.len < LINE_BYTES_MAX)
            buf_byte(&m->line, (unsigned char)byte);
    if (ferror(stdin))
        return err_set(&m->copy.e, ERR_INTERNAL, "standard input: %s", strerror(errno));
    if (byte == EOF && m->line.len == 0)
        return 0;
    m->line_number++;
    m->bytes += m->line.len + 1;
    return buf_failed(&m->line) ? err_set(&m->copy.e, ERR_INTERNAL, "out of memory") : 1;
}

static bool is_blank(struct slice line)
{
    size_t at = 0;
    while (at < line.len && strchr(" \t\r", line.ptr[at]))
        at++;
    return at == line.len;
}

/* The item in the line: {"Item": ...} and nothing else. */
static int parse_line(struct import *m, struct slice *item)
{
    struct json_cursor cursor;
    struct slice name;
    int members = 0;
    m->bad = m->line.len == LINE_BYTES_MAX;
    if (m->bad)
        return err_set(&m->copy.e, ERR_VALIDATION, "it has %u bytes or more", LINE_BYTES_MAX);
    json_cursor_init(&cursor, buf_slice(&m->line), &m->copy.scratch);
    m->bad = json_peek(&cursor) != JSON_OBJECT;
    for (m->bad ? (void)0 : json_enter(&cursor); !m->bad && json_next_member(&cursor, &name); members++) {
        m->bad = !slice_equal(name, slice_text("Item")) || json_peek(&cursor) != JSON_OBJECT;
        *item = json_skip(&cursor);
    }
    m->bad |= json_finish(&cursor) != 0 || members != 1;
    return m->bad ? err_set(&m->copy.e, ERR_VALIDATION, "it is not {\"Item\": {...}}") : 0;
}

/* -- Import: batches ---------------------------------------------------------------------------------------------- */
static struct slice item_at(const struct import *m, size_t i)
{
    size_t begin = i > 0 ? m->ends[i - 1] : 0;
    return slice_of(m->items.data + begin, m->ends[i] - begin);
}

/* Puts items [from, to). What the gateway says that it left out is sent again. */
static int send_items(struct import *m, size_t from, size_t to)
{
    struct buf *out = &m->copy.request;
    struct slice answer, left;
    buf_reset(out);
    buf_text(out, "{\"RequestItems\":{");
    json_put_string(out, slice_text(m->copy.table));
    buf_text(out, ":[");
    for (size_t i = from; i < to; i++) {
        struct slice item = item_at(m, i);
        buf_text(out, i > from ? ",{\"PutRequest\":{\"Item\":" : "{\"PutRequest\":{\"Item\":");
        buf_append(out, item.ptr, item.len);
        buf_text(out, "}}");
    }
    buf_text(out, "]}}");
    for (int tries = 0; tries < UNPROCESSED_TRIES; tries++) {
        if (call(&m->copy, "BatchWriteItem", &answer) != 0)
            return -1;
        left = member_of(&m->copy, answer, "UnprocessedItems");
        if (left.len <= 2) /* {} */
            return 0;
        buf_reset(out);
        buf_text(out, "{\"RequestItems\":");
        buf_append(out, left.ptr, left.len);
        buf_byte(out, '}');
        usleep(200000);
    }
    return err_set(&m->copy.e, ERR_UNAVAILABLE, "the gateway leaves out items time and again");
}

/* A batch that is refused is sent item by item: one of them is wrong, or two of them are the same item. *at: the first that is not put. */
static int send_batch(struct import *m, size_t *at)
{
    *at = 0;
    if (m->count == 0 || send_items(m, 0, m->count) == 0) {
        *at = m->count;
        return 0;
    }
    if (m->copy.e.code != ERR_VALIDATION && m->copy.e.code != ERR_SERIALIZATION)
        return -1;
    m->bad = true;
    for (; *at < m->count; ++*at)
        if (send_items(m, *at, *at + 1) != 0)
            return -1;
    m->bad = false;
    return 0;
}

/* Sends what was collected; *next becomes the number of the first line that is not imported. */
static int flush(struct import *m, uint64_t *next)
{
    size_t at;
    int result = send_batch(m, &at);
    m->copy.items += at;
    if (result != 0)
        *next = m->lines[at];
    buf_reset(&m->items);
    m->count = 0;
    if (result == 0)
        progress_show(&m->copy.progress, m->bytes, m->copy.items, "items", clock_mono_ms());
    return result;
}

static int add(struct import *m, struct slice item)
{
    buf_append(&m->items, item.ptr, item.len);
    m->ends[m->count] = m->items.len;
    m->lines[m->count++] = m->line_number;
    return buf_failed(&m->items) ? err_set(&m->copy.e, ERR_INTERNAL, "out of memory") : 0;
}

/* What stands before a bad line is imported, too. *next: the first line that is not. */
static int import_lines(struct import *m, uint64_t from, uint64_t *next)
{
    struct slice item;
    int got;
    while ((got = read_line(m)) > 0) {
        if (m->line_number < from || is_blank(buf_slice(&m->line)))
            continue;
        if (parse_line(m, &item) != 0) {
            got = -1;
            break;
        }
        bool full = m->count == BATCH_ITEMS || m->items.len + item.len > BATCH_BYTES;
        if ((full && flush(m, next) != 0) || add(m, item) != 0)
            return -1;
    }
    *next = m->line_number;
    if (got < 0) {
        struct err reason = m->copy.e;
        bool bad = m->bad;
        if (flush(m, next) != 0)
            return -1;
        m->copy.e = reason;
        m->bad = bad;
        return -1;
    }
    return flush(m, next);
}

static int import_all(struct import *m, int64_t from, uint64_t *next)
{
    struct stat info;
    uint64_t about;
    *next = (uint64_t)from;
    if (describe(&m->copy, &about) != 0)
        return -1;
    bool file = fstat(STDIN_FILENO, &info) == 0 && S_ISREG(info.st_mode);
    progress_init(&m->copy.progress, file ? (uint64_t)info.st_size : 0, clock_mono_ms());
    return import_lines(m, (uint64_t)from, next);
}

int table_import(const char *url, int64_t timeout_ms, const char *table, int64_t from)
{
    struct import m = {.count = 0};
    uint64_t next = 0;
    int result = copy_init(&m.copy, url, timeout_ms, table) == 0 ? import_all(&m, from, &next) : -1;
    progress_finish(&m.copy.progress);
    if (result == 0)
        fprintf(stderr, "imported %" PRIu64 " items\n", m.copy.items);
    else if (m.bad)
        fprintf(stderr, "leat table: line %" PRIu64 ": %s (%" PRIu64 " items before it are imported)\n", next, m.copy.e.text,
                m.copy.items);
    else
        fprintf(stderr, "leat table: %s (%" PRIu64 " items are imported; --from %" PRIu64 " goes on)\n", m.copy.e.text,
                m.copy.items, next);
    int status = result == 0 ? 0 : m.bad ? STATUS_INPUT : status_of(&m.copy.e);
    buf_finish(&m.line);
    buf_finish(&m.items);
    copy_finish(&m.copy);
    return status;
}
