/* test_sim.c - runs the simulation of tests/sim over many seeds; shows that equal seeds make equal runs, and that its checker finds faults.
 *
 * Each seed is a world of jobs and workers, and a mail world of clients that receive (--jobs, --mail: only the one).
 *
 *     test_sim                     the usual bounded run: 2,000 seeds of each or 20 seconds for each, whichever ends first
 *     test_sim --seeds N           the seeds 1 to N, without a limit of time
 *     test_sim --seed S            one seed; with --verbose, every event and effect
 *     test_sim --first S           where --seeds begins
 *     test_sim --mutations         which seed shows each of the faults built in on purpose
 *
 * A failing seed is printed with the command that replays it. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/sim/sim.h"

#define SEEDS 2000u
#define LIMIT_MS 20000
#define SAME_SEEDS 12u

static struct options {
    uint64_t first, seeds, limit_ms;
    bool verbose, mail_only, jobs_only;
} options = {.first = 1, .seeds = SEEDS, .limit_ms = LIMIT_MS};

/* An assertion of the core ends the process: the seed must be told all the same. */
static char last_words[128];

static void aborted(int signal_number)
{
    ssize_t ignored = write(STDERR_FILENO, last_words, strlen(last_words));
    (void)ignored;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void run(struct sim *sim, uint64_t seed, bool mail, enum sim_mutation mutation, struct sim_result *result)
{
    struct sim_options o = {.seed = seed, .mail = mail, .mutation = mutation, .trace = options.verbose ? stdout : NULL};
    snprintf(last_words, sizeof last_words, "an assertion failed with seed %" PRIu64 "; replay it: make sim SEED=%" PRIu64 "\n",
             seed, seed);
    sim_run(sim, &o, result);
}

static void add(struct sim_result *sum, const struct sim_result *r)
{
    sum->steps += r->steps;
    sum->accepted += r->accepted;
    sum->applied += r->applied;
    sum->dead += r->dead;
    sum->crashes += r->crashes;
    sum->compactions += r->compactions;
    sum->redelivered += r->redelivered;
    sum->virtual_ms += r->virtual_ms;
}

static void run_seeds(bool mail)
{
    struct sim *sim = sim_create();
    struct sim_result sum = {0}, r;
    uint64_t done = 0, failed = 0;
    int64_t start_ms = clock_mono_ms();
    assert_non_null(sim);
    for (; done < options.seeds && failed < 10; done++) {
        if (options.limit_ms > 0 && clock_mono_ms() - start_ms > (int64_t)options.limit_ms)
            break;
        run(sim, options.first + done, mail, SIM_NONE, &r);
        add(&sum, &r);
        if (!r.failed)
            continue;
        failed++;
        print_error("seed %" PRIu64 " failed %s\nreplay it: make sim SEED=%" PRIu64 "\n", options.first + done, r.why,
                    options.first + done);
    }
    sim_destroy(&sim);
    int64_t took_ms = clock_mono_ms() - start_ms;
    print_message("%" PRIu64 " seeds in %" PRId64 " ms: %" PRIu64 " steps, %" PRIu64 " accepted, %" PRIu64 " applied, %" PRIu64
                  " redelivered, %" PRIu64 " dead, %" PRIu64 " broker crashes, %" PRIu64 " compactions, %" PRId64
                  " virtual hours\n",
                  done, took_ms, sum.steps, sum.accepted, sum.applied, sum.redelivered, sum.dead, sum.crashes, sum.compactions,
                  sum.virtual_ms / 3600000);
    assert_int_equal(failed, 0);
}

static void test_seeds(void **state)
{
    (void)state;
    if (!options.mail_only)
        run_seeds(false);
}

static void test_seeds_of_mail(void **state)
{
    (void)state;
    if (!options.jobs_only)
        run_seeds(true);
}

static void test_same_seed_same_run(void **state)
{
    struct sim *one = sim_create(), *two = sim_create();
    struct sim_result a, b, before = {0};
    (void)state;
    assert_non_null(one);
    assert_non_null(two);
    for (uint64_t seed = 1; seed <= SAME_SEEDS; seed++) {
        run(one, seed, seed % 2, SIM_NONE, &a);
        run(two, seed, seed % 2, SIM_NONE, &b);
        assert_true(a.hash == b.hash);
        assert_int_equal(a.steps, b.steps);
        assert_int_equal(a.virtual_ms, b.virtual_ms);
        assert_true(a.hash != before.hash);
        before = a;
    }
    sim_destroy(&one);
    sim_destroy(&two);
}

/* In a process of its own: what the core itself notices ends in an assertion. */
static int catch_mutation(enum sim_mutation m)
{
    struct sim *sim = sim_create();
    struct sim_result r = {0};
    if (!sim)
        return 2;
    for (uint64_t seed = 1; seed <= sim_mutation_seeds(m); seed++) {
        run(sim, seed, sim_mutation_of_mail(m), m, &r);
        if (r.failed) {
            print_message("%-15s seed %-3" PRIu64 " %s\n", sim_mutation_name(m), seed, r.why);
            break;
        }
    }
    sim_destroy(&sim);
    return r.failed ? 0 : 1;
}

static void test_checker_finds_faults(void **state)
{
    uint32_t missed = 0;
    (void)state;
    for (enum sim_mutation m = SIM_NONE + 1; m < SIM_MUTATION_COUNT; m++) {
        int status;
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            if (freopen("/dev/null", "w", stderr) == NULL)
                _exit(3);
            status = catch_mutation(m);
            fflush(NULL);
            _exit(status);
        }
        while (waitpid(child, &status, 0) < 0)
            assert_int_equal(errno, EINTR);
        bool asserted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
        if (asserted)
            print_message("%-15s an assertion of the core\n", sim_mutation_name(m));
        else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            missed++, print_error("%-15s NOT FOUND within %u seeds: %s\n", sim_mutation_name(m), sim_mutation_seeds(m),
                                  sim_mutation_text(m));
    }
    assert_int_equal(missed, 0);
}

