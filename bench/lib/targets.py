"""What must be reached, and whether it was. Pure. Each target is a ratio of two figures of the same run, or one figure."""
import dataclasses

BARE_64, BARE_256 = ("bare HTTP, 64 connections", "per_second"), ("bare HTTP, 256 connections", "per_second")
DISK = ("bare disk, 4 KiB append + sync", "p50_us")
BACKLOG = "backlog of 1 million jobs"
SQS_CYCLE, FIFO = "SQS send + receive + delete, 64 connections", "FIFO backlog, 1 million in 100,000 groups"
POLLS, MANY = "1,000 receivers wait on 100 queues", "9,900 queues"
SCAN = "scan, items of 1 KiB, 4 at once"
SMALL, LARGE, HUGE = "growth, 10,000 items", "growth, 1,000,000 items", "growth, 10,000,000 items"
GET, PUT = ("GetItem, 64 connections", "per_second"), ("PutItem, 64 connections", "per_second")


@dataclasses.dataclass(frozen=True)
class Target:
    name: str
    upper: tuple  # (row, figure)
    lower: tuple | None = None  # over this one; None: the figure itself
    least: float | None = None
    most: float | None = None
    aim: float | None = None  # beyond the target
    scale: float = 1
    stands_for: tuple | None = None  # only judged while this figure is not there


def at_least(name, upper, lower, least, aim=None, stands_for=None):
    return Target(name, upper, lower, least=least, aim=aim, stands_for=stands_for)


def at_most(name, upper, most, lower=None, scale=1):
    return Target(name, upper, lower, most=most, scale=scale)


