"""SQS's protocol: what an SDK sends, to leat and to others that speak it."""
import http.client
import json
import subprocess
import time
import urllib.parse

from .loads import program
from .processes import BUILD, Failed, cpu_seconds, resident_kib, tree
from .stacks import Leat

CLIENTS = 64
AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=leat/20261121/us-east-1/sqs/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=0"
BACKLOG, BACKLOG_GROUPS = 1000000, 100000
FEW_GROUPS = 10000  # of the queue that is nearly empty
POLLERS, POLLED_QUEUES, POLL_SECONDS = 1000, 100, 20
QUEUES = 9900  # below the broker's limit of 10,000, leat's own two included


class Client:
    """One connection that asks by SQS's JSON protocol."""

    def __init__(self, url):
        parts = urllib.parse.urlparse(url)
        self.port = parts.port
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)

    def ask(self, action, **body):
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS." + action, "X-Amz-Date": "20261121T000000Z",
                   "Authorization": AUTHORIZATION}
        self.connection.request("POST", "/", json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise Failed(f"{action} was answered with {answer.status}: {text[:200]!r}")
        return json.loads(text) if text else {}

    def create(self, name, **attributes):
        return self.ask("CreateQueue", QueueName=name, Attributes={k: str(v) for k, v in attributes.items()})

    def get(self, path):
        self.connection.request("GET", path)
        return self.connection.getresponse().read()


def load(port, seconds, what, queue, *more, connections=CLIENTS):
    return program("sqs", port, connections, seconds, what, queue, *more, seconds=seconds + 60)


def with_cpu(leat, seconds, what, queue, *more, port):
    """The figures of a load, and what gateway and broker spent on each of its rounds."""
    pids = {role: leat.pid(role) for role in ("gateway", "queue")}
    before = {role: cpu_seconds(pid) for role, pid in pids.items()}
    figures = load(port, seconds, what, queue, *more)
    rounds = max(1, figures["per_second"] * seconds)
    return {**figures, **{f"{role}_us_a_round": (cpu_seconds(pid) - before[role]) * 1e6 / rounds for role, pid in pids.items()}}


# -- Rates -------------------------------------------------------------------------------------------------------------------
def sqs(bench):
    """A standard and a FIFO queue: what is sent first is taken after."""
    with Leat(bench.folder, 0) as leat:
        client = Client(leat.url)
        client.create("bench")
        client.create("bench.fifo", FifoQueue="true")
        for name, queue, groups in (("SQS", "bench", ()), ("SQS FIFO", "bench.fifo", (FEW_GROUPS,))):
            for what, row in (("send", "SendMessage"), ("batch", "SendMessageBatch of 10"), ("take", "receive + delete"),
                              ("take10", "receive + delete, 10 at once")):
                bench.note(f"{name} {row}, {CLIENTS} connections", **with_cpu(leat, bench.seconds, what, queue, *groups, port=client.port))
        bench.note(f"SQS send + receive + delete, {CLIENTS} connections", **with_cpu(leat, bench.seconds, "cycle", "bench", port=client.port))


def rates_of(bench, name, url):
    """The same of another server (moto), as far as its one queue goes."""
    client = Client(url)
    client.create("bench")
    for what, row in (("send", "SendMessage"), ("batch", "SendMessageBatch of 10"), ("take", "receive + delete")):
        bench.note(f"{name} {row}, {CLIENTS} connections (in memory)", **load(client.port, bench.seconds, what, "bench"))


# -- Waiting -----------------------------------------------------------------------------------------------------------------
def permille(pids, seconds):
    before, start = sum(map(cpu_seconds, pids)), time.monotonic()
    time.sleep(seconds)
    return (sum(map(cpu_seconds, pids)) - before) * 1000 / (time.monotonic() - start)


def polls(bench):
    """1,000 receivers wait on 100 queues: what that costs while nothing comes, over a time in which no receive ends, and over one in which each
    ends once and asks again; then how long a message is on its way to one of them."""
    quiet = 2 * bench.seconds if bench.seconds < 7 else 15
    with Leat(bench.folder, 2) as leat:
        client, pids = Client(leat.url), tree(leat.process.pid)
        for number in range(POLLED_QUEUES):
            client.create(f"polled-{number}", VisibilityTimeout=3600)
        time.sleep(1)
        own = permille(pids, quiet)
        command = [BUILD / "bench" / "polls", client.port, POLLERS, POLLED_QUEUES, quiet + POLL_SECONDS + 1, 400 * bench.seconds, 200, "polled"]
        with subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                process.stdout.readline()
                waiting, asking = permille(pids, quiet), permille(pids, POLL_SECONDS)
                out, err = process.communicate(timeout=POLL_SECONDS + 10 * bench.seconds + 60)
            finally:
                process.kill()
        if process.returncode != 0:
            raise Failed(f"polls ended with {process.returncode}: {err.strip()[-300:]}")
        figures = json.loads(out.splitlines()[-1])
        bench.note("1,000 receivers wait on 100 queues", own_cpu_permille=own, cpu_permille=waiting, added_permille=max(0.0, waiting - own),
                   asking_again_permille=asking, **figures)


# -- Backlog -----------------------------------------------------------------------------------------------------------------
def backlog(bench):
    """A FIFO queue with a million messages in 100,000 groups beside one that is nearly empty."""
    with Leat(bench.folder, 0) as leat:
        client = Client(leat.url)
        figures = {}
        for name in ("empty", "full"):
            client.create(f"{name}.fifo", FifoQueue="true", VisibilityTimeout=3600)
        for name in ("empty", "full"):
            if name == "full":
                before = resident_kib(leat.pid("queue"))
                load(client.port, 600, "batch", "full.fifo", BACKLOG_GROUPS, BACKLOG, connections=16)
                figures["bytes_a_message"] = (resident_kib(leat.pid("queue")) - before) * 1024 / BACKLOG
            for what in ("send", "take"):
                found = with_cpu(leat, bench.seconds, what, f"{name}.fifo", BACKLOG_GROUPS, port=client.port)
                figures[f"{name}_{what}_per_second"] = found["per_second"]
                figures[f"{name}_{what}_queue_us"] = found["queue_us_a_round"]
        bench.note("FIFO backlog, 1 million in 100,000 groups", **figures, restart_ms=leat.kill_queue() * 1000)


# -- Many queues -------------------------------------------------------------------------------------------------------------
def list_all(client):
    """How many queues the pages hold, and how many pages there are."""
    count, pages, token = 0, 0, {}
    while True:
        page = client.ask("ListQueues", MaxResults=1000, **token)
        count, pages = count + len(page["QueueUrls"]), pages + 1
        if "NextToken" not in page:
            return count, pages
        token = {"NextToken": page["NextToken"]}


def timed(function):
    start = time.monotonic()
    result = function()
    return result, (time.monotonic() - start) * 1000


def many(bench):
    """Nearly as many queues as one broker takes."""
    with Leat(bench.folder, 0) as leat:
        client = Client(leat.url)
        pids = [leat.pid("queue"), leat.pid("gateway")]
        own, before = permille(pids, bench.seconds), resident_kib(pids[0])
        _, took_ms = timed(lambda: [client.create(f"queue-{number:05}") for number in range(QUEUES)])
        memory = (resident_kib(pids[0]) - before) * 1024 / QUEUES
        (count, pages), listed_ms = timed(lambda: list_all(client))
        if count != QUEUES + 2:
            raise Failed(f"ListQueues has {count} of {QUEUES + 2} queues")
        time.sleep(1)  # the gateway knows all of them
        page, metrics_ms = timed(lambda: client.get("/metrics"))
        bench.note("9,900 queues", created_per_second=QUEUES * 1000 / took_ms, list_ms=listed_ms, list_pages=pages, bytes_a_queue=memory,
                   metrics_kb=len(page) / 1000, metrics_ms=metrics_ms, added_permille=max(0.0, permille(pids, bench.seconds) - own),
                   send_per_second=load(client.port, bench.seconds, "send", f"queue-{QUEUES // 2:05}")["per_second"],
                   restart_ms=leat.kill_queue() * 1000)
