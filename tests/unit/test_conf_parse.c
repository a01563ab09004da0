/* test_conf_parse.c - the notations of sizes and durations: all that is accepted, and what is close but refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/conf.h"

struct amount {
    const char *text;
    int64_t value; /* -1: refused */
};

static void check_amounts(int (*parse)(const char *, int64_t *), const struct amount *amounts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value = 77;
        int result = parse(amounts[i].text, &value);
        if (result != (amounts[i].value < 0 ? -1 : 0) || (result == 0 && value != amounts[i].value))
            fail_msg("\"%s\" gave %d and %lld", amounts[i].text, result, (long long)value);
    }
}

static void sizes(void **state)
{
    (void)state;
    static const struct amount amounts[] = {
        {"0", 0},
        {"4096", 4096},
        {"10B", 10},
        {"512KiB", 512 << 10},
        {"64MiB", 64 << 20},
        {"1GiB", 1 << 30},
        {"2TiB", 2ll << 40},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", -1},
        {"99999999999999999999", -1},
        {"8388608TiB", -1},
        {"", -1},
        {"MiB", -1},
        {"-1", -1},
        {"+1", -1},
        {" 1", -1},
        {"1 ", -1},
        {"1.5GiB", -1},
        {"1GB", -1},
        {"1mib", -1},
        {"0x10", -1},
    };
    check_amounts(conf_parse_bytes, amounts, sizeof amounts / sizeof *amounts);
}

static void durations(void **state)
{
    (void)state;
    static const struct amount amounts[] = {
        {"0", 0},
        {"0s", 0},
        {"250ms", 250},
        {"30s", 30000},
        {"5m", 300000},
        {"12h", 43200000},
        {"4d", 345600000},
        {"9223372036854775807ms", INT64_MAX},
        {"9223372036854776s", -1},
        {"5", -1},
        {"", -1},
        {"s", -1},
        {"-1s", -1},
        {"1.5s", -1},
        {"1 s", -1},
        {"1min", -1},
        {"1S", -1},
    };
    check_amounts(conf_parse_duration, amounts, sizeof amounts / sizeof *amounts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
