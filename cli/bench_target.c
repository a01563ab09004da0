/* bench_target.c - URL, address and head of the requests. */
#include "cli/bench_target.h"

#include <inttypes.h>
#include <netdb.h>
#include <string.h>

#include "common/version.h"

#define OPERATION_PATH "/DynamoDBManager"
#define URL_MAX 2048

static int take_port(struct slice text, struct bench_url *url, struct err *e)
{
    unsigned port = 0;
    bool sound = text.len > 0 && text.len < sizeof url->port;
    for (size_t i = 0; sound && i < text.len; i++) {
        sound = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        port = port * 10 + (unsigned)(text.ptr[i] - '0');
    }
    if (!sound || port == 0 || port > 65535)
        return err_set(e, ERR_VALIDATION, "the port of the URL must be a number from 1 to 65535");
    memcpy(url->port, text.ptr, text.len);
    url->port[text.len] = '\0';
    return 0;
}

/* HOST[:PORT] or [ADDRESS][:PORT]. */
static int take_authority(struct slice text, struct bench_url *url, struct err *e)
{
    url->bracketed = text.len > 0 && text.ptr[0] == '[';
    const unsigned char *end = text.len ? memchr(text.ptr, url->bracketed ? ']' : ':', text.len) : NULL;
    if (url->bracketed && !end)
        return err_set(e, ERR_VALIDATION, "the URL has a [ without its ]");
    size_t len = end ? (size_t)(end - text.ptr) : text.len;
    url->host = slice_of(text.ptr + url->bracketed, len - url->bracketed);
    struct slice rest = slice_of(text.ptr + len + url->bracketed, text.len - len - url->bracketed);
    if (url->host.len == 0 || url->host.len > 253)
        return err_set(e, ERR_VALIDATION, "the URL names no host");
    if (rest.len == 0)
        return 0;
    if (rest.ptr[0] != ':')
        return err_set(e, ERR_VALIDATION, "the URL has something else than a port behind its host");
    return take_port(slice_of(rest.ptr + 1, rest.len - 1), url, e);
}

int bench_url_parse(const char *text, struct bench_url *url, struct err *e)
{
    static const char scheme[] = "http://";
    *url = (struct bench_url){.port = "80"};
    size_t all = strlen(text);
    if (all > URL_MAX)
        return err_set(e, ERR_VALIDATION, "the URL is longer than %d characters", URL_MAX);
    for (size_t i = 0; i < all; i++)
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f)
            return err_set(e, ERR_VALIDATION, "the URL has a character that URLs do not have; write it as %%XX");
    if (strncmp(text, scheme, sizeof scheme - 1) != 0)
        return err_set(e, ERR_VALIDATION, "the URL must begin with http:// (TLS is not measured here)");
    text += sizeof scheme - 1;
    size_t len = strcspn(text, "/?#");
    url->path = slice_of(text + len, strcspn(text + len, "#"));
    if (memchr(text, '@', len))
        return err_set(e, ERR_VALIDATION, "the URL must not hold a user name");
    return take_authority(slice_of(text, len), url, e);
}

static int look_up(struct bench_target *t, const struct bench_url *url, struct err *e)
{
    char host[256];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    memcpy(host, url->host.ptr, url->host.len);
    host[url->host.len] = '\0';
    int result = getaddrinfo(host, url->port, &hints, &found);
    if (result != 0)
        return err_set(e, ERR_UNAVAILABLE, "%s: %s", host, gai_strerror(result));
    memcpy(&t->address, found->ai_addr, found->ai_addrlen);
    t->address_len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static void put_head(struct bench_target *t, const struct bench_url *url, int64_t wait_s, bool lines)
{
    struct slice path = url->path;
    bool rooted = path.len > 0 && path.ptr[0] == '/';
    if (path.len == (size_t)rooted) /* "" or "/" */
        path = slice_text(OPERATION_PATH);
    buf_printf(&t->head, "POST %s%.*s HTTP/1.1\r\nHost: %s%.*s%s:%s\r\n", path.ptr[0] == '?' ? "/" : "", (int)path.len,
               (const char *)path.ptr, url->bracketed ? "[" : "", (int)url->host.len, (const char *)url->host.ptr,
               url->bracketed ? "]" : "", url->port);
    buf_printf(&t->head, "User-Agent: leat-bench/%s\r\nContent-Type: application/%s\r\n", LEAT_VERSION,
               lines ? "x-ndjson" : "json");
    if (wait_s > 0)
        buf_printf(&t->head, "Prefer: wait=%" PRId64 "\r\n", wait_s);
    buf_text(&t->head, "Content-Length: ");
}

int bench_target_init(struct bench_target *t, const char *text, int64_t wait_s, bool lines, struct err *e)
{
    struct bench_url url;
    *t = (struct bench_target){0};
    if (bench_url_parse(text, &url, e) != 0 || look_up(t, &url, e) != 0)
        return -1;
    put_head(t, &url, wait_s, lines);
    return buf_failed(&t->head) ? err_set(e, ERR_INTERNAL, "out of memory") : 0;
}

void bench_target_finish(struct bench_target *t) { buf_finish(&t->head); }

/* By hand: printf costs as much as the rest of the request. */
static void put_number(struct buf *out, size_t number)
{
    unsigned char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (unsigned char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buf_append(out, digits + at, sizeof digits - at);
}

void bench_target_put(const struct bench_target *t, struct slice body, struct buf *out)
{
    buf_append(out, t->head.data, t->head.len);
    put_number(out, body.len);
    buf_append(out, "\r\n\r\n", 4);
    buf_append(out, body.ptr, body.len);
}