static int usage(void)
{
    fprintf(stderr, "usage: test_sim [--seeds N] [--first S] [--seed S] [--mail | --jobs] [--verbose] [--mutations]\n");
    return 64;
}

static int64_t number(const char *text)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    return errno != 0 || *end != '\0' || end == text || n < 0 ? -1 : n;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest seeds[] = {cmocka_unit_test(test_seeds), cmocka_unit_test(test_seeds_of_mail)};
    const struct CMUnitTest faults[] = {cmocka_unit_test(test_checker_finds_faults)};
    const struct CMUnitTest all[] = {cmocka_unit_test(test_seeds), cmocka_unit_test(test_seeds_of_mail),
                                     cmocka_unit_test(test_same_seed_same_run), cmocka_unit_test(test_checker_finds_faults)};
    bool mutations = false;
    for (int i = 1; i < argc; i++) {
        int64_t n = i + 1 < argc ? number(argv[i + 1]) : -1;
        if (strcmp(argv[i], "--verbose") == 0)
            options.verbose = true;
        else if (strcmp(argv[i], "--mail") == 0)
            options.mail_only = true;
        else if (strcmp(argv[i], "--jobs") == 0)
            options.jobs_only = true;
        else if (strcmp(argv[i], "--mutations") == 0)
            mutations = true;
        else if (strcmp(argv[i], "--seeds") == 0 && n >= 0)
            options.seeds = (uint64_t)n, options.limit_ms = 0, i++;
        else if (strcmp(argv[i], "--seed") == 0 && n >= 0)
            options.first = (uint64_t)n, options.seeds = 1, options.limit_ms = 0, i++;
        else if (strcmp(argv[i], "--first") == 0 && n >= 0)
            options.first = (uint64_t)n, i++;
        else
            return usage();
    }
    signal(SIGABRT, aborted);
    if (mutations)
        return cmocka_run_group_tests(faults, NULL, NULL);
    if (options.limit_ms == 0)
        return cmocka_run_group_tests(seeds, NULL, NULL);
    return cmocka_run_group_tests(all, NULL, NULL);
}
