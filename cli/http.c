/* http.c - the little HTTP that the command line needs, over libcurl. */
#include "cli/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/aws.h"

struct http {
    CURL *curl;
};

struct http *http_create(int64_t timeout_ms)
{
    struct http *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->curl = curl_easy_init();
    if (!h->curl) {
        http_destroy(&h);
        return NULL;
    }
    curl_easy_setopt(h->curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h->curl, CURLOPT_NOPROXY, "*");
    return h;
}

void http_destroy(struct http **h)
{
    if (!*h)
        return;
    curl_easy_cleanup((*h)->curl);
    free(*h);
    *h = NULL;
}

int http_sign(struct http *h, const char *service, const char *key, const char *secret)
{
    char scope[100];
    snprintf(scope, sizeof scope, "aws:amz:" AWS_REGION ":%s", service);
    bool set = curl_easy_setopt(h->curl, CURLOPT_AWS_SIGV4, scope) == CURLE_OK &&
               curl_easy_setopt(h->curl, CURLOPT_USERNAME, key) == CURLE_OK &&
               curl_easy_setopt(h->curl, CURLOPT_PASSWORD, secret) == CURLE_OK;
    return set ? 0 : -1;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *out)
{
    return buf_append(out, bytes, size * count) == 0 ? size * count : 0;
}

static int perform(struct http *h, const char *url, struct buf *out, struct err *e)
{
    curl_easy_setopt(h->curl, CURLOPT_URL, url);
    curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, out);
    CURLcode code = curl_easy_perform(h->curl);
    if (code != CURLE_OK)
        return err_set(e, ERR_UNAVAILABLE, "%s: %s", url, curl_easy_strerror(code));
    long status = 0;
    curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

int http_get(struct http *h, const char *url, struct buf *out, struct err *e)
{
    curl_easy_setopt(h->curl, CURLOPT_HTTPGET, 1L);
    return perform(h, url, out, e);
}

int http_post(struct http *h, const char *url, const char *const *headers, size_t count, struct slice body, struct buf *out,
              struct err *e)
{
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < count; i++) {
        struct curl_slist *longer = curl_slist_append(list, headers[i]);
        if (!longer) {
            curl_slist_free_all(list);
            return err_set(e, ERR_INTERNAL, "out of memory");
        }
        list = longer;
    }
    curl_easy_setopt(h->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, (const char *)body.ptr);
    curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    int status = perform(h, url, out, e);
    curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(list);
    return status;
}
