/* conf_man.c - prints the parts of a manual page that the rows of a program's settings tell, in the man macros of roff. */
#include "common/conf.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "common/conf_parse.h"
#include "common/version.h"

/* Roff reads backslashes anywhere, and a dot or a quote at the start of a line; a plain "-" would be shown as a hyphen. */
void conf_man_text(const char *text, FILE *out)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
    }
}

/* "leat up" -> leat-up, the name of its page. */
static void put_page(const char *name, bool upper, FILE *out)
{
    for (; *name; name++)
        fputc(*name == ' ' ? '-' : upper ? toupper((unsigned char)*name) : *name, out);
}

/* Commands are for everybody, the programs that they stand before for whoever runs a service: "leat queue" and "leat-queue". */
static char section_of(const char *name) { return strncmp(name, "leat-", 5) == 0 ? '8' : '1'; }

void conf_man_head(const char *name, const char *summary, const char *synopsis, FILE *out)
{
    char first[256];
    fputs(".TH ", out);
    put_page(name, true, out);
    fprintf(out, " %c \"@DATE@\" \"leat %s\" \"leat\"\n.SH NAME\n", section_of(name), LEAT_VERSION);
    put_page(name, false, out);
    fputs(" \\- ", out);
    snprintf(first, sizeof first, "%.*s", (int)strcspn(summary, "\n"), summary);
    conf_man_text(first, out);
    fputs("\n.SH SYNOPSIS\n.B ", out);
    conf_man_text(name, out);
    fputs("\n", out);
    conf_man_text(synopsis, out);
    fputs("\n", out);
}

static void put_flag(const struct conf_row *row, FILE *out)
{
    fputs(".TP\n.B \\-\\-", out);
    conf_man_text(row->name, out);
    if (row->type == CONF_BOOL) {
        fputs("\\fR, \\fB\\-\\-no\\-", out);
        conf_man_text(row->name, out);
    } else {
        fputs("\\fR \\fI", out);
        conf_man_text(row->metavar ? row->metavar : "VALUE", out);
        fputs(row->type == CONF_LIST ? "\\fR ..." : "\\fR", out);
    }
    fputc('\n', out);
}

static void put_row(const struct conf_row *row, FILE *out)
{
    char variable[CONF_NAME_BYTES];
    put_flag(row, out);
    conf_man_text(row->help, out);
    fputs(".\n", out);
    if (row->type == CONF_INT)
        fprintf(out, "From %" PRId64 " to %" PRId64 ".\n", row->min, row->max);
    if (row->preset && row->type != CONF_BOOL) {
        fputs("Default: ", out);
        conf_man_text(row->preset, out);
        fputs(".\n", out);
    }
    fprintf(out, "Variable: %s.\n", conf_variable(row->name, variable));
}

static const char own_flags[] =
    ".TP\n.B \\-\\-config\\fR \\fIFILE\\fR\nRead settings from FILE.\nVariable: LEAT_CONFIG.\n"
    ".TP\n.B \\-\\-help\nPrint a summary and exit.\n"
    ".TP\n.B \\-\\-version\nPrint the version and exit.\n"
    ".PP\n"
    "Sizes are numbers of bytes, or like 512KiB, 64MiB, 1GiB; times are like 250ms, 30s, 5m, 12h, 4d.\n";

static const char environment[] = "Each option is also a variable, named with it above; an empty one counts as unset.\n"
                                  "A flag overrules the variable, and the variable a line of the file.\n"
                                  "What may be repeated is separated by blanks there.\n";

static const char file[] =
    "Lines like\n"
    ".PP\n.RS\nlog\\-format = json\n.RE\n.PP\n"
    "with the names of the options, without dashes; what follows a # is a comment.\n"
    "A line with a program's name in brackets, like [leat\\-queue], opens a part for that program alone.\n";

void conf_man(const struct conf_program *program, FILE *out)
{
    char synopsis[512];
    snprintf(synopsis, sizeof synopsis, "[OPTION]...%s%s", program->operands ? " " : "",
             program->operands ? program->operands : "");
    conf_man_head(program->name, program->summary, synopsis, out);
    fputs(".SH OPTIONS\n", out);
    for (size_t i = 0; i < program->row_count; i++)
        put_row(&program->rows[i], out);
    fprintf(out, "%s.SH ENVIRONMENT\n%s.SH CONFIGURATION FILE\n%s", own_flags, environment, file);
}
