/* json_parse.c - plain JSON to the value model, in one pass over yajl's callbacks. The only file that knows yajl.
 *
 * Each callback appends to the output at once; an object or array stays open (mp_open) until yajl closes it. What yajl does not
 * check is checked before it runs: UTF-8 of the whole text (cheaper than yajl's own check), and escapes that name half a
 * surrogate pair, which yajl would turn into "?" or into broken UTF-8. */
#include "common/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#include "common/json_arena.h"
#include "common/json_parts.h"
#include "common/limits.h"
#include "common/names.h"

#define FIRST_NAMES 32u
#define KEEP_NAMES 4096u      /* a longer stack of names is given back after the parse */
#define KEEP_BYTES (1u << 18) /* so is a larger scratch buffer */

/* A name of an open object, as a range of the output, which may move. */
struct span {
    size_t at, len;
};

/* An open object or array. */
struct frame {
    size_t mark;
    size_t names; /* where its names start on the stack */
    uint32_t count;
    bool is_map;
};

struct json_parser {
    struct json_arena arena;
    struct buf *out;
    struct err error; /* code is ERR_NONE until a callback refuses */
    int max_depth, depth;
    struct frame frames[LIMIT_MSGPACK_DEPTH];
    struct span *names; /* of all open objects, owned */
    size_t names_count, names_cap;
    struct slice *sort; /* as many places as names: an object's names while they are compared, owned */
    struct buf scratch;
};

struct json_parser *json_parser_create(void)
{
    struct json_parser *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    json_arena_init(&p->arena);
    buf_init(&p->scratch);
    return p;
}

static void drop_names(struct json_parser *p)
{
    free(p->names);
    free(p->sort);
    p->names = NULL;
    p->sort = NULL;
    p->names_cap = 0;
}

void json_parser_destroy(struct json_parser **p)
{
    if (!*p)
        return;
    json_arena_finish(&(*p)->arena);
    drop_names(*p);
    buf_finish(&(*p)->scratch);
    free(*p);
    *p = NULL;
}

/* -- Names ---------------------------------------------------------------------------------------------------- */
static int grow_names(struct json_parser *p)
{
    size_t cap = p->names_cap ? 2 * p->names_cap : FIRST_NAMES;
    struct slice *sort = reallocarray(p->sort, cap, sizeof *sort);
    if (!sort)
        return -1;
    p->sort = sort;
    struct span *names = reallocarray(p->names, cap, sizeof *names);
    if (!names)
        return -1;
    p->names = names;
    p->names_cap = cap;
    return 0;
}

static int refuse_twice(struct json_parser *p, const struct slice *name)
{
    return err_set(&p->error, ERR_SERIALIZATION, "The name \"%.*s\" is given twice in one object",
                   (int)(name->len < 100 ? name->len : 100), (const char *)name->ptr);
}

static int check_names(struct json_parser *p, const struct frame *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        const struct span *s = &p->names[f->names + i];
        p->sort[i] = slice_of(p->out->data + s->at, s->len);
    }
    const struct slice *twice = f->count > 1 ? names_twice(p->sort, f->count) : NULL;
    return twice ? refuse_twice(p, twice) : 0;
}

/* -- Callbacks of yajl: 1 to go on, 0 to stop, with the reason in p->error -------------------------------------- */
static int stop_if(int result) { return result == 0; }

/* A value begins: it is an element of the array around it, or belongs to the name before it. */
static void begin_value(struct json_parser *p)
{
    if (p->depth > 0 && !p->frames[p->depth - 1].is_map)
        p->frames[p->depth - 1].count++;
}

static int on_null(void *context)
{
    struct json_parser *p = context;
    begin_value(p);
    mp_put_nil(p->out);
    return 1;
}

static int on_boolean(void *context, int truth)
{
    struct json_parser *p = context;
    begin_value(p);
    mp_put_bool(p->out, truth != 0);
    return 1;
}

static int on_number(void *context, const char *text, size_t len)
{
    struct json_parser *p = context;
    begin_value(p);
    return stop_if(value_put_number_text(p->out, text, len, &p->error));
}