TARGETS = (
    at_least("accept / bare, 64", ("accept, 64 connections", "per_second"), BARE_64, 0.3),
    at_least("accept / bare, 256", ("accept, 256 connections", "per_second"), BARE_256, 0.4, 0.5),
    at_least("accept 256 / beanstalkd -f0 put", ("accept, 256 connections", "per_second"), ("beanstalkd -f0 put", "per_second"), 8),
    at_least("end to end / bare, 256", ("end to end, 256 connections", "jobs_per_second"), BARE_256, 0.25, 0.33),
    at_least("end to end 256 / beanstalkd -f0 cycle", ("end to end, 256 connections", "jobs_per_second"),
             ("beanstalkd -f0 cycle", "per_second"), 10),
    at_least("100 jobs a request: jobs / bare requests", ("end to end, 100 jobs a request", "jobs_per_second"), BARE_64, 0.5, 1),
    at_least("native accept / bare, 64", ("native, 1,000 under way", "per_second"), BARE_64, 1.5),
    at_most("waiting create p50 / disk p50, one client", ("waiting create, 1 connections", "p50_us"), 5, DISK),
    at_most("waiting create p99, one client, ms", ("waiting create, 1 connections", "p99_us"), 5, scale=1e-3),
    at_most("waiting create p99, 64 at half load, ms", ("waiting create, 64 at half load", "p99_us"), 20, scale=1e-3),
    at_least("1 million queued: accept full / empty", (BACKLOG, "full_per_second"), (BACKLOG, "empty_per_second"), 0.8),
    at_most("1 million queued: bytes of memory a job", (BACKLOG, "bytes_a_job"), 100),
    at_most("1 million queued: restart, s", (BACKLOG, "restart_ms"), 5, scale=1e-3),
    at_least("SendMessage / bare, 64", ("SQS SendMessage, 64 connections", "per_second"), BARE_64, 0.2, 0.3),
    at_least("SendMessageBatch: messages / bare, 64", ("SQS SendMessageBatch of 10, 64 connections", "messages_per_second"), BARE_64, 0.5),
    at_least("SQS send, receive, delete / beanstalkd -f0 cycle", (SQS_CYCLE, "per_second"), ("beanstalkd -f0 cycle", "per_second"), 2),
    at_most("1,000 receivers wait: % of a core more", (POLLS, "added_permille"), 1, scale=0.1),
    at_most("a message to a waiting receiver, p50, ms", (POLLS, "delivery_p50_us"), 5, scale=1e-3),
    at_most("a message to a waiting receiver, p99, ms", (POLLS, "delivery_p99_us"), 5, scale=1e-3),
    at_least("FIFO, 1 million: send full / empty", (FIFO, "full_send_per_second"), (FIFO, "empty_send_per_second"), 0.8),
    at_least("FIFO, 1 million: receive full / empty", (FIFO, "full_take_per_second"), (FIFO, "empty_take_per_second"), 0.8),
    at_most("FIFO, 1 million: bytes of memory a message", (FIFO, "bytes_a_message"), 250),
    at_most("FIFO, 1 million: restart, s", (FIFO, "restart_ms"), 5, scale=1e-3),
    at_most("9,900 queues: /metrics, kB", (MANY, "metrics_kb"), 100),
    at_most("9,900 queues: idle, % of a core more", (MANY, "added_permille"), 1, scale=0.1),
    at_most("9,900 queues: restart, s", (MANY, "restart_ms"), 2, scale=1e-3),
    at_least("GetItem / bare, 64", GET, BARE_64, 0.2, 0.3),
    at_least("PutItem / bare, 64", PUT, BARE_64, 0.12, 0.2),
    at_least("waiting read / bare, 64", ("waiting read, 64 connections", "per_second"), BARE_64, 0.2, 0.3, stands_for=GET),
    at_least("waiting create / bare, 64", ("waiting create, 64 connections", "per_second"), BARE_64, 0.12, 0.2, stands_for=PUT),
    at_least("jobs that wait 5 ms: 32 workers / 32 x one", ("jobs that wait 5 ms, 32 workers", "jobs_per_second_a_worker"),
             ("jobs that wait 5 ms, 1 workers", "jobs_per_second_a_worker"), 0.9),
    at_most("idle: % of a core", ("idle, 2 workers", "cpu_permille"), 1, scale=0.1),
    at_most("idle: resident memory, MB", ("idle, 2 workers", "resident_kib"), 100, scale=1024e-6),
    at_most("idle: first answer after start, s", ("idle, 2 workers", "first_answer_ms"), 1, scale=1e-3),
    *(at_most(f"{operation} p50, {what} items / ten thousand", (row, f"{operation.lower()}_p50_us"), 1.5, (SMALL, f"{operation.lower()}_p50_us"))
      for what, row in (("1 million", LARGE), ("10 million", HUGE)) for operation in ("GetItem", "Query")),
    *(at_most(f"{what} items: MB of the workers, 67 of them set", (row, "workers_mb"), 150) for what, row in (("1 million", LARGE), ("10 million", HUGE))),
    at_least("scan, items of 1 KiB, MB/s", (SCAN, "mb_per_second"), None, 100),
    at_least("leat bench / wrk, 64", ("load generators, leat bench, 64 connections", "per_second"),
             ("load generators, wrk, 64 connections", "per_second"), 1),
    at_least("leat bench / wrk, 256", ("load generators, leat bench, 256 connections", "per_second"),
             ("load generators, wrk, 256 connections", "per_second"), 1),
    at_most("leat bench / wrk, CPU a request, 256", ("load generators, leat bench, 256 connections", "cpu_us_a_request"), 1,
            ("load generators, wrk, 256 connections", "cpu_us_a_request")),
)


def verdict(target, value):
    if target.most is not None:
        return "reached" if value <= target.most else "MISSED"
    if target.aim is not None and value >= target.aim:
        return "aim reached"
    return "reached" if value >= target.least else "MISSED"


def judge(figures, targets=TARGETS):
    """A dictionary for each target that could be measured: name, value, min, max, target, aim, verdict."""
    found = []
    for target in targets:
        if target.stands_for and figures.values(*target.stands_for):
            continue
        if target.lower:
            spread = figures.ratio(target.upper, target.lower)
        else:
            spread = figures.spread(*target.upper, target.scale)
        if spread is None:
            continue
        value, least, greatest = spread
        bound = f">= {target.least:g}" if target.most is None else f"<= {target.most:g}"
        found.append({"name": target.name, "value": value, "min": least, "max": greatest, "target": bound, "aim": target.aim,
                      "verdict": verdict(target, value)})
    return found
