/* conf.c - reads the settings of a program, layer over layer.
 *
 * Flags are collected first, because one of them may name the file; then the layers are applied in rising precedence. A list that
 * a higher layer names is replaced, not extended; within one layer it grows. */
#include "common/conf.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_parse.h"
#include "common/version.h"

#define LINE_BYTES 4096 /* of the file, newline and NUL included */
#define NAME_BYTES 64   /* of a setting's name, of its variable */

enum layer { LAYER_NONE, LAYER_PRESET, LAYER_FILE, LAYER_ENVIRONMENT, LAYER_FLAGS };

struct flag {
    const struct conf_row *row;
    const char *text;
};

struct load {
    const struct conf_program *program;
    void *settings;
    FILE *err;
    const char *config;   /* --config, or NULL */
    struct flag *flags;   /* in the order of argv */
    size_t flag_count;    /* at most argc */
    unsigned char *layer; /* [row]: the enum layer that wrote it last */
};

static const char *const own_flags[] = {"config", "help", "version"};
#define OWN_FLAGS (sizeof own_flags / sizeof *own_flags)

/* "queue-endpoint" -> "LEAT_QUEUE_ENDPOINT" */
static const char *variable_of(const char *name, char out[static NAME_BYTES])
{
    size_t at = (size_t)snprintf(out, NAME_BYTES, "LEAT_");
    for (; *name && at < NAME_BYTES - 1; name++, at++)
        out[at] = (char)(*name == '-' ? '_' : *name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name);
    assert(!*name);
    out[at] = '\0';
    return out;
}

static const struct conf_row *row_by_name(const struct conf_program *program, const char *name, size_t len)
{
    for (size_t i = 0; i < program->row_count; i++)
        if (strlen(program->rows[i].name) == len && memcmp(program->rows[i].name, name, len) == 0)
            return &program->rows[i];
    return NULL;
}

/* Levenshtein's distance, for names shorter than NAME_BYTES; others are infinitely far. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[NAME_BYTES];
    if (a_len >= NAME_BYTES || b_len >= NAME_BYTES)
        return SIZE_MAX;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b_len];
}

/* The known name that looks most like `name`, or NULL if none looks like it at all. */
static const char *nearest_name(const struct conf_program *program, const char *name, size_t len)
{
    const char *nearest = NULL;
    size_t least = len / 3 + 2; /* a slip or two, more in a long name */
    for (size_t i = 0; i < program->row_count + OWN_FLAGS; i++) {
        const char *known = i < program->row_count ? program->rows[i].name : own_flags[i - program->row_count];
        size_t far = distance(name, len, known, strlen(known));
        if (far < least) {
            least = far;
            nearest = known;
        }
    }
    return nearest;
}

/* word is a name, with its dashes if it was a flag. */
static int complain_unknown(struct load *load, const char *where, const char *word, size_t len)
{
    size_t dashes = strspn(word, "-");
    const char *nearest = nearest_name(load->program, word + dashes, len - dashes);
    fprintf(load->err, "%s: %s \"%.*s\"", load->program->name, where, (int)len, word);
    if (nearest)
        fprintf(load->err, "; did you mean \"%s%s\"?", dashes ? "--" : "", nearest);
    fputc('\n', load->err);
    return -1;
}

static int complain(struct load *load, const char *where, const char *why)
{
    fprintf(load->err, "%s: %s: %s\n", load->program->name, where, why);
    return -1;
}

/* One setting out of one layer. where names the source for the message. */
static int set(struct load *load, const struct conf_row *row, enum layer layer, const char *text, const char *where)
{
    unsigned char *last = &load->layer[row - load->program->rows];
    if (row->type == CONF_LIST && *last != layer)
        conf_value_clear(row, load->settings);
    *last = (unsigned char)layer;
    if (row->type == CONF_LIST && layer == LAYER_FLAGS) {
        struct conf_list *list = (void *)((char *)load->settings + row->offset);
        return conf_list_add(list, text, strlen(text)) == 0 ? 0 : complain(load, where, "out of memory");
    }
    char why[CONF_WHY_BYTES];
    return conf_value_set(row, load->settings, text, why) == 0 ? 0 : complain(load, where, why);
}

static int apply_presets(struct load *load)
{
    for (size_t i = 0; i < load->program->row_count; i++) {
        const struct conf_row *row = &load->program->rows[i];
        assert(strlen(row->name) < NAME_BYTES - sizeof "LEAT_");
        if (row->preset && set(load, row, LAYER_PRESET, row->preset, row->name) != 0)
            return -1;
    }
    return 0;
}

