/* journal_lab.c - see journal_lab.h. */
#include "tests/lib/journal_lab.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include <cmocka.h>

#include "common/log.h"

#define WAIT_MS 20000

struct lab_faults lab_faults;

/* -- System calls ------------------------------------------------------------------------------------------------------------------ */
static void about_to(const char *what, int fd, const void *bytes, size_t len, off_t at)
{
    if (lab_faults.before)
        lab_faults.before(lab_faults.before_self, what, fd, bytes, len, at);
}

static bool interrupted(void)
{
    int every = lab_faults.interrupt_every;
    if (every == 0 || ++lab_faults.calls % every != 0)
        return false;
    errno = EINTR;
    return true;
}

static bool any_fails(void)
{
    if (++lab_faults.anys != lab_faults.any_error_at)
        return false;
    errno = lab_faults.any_error;
    return true;
}

static ssize_t lab_read(int fd, void *bytes, size_t len, off_t at) { return any_fails() ? -1 : pread(fd, bytes, len, at); }

static ssize_t lab_write(int fd, const void *bytes, size_t len, off_t at)
{
    int short_writes = lab_faults.short_writes;
    if (interrupted() || any_fails())
        return -1;
    about_to("write", fd, bytes, len, at);
    if (lab_faults.fill_error != 0 && len == 1u << 20) {
        errno = lab_faults.fill_error;
        return -1;
    }
    if (++lab_faults.writes == lab_faults.write_error_at) {
        errno = lab_faults.write_error;
        return -1;
    }
    return pwrite(fd, bytes, short_writes && len > (size_t)short_writes ? (size_t)short_writes : len, at);
}

/* Nothing here survives the machine, so nothing is really synced: the kernel's view is what a killed process leaves. */
static int lab_sync_call(int fd)
{
    if (any_fails())
        return -1;
    about_to("sync", fd, NULL, 0, 0);
    if (++lab_faults.syncs != lab_faults.sync_error_at)
        return 0;
    errno = lab_faults.sync_error;
    return -1;
}

static int lab_allocate(int fd, off_t bytes)
{
    if (interrupted() || any_fails())
        return -1;
    about_to("allocate", fd, NULL, 0, bytes);
    lab_faults.allocate_calls++;
    int error = lab_faults.allocate_error;
    if (error == 0)
        return fallocate(fd, 0, 0, bytes);
    errno = error;
    return -1;
}

static int lab_rename(int folder, const char *from, const char *to)
{
    if (any_fails())
        return -1;
    about_to("rename", folder, from, strlen(from), 0);
    return renameat(folder, from, folder, to);
}

static int lab_unlink(int folder, const char *name)
{
    if (any_fails())
        return -1;
    about_to("unlink", folder, name, strlen(name), 0);
    return unlinkat(folder, name, 0);
}

static int lab_free_bytes(int folder, int64_t *bytes)
{
    (void)folder;
    *bytes = lab_faults.free_bytes < 0 ? INT64_MAX : lab_faults.free_bytes;
    return 0;
}

static void lab_fatal(int status)
{
    (void)status;
    lab_faults.fatals++;
}

/* -- Life -------------------------------------------------------------------------------------------------------------------------- */
void lab_init(struct lab *lab)
{
    static const struct journal_io io = {.write_at = lab_write,
                                         .read_at = lab_read,
                                         .sync = lab_sync_call,
                                         .sync_folder = lab_sync_call,
                                         .allocate = lab_allocate,
                                         .rename = lab_rename,
                                         .unlink = lab_unlink,
                                         .free_bytes = lab_free_bytes,
                                         .fatal = lab_fatal};
    const char *base = getenv("TMPDIR");
    *lab = (struct lab){.now_ms = 1000};
    memset(&lab_faults, 0, sizeof lab_faults);
    lab_faults.free_bytes = -1;
    journal_set_io(&io);
    log_init("test", getenv("LAB_LOG") ? LOG_LEVEL_DEBUG : (enum log_level)(LOG_LEVEL_ERROR + 1), LOG_FORMAT_TEXT);
    snprintf(lab->folder, sizeof lab->folder, "%s/leat-journal-XXXXXX", base && strlen(base) < 32 ? base : "/tmp");
    assert_non_null(mkdtemp(lab->folder));
    lab->config = (struct journal_config){.folder = lab->folder, .segment_bytes = LAB_SEGMENT_BYTES};
}