static int on_string(void *context, const unsigned char *text, size_t len)
{
    struct json_parser *p = context;
    begin_value(p);
    mp_put_str(p->out, (const char *)text, len);
    return 1;
}

static int open_container(struct json_parser *p, bool is_map)
{
    begin_value(p);
    if (p->depth >= p->max_depth)
        return stop_if(err_set(&p->error, ERR_SERIALIZATION, "The JSON is too deep: more than %d nested arrays and objects",
                               p->max_depth));
    p->frames[p->depth++] = (struct frame){.mark = mp_open(p->out), .names = p->names_count, .is_map = is_map};
    return 1;
}

static int on_start_map(void *context) { return open_container(context, true); }

static int on_start_array(void *context) { return open_container(context, false); }

static int on_map_key(void *context, const unsigned char *text, size_t len)
{
    struct json_parser *p = context;
    assert(p->depth > 0 && p->frames[p->depth - 1].is_map);
    if (len > LIMIT_ATTRIBUTE_NAME_BYTES)
        return stop_if(err_set(&p->error, ERR_VALIDATION, "A name is longer than %u bytes", LIMIT_ATTRIBUTE_NAME_BYTES));
    if (p->names_count == p->names_cap && grow_names(p) != 0)
        return stop_if(err_set(&p->error, ERR_INTERNAL, "out of memory"));
    mp_put_str(p->out, (const char *)text, len);
    if (buf_failed(p->out))
        return 0;
    p->names[p->names_count++] = (struct span){p->out->len - len, len};
    p->frames[p->depth - 1].count++;
    return 1;
}

/* Replaces {"$...": content} by what it stands for. */
static int put_marker(struct json_parser *p, const struct frame *f, const struct json_marker *marker)
{
    const struct span *name = &p->names[f->names];
    size_t at = name->at + name->len;
    buf_reset(&p->scratch);
    if (json_marker_value(marker, slice_of(p->out->data + at, p->out->len - at), &p->scratch, &p->error) != 0)
        return -1;
    p->out->len = f->mark;
    if (buf_failed(&p->scratch))
        return err_set(&p->error, ERR_INTERNAL, "out of memory");
    buf_append(p->out, p->scratch.data, p->scratch.len);
    return 0;
}

static const struct json_marker *marker_of(const struct json_parser *p, const struct frame *f)
{
    if (f->count != 1)
        return NULL;
    const struct span *name = &p->names[f->names];
    return json_marker_by_name(slice_of(p->out->data + name->at, name->len));
}

static int on_end_map(void *context)
{
    struct json_parser *p = context;
    assert(p->depth > 0);
    const struct frame *f = &p->frames[--p->depth];
    if (buf_failed(p->out) || check_names(p, f) != 0)
        return 0;
    p->names_count = f->names;
    const struct json_marker *marker = marker_of(p, f);
    if (marker)
        return stop_if(put_marker(p, f, marker));
    mp_close_map(p->out, f->mark, f->count);
    return 1;
}

static int on_end_array(void *context)
{
    struct json_parser *p = context;
    assert(p->depth > 0);
    const struct frame *f = &p->frames[--p->depth];
    mp_close_array(p->out, f->mark, f->count);
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_start_map,
    .yajl_map_key = on_map_key,
    .yajl_end_map = on_end_map,
    .yajl_start_array = on_start_array,
    .yajl_end_array = on_end_array,
};

/* -- The text as a whole -------------------------------------------------------------------------------------- */

/* The 16 bits of a \uXXXX escape at `at`, or -1 if none is there. */
static int escape_at(const unsigned char *at, const unsigned char *end)
{
    int unit = 0;
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        int c = at[i] | 0x20;
        if (!(at[i] >= '0' && at[i] <= '9') && !(c >= 'a' && c <= 'f'))
            return -1;
        unit = unit << 4 | (c >= 'a' ? c - 'a' + 10 : c - '0');
    }
    return unit;
}

