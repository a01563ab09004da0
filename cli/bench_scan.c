/* bench_scan.c - one pass over JSON that knows no more than strings and depth. Broken JSON gives a wrong count and nothing worse. */
#include "cli/bench_scan.h"

#define ENTRY_DEPTH 3 /* object, array, object */

static const char word[] = "error";

static void in_string(struct bench_scan *s, unsigned char c)
{
    if (s->escaped) {
        s->escaped = false;
    } else if (c == '\\') {
        s->escaped = true;
        s->match = UINT32_MAX;
    } else if (c == '"') {
        s->in_string = false;
        s->hit = s->depth == ENTRY_DEPTH && s->match == sizeof word - 1;
    } else {
        s->match = s->match < sizeof word - 1 && c == (unsigned char)word[s->match] ? s->match + 1 : UINT32_MAX;
    }
}

void bench_scan_feed(struct bench_scan *s, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = bytes[i];
        if (s->in_string) {
            in_string(s, c);
            continue;
        }
        s->errors += s->hit && c == ':';
        if (c > ' ')
            s->hit = false;
        if (c == '"') {
            s->in_string = true;
            s->match = 0;
        } else if (c == '{' || c == '[') {
            s->depth++;
        } else if ((c == '}' || c == ']') && s->depth > 0) {
            s->depth--;
        }
    }
}