static int apply_environment(struct load *load)
{
    for (size_t i = 0; i < load->program->row_count; i++) {
        char variable[NAME_BYTES];
        const char *text = getenv(variable_of(load->program->rows[i].name, variable));
        if (text && *text && set(load, &load->program->rows[i], LAYER_ENVIRONMENT, text, variable) != 0)
            return -1;
    }
    return 0;
}

static int apply_flags(struct load *load)
{
    for (size_t i = 0; i < load->flag_count; i++) {
        char where[NAME_BYTES + 2];
        snprintf(where, sizeof where, "--%s", load->flags[i].row->name);
        if (set(load, load->flags[i].row, LAYER_FLAGS, load->flags[i].text, where) != 0)
            return -1;
    }
    return 0;
}

/* -- The file ---------------------------------------------------------------------------------------------------------------- */

/* Cuts blanks at both ends, and a comment: # at the start or after a blank. */
static char *trim(char *line)
{
    static const char blanks[] = " \t\r\n";
    line += strspn(line, blanks);
    size_t len = 0;
    while (line[len] && !(line[len] == '#' && (len == 0 || strchr(blanks, line[len - 1]))))
        len++;
    while (len > 0 && strchr(blanks, line[len - 1]))
        len--;
    line[len] = '\0';
    return line;
}

static int apply_line(struct load *load, char *line, const char *where)
{
    char *equals = strchr(line, '=');
    if (!equals)
        return complain(load, where, "a line reads: name = value");
    *equals = '\0';
    char *name = trim(line), *text = trim(equals + 1);
    const struct conf_row *row = row_by_name(load->program, name, strlen(name));
    char place[LINE_BYTES + NAME_BYTES];
    if (!row) {
        snprintf(place, sizeof place, "%s: unknown setting", where);
        return complain_unknown(load, place, name, strlen(name));
    }
    snprintf(place, sizeof place, "%s: %s", where, name);
    return set(load, row, LAYER_FILE, text, place);
}

static int apply_stream(struct load *load, FILE *file, const char *path)
{
    char line[LINE_BYTES], where[LINE_BYTES];
    bool ours = true; /* outside any section, or in the section of this program */
    for (unsigned number = 1; fgets(line, sizeof line, file); number++) {
        snprintf(where, sizeof where, "%s:%u", path, number);
        if (!strchr(line, '\n') && !feof(file))
            return complain(load, where, "the line is too long, or holds a zero byte");
        char *text = trim(line);
        size_t len = strlen(text);
        if (len > 1 && text[0] == '[' && text[len - 1] == ']') {
            text[len - 1] = '\0';
            ours = strcmp(text + 1, load->program->name) == 0;
        } else if (len > 0 && ours && apply_line(load, text, where) != 0) {
            return -1;
        }
    }
    return ferror(file) ? complain(load, path, strerror(errno)) : 0;
}

static int apply_file(struct load *load)
{
    const char *path = load->config ? load->config : getenv("LEAT_CONFIG");
    if (!path || !*path)
        return 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return complain(load, path, strerror(errno));
    int result = apply_stream(load, file, path);
    fclose(file);
    return result;
}

/* -- Flags ------------------------------------------------------------------------------------------------------------------- */

/* The value of the flag at argv[*at]: after '=', or the next word, then *at moves on to it. NULL, after a message, if there is none. */
static const char *value_of(struct load *load, int argc, char **argv, int *at)
{
    const char *word = argv[*at], *equals = strchr(word, '=');
    if (equals)
        return equals + 1;
    if (*at + 1 < argc && strncmp(argv[*at + 1], "--", 2) != 0)
        return argv[++*at];
    complain(load, word, "needs a value (one that starts with -- can follow a =)");
    return NULL;
}

static int add_flag(struct load *load, const struct conf_row *row, const char *text)
{
    if (text)
        load->flags[load->flag_count++] = (struct flag){row, text};
    return text ? 0 : -1;
}

static const struct conf_row *switch_by_no_name(const struct conf_program *program, const char *name, size_t len)
{
    if (len < 3 || memcmp(name, "no-", 3) != 0)
        return NULL;
    const struct conf_row *row = row_by_name(program, name + 3, len - 3);
    return row && row->type == CONF_BOOL ? row : NULL;
}

static bool is_name(const char *name, size_t len, const char *known)
{
    return strlen(known) == len && !memcmp(name, known, len);
}

typedef void help_form(const struct conf_program *program, FILE *out);

