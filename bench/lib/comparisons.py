"""The table of all comparisons: name, function, whether one round is enough, what it compares."""
import dataclasses
import typing

from . import growth, parts, paths, peers, queues, scaling


@dataclasses.dataclass(frozen=True)
class Comparison:
    name: str
    run: typing.Callable
    once: bool
    about: str


EACH_ROUND, ONCE = False, True

COMPARISONS = (
    Comparison("bare", peers.bare, EACH_ROUND, "libmicrohttpd with a constant answer"),
    Comparison("disk", peers.disk, EACH_ROUND, "4 KiB appended and synced"),
    Comparison("generators", paths.generators, EACH_ROUND, "wrk and leat bench against the bare server"),
    Comparison("beanstalkd", peers.beanstalkd, EACH_ROUND, "put, and put + reserve + delete, with -f0 and by default"),
    Comparison("redis", peers.redis, EACH_ROUND, "LPUSH with appendfsync always"),
    Comparison("nats", peers.nats, EACH_ROUND, "JetStream publish, acknowledged"),
    Comparison("rabbitmq", peers.rabbitmq, ONCE, "publish into a durable quorum queue, confirmed"),
    Comparison("moto", peers.moto, ONCE, "DynamoDB's GetItem and PutItem, SQS's sends and receives, in memory"),
    Comparison("accept", paths.accept, EACH_ROUND, "POST to 202, no worker running"),
    Comparison("end_to_end", paths.end_to_end, EACH_ROUND, "jobs applied to the table store, one and 100 a request"),
    Comparison("native", paths.native, EACH_ROUND, "durable accepts without HTTP"),
    Comparison("waiting", paths.waiting, EACH_ROUND, "create and read in the waiting form"),
    Comparison("latency", paths.latency, EACH_ROUND, "the waiting form at half load"),
    Comparison("calls", paths.calls, EACH_ROUND, "GetItem and PutItem over the DynamoDB protocol"),
    Comparison("sqs", queues.sqs, EACH_ROUND, "sends and receives over SQS's protocol, standard and FIFO"),
    Comparison("polls", queues.polls, ONCE, "1,000 receivers that wait on 100 queues: CPU, time to a message"),
    Comparison("fifo", queues.backlog, ONCE, "a FIFO queue with a million messages in 100,000 groups"),
    Comparison("many", queues.many, ONCE, "9,900 queues: making and listing them, metrics, memory, restart"),
    Comparison("backlog", paths.backlog, EACH_ROUND, "a million jobs queued: throughput, memory, restart"),
    Comparison("scaling", scaling.waiting_jobs, EACH_ROUND, "1 to 32 workers on jobs that wait 5 ms"),
    Comparison("busy", scaling.busy_jobs, EACH_ROUND, "1 to 8 workers on jobs that compute"),
    Comparison("idle", paths.idle, EACH_ROUND, "nothing to do: start, CPU, memory"),
    Comparison("core", parts.core, EACH_ROUND, "the broker's state machine alone"),
    Comparison("journal", parts.journal, EACH_ROUND, "the journal alone, beside the disk"),
    Comparison("codec", parts.codec, EACH_ROUND, "conversions of a message"),
    Comparison("apply", parts.apply, EACH_ROUND, "the worker's transactions alone"),
    Comparison("queued", growth.queued, ONCE, "10^4 to 10^6 jobs queued (--full: 10^7)"),
    Comparison("items", growth.items, ONCE, "10^4 to 10^6 items in a table (--full: 10^7)"),
    Comparison("scan", growth.scan, ONCE, "a table of items of 1 KiB, read from end to end"),
    Comparison("connections", growth.connections, ONCE, "1 to 10,000 connections"),
)

GROUPS = {"queues": ("sqs", "polls", "fifo", "many"), "growth": ("queued", "items", "scan", "connections"), "parts": ("core", "journal", "codec", "apply"),
          "peers": ("bare", "disk", "beanstalkd", "redis", "nats", "rabbitmq", "moto")}


def chosen(text):
    """The comparisons of a list of names and groups with commas between, in the table's order; all for None. ValueError names an unknown one."""
    if text is None:
        return list(COMPARISONS)
    wanted = set()
    for name in text.split(","):
        if name not in GROUPS and name not in (c.name for c in COMPARISONS):
            raise ValueError(name)
        wanted.update(GROUPS.get(name, (name,)))
    return [c for c in COMPARISONS if c.name in wanted]
