/* manifest.h - DIR/BACKUP: what a backup consists of, written last, so that a backup without it is none.
 *
 *     leat-backup 1
 *     version 0.1.0
 *     made 2026-11-21T13:01:47Z
 *     file SIZE XXH3-64 journal/0000000000000001.seg
 *
 * One file a line, names relative to DIR. All functions wait for the disk; 0, or -1 after saying why on standard error. */
#ifndef LEAT_CLI_MANIFEST_H
#define LEAT_CLI_MANIFEST_H

#include <stdint.h>

#include "cli/progress.h"

#define MANIFEST_NAME "BACKUP"

struct manifest_totals {
    unsigned files;
    uint64_t bytes;
};

/* Sums up all files of DIR/journal and DIR/store, and writes DIR/BACKUP. */
int manifest_write(const char *dir, struct manifest_totals *totals);
/* Compares the files with what BACKUP says of them; a missing, changed or additional one is an error. each (may be NULL) is called for every
 * file that is right, with its name relative to DIR; non-zero ends. */
typedef int manifest_each(void *self, const char *name, uint64_t bytes);
int manifest_check(const char *dir, struct manifest_totals *totals, manifest_each *each, void *self);

#endif
