/* journal_verify.c - would recovery take this journal? Nothing is written: the folder may be read-only. */
#include "queue/journal_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct verify {
    journal_visit *visit;
    void *self;
    uint64_t records;
};

static int visit_record(void *self, const struct core_record *record, uint64_t location)
{
    struct verify *v = self;
    v->records++;
    return v->visit ? v->visit(v->self, record, location) : 0;
}

/* A broker holds the lock exclusively; a folder without a lock file (a backup) is in nobody's use. */
static int share_lock(struct journal *j, const char *folder, struct err *e)
{
    j->lock_fd = openat(j->folder_fd, "lock", O_RDONLY | O_CLOEXEC);
    if (j->lock_fd < 0)
        return errno == ENOENT ? 0 : err_set(e, ERR_INTERNAL, "cannot open %s/lock: %s", folder, strerror(errno));
    if (flock(j->lock_fd, LOCK_SH | LOCK_NB) == 0)
        return 0;
    return err_set(e, ERR_RESOURCE_IN_USE, "the journal %s is in use", folder);
}

int journal_verify(const char *folder, struct journal_summary *summary, journal_visit *visit, void *self, struct err *e)
{
    struct verify v = {visit, self, 0};
    struct journal *j = calloc(1, sizeof *j);
    *summary = (struct journal_summary){0};
    if (!j)
        return err_set(e, ERR_INTERNAL, "out of memory");
    j->lock_fd = -1;
    j->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = j->folder_fd >= 0 ? share_lock(j, folder, e)
                                   : err_set(e, ERR_INTERNAL, "cannot open the journal %s: %s", folder, strerror(errno));
    if (result == 0)
        result = journal_load_segments(j, e);
    if (result == 0)
        result = journal_scan(j, visit_record, &v, summary, e);
    summary->records = v.records;
    if (j->lock_fd >= 0)
        close(j->lock_fd);
    if (j->folder_fd >= 0)
        close(j->folder_fd);
    free(j->segments);
    free(j);
    return result;
}