void lab_finish(struct lab *lab)
{
    lab_close(lab);
    lab_remove_folder(lab->folder);
    free(lab->messages);
    free(lab->seen);
    journal_set_io(NULL);
}

static int visit(void *self, const struct core_record *r, uint64_t location)
{
    struct lab *lab = self;
    if (r->number == lab->refuse_number && lab->refuse_number)
        return -1;
    if (lab->seen_count == lab->seen_cap) {
        lab->seen_cap = lab->seen_cap ? 2 * lab->seen_cap : 64;
        lab->seen = realloc(lab->seen, lab->seen_cap * sizeof *lab->seen);
        assert_non_null(lab->seen);
    }
    lab->seen[lab->seen_count++] = (struct lab_seen){.kind = r->kind,
                                                     .number = r->number,
                                                     .seq = r->seq,
                                                     .location = location,
                                                     .body_sum = XXH3_64bits(r->body.ptr, r->body.len),
                                                     .len = (uint32_t)r->body.len};
    return 0;
}

int lab_try_open(struct lab *lab)
{
    memset(&lab->e, 0, sizeof lab->e);
    lab->seen_count = 0;
    lab->j = journal_open(&lab->config, &lab->e);
    if (lab->j && journal_recover(lab->j, visit, lab, &lab->e) == 0)
        return 0;
    journal_close(&lab->j);
    return -1;
}

void lab_open(struct lab *lab)
{
    if (lab_try_open(lab) != 0)
        fail_msg("recovery: %s", lab->e.text);
    lab_check_alive(lab);
    journal_recount(lab->j);
    for (uint64_t seq = 1; seq < lab->message_cap; seq++)
        if (lab->messages[seq].alive)
            journal_live_body(lab->j, lab->messages[seq].location, lab->messages[seq].len);
}

void lab_close(struct lab *lab) { journal_close(&lab->j); }

void lab_crash(struct lab *lab)
{
    if (!lab->j)
        return;
    journal_writer_settle(&lab->j->writer);
    lab->j->recovered = false;
    journal_close(&lab->j);
}

void lab_sync(struct lab *lab)
{
    journal_flush(lab->j);
    while (!journal_idle(lab->j)) {
        struct pollfd fd = {.fd = journal_fd(lab->j), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
        journal_completed(lab->j);
        journal_flush(lab->j);
    }
}

/* -- Records ----------------------------------------------------------------------------------------------------------------------- */
void lab_body(uint64_t seq, uint32_t len, unsigned char *out)
{
    uint64_t x = (seq + 1) * 0x9e3779b97f4a7c15u + len;
    for (uint32_t i = 0; i < len; i += sizeof x) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(out + i, &x, len - i < sizeof x ? len - i : sizeof x);
    }
}

static unsigned char *make_body(uint64_t seq, uint32_t len)
{
    unsigned char *body = malloc(len + 1);
    assert_non_null(body);
    lab_body(seq, len, body);
    return body;
}

uint64_t lab_body_sum(uint64_t seq, uint32_t len)
{
    unsigned char *body = make_body(seq, len);
    uint64_t sum = XXH3_64bits(body, len);
    free(body);
    return sum;
}

static struct lab_message *message(struct lab *lab, uint64_t seq)
{
    if (seq >= lab->message_cap) {
        size_t cap = seq + 1 > 2 * lab->message_cap ? seq + 64 : 2 * lab->message_cap;
        lab->messages = realloc(lab->messages, cap * sizeof *lab->messages);
        assert_non_null(lab->messages);
        memset(lab->messages + lab->message_cap, 0, (cap - lab->message_cap) * sizeof *lab->messages);
        lab->message_cap = cap;
    }
    return &lab->messages[seq];
}

static struct core_record send_record(uint64_t seq, uint32_t len)
{
    struct core_record r = {.kind = CORE_REC_SEND, .number = seq, .seq = seq, .now_ms = 5, .group = seq % 7, .accepted_ms = 4};
    memcpy(r.id.bytes, &seq, sizeof seq);
    r.body.len = len;
    return r;
}

