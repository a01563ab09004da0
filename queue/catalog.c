/* catalog.c - the tables' key schemas, published by workers, kept for gateways.
 *
 * A gateway needs them to find a job's item, also while no worker runs; so the last catalog lies beside the journal in a file that is
 * replaced atomically. It is a cache of the table store's own catalog: losing it costs parallelism until a worker joins, never order. */
#include "queue/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

static int read_all(int fd, struct buf *out)
{
    for (;;) {
        if (out->len > LIMIT_CATALOG_BYTES || buf_reserve(out, 65536) != 0)
            return -1;
        ssize_t n = read(fd, out->data + out->len, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return (int)n;
        out->len += (size_t)n;
    }
}

int catalog_load(struct broker *b, struct err *e)
{
    int fd = open(b->catalog_file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return err_set(e, ERR_INTERNAL, "cannot read %s: %s", b->catalog_file, strerror(errno));
    bool good = fd >= 0 && read_all(fd, &b->catalog) == 0 && mp_valid(buf_slice(&b->catalog), LIMIT_MSGPACK_DEPTH);
    if (fd >= 0)
        close(fd);
    if (good)
        return 0;
    if (fd >= 0)
        log_warn("catalog.damaged", "file=%s effect=\"ignored until a worker joins\"", b->catalog_file);
    buf_reset(&b->catalog);
    mp_put_map(&b->catalog, 0);
    return buf_failed(&b->catalog) ? err_set(e, ERR_INTERNAL, "out of memory") : 0;
}

static int write_all(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        bytes.ptr += n;
        bytes.len -= (size_t)n;
    }
    return 0;
}

static int replace_file(const char *name, struct slice bytes)
{
    char temporary[4096 + 8];
    int n = snprintf(temporary, sizeof temporary, "%s.new", name);
    if (n < 0 || (size_t)n >= sizeof temporary)
        return -1;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    int result = write_all(fd, bytes) == 0 && fdatasync(fd) == 0 ? 0 : -1;
    close(fd);
    return result == 0 ? rename(temporary, name) : -1;
}

void catalog_update(struct broker *b, struct slice catalog)
{
    if (catalog.len > LIMIT_CATALOG_BYTES || !mp_valid(catalog, LIMIT_MSGPACK_DEPTH) ||
        slice_equal(catalog, buf_slice(&b->catalog)))
        return;
    buf_reset(&b->catalog);
    buf_append(&b->catalog, catalog.ptr, catalog.len);
    if (replace_file(b->catalog_file, catalog) != 0)
        log_warn("catalog.unsaved", "file=%s error=\"%s\"", b->catalog_file, strerror(errno));
    for (uint32_t i = 0; i < b->clients.used; i++) {
        struct peer *client = peers_by_index(&b->clients, i);
        if (!client)
            continue;
        struct buf frame = {0};
        msg_put_catalog(&frame, MSG_CATALOG, catalog);
        outbox_push(&b->clients, client, &frame);
        buf_finish(&frame);
    }
}
