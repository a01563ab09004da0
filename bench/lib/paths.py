"""leat as a whole, as its users meet it."""
import time
import urllib.error
import urllib.request

from .loads import leat_bench, with_cpu, wrk
from .processes import BUILD, Failed, Process, cpu_seconds, free_port, resident_kib, tree
from .stacks import Leat, ask, create


def accept(bench):
    with Leat(bench.folder, 0) as leat:
        for connections in (64, 256):
            bench.note(f"accept, {connections} connections", **wrk(leat.url, connections, bench.seconds))


def end_to_end(bench):
    """jobs_per_second: applied to the table store, counted until the queue is empty again."""
    with Leat(bench.folder, 2) as leat:
        for name, connections, batch in (("end to end, 64 connections", 64, 1), ("end to end, 256 connections", 256, 1),
                                         ("end to end, 100 jobs a request", 16, 100)):
            before, start = leat.finished(), time.monotonic()
            figures = wrk(leat.url, connections, bench.seconds, LEAT_BENCH_BATCH=batch)
            leat.settle()
            bench.note(name, jobs_per_second=(leat.finished() - before) / (time.monotonic() - start), **figures)


def native(bench):
    """The queue's own protocol, no HTTP: durable accepts, workers stopped."""
    with Leat(bench.folder, 0) as leat:
        for pipeline in (1, 1000, 10000):
            bench.note(f"native, {pipeline:,} under way", **leat_bench(bench.seconds, "--native", "--data", leat.data, "--pipeline", pipeline))


def waiting(bench):
    with Leat(bench.folder, 2) as leat:
        for operation in ("create", "read"):
            for connections in (1, 64):
                bench.note(f"waiting {operation}, {connections} connections",
                           **wrk(leat.url, connections, bench.seconds, LEAT_BENCH_PATH="/DynamoDBManager?wait=10", LEAT_BENCH_OPERATION=operation))


def latency(bench):
    """64 clients at half of what they reach when nothing holds them back, planned ahead: a stall is met by all that were to come."""
    options = ("--users", 64, "--wait", 10, "--mix", "create=1")
    with Leat(bench.folder, 2) as leat:
        full = leat_bench(bench.seconds, "--url", leat.url, *options)["per_second"]
        bench.note("waiting create, 64 at half load",
                   **leat_bench(2 * bench.seconds, "--url", leat.url, *options, "--rate", max(1, round(full / 2))))


def calls(bench):
    """DynamoDB's protocol, where this leat speaks it."""
    with Leat(bench.folder, 2) as leat:
        if not speaks_dynamodb(leat.url):
            raise Failed("the gateway does not speak the DynamoDB protocol (404); the rows 'waiting read' and 'waiting create' stand for it")
        leat.fill(10000, create)
        leat.settle()
        for operation in ("GetItem", "PutItem"):
            bench.note(f"{operation}, 64 connections", **wrk(leat.url, 64, bench.seconds, "calls.lua", LEAT_BENCH_OPERATION=operation))


def speaks_dynamodb(url):
    request = urllib.request.Request(url, b"{}", {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.ListTables"})
    try:
        urllib.request.urlopen(request, timeout=10)
    except urllib.error.HTTPError as answer:
        return answer.code != 404
    return True


def generators(bench):
    """wrk and leat bench against the same bare server: is the load tester what is slow? The CPU time tells where the rates do not."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with Process([BUILD / "bench" / "bare", port], "ready"):
        for connections in (64, 256):
            for name, load in (("wrk", lambda: wrk(url, connections, bench.seconds)),
                               ("leat bench", lambda: leat_bench(bench.seconds, "--url", url, "--users", connections))):
                figures, cpu = with_cpu(load)
                requests = figures["per_second"] * bench.seconds
                bench.note(f"load generators, {name}, {connections} connections", **figures, cpu_us_a_request=cpu * 1e6 / max(1, requests))


def backlog(bench):
    """Accepting with an empty queue and with a million jobs in it; memory a job; restart after kill -9."""
    with Leat(bench.folder, 0) as leat:
        empty = wrk(leat.url, 64, bench.seconds)["per_second"]
        queue = leat.pid("queue")
        before_kib, before_jobs = resident_kib(queue), leat.waiting()
        leat.fill(1000000, create)
        memory = (resident_kib(queue) - before_kib) * 1024 / (leat.waiting() - before_jobs)
        full = wrk(leat.url, 64, bench.seconds)["per_second"]
        bench.note("backlog of 1 million jobs", empty_per_second=empty, full_per_second=full, bytes_a_job=memory,
                   restart_ms=leat.kill_queue() * 1000)


def idle(bench):
    """The whole stack with nothing to do."""
    start = time.monotonic()
    with Leat(bench.folder, 2) as leat:
        ready = time.monotonic() - start
        ask(leat.url, {"operation": "ping"})
        first = time.monotonic() - start
        time.sleep(1)
        pids = tree(leat.process.pid)
        before, start = sum(map(cpu_seconds, pids)), time.monotonic()
        time.sleep(2 * bench.seconds)
        used = (sum(map(cpu_seconds, pids)) - before) / (time.monotonic() - start)
        bench.note("idle, 2 workers", ready_ms=ready * 1000, first_answer_ms=first * 1000, cpu_permille=used * 1000,
                   resident_kib=sum(map(resident_kib, pids)))
