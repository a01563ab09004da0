/* prefer.c - parses the list of preferences: token [ "=" word ] *( ";" parameter ), separated by commas, over several headers. */
#include "gateway/prefer.h"

#include <stddef.h>
#include <string.h>

#include "common/limits.h"

#define SECONDS_DIGITS_MAX 9u

static int read_seconds(struct slice text, int64_t *wait_ms, struct err *e)
{
    int64_t seconds = 0;
    if (text.len == 0 || text.len > SECONDS_DIGITS_MAX)
        return err_set(e, ERR_VALIDATION, "wait is not a whole number of seconds");
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return err_set(e, ERR_VALIDATION, "wait is not a whole number of seconds");
        seconds = seconds * 10 + (text.ptr[i] - '0');
    }
    *wait_ms = seconds * 1000 > LIMIT_WAIT_MS ? LIMIT_WAIT_MS : seconds * 1000;
    return 0;
}

static struct slice trim(struct slice s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = slice_of(s.ptr + 1, s.len - 1);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* Cuts off what lies before the next `mark` outside quotes, and the mark. False when nothing is left. */
static bool cut(struct slice *rest, unsigned char mark, struct slice *part)
{
    if (!rest->ptr)
        return false;
    bool quoted = false;
    size_t i = 0;
    for (; i < rest->len && (quoted || rest->ptr[i] != mark); i++) {
        if (rest->ptr[i] == '"')
            quoted = !quoted;
        else if (quoted && rest->ptr[i] == '\\' && i + 1 < rest->len)
            i++;
    }
    if (i > rest->len)
        i = rest->len;
    *part = trim(slice_of(rest->ptr, i));
    *rest = i < rest->len ? slice_of(rest->ptr + i + 1, rest->len - i - 1) : (struct slice){0};
    return true;
}

/* True if the preference is `wait`; *word is then its value without quotes. */
static bool is_wait(struct slice preference, struct slice *word)
{
    struct slice first, name;
    if (!cut(&preference, ';', &first) || !cut(&first, '=', &name) || !http_same_word(name, slice_text("wait")))
        return false;
    *word = first.ptr ? trim(first) : slice_text("");
    if (word->len >= 2 && word->ptr[0] == '"' && word->ptr[word->len - 1] == '"')
        *word = slice_of(word->ptr + 1, word->len - 2);
    return true;
}

int prefer_read(const struct http_fields *f, struct prefer *p, struct err *e)
{
    struct slice rest, preference, word;
    *p = (struct prefer){0};
    if (http_query_get(f, "wait", &word))
        return read_seconds(word, &p->wait_ms, e);
    for (unsigned n = 0; http_header_get(f, "prefer", n, &rest); n++)
        while (cut(&rest, ',', &preference))
            if (is_wait(preference, &word)) {
                p->from_header = true;
                return read_seconds(word, &p->wait_ms, e);
            }
    return 0;
}
