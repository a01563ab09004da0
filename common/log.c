/* log.c - formats one line in a fixed buffer on the stack and hands it to the kernel in one write(2).
 *
 *   text:  2026-11-21T09:00:00.123Z info leat-queue[4711] segment.open file=00000001.seg bytes=4096
 *   json:  {"time":"...","level":"info","role":"leat-queue","pid":4711,"event":"segment.open","fields":{"bytes":4096}}
 *
 * The pairs stand in an object of their own, so that a pair called pid= or time= cannot collide with ours. Words that
 * are no pairs become the field "text". A line too long for the buffer is cut, but stays whole as a line and as JSON. */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

#define LINE_BYTES 4096
#define LIMIT_MS 1000
#define TAIL_BYTES 8         /* kept free for what closes a JSON line: "}}\n */
#define NAME_BYTES 64        /* of role and event: more is cut */
#define MAX_NUMBER_DIGITS 15 /* integers that every JSON reader keeps exactly */

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const format_names[] = {"text", "json"};

static const char *log_role = "leat";
static enum log_level log_least = LOG_LEVEL_INFO;
static enum log_format log_form = LOG_FORMAT_TEXT;

struct span {
    const char *at;
    size_t len;
};

/* A line under construction; an append that does not fit is dropped as a whole. */
struct line {
    char text[LINE_BYTES];
    size_t len;
    size_t end; /* appends stop here */
    bool full;  /* something was left out: nothing shorter may follow it */
};

static bool put(struct line *line, const char *bytes, size_t len)
{
    line->full = line->full || len > line->end - line->len;
    if (line->full)
        return false;
    memcpy(line->text + line->len, bytes, len);
    line->len += len;
    return true;
}

static bool put_text(struct line *line, const char *text) { return put(line, text, strlen(text)); }

/* Length of the valid UTF-8 sequence of more than one byte at s (len bytes left), 0 if there is none. */
static size_t utf8_sequence(const char *s, size_t len)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t need = u[0] >= 0xc2 && u[0] <= 0xdf ? 2 : (u[0] & 0xf0) == 0xe0 ? 3 : u[0] >= 0xf0 && u[0] <= 0xf4 ? 4 : 0;
    if (need == 0 || need > len)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((u[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xf0 && u[1] < 0x90);
    bool outside = (u[0] == 0xed && u[1] > 0x9f) || (u[0] == 0xf4 && u[1] > 0x8f);
    return overlong || outside ? 0 : need;
}

/* One character of a JSON string: consumes 1..4 bytes of s (len > 0), writes at most 6 bytes to out, returns their count. */
static size_t escape(const char *s, size_t len, size_t *consumed, char out[static 7])
{
    static const char plain[] = "\"\\\n\r\t";
    static const char letters[] = "\"\\nrt";
    unsigned char c = (unsigned char)*s;
    const char *special = c ? strchr(plain, c) : NULL;
    *consumed = 1;
    if (special) {
        out[0] = '\\';
        out[1] = letters[special - plain];
        return 2;
    }
    if (c >= 0x20 && c < 0x7f) {
        out[0] = (char)c;
        return 1;
    }
    size_t sequence = utf8_sequence(s, len);
    if (sequence > 0) {
        memcpy(out, s, sequence);
        *consumed = sequence;
        return sequence;
    }
    return (size_t)snprintf(out, 7, "\\u%04x", c < 0x80 ? c : 0xfffdu);
}

static void put_escaped(struct line *line, const char *s, size_t len)
{
    char piece[7];
    for (size_t used = 0; len > 0; s += used, len -= used)
        if (!put(line, piece, escape(s, len, &used, piece)))
            return;
}

const char *log_value(const char *text, char *out, size_t size)
{
    if (size < 3) {
        if (size > 0)
            out[0] = '\0';
        return out;
    }
    size_t at = 0, used = 0;
    out[at++] = '"';
    for (size_t len = strlen(text); len > 0; text += used, len -= used) {
        char piece[7];
        size_t wide = escape(text, len, &used, piece);
        if (at + wide + 2 > size)
            break;
        memcpy(out + at, piece, wide);
        at += wide;
    }
    out[at++] = '"';
    out[at] = '\0';
    return out;
}

static int index_of(const char *text, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(text, names[i]) == 0)
            return i;
    return -1;
}

int log_level_parse(const char *text) { return index_of(text, level_names, (int)(sizeof level_names / sizeof *level_names)); }

int log_format_parse(const char *text)
{
    return index_of(text, format_names, (int)(sizeof format_names / sizeof *format_names));
}

void log_init(const char *role, enum log_level level, enum log_format format)
{
    log_role = role;
    log_least = level;
    log_form = format;
}

