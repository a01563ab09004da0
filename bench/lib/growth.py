"""What happens when there is ten times as much of it: queued jobs, items in a table, connections.

Each step has a stack of its own, and is left out when the disk has not the room for it. The last step of jobs and items, ten million, takes
minutes and gigabytes: only with --full."""
import shutil
import time

from .loads import leat_bench, wrk
from .processes import folder_bytes, resident_kib, status_kib, tree
from .stacks import Leat, ask, create

STEPS = (10**4, 10**5, 10**6, 10**7)
DEFAULT_STEPS = 3
CONNECTIONS = (1, 10, 100, 1000, 10000)
QUEUE_BYTES_A_JOB, STORE_BYTES_AN_ITEM = 400, 800  # on disk at most, journal and log included
SPARE_BYTES = 2 << 30


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
            bench.note(f"growth, {count:,} jobs queued", **figures, bytes_a_job=memory, queue_mb=resident_kib(queue) / 1024,
                       disk_mb=disk / 1e6, restart_ms=leat.kill_queue() * 1000)


def items(bench):
    """Items in one table: reading and writing among them, memory, disk, and the start after everything was killed at once."""
    for count in steps(bench, "growth, items", STORE_BYTES_AN_ITEM):
        with Leat(bench.folder, 2) as leat:
            start = time.monotonic()
            leat.fill(count, lambda n: create(n, count))
            leat.settle(3600)
            filled = count / (time.monotonic() - start)
            row, path = f"growth, {count:,} items", "/DynamoDBManager?wait=10"
            reads = wrk(leat.url, 64, bench.seconds, LEAT_BENCH_PATH=path, LEAT_BENCH_OPERATION="read", LEAT_BENCH_ITEMS=count)
            writes = wrk(leat.url, 64, bench.seconds, LEAT_BENCH_PATH=path, LEAT_BENCH_ITEMS=count)
            bench.note(row, filled_per_second=filled, read_per_second=reads["per_second"], read_p99_us=reads["p99_us"],
                       write_per_second=writes["per_second"], write_p99_us=writes["p99_us"], refused=reads["refused"] + writes["refused"],
                       resident_mb=sum(map(resident_kib, tree(leat.process.pid))) / 1024, disk_mb=folder_bytes(leat.data) / 1e6)
            leat.kill()
            start = time.monotonic()
            with Leat(bench.folder, 2, data=leat.data) as again:
                ask(again.url, {"operation": "read", "tableName": "lambda-apigateway", "payload": {"Key": {"id": str(count - 1)}}}, 30)
                bench.note(row, restart_ms=(time.monotonic() - start) * 1000)


def connections(bench):
    """Clients at once, each with a request under way."""
    for count in CONNECTIONS:
        with Leat(bench.folder, 0, "--max-connections", 2 * CONNECTIONS[-1]) as leat:
            gateway = leat.pid("gateway")
            figures = leat_bench(bench.seconds, "--url", leat.url, "--users", count)
            bench.note(f"growth, {count:,} connections", **figures, gateway_mb=status_kib(gateway, "VmHWM") / 1024)
