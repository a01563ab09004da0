/* up_settings.h - the settings of leat up: its own, and those of the parts, which it hands on through the environment. */
#ifndef LEAT_CLI_UP_SETTINGS_H
#define LEAT_CLI_UP_SETTINGS_H

#include <stdint.h>

#include "common/conf.h"

struct up_settings {
    char *data, *listen, *log_level, *log_format;
    int64_t workers, gateways;
    struct conf_list tables;
    char *passed[17]; /* settings of the parts, by row; NULL: not said */
};

/* As conf_load(); on success the parts' settings are in this process's environment. */
int up_settings_load(int argc, char **argv, struct up_settings *s);
void up_settings_free(struct up_settings *s);

#endif
