/* scarce_memory.c - see scarce_memory.h. */
#include "tests/lib/scarce_memory.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static atomic_bool on, hit;
static atomic_ullong calls, fail_at;
static atomic_llong blocks;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t bytes);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *block);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *block);

void scarce_begin(uint64_t n)
{
    calls = 0;
    blocks = 0;
    fail_at = n;
    hit = false;
    on = true;
}

bool scarce_end(void)
{
    on = false;
    return hit;
}

bool scarce_hit(void) { return hit; }
int64_t scarce_blocks(void) { return blocks; }

static bool refused(void)
{
    if (!on || ++calls != fail_at)
        return false;
    hit = true;
    errno = ENOMEM;
    return true;
}

static void *taken(const void *old, void *block)
{
    if (on && !old && block)
        blocks++;
    return block;
}

void *__wrap_malloc(size_t bytes) { return refused() ? NULL : taken(NULL, __real_malloc(bytes)); }
void *__wrap_calloc(size_t count, size_t size) { return refused() ? NULL : taken(NULL, __real_calloc(count, size)); }
void *__wrap_realloc(void *old, size_t bytes) { return refused() ? NULL : taken(old, __real_realloc(old, bytes)); }

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return refused() ? NULL : taken(old, __real_reallocarray(old, count, size));
}

char *__wrap_strdup(const char *text) { return refused() ? NULL : taken(NULL, __real_strdup(text)); }

void __wrap_free(void *block)
{
    if (on && block)
        blocks--;
    __real_free(block);
}

uint64_t scarce_for_all(void (*story)(void *self), void *self)
{
    uint64_t n = 0;
    bool reached;
    do {
        scarce_begin(++n);
        story(self);
        int64_t left = scarce_blocks();
        reached = scarce_end();
        if (left != 0)
            fail_msg("%lld blocks are left when allocation %llu fails", (long long)left, (unsigned long long)n);
    } while (reached);
    return n - 1;
}
