/* conf_help.c - prints --help out of the same rows that the settings are read by. */
#include "common/conf.h"

#include <string.h>

#define FLAG_BYTES 96 /* "--name METAVAR" */
#define COLUMN_MAX 34 /* a longer flag gets a line of its own */
#define INDENT "  "

/* "--name METAVAR", "--[no-]name" for switches, "--name METAVAR ..." for what may be repeated. Returns its length. */
static int flag_text(const struct conf_row *row, char out[static FLAG_BYTES])
{
    if (row->type == CONF_BOOL)
        return snprintf(out, FLAG_BYTES, "--[no-]%s", row->name);
    const char *metavar = row->metavar ? row->metavar : "VALUE";
    return snprintf(out, FLAG_BYTES, "--%s %s%s", row->name, metavar, row->type == CONF_LIST ? " ..." : "");
}

static void put_variable(const char *name, FILE *out)
{
    fputs("LEAT_", out);
    for (; *name; name++)
        fputc(*name == '-' ? '_' : *name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name, out);
}

static void put_row(const char *flag, int column, FILE *out)
{
    if ((int)strlen(flag) > column)
        fprintf(out, INDENT "%s\n" INDENT "%*s  ", flag, column, "");
    else
        fprintf(out, INDENT "%-*s  ", column, flag);
}

void conf_help(const struct conf_program *program, FILE *out)
{
    int column = (int)sizeof "--config FILE" - 1;
    char flag[FLAG_BYTES];
    for (size_t i = 0; i < program->row_count; i++) {
        int len = flag_text(&program->rows[i], flag);
        if (len > column && len <= COLUMN_MAX)
            column = len;
    }
    const char *operands = program->operands ? program->operands : "";
    fprintf(out, "Usage: %s [FLAG]...%s%s\n%s\n\n", program->name, *operands ? " " : "", operands, program->summary);
    fputs("Flags; each is also a variable of the environment, and a line \"name = value\" of the file:\n", out);
    for (size_t i = 0; i < program->row_count; i++) {
        const struct conf_row *row = &program->rows[i];
        flag_text(row, flag);
        put_row(flag, column, out);
        fprintf(out, "%s (", row->help);
        if (row->preset)
            fprintf(out, "default %s; ", row->preset);
        put_variable(row->name, out);
        fputs(")\n", out);
    }
    put_row("--config FILE", column, out);
    fputs("Read settings from FILE; the environment and flags overrule it (LEAT_CONFIG)\n", out);
    put_row("--help", column, out);
    fputs("Print this and exit\n", out);
    put_row("--version", column, out);
    fputs("Print the version and exit\n", out);
}
