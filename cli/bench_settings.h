/* bench_settings.h - the settings of leat bench, checked. */
#ifndef LEAT_CLI_BENCH_SETTINGS_H
#define LEAT_CLI_BENCH_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/bench_pace.h"
#include "cli/bench_profile.h"

#define BENCH_USERS_MAX 20000 /* connections to one address; there are about 28,000 ports to make them from */
#define BENCH_PIPELINE_MAX 100000

struct bench_settings {
    char *url, *profile_name, *mix, *requests, *table, *json, *html, *endpoint, *data;
    int64_t users, rate, duration_ms, items, batch, wait_s, timeout_ms, pipeline;
    bool native, quiet;
    enum bench_profile profile; /* of profile_name */
};

/* As conf_load(), for argv of the command; -1 also for settings that do not go together. */
int bench_settings_load(int argc, char **argv, struct bench_settings *s);
void bench_settings_free(struct bench_settings *s);

#endif
