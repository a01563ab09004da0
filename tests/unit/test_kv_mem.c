/* test_kv_mem.c - the in-memory store against the suite that every store passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/kv_suite.h"

static struct kv *open_mem(void *context)
{
    (void)context;
    return kv_mem_create();
}

static void close_mem(struct kv **kv, void *context)
{
    (void)context;
    kv_close(kv);
}

int main(void)
{
    static const struct kv_suite suite = {.name = "kv_mem", .open = open_mem, .close = close_mem};
    return kv_suite_run(&suite);
}