/* What follows --help=, for the build; NULL if there is no such form. */
static help_form *help_form_by_name(const char *name)
{
    return strcmp(name, "man") == 0 ? conf_man : strcmp(name, "bash") == 0 ? conf_bash : NULL;
}

/* The flags that are no rows. 0, 1 (printed what was asked for), or -1. */
static int take_own_flag(struct load *load, int argc, char **argv, int *at, FILE *out)
{
    const char *word = argv[*at], *name = word + 2;
    size_t len = strcspn(name, "=");
    if (is_name(name, len, "config")) {
        load->config = value_of(load, argc, argv, at);
        return load->config ? 0 : -1;
    }
    bool help = is_name(name, len, "help");
    help_form *form = help && name[len] ? help_form_by_name(name + len + 1) : NULL;
    if (!help && !is_name(name, len, "version"))
        return complain_unknown(load, "unknown flag", word, len + 2);
    if (name[len] && !form)
        return complain(load, word, "takes no value");
    if (help)
        (form ? form : conf_help)(load->program, out);
    else
        fprintf(out, "%s %s\n", load->program->name, LEAT_VERSION);
    return 1;
}

/* Takes the flag at argv[*at], which starts with --, and its value. Results as above. */
static int take_flag(struct load *load, int argc, char **argv, int *at, FILE *out)
{
    const char *word = argv[*at], *name = word + 2;
    size_t len = strcspn(name, "=");
    const struct conf_row *row = row_by_name(load->program, name, len);
    if (row && row->type == CONF_BOOL)
        return add_flag(load, row, name[len] ? name + len + 1 : "true");
    if (row)
        return add_flag(load, row, value_of(load, argc, argv, at));
    row = switch_by_no_name(load->program, name, len);
    if (row)
        return name[len] ? complain(load, word, "takes no value") : add_flag(load, row, "false");
    return take_own_flag(load, argc, argv, at, out);
}

/* Collects the flags and moves the operands, in their order, behind them. */
static int take_words(struct load *load, int argc, char **argv, char **operands, int *first_operand, FILE *out)
{
    int operand_count = 0, kept = 1;
    for (int at = 1; at < argc; at++) {
        int start = at, result = 0;
        if (strcmp(argv[at], "--") == 0) {
            argv[kept++] = argv[at++];
            for (; at < argc; at++)
                operands[operand_count++] = argv[at];
        } else if (strncmp(argv[at], "--", 2) == 0) {
            result = take_flag(load, argc, argv, &at, out);
            while (start <= at)
                argv[kept++] = argv[start++];
        } else if (argv[at][0] == '-' && argv[at][1]) {
            result = complain_unknown(load, "unknown flag", argv[at], strlen(argv[at]));
        } else {
            operands[operand_count++] = argv[at];
        }
        if (result != 0)
            return result;
    }
    if (operand_count > 0 && !load->program->operands)
        return complain(load, operands[0], "this word is no flag, and none is expected here");
    *first_operand = kept;
    memcpy(argv + kept, operands, (size_t)operand_count * sizeof *operands);
    return 0;
}

static int load_layers(struct load *load, int argc, char **argv, char **operands, int *first_operand, FILE *out)
{
    int result = take_words(load, argc, argv, operands, first_operand, out);
    if (result != 0)
        return result;
    static int (*const layers[])(struct load *) = {apply_presets, apply_file, apply_environment, apply_flags};
    for (size_t i = 0; result == 0 && i < sizeof layers / sizeof *layers; i++)
        result = layers[i](load);
    return result;
}

int conf_load(const struct conf_program *program, int argc, char **argv, void *settings, int *first_operand, FILE *out,
              FILE *err)
{
    struct load load = {.program = program, .settings = settings, .err = err};
    size_t words = argc > 0 ? (size_t)argc : 1;
    int result = -1;
    char **operands = calloc(words, sizeof *operands);
    load.flags = calloc(words, sizeof *load.flags);
    load.layer = calloc(program->row_count + 1, 1);
    if (operands && load.flags && load.layer)
        result = load_layers(&load, argc, argv, operands, first_operand, out);
    else
        complain(&load, "settings", "out of memory");
    if (result < 0)
        fprintf(err, "Try '%s --help'.\n", program->name);
    free(load.layer);
    free(load.flags);
    free(operands);
    return result;
}

void conf_free(const struct conf_program *program, void *settings)
{
    for (size_t i = 0; i < program->row_count; i++)
        conf_value_clear(&program->rows[i], settings);
}
