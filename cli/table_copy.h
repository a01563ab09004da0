/* table_copy.h - a table as lines, and back: {"Item":{"name":{"S":"..."}, ...}} each, as DynamoDB exports to S3 and imports from there. */
#ifndef LEAT_CLI_TABLE_COPY_H
#define LEAT_CLI_TABLE_COPY_H

#include <stdint.h>

/* Both talk to the gateway at url, show a progress bar on a terminal, and return the exit status, having said what went wrong. */

/* Writes all items to standard output. Items that change meanwhile are seen as they were at some moment of the export. */
int table_export(const char *url, int64_t timeout_ms, const char *table);

/* Puts what standard input has from line `from` (1: the first) on. It stops at the first line that is wrong, and says which: those before it are
 * imported then. An import that was cut off may be run again, as putting an item twice is putting it once. */
int table_import(const char *url, int64_t timeout_ms, const char *table, int64_t from);

#endif