static bool is_high(int unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
static bool is_low(int unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

/* A backslash is legal inside strings only, and begins an escape there, so the text need not be parsed for this. */
static bool surrogates_paired(struct slice text)
{
    const unsigned char *at = text.ptr, *end = text.ptr + text.len;
    while (at < end && (at = memchr(at, '\\', (size_t)(end - at)))) {
        int unit = escape_at(at, end);
        if (is_low(unit) || (is_high(unit) && !is_low(escape_at(at + 6, end))))
            return false;
        at += is_high(unit) ? 12 : end - at < 2 ? 1 : 2;
    }
    return true;
}

/* at_end: the error came with the line feed that parse() adds, so that yajl's lexer met it inside a token that is not whole. */
static int syntax_error(struct json_parser *p, yajl_handle handle, size_t text_bytes, bool at_end)
{
    size_t at = at_end ? text_bytes : yajl_get_bytes_consumed(handle);
    unsigned char *text = yajl_get_error(handle, 0, NULL, 0);
    const char *reason = text ? (const char *)text : "parse error";
    if (at_end && strncmp(reason, "lexical", strlen("lexical")) == 0)
        reason = "the text ends inside a word or string";
    err_set(&p->error, ERR_SERIALIZATION, "The JSON is broken at byte %zu: %.*s", at, (int)strcspn(reason, "\n"), reason);
    if (text)
        yajl_free_error(handle, text);
    return -1;
}

/* Feeds the text and a line feed, the one blank that no string may hold. Without it yajl takes [1] "abc for whole: the token
 * that has no end is never looked at again. */
static yajl_status feed(yajl_handle handle, struct slice text, bool *at_end)
{
    yajl_status status = yajl_parse(handle, text.ptr, text.len);
    *at_end = status == yajl_status_ok;
    if (status == yajl_status_ok)
        status = yajl_parse(handle, (const unsigned char *)"\n", 1);
    return status == yajl_status_ok ? yajl_complete_parse(handle) : status;
}

static int parse(struct json_parser *p, struct slice text)
{
    yajl_alloc_funcs memory = {json_arena_malloc, json_arena_realloc, json_arena_free, &p->arena};
    if (json_arena_begin(&p->arena, text.len) != 0)
        return err_set(&p->error, ERR_INTERNAL, "out of memory");
    yajl_handle handle = yajl_alloc(&callbacks, &memory, p);
    if (!handle)
        return err_set(&p->error, ERR_INTERNAL, "out of memory");
    yajl_config(handle, yajl_dont_validate_strings, 1);
    bool at_end;
    yajl_status status = feed(handle, text, &at_end);
    int result = status == yajl_status_ok ? 0 : -1;
    if (buf_failed(p->out))
        result = err_set(&p->error, ERR_INTERNAL, "out of memory");
    else if (status == yajl_status_error)
        result = syntax_error(p, handle, text.len, at_end);
    yajl_free(handle);
    assert(result == 0 || p->error.code != ERR_NONE);
    return result;
}

static void tidy(struct json_parser *p)
{
    json_arena_trim(&p->arena);
    if (p->names_cap > KEEP_NAMES)
        drop_names(p);
    if (p->scratch.cap > KEEP_BYTES)
        buf_finish(&p->scratch);
}

int json_to_value(struct json_parser *p, struct slice text, int max_depth, struct buf *out, struct err *e)
{
    size_t before = out->len;
    if (text.len == 0)
        return err_set(e, ERR_SERIALIZATION, "The JSON text is empty");
    if (buf_failed(out))
        return err_set(e, ERR_INTERNAL, "out of memory");
    if (!utf8_valid(text))
        return err_set(e, ERR_SERIALIZATION, "The JSON text is not valid UTF-8");
    if (!surrogates_paired(text))
        return err_set(e, ERR_SERIALIZATION, "The JSON text has a \\u escape that is half a surrogate pair");
    p->out = out;
    p->error.code = ERR_NONE;
    p->max_depth = max_depth < LIMIT_MSGPACK_DEPTH ? max_depth : LIMIT_MSGPACK_DEPTH;
    p->depth = 0;
    p->names_count = 0;
    int result = parse(p, text);
    if (result != 0) {
        out->len = before;
        out->failed = false;
        err_set(e, p->error.code, "%s", p->error.text);
    }
    tidy(p);
    return result;
}
