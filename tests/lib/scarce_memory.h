/* scarce_memory.h - memory that runs out at the n-th allocation, for programs that are linked with --wrap (Makefile: test_memory_*).
 *
 *   for (uint64_t n = 1; scarce_story(story, self, n); n++) ...
 *
 * Counts malloc, calloc, realloc, reallocarray and strdup of the project's own objects, in all threads; the libraries' own calls go on as ever. */
#ifndef LEAT_TESTS_LIB_SCARCE_MEMORY_H
#define LEAT_TESTS_LIB_SCARCE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* From now on allocation number fail_at (1 ...) fails, and no other; 0: none. */
void scarce_begin(uint64_t fail_at);
/* Ends it. True if that allocation was asked for. */
bool scarce_end(void);
/* Has it been asked for already? */
bool scarce_hit(void);
/* Allocations less frees since scarce_begin(). */
int64_t scarce_blocks(void);

/* Runs story(self) with the n-th allocation failing for n = 1, 2 ... until none is left to fail; the story must free what it has taken, and
 * that is checked. Returns how many failed. */
uint64_t scarce_for_all(void (*story)(void *self), void *self);

#endif
