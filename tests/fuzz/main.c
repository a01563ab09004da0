/* main.c - libFuzzer's side: the target is named by the environment variable FUZZ, so that one program holds them all. */
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static const struct fuzz_target *target;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *name = getenv("FUZZ");
    (void)argc;
    target = name ? fuzz_target(name) : NULL;
    if (!target) {
        fprintf(stderr, "usage: FUZZ=TARGET %s [libFuzzer's options] [FOLDER or FILE]...\n", (*argv)[0]);
        exit(64);
    }
    log_init("fuzz", (enum log_level)(LOG_LEVEL_ERROR + 1), LOG_FORMAT_TEXT);
    return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    target->run(slice_of(bytes, len));
    return 0;
}
