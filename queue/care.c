/* care.c - journals under an operator's hand. */
#include "queue/care.h"

#include <stdio.h>
#include <stdlib.h>

#define STATUS_DAMAGE 74
#define STATUS_IN_USE 75

static int report(const struct err *e)
{
    fprintf(stderr, "leat-queue: %s\n", e->text);
    return e->code == ERR_RESOURCE_IN_USE || e->code == ERR_UNAVAILABLE ? STATUS_IN_USE : STATUS_DAMAGE;
}

int care_salvage(const struct journal_config *config)
{
    struct err e = {.code = ERR_NONE};
    return journal_salvage(config, &e) == 0 ? 0 : report(&e);
}

int care_backup(const char *folder, const char *target)
{
    struct journal_summary done;
    struct err e = {.code = ERR_NONE};
    if (journal_copy(folder, target, &done, &e) != 0)
        return report(&e);
    printf("journal  copied: %llu records in %llu segments, %llu bytes\n", (unsigned long long)done.records,
           (unsigned long long)done.segments, (unsigned long long)done.bytes);
    return 0;
}

/* -- Verify: the core itself judges whether the records make sense ------------------------------------------------------- */
static void *resize(void *self, void *old, size_t bytes)
{
    (void)self;
    if (bytes > 0)
        return realloc(old, bytes);
    free(old);
    return NULL;
}

static int replay(void *core, const struct core_record *record, uint64_t location)
{
    return core_replay(core, record, location);
}

int care_verify(const char *folder, int64_t max_messages)
{
    struct core_config config = {.max_messages = (uint32_t)max_messages,
                                 .max_keys = 1u << 20,
                                 .batch_max = 250,
                                 .slices = 16,
                                 .key_window_ms = 1000,
                                 .worker_silence_ms = INT64_MAX,
                                 .memory = {.resize = resize}};
    struct journal_summary found;
    struct core_stats stats;
    struct err e = {.code = ERR_NONE};
    struct core *core = core_create(&config);
    if (!core) {
        fprintf(stderr, "leat-queue: out of memory\n");
        return STATUS_DAMAGE;
    }
    int result = journal_verify(folder, &found, replay, core, &e);
    if (result == 0) {
        core_replayed(core);
        core_stats(core, &stats);
        printf("journal  good: %llu messages, %llu records in %llu segments, %llu bytes\n", (unsigned long long)stats.messages,
               (unsigned long long)found.records, (unsigned long long)found.segments, (unsigned long long)found.bytes);
        if (found.torn_bytes > 0)
            printf("journal  a group of %llu bytes at the end was never confirmed; the next start cuts it off\n",
                   (unsigned long long)found.torn_bytes);
    }
    core_destroy(&core);
    return result == 0 ? 0 : report(&e);
}