/* True for integers that may stand in JSON without quotes. */
static bool is_number(const char *s, size_t len)
{
    if (len > 1 && *s == '-')
        s++, len--;
    if (len == 0 || len > MAX_NUMBER_DIGITS || (len > 1 && *s == '0'))
        return false;
    for (size_t i = 0; i < len; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return true;
}

/* Length of the word at s: up to a space, or up to the closing quote of a value that opens with one. */
static size_t word_len(const char *s)
{
    size_t key = strcspn(s, "= ");
    if (s[key] != '=' || s[key + 1] != '"')
        return strcspn(s, " ");
    size_t at = key + 2;
    while (s[at] && s[at] != '"')
        at += s[at] == '\\' && s[at + 1] ? 2 : 1;
    return s[at] ? at + 1 : strcspn(s, " ");
}

/* Length of the escape sequence at s (which points to a backslash) inside a JSON string of len more bytes; 0 if it is none. */
static size_t escape_sequence(const char *s, size_t len)
{
    if (len < 2 || !strchr("\"\\/bfnrtu", s[1]))
        return 0;
    if (s[1] != 'u')
        return 2;
    return len >= 6 && strspn(s + 2, "0123456789abcdefABCDEF") >= 4 ? 6 : 0;
}

/* A value that log_value() made is a JSON string already; any other one that opens with a quote is not trusted to be. */
static bool is_json_string(const char *s, size_t len)
{
    if (len < 2 || s[0] != '"' || s[len - 1] != '"')
        return false;
    for (size_t i = 1, step; i < len - 1; i += step) {
        unsigned char c = (unsigned char)s[i];
        size_t left = len - 1 - i;
        if (c == '\\')
            step = escape_sequence(s + i, left);
        else if (c < 0x80)
            step = c >= 0x20 && c != '"';
        else
            step = utf8_sequence(s + i, left);
        if (step == 0)
            return false;
    }
    return true;
}

/* "key":value. A field that does not fit is left out, and so are all that follow. */
static void put_field(struct line *line, struct span key, struct span value, bool first)
{
    size_t len = line->len;
    bool raw = is_number(value.at, value.len) || is_json_string(value.at, value.len);
    put_text(line, first ? "\"" : ",\"");
    put_escaped(line, key.at, key.len);
    put_text(line, raw ? "\":" : "\":\"");
    if (raw)
        put(line, value.at, value.len);
    else
        put_escaped(line, value.at, value.len);
    if (!raw)
        put_text(line, "\"");
    if (line->full)
        line->len = len;
}

/* The pairs of text as fields; the other words, joined, as the last field. */
static void put_fields(struct line *line, const char *text)
{
    bool first = true;
    char rest[LINE_BYTES];
    size_t rest_len = 0;
    for (size_t len; *text; text += len) {
        len = word_len(text);
        const char *equals = memchr(text, '=', len);
        if (equals && equals > text) {
            size_t key_len = (size_t)(equals - text);
            put_field(line, (struct span){text, key_len}, (struct span){equals + 1, len - key_len - 1}, first);
            first = false;
        } else if (len > 0 && rest_len + len + 1 < sizeof rest) {
            if (rest_len > 0)
                rest[rest_len++] = ' ';
            memcpy(rest + rest_len, text, len);
            rest_len += len;
        }
        len += strspn(text + len, " ");
    }
    if (rest_len > 0)
        put_field(line, (struct span){"text", 4}, (struct span){rest, rest_len}, first);
}

static void format_json(struct line *line, const char *time, enum log_level level, const char *event, const char *text)
{
    char pid[24];
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    line->end = LINE_BYTES - TAIL_BYTES;
    const char *const parts[] = {"{\"time\":\"", time, "\",\"level\":\"", level_names[level],
                                 "\",\"pid\":",  pid,  ",\"role\":\""};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        put_text(line, parts[i]);
    put_escaped(line, log_role, strnlen(log_role, NAME_BYTES));
    put_text(line, "\",\"event\":\"");
    put_escaped(line, event, strnlen(event, NAME_BYTES));
    put_text(line, "\",\"fields\":{");
    put_fields(line, text);
    line->end = LINE_BYTES;
    line->full = false;
    put_text(line, "}}\n");
}

static void format_text(struct line *line, const char *time, enum log_level level, const char *event, const char *text)
{
    line->end = LINE_BYTES - 1;
    int head = snprintf(line->text, LINE_BYTES, "%s %s %.*s[%ld] %.*s", time, level_names[level], NAME_BYTES, log_role,
                        (long)getpid(), NAME_BYTES, event);
    line->len = head > 0 ? (size_t)head : 0;
    size_t text_len = strlen(text), room = line->end - line->len;
    if (text_len > 0 && room > 0) {
        put_text(line, " ");
        put(line, text, text_len < room ? text_len : room - 1);
    }
    for (size_t i = 0; i < line->len; i++) /* a line stays one line, and no terminal obeys what a peer sent */
        if ((unsigned char)line->text[i] < 0x20 || line->text[i] == 0x7f)
            line->text[i] = '?';
    line->end = LINE_BYTES;
    put_text(line, "\n");
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    if (level < log_least)
        return;
    int saved_errno = errno; /* callers log between a failure and their own look at errno */
    char time[25], text[LINE_BYTES];
    clock_format(clock_wall_ms(), time);
    va_list args;
    va_start(args, format);
    if (vsnprintf(text, sizeof text, format, args) < 0)
        text[0] = '\0';
    va_end(args);
    struct line line;
    line.len = 0;
    line.end = sizeof line.text;
    line.full = false;
    (log_form == LOG_FORMAT_JSON ? format_json : format_text)(&line, time, level, event, text);
    /* A short write or a full pipe loses (part of) the line: logging never holds its caller up. */
    while (write(STDERR_FILENO, line.text, line.len) < 0 && errno == EINTR)
        continue;
    errno = saved_errno;
}

bool log_limit_due(struct log_limit *l, int64_t mono_ms, unsigned long *unsaid)
{
    if (mono_ms < l->next_ms) {
        l->unsaid++;
        return false;
    }
    *unsaid = l->unsaid;
    *l = (struct log_limit){mono_ms + LIMIT_MS, 0};
    return true;
}
