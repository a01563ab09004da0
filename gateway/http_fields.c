/* http_fields.c - a flat array of fields, and one pass of checks over it. */
#include "gateway/http_fields.h"

#include <stddef.h>
#include <string.h>

static unsigned char lower(unsigned char c) { return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c; }

bool http_same_word(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

void http_fields_reset(struct http_fields *f)
{
    f->count = 0;
    f->overflow = f->chunked = false;
    f->content_length = 0;
}

void http_fields_add(struct http_fields *f, struct slice name, struct slice value, bool query)
{
    if (f->count == HTTP_FIELDS_MAX) {
        f->overflow = true;
        return;
    }
    f->at[f->count++] = (struct http_field){.name = name, .value = value, .query = query};
}

bool http_header_get(const struct http_fields *f, const char *name, unsigned nth, struct slice *value)
{
    struct slice want = slice_text(name);
    for (unsigned i = 0; i < f->count; i++)
        if (!f->at[i].query && http_same_word(f->at[i].name, want) && nth-- == 0) {
            *value = f->at[i].value;
            return true;
        }
    return false;
}

bool http_query_get(const struct http_fields *f, const char *name, struct slice *value)
{
    struct slice want = slice_text(name);
    for (unsigned i = 0; i < f->count; i++)
        if (f->at[i].query && slice_equal(f->at[i].name, want)) {
            *value = f->at[i].value;
            return true;
        }
    return false;
}

/* -- Checks ---------------------------------------------------------------------------------------------------- */
struct seen {
    unsigned lengths, codings, hosts;
};

/* RFC 9110, 5.6.2: the characters of a header's name. */
static bool is_token(struct slice s)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = s.ptr[i];
        bool alphanumeric = (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
        if (!alphanumeric && (c == 0 || !strchr(marks, c)))
            return false;
    }
    return s.len > 0;
}

static bool has_control(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((s.ptr[i] < 0x20 && s.ptr[i] != '\t') || s.ptr[i] == 0x7f)
            return true;
    return false;
}

static int take_length(struct http_fields *f, struct slice value, struct err *e)
{
    if (value.len == 0 || value.len > 18)
        return err_set(e, ERR_BAD_REQUEST, "Content-Length is not a plausible number");
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return err_set(e, ERR_BAD_REQUEST, "Content-Length is not a number");
        f->content_length = f->content_length * 10 + (uint64_t)(value.ptr[i] - '0');
    }
    return 0;
}

static int take_host(struct slice value, struct err *e)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = value.ptr[i];
        if (c <= 0x20 || c >= 0x7f || strchr("/\\?#@,<>\"", c))
            return err_set(e, ERR_BAD_REQUEST, "Host is not the name of a host");
    }
    return 0;
}

static int check_field(struct http_fields *f, const struct http_field *field, struct seen *seen, struct err *e)
{
    if (!is_token(field->name) || has_control(field->value))
        return err_set(e, ERR_BAD_REQUEST, "a header holds a character that is not allowed");
    switch (field->name.len) { /* three names matter, of three lengths */
    case 4:
        if (http_same_word(field->name, slice_text("host"))) {
            seen->hosts++;
            return take_host(field->value, e);
        }
        break;
    case 14:
        if (http_same_word(field->name, slice_text("content-length"))) {
            if (seen->lengths++)
                return err_set(e, ERR_BAD_REQUEST, "more than one Content-Length");
            return take_length(f, field->value, e);
        }
        break;
    case 17:
        if (http_same_word(field->name, slice_text("transfer-encoding"))) {
            f->chunked = true;
            if (seen->codings++ || !http_same_word(field->value, slice_text("chunked")))
                return err_set(e, ERR_BAD_REQUEST, "Transfer-Encoding is not understood: only \"chunked\" is");
        }
        break;
    default:
        break;
    }
    return 0;
}

int http_fields_check(struct http_fields *f, bool version_1_1, struct err *e)
{
    struct seen seen = {0};
    if (f->overflow)
        return err_set(e, ERR_HEADERS_TOO_LARGE, "more than %u headers and query parameters", HTTP_FIELDS_MAX);
    for (unsigned i = 0; i < f->count; i++)
        if (!f->at[i].query && check_field(f, &f->at[i], &seen, e) != 0)
            return -1;
    if (seen.lengths && seen.codings)
        return err_set(e, ERR_BAD_REQUEST, "Content-Length together with Transfer-Encoding");
    if (seen.codings && !version_1_1)
        return err_set(e, ERR_BAD_REQUEST, "Transfer-Encoding in a request of HTTP/1.0");
    if (seen.hosts > 1)
        return err_set(e, ERR_BAD_REQUEST, "more than one Host");
    if (seen.hosts == 0 && version_1_1)
        return err_set(e, ERR_BAD_REQUEST, "no Host");
    return 0;
}

const char *http_target_path(const char *target)
{
    static const char scheme[] = "http://";
    for (const char *c = target; *c; c++)
        if ((unsigned char)*c <= 0x20 || *c == 0x7f)
            return NULL;
    if (http_same_word(slice_of(target, strnlen(target, sizeof scheme - 1)), slice_text(scheme))) {
        const char *path = strchr(target + sizeof scheme - 1, '/');
        return path ? path : "/";
    }
    return target[0] == '/' ? target : NULL;
}
