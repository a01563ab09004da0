"""What happens when there is ten times as much of it: queued jobs, items in a table, connections.

Each step has a stack of its own, and is left out when the disk has not the room for it. The last step of jobs and items, ten million, takes
minutes and gigabytes: only with --full."""
import shutil
import time

from . import scans
from .loads import leat_bench, wrk
from .processes import cpu_seconds, folder_bytes, resident_kib, share_kib, status_kib, tree
from .stacks import Leat, ask, create

STEPS = (10**4, 10**5, 10**6, 10**7)
DEFAULT_STEPS = 3
CONNECTIONS = (1, 10, 100, 1000, 10000)
QUEUE_BYTES_A_JOB, STORE_BYTES_AN_ITEM = 400, 800  # on disk at most, journal and log included
SPARE_BYTES = 2 << 30
TABLE = "lambda-apigateway"
SCANNED, SCANNED_BYTES = 100000, 1024  # items of the table that is only scanned, and what is in each


def steps(bench, row, bytes_each):
    for count in STEPS if bench.full else STEPS[:DEFAULT_STEPS]:
        free = shutil.disk_usage(bench.folder).free
        if free < count * bytes_each + SPARE_BYTES:
            bench.skip(f"{row}, {count:,}", f"the disk has {free >> 30} GiB free, too little for it")
            continue
        yield count


def queued(bench):
    """Jobs that no worker takes: accepting on top of them, memory, disk, and the restart of a broker killed with all of them."""
    for count in steps(bench, "growth, jobs queued", QUEUE_BYTES_A_JOB):
        with Leat(bench.folder, 0, "--max-messages", 2 * STEPS[-1]) as leat:
            queue = leat.pid("queue")
            empty_kib = resident_kib(queue)
            leat.fill(count, create)
            memory = (resident_kib(queue) - empty_kib) * 1024 / count
            figures = wrk(leat.url, 64, bench.seconds)
            disk = folder_bytes(leat.data)
            bench.note(f"growth, {count:,} jobs queued", **figures, bytes_a_job=memory, **memory_of(leat), disk_mb=disk / 1e6,
                       restart_ms=leat.kill_queue() * 1000)


def memory_of(leat):
    """MB of each role's processes together. The broker's grow with its messages (--max-messages), the workers' with the cache that they share (--cache-bytes,
    and a quarter for its books), a gateway's with its connections and what they have under way."""
    roles = {"queue": "queue", "gateway": "gateway", "workers": "worker-child"}
    return {f"{name}_mb": sum(map(share_kib, pids)) * 1024e-6 for name, role in roles.items() if (pids := leat.pids(role))}


def lone_reads(leat, seconds, count):
    """One client's GetItem and Query on items at random, which should not notice how many there are."""
    for operation in ("GetItem", "Query"):
        figures = wrk(leat.url, 1, seconds, "calls.lua", LEAT_BENCH_OPERATION=operation, LEAT_BENCH_ITEMS=count)
        yield f"{operation.lower()}_p50_us", figures["p50_us"]


def items(bench):
    """Items in one table: reading, scanning and writing among them, memory, disk, and the start after everything was killed at once."""
    for count in steps(bench, "growth, items", STORE_BYTES_AN_ITEM):
        with Leat(bench.folder, 2) as leat:
            start = time.monotonic()
            leat.fill(count, lambda n: create(n, count))
            leat.settle(3600)
            filled = count / (time.monotonic() - start)
            row, path = f"growth, {count:,} items", "/DynamoDBManager?wait=10"
            reads = wrk(leat.url, 64, bench.seconds, LEAT_BENCH_PATH=path, LEAT_BENCH_OPERATION="read", LEAT_BENCH_ITEMS=count)
            scan_mb, scan_items, _ = scans.rate(leat.url, TABLE, bench.seconds)
            alone = dict(lone_reads(leat, bench.seconds, count))
            writes = wrk(leat.url, 64, bench.seconds, LEAT_BENCH_PATH=path, LEAT_BENCH_ITEMS=count)
            bench.note(row, filled_per_second=filled, read_per_second=reads["per_second"], read_p99_us=reads["p99_us"],
                       write_per_second=writes["per_second"], write_p99_us=writes["p99_us"], refused=reads["refused"] + writes["refused"],
                       **alone, scan_mb_per_second=scan_mb, scan_items_per_second=scan_items, **memory_of(leat), disk_mb=folder_bytes(leat.data) / 1e6)
            leat.kill()
            start = time.monotonic()
            with Leat(bench.folder, 2, data=leat.data) as again:
                ask(again.url, {"operation": "read", "tableName": TABLE, "payload": {"Key": {"id": str(count - 1)}}}, 30)
                bench.note(row, restart_ms=(time.monotonic() - start) * 1000)


def scan(bench):
    """The pages of a whole table as they stream, to one client and to four with a segment each."""
    with Leat(bench.folder, 2) as leat:
        text = "x" * (SCANNED_BYTES - 50)
        leat.fill(SCANNED, lambda n: create(n, SCANNED).replace("Bob", text))
        leat.settle()
        for segments in (1, 4):
            before = sum(map(cpu_seconds, tree(leat.process.pid)))
            mb, a_second, count = scans.rate(leat.url, TABLE, bench.seconds, segments)
            cpu = sum(map(cpu_seconds, tree(leat.process.pid))) - before
            bench.note(f"scan, items of 1 KiB, {segments} at once", mb_per_second=mb, items_per_second=a_second, cpu_us_an_item=cpu * 1e6 / max(1, count),
                       **memory_of(leat))


def connections(bench):
    """Clients at once, each with a request under way."""
    for count in CONNECTIONS:
        with Leat(bench.folder, 0, "--max-connections", 2 * CONNECTIONS[-1]) as leat:
            gateway = leat.pid("gateway")
            figures = leat_bench(bench.seconds, "--url", leat.url, "--users", count)
            bench.note(f"growth, {count:,} connections", **figures, gateway_mb=status_kib(gateway, "VmHWM") / 1024)