static uint64_t send(struct lab *lab, struct core_record *r)
{
    unsigned char *body = make_body(r->seq, (uint32_t)r->body.len);
    r->body.ptr = body;
    uint64_t location = journal_append(lab->j, r);
    free(body);
    if (location == 0)
        return 0;
    lab->number = r->number;
    *message(lab, r->seq) =
        (struct lab_message){.seq = r->seq, .location = location, .len = (uint32_t)r->body.len, .alive = true};
    return r->seq;
}

uint64_t lab_send(struct lab *lab, uint32_t len)
{
    struct core_record r = send_record(lab->number + 1, len);
    return send(lab, &r);
}

uint64_t lab_send_key(struct lab *lab, uint32_t len, int64_t expires_ms)
{
    struct core_record r = send_record(lab->number + 1, len);
    r.has_key = true;
    memcpy(r.key, &r.seq, sizeof r.seq);
    r.body_hash = ~r.seq;
    r.key_expires_ms = expires_ms;
    return send(lab, &r);
}

bool lab_ack(struct lab *lab)
{
    struct core_record r = {.kind = CORE_REC_DONE, .number = lab->number + 1, .seq = UINT64_MAX};
    if (journal_append(lab->j, &r) == 0)
        return false;
    lab->number++;
    return true;
}

bool lab_done(struct lab *lab, uint64_t seq)
{
    struct core_record r = {.kind = CORE_REC_DONE, .number = lab->number + 1, .seq = seq};
    struct lab_message *m = message(lab, seq);
    assert_true(m->alive);
    if (journal_append(lab->j, &r) == 0)
        return false;
    lab->number++;
    journal_freed(lab->j, m->location, m->len);
    m->alive = false;
    return true;
}

void lab_head(void *self)
{
    struct lab *lab = self;
    struct core_record r = {.kind = CORE_REC_MARK, .number = lab->number + 1000};
    assert_int_equal(journal_append(lab->j, &r), 1);
    r.kind = CORE_REC_QUEUE;
    snprintf(r.attributes.name, sizeof r.attributes.name, "jobs");
    assert_int_equal(journal_append(lab->j, &r), 1);
    lab->heads++;
}

static void move(void *self, const struct core_record *record, uint64_t location)
{
    struct lab *lab = self;
    struct lab_message *m = message(lab, record->seq);
    assert_int_equal(XXH3_64bits(record->body.ptr, record->body.len), lab_body_sum(record->seq, (uint32_t)record->body.len));
    if (!m->alive || m->location != location)
        return;
    struct core_record r = send_record(record->seq, (uint32_t)record->body.len);
    r.number = ++lab->number;
    r.body = record->body;
    journal_freed(lab->j, location, m->len);
    m->location = journal_append(lab->j, &r);
    assert_true(m->location != 0);
}

int lab_compact(struct lab *lab, size_t max) { return journal_compact(lab->j, move, lab, max, lab->now_ms); }

void lab_check_body(struct lab *lab, uint64_t seq)
{
    const struct lab_message *m = message(lab, seq);
    struct slice body = journal_read(lab->j, m->location, m->len);
    assert_int_equal(body.len, m->len);
    assert_int_equal(XXH3_64bits(body.ptr, body.len), lab_body_sum(seq, m->len));
}

void lab_check_alive(struct lab *lab)
{
    uint64_t alive = 0, modelled = 0;
    for (uint64_t seq = 0; seq < lab->message_cap; seq++) {
        modelled += lab->messages[seq].alive;
        lab->messages[seq].location = 0;
    }
    for (size_t i = 0; i < lab->seen_count; i++) {
        const struct lab_seen *s = &lab->seen[i];
        if (s->kind != CORE_REC_SEND)
            continue;
        struct lab_message *m = message(lab, s->seq);
        assert_int_equal(s->body_sum, lab_body_sum(s->seq, s->len));
        if (!m->alive)
            continue; /* its DONE must follow: checked by who deletes messages */
        alive += m->location == 0;
        m->location = s->location;
        m->len = s->len;
    }
    assert_int_equal(alive, modelled);
}
