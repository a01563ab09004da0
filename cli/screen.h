/* screen.h - a full-screen view on a terminal, which is as it was when the view ends, however it ends. One at a time. */
#ifndef LEAT_CLI_SCREEN_H
#define LEAT_CLI_SCREEN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

enum screen_event { SCREEN_TIME_OVER, SCREEN_RESIZED, SCREEN_LEAVE /* q, ^C, a signal that ends, or the terminal is gone */ };

/* Is standard output a terminal that can be drawn on? */
bool screen_possible(void);
/* Takes the terminal: another page, no cursor, keys without Enter; signals that would end the process are noted. 0 or -1. */
int screen_open(void);
void screen_close(void); /* gives it back; does nothing if it was not taken */

void screen_size(int *columns, int *rows);
/* Draws text, whose lines are no wider and no more than the screen has; what was there goes. */
void screen_draw(const struct buf *text);
/* Waits so long, or until something happens. */
enum screen_event screen_wait(int64_t ms);
/* Not 0 as soon as a signal says to leave. */
const volatile sig_atomic_t *screen_leaving(void);

#endif
