/* tool.h - runs one of leat's other programs to its end. */
#ifndef LEAT_CLI_TOOL_H
#define LEAT_CLI_TOOL_H

/* Runs the program of this name that lies beside this one, with the NULL-terminated arguments behind its name and our standard streams.
 * Blocks. Its exit status; 128 + the signal that ended it; 70 if it could not be started (said on standard error). */
int tool_run(const char *program, const char *const *arguments);

#endif
