/* conf_bash.c - prints the words that a program takes, for packaging/completion.bash.
 *
 *     _leat_flags["leat queue"]="--data:DIR --json --no-json"     a flag that wants a value names what it wants
 *     _leat_words["leat queue"]="ls peek purge redrive"           operands; FILE stands for any file */
#include "common/conf.h"

#include <ctype.h>
#include <string.h>

void conf_bash_words(const char *list, const char *name, const char *words, FILE *out)
{
    fprintf(out, "_leat_%s[\"%s\"]=\"%s\"\n", list, name, words);
}

/* The letters that a metavar starts with: enough to tell a file from a number, and nothing that a shell would read. */
static void put_kind(const char *metavar, FILE *out)
{
    fputc(':', out);
    for (; isalpha((unsigned char)*metavar); metavar++)
        fputc(*metavar, out);
}

static void put_flags(const struct conf_program *program, FILE *out)
{
    fprintf(out, "_leat_flags[\"%s\"]=\"", program->name);
    for (size_t i = 0; i < program->row_count; i++) {
        const struct conf_row *row = &program->rows[i];
        fprintf(out, "--%s", row->name);
        if (row->type == CONF_BOOL)
            fprintf(out, " --no-%s", row->name);
        else
            put_kind(row->metavar ? row->metavar : "VALUE", out);
        fputc(' ', out);
    }
    fputs("--config:FILE --help --version\"\n", out);
}

/* The first word of each alternative of "ls | peek [QUEUE]", without its brackets. */
static void put_operands(const struct conf_program *program, FILE *out)
{
    fprintf(out, "_leat_words[\"%s\"]=\"", program->name);
    for (const char *at = program->operands ? program->operands : ""; *at; at += strcspn(at, "|")) {
        at += strspn(at, "| [");
        size_t len = strcspn(at, " ]|");
        fprintf(out, "%.*s ", (int)len, at);
    }
    fputs("\"\n", out);
}

void conf_bash(const struct conf_program *program, FILE *out)
{
    put_flags(program, out);
    put_operands(program, out);
}
