/* conf_parse.h - turns the text of one setting into its field. Private to conf*.c. */
#ifndef LEAT_COMMON_CONF_PARSE_H
#define LEAT_COMMON_CONF_PARSE_H

#include "common/conf.h"

#define CONF_WHY_BYTES 192
#define CONF_NAME_BYTES 64 /* of a setting's name, of its variable */

/* "queue-endpoint" -> "LEAT_QUEUE_ENDPOINT". Returns out. */
const char *conf_variable(const char *name, char out[static CONF_NAME_BYTES]);

/* Sets the row's field in settings; lists take text's words, in addition to what they hold. 0, or -1 with the reason, written
 * to follow the setting's name and a colon, in why. The field keeps its old value then. */
int conf_value_set(const struct conf_row *row, void *settings, const char *text, char why[static CONF_WHY_BYTES]);

/* Adds text as one element, spaces and all. 0, or -1 when memory runs out. */
int conf_list_add(struct conf_list *list, const char *text, size_t len);

/* Frees what the field owns and sets it to zero. */
void conf_value_clear(const struct conf_row *row, void *settings);

#endif
