/* test_fuzz_corpus.c - every input that was kept for the fuzz targets runs again, in a build without a fuzzer.
 *
 * A line of tests/fuzz/corpus/TARGET is an input: its name, a blank, its bytes with C's escapes. An input that ends the process is named
 * first, with the command that runs it alone. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"
#include "tests/fuzz/fuzz.h"

#define TARGETS_MAX 32
#define INPUT_SECONDS 30 /* longer is a hang */

static char last_words[256];

static void ended(int signal_number)
{
    ssize_t ignored = write(STDERR_FILENO, last_words, strlen(last_words));
    (void)ignored;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

/* The bytes of one line behind its name. */
static void unescape(const char *text, struct buf *out)
{
    static const char letters[] = "ntr\\", meant[] = "\n\t\r\\";
    buf_reset(out);
    for (; *text; text++) {
        const char *letter = *text == '\\' && text[1] ? strchr(letters, text[1]) : NULL;
        if (*text != '\\') {
            buf_byte(out, (unsigned char)*text);
        } else if (letter) {
            buf_byte(out, (unsigned char)meant[letter - letters]);
            text++;
        } else {
            assert_int_equal(text[1], 'x');
            assert_true(digit(text[2]) >= 0 && digit(text[3]) >= 0);
            buf_byte(out, (unsigned char)(digit(text[2]) << 4 | digit(text[3])));
            text += 3;
        }
    }
    assert_false(buf_failed(out));
}

/* In memory of exactly its size, so that reading behind its end is seen. */
static void run_exact(const struct fuzz_target *target, const struct buf *input)
{
    unsigned char *bytes = malloc(input->len + 1);
    assert_non_null(bytes);
    bytes = realloc(bytes, input->len > 0 ? input->len : 1);
    assert_non_null(bytes);
    if (input->len > 0)
        memcpy(bytes, input->data, input->len);
    alarm(INPUT_SECONDS);
    target->run(slice_of(bytes, input->len));
    alarm(0);
    free(bytes);
}

static void run_kept(void **state)
{
    const struct fuzz_target *target = *state;
    struct buf input = {0};
    char path[128], *line = NULL;
    size_t cap = 0, count = 0;
    snprintf(path, sizeof path, "tests/fuzz/corpus/%s", target->name);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s cannot be read; this program runs in the root of the tree", path);
    for (ssize_t len; (len = getline(&line, &cap, f)) > 0;) {
        line[strcspn(line, "\n")] = '\0';
        char *blank = strchr(line, ' ');
        if (!blank || line[0] == '#')
            continue;
        *blank = '\0';
        snprintf(last_words, sizeof last_words, "input %s of %s ended the process; alone: tools/fuzz --replay %s %s\n", line,
                 target->name, target->name, line);
        unescape(blank + 1, &input);
        run_exact(target, &input);
        count++;
    }
    run_exact(target, &(struct buf){0});
    fclose(f);
    free(line);
    buf_finish(&input);
    assert_true(count > 0);
}

int main(void)
{
    static struct CMUnitTest tests[TARGETS_MAX];
    assert_true(fuzz_target_count <= TARGETS_MAX);
    for (size_t i = 0; i < fuzz_target_count; i++)
        tests[i] = (struct CMUnitTest){fuzz_targets[i].name, run_kept, NULL, NULL, (void *)(uintptr_t)&fuzz_targets[i]};
    signal(SIGABRT, ended);
    signal(SIGALRM, ended);
    log_init("test", (enum log_level)(LOG_LEVEL_ERROR + 1), LOG_FORMAT_TEXT);
    return _cmocka_run_group_tests("kept inputs", tests, fuzz_target_count, NULL, NULL);
}
