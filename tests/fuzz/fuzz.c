/* fuzz.c - the table of targets, and what they share. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/op.h"
#include "queue/core/core.h"

const struct fuzz_target fuzz_targets[] = {
#define X(name, what) {#name, fuzz_##name},
    FUZZ_TABLE(X)
#undef X
};
const size_t fuzz_target_count = sizeof fuzz_targets / sizeof fuzz_targets[0];

const struct fuzz_target *fuzz_target(const char *name)
{
    for (size_t i = 0; i < fuzz_target_count; i++)
        if (strcmp(fuzz_targets[i].name, name) == 0)
            return &fuzz_targets[i];
    return NULL;
}

void fuzz_failed(const char *text, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
    abort();
}

/* -- Taking an input apart ----------------------------------------------------------------------------------------------------------------- */
struct slice fuzz_bytes(struct slice *in, size_t len)
{
    struct slice head = {in->ptr, len < in->len ? len : in->len};
    if (head.len > 0) /* an empty input may have no pointer */
        *in = slice_of(in->ptr + head.len, in->len - head.len);
    return head;
}

static uint64_t number(struct slice *in, size_t width)
{
    struct slice bytes = fuzz_bytes(in, width);
    uint64_t n = 0;
    for (size_t i = bytes.len; i-- > 0;)
        n = n << 8 | bytes.ptr[i];
    return n;
}

unsigned fuzz_u8(struct slice *in) { return (unsigned)number(in, 1); }
unsigned fuzz_u16(struct slice *in) { return (unsigned)number(in, 2); }
uint64_t fuzz_u64(struct slice *in) { return number(in, 8); }

struct slice fuzz_chunk(struct slice *in)
{
    size_t len = fuzz_u16(in);
    return fuzz_bytes(in, len);
}

struct slice fuzz_until(struct slice *in, const char *mark)
{
    const unsigned char *at = in->len > 0 ? memmem(in->ptr, in->len, mark, strlen(mark)) : NULL;
    struct slice head = fuzz_bytes(in, at ? (size_t)(at - in->ptr) : in->len);
    if (at)
        fuzz_bytes(in, strlen(mark));
    return head;
}

/* -- Errors and outcomes --------------------------------------------------------------------------------------------------------------------- */
static bool has_empty_name(const struct value *v)
{
    struct value_walk walk = value_walk_of(v);
    struct slice name;
    struct value element;
    while (value_walk_next(&walk, &name, &element))
        if ((v->type == VALUE_M && name.len == 0) || has_empty_name(&element))
            return true;
    return false;
}

bool fuzz_value_holds(struct slice encoded)
{
    struct value v = value_of(encoded);
    return v.type != VALUE_NONE && (value_check(encoded, NULL) == 0 || has_empty_name(&v));
}

/* An answer wraps items that are themselves as deep as may be. */
static void check_parts(const struct value *v, int levels)
{
    struct value_walk walk = value_walk_of(v);
    struct value element;
    if (fuzz_value_holds(v->encoded))
        return;
    fuzz_check(levels > 0 && (v->type == VALUE_M || v->type == VALUE_L));
    while (value_walk_next(&walk, NULL, &element))
        check_parts(&element, levels - 1);
}

void fuzz_check_outcome(struct slice encoded)
{
    struct outcome o;
    fuzz_check(encoded.len <= LIMIT_ANSWER_BYTES);
    fuzz_check(outcome_decode(encoded, &o) == 0);
    check_parts(&o.value, LIMIT_JSON_DEPTH - LIMIT_VALUE_DEPTH);
}

void fuzz_check_err(const struct err *e)
{
    struct buf b = {0};
    fuzz_check(e->code != ERR_NONE && e->text[0] != '\0');
    outcome_encode_err(&b, e);
    fuzz_check(!buf_failed(&b));
    fuzz_check_outcome(buf_slice(&b));
    buf_finish(&b);
}

/* -- Memory ---------------------------------------------------------------------------------------------------------------------------------- */
#define KEPT 8
#define LARGE_BYTES (256u * 1024u)

static struct kept {
    void *block;
    size_t bytes;
    bool used;
} kept[KEPT];

static void free_kept(void)
{
    for (int i = 0; i < KEPT; i++)
        free(kept[i].block);
}

static void *keep(size_t bytes)
{
    for (int i = 0; i < KEPT; i++)
        if (!kept[i].used && (!kept[i].block || kept[i].bytes == bytes)) {
            if (!kept[0].block)
                atexit(free_kept);
            if (!kept[i].block)
                kept[i] = (struct kept){.block = malloc(bytes), .bytes = bytes};
            kept[i].used = true;
            return kept[i].block;
        }
    return malloc(bytes);
}

static void *resize(void *self, void *old, size_t bytes)
{
    (void)self;
    for (int i = 0; old && i < KEPT; i++)
        if (kept[i].block == old) {
            void *grown = bytes > 0 ? malloc(bytes) : NULL;
            if (grown)
                memcpy(grown, old, bytes < kept[i].bytes ? bytes : kept[i].bytes);
            kept[i].used = bytes > 0 && !grown;
            return grown;
        }
    if (!old && bytes >= LARGE_BYTES)
        return keep(bytes);
    if (bytes > 0)
        return realloc(old, bytes);
    free(old);
    return NULL;
}

struct core_memory fuzz_core_memory(void) { return (struct core_memory){.resize = resize}; }

/* -- The folder ------------------------------------------------------------------------------------------------------------------------------ */
static char folder[64];

static void remove_all(const char *path)
{
    char name[512];
    DIR *d = opendir(path);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (unlink(name) != 0)
            remove_all(name);
    }
    if (d)
        closedir(d);
    rmdir(path);
}

static void remove_folder(void) { remove_all(folder); }

const char *fuzz_folder(void)
{
    if (folder[0])
        return folder;
    const char *base = getenv("TMPDIR");
    int n = snprintf(folder, sizeof folder, "%s/leat-fuzz-XXXXXX", base ? base : "/tmp");
    fuzz_check(n > 0 && (size_t)n < sizeof folder);
    fuzz_check(mkdtemp(folder));
    atexit(remove_folder);
    return folder;
}
