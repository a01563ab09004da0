/* command.h - the subcommands of leat: each loads its own settings and returns the exit status. */
#ifndef LEAT_CLI_COMMAND_H
#define LEAT_CLI_COMMAND_H

/* argv[0] is the command's own name. Statuses: 0 well, 1 the stack said no, 64 bad usage, 69 the stack cannot be reached, 70 internal. */
int command_up(int argc, char **argv);
int command_status(int argc, char **argv);
int command_table(int argc, char **argv);
int command_queue(int argc, char **argv);
int command_probe(int argc, char **argv);
int command_post(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_backup(int argc, char **argv);
int command_restore(int argc, char **argv);
int command_verify(int argc, char **argv);

#endif
