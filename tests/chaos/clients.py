"""Threads of a client that post uniquely numbered operations through the HTTP API and write down every answer with its time.

The threads of one client (load.py) share sets of items, so that operations on one item come over several connections, gateways and forms. One
JSON line an operation:

    n number   k kind (kinds.py)   item   arg   leg (of operations posted together)   r request   i position in it
    f async|key|wait|batch|lines|wait-batch
    t0, t1     when it was first sent and when answered (monotonic ns, comparable between processes)
    a          acked | refused (the answer promises that nothing changed) | unknown    tries    id (of the job)    o outcome or null"""
import http.client
import itertools
import json
import random
import socket
import threading
import time

from kinds import KINDS, outcome_of
from messages import EVERY

NUMBERS_PER_CLIENT = 10**9
PATH = "/DynamoDBManager"
BATCHES = ("batch", "lines", "wait-batch")
PATIENCE_SECONDS = 45


class Items:
    """Which item the next operation is on. Shared by the threads of one client."""

    def __init__(self, client, rng):
        self.client, self.rng, self.lock = client, rng, threading.Lock()
        self.numbers = itertools.count(client * NUMBERS_PER_CLIENT + 1)
        self.blocks = itertools.count(1)
        self.open = {name: [] for name in EVERY}

    def slot(self, name):
        kind, items = EVERY[name], self.open[name]
        if len(items) < kind.open_items:
            items.append([f"{name[0]}{self.client}-{next(self.blocks)}", 0])
        place = self.rng.randrange(len(items))
        item = items[place]
        item[1] += 1
        if item[1] == kind.room:
            items.pop(place)
        return item[0], item[1] - 1

    def next(self, alone):
        """The operations of one draw: one, or several that belong together (unless it must be alone)."""
        with self.lock:
            names = [name for name, kind in KINDS.items() if not alone or kind.legs == 1]
            name = self.rng.choices(names, [KINDS[n].weight for n in names])[0]
            drawn = KINDS[name].draw(lambda: self.slot(name), self.rng)
            return [{"n": next(self.numbers), "k": name, "item": item, "arg": arg, **({"leg": leg} if len(drawn) > 1 else {})}
                    for leg, (item, arg) in enumerate(drawn)]

    def of(self, name):
        """One operation of a kind that is not of jobs."""
        with self.lock:
            item, arg = self.slot(name)
            return {"n": next(self.numbers), "k": name, "item": item, "arg": arg}


def refused_for_sure(problem):
    return "nothing was changed" in problem.get("detail", "")


def remember(op, known):
    """It was acknowledged by an earlier try; another job under the same key is one too many."""
    if op["a"] == "acked" and op["id"] != known:
        op["second"] = op["id"]
    op.update(a="acked", id=known)
    op.pop("why", None)


class Connection:
    """One keep-alive connection, made anew when it breaks. A request that could not even be connected was not posted."""

    def __init__(self, port):
        self.port, self.http = port, None

    def connect(self, seconds):
        if self.http is None:
            http_ = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
            http_.connect()
            http_.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.http = http_
        self.http.sock.settimeout(seconds)

    def drop(self):
        if self.http:
            self.http.close()
        self.http = None

    def exchange(self, method, path, body=None, headers=None, seconds=10):
        """(status, headers, body); OSError or HTTPException: cut."""
        self.connect(seconds)
        try:
            self.http.request(method, path, body, headers or {})
            answer = self.http.getresponse()
            text = answer.read()
        except BaseException:
            self.drop()
            raise
        if answer.will_close:
            self.drop()
        return answer.status, answer.headers, text

    def request(self, method, path, body=None, headers=None, seconds=10):
        """The same with a body of JSON, parsed."""
        status, got, text = self.exchange(method, path, body, headers, seconds)
        return status, got, json.loads(text) if text else None


def read_one(op, status, headers, answer):
    """Fills in what a single job's answer says."""
    if status == 202:
        op.update(a="acked", id=answer["jobId"])
    elif headers.get("X-Leat-Job-Id"):
        op.update(a="acked", id=headers["X-Leat-Job-Id"], o=outcome_of(op["k"], status == 200, answer))
    elif refused_for_sure(answer) or (400 <= status < 500 and status != 408):
        op.update(a="refused", why=f"{status} {answer.get('detail')}")
    else:
        op.update(a="unknown", why=f"{status} {answer.get('detail')}")


def read_batch(ops, status, answer):
    if "jobs" not in answer:
        for op in ops:
            read_one(op, status, {}, answer)
        return
    for op, entry in zip(ops, answer["jobs"], strict=True):
        if "jobId" not in entry:
            read_one(op, entry["error"].get("status", 503), {}, entry["error"])
        else:
            op.update(a="acked", id=entry["jobId"])
            if entry["status"] == "failed" or "result" in entry:
                good = "result" in entry
                op["o"] = outcome_of(op["k"], good, entry["result" if good else "error"])


class Client:
    """One thread: posts, reads, writes down."""

    def __init__(self, shared, seed):
        self.shared, self.rng = shared, random.Random(seed)
        self.connection = Connection(shared.port)

    def choose(self):
        form = self.rng.choices(("async", "key", "wait", "batch", "lines", "wait-batch"), (25, 25, 25, 10, 10, 5))[0]
        count = self.rng.choice((2, 10, 50, 100, 200)) if form in ("batch", "lines") else self.rng.randrange(2, 30) if form == "wait-batch" else 1
        return form, count

    def send(self, form, ops, key):
        headers = {"Content-Type": "application/x-ndjson" if form == "lines" else "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        jobs = [KINDS[op["k"]].body(op) for op in ops]
        body = "\n".join(map(json.dumps, jobs)) if form == "lines" else json.dumps(jobs if form in BATCHES else jobs[0])
        path = PATH + ("?wait=8" if "wait" in form else "")
        status, got, answer = self.connection.request("POST", path, body, headers, 12)
        if form in BATCHES:
            read_batch(ops, status, answer)
        else:
            read_one(ops[0], status, got, answer)

    def attempt(self, form, ops, key):
        """One try. False: nothing was posted, because there was no connection."""
        try:
            self.connection.connect(3)
        except OSError:
            self.connection.drop()
            time.sleep(0.02)
            return False
        now = time.monotonic_ns()
        before = [op.get("id") for op in ops]
        for op in ops:
            op.setdefault("t0", now)
            op["tries"] = op.get("tries", 0) + 1
        try:
            self.send(form, ops, key)
        except (OSError, http.client.HTTPException) as e:
            for op in ops:
                op.update(a="unknown", why=repr(e))
        for op, known in zip(ops, before, strict=True):
            if known:
                remember(op, known)
            elif op["a"] == "unknown":
                op["open"] = True
            elif op["a"] == "refused" and op.get("open"):
                op["a"] = "unknown"  # this try surely did nothing, but an earlier one may have
        return True

    def settled(self, ops, key):
        """With a key whatever is not accepted may be repeated; without one only what surely did not happen, and we let that be."""
        return not key or all(op["a"] == "acked" for op in ops)

    def post(self):
        form, count = self.choose()
        ops = []
        while len(ops) < count:
            ops += self.shared.items.next(count == 1)
        key = f"{self.shared.run}-{ops[0]['n']}" if form == "key" or (form in BATCHES and self.rng.random() < 0.5) else None
        for i, op in enumerate(ops):
            op.update(r=ops[0]["n"], i=i, f=form + ("+key" if key and form != "key" else ""), a="unknown", o=None)
        self.until_settled(form, ops, key)
        self.settle(ops)

    def until_settled(self, form, ops, key):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (self.attempt(form, ops, key) and self.settled(ops, key)):
            if time.monotonic() > deadline or (self.shared.stopping.is_set() and "t0" not in ops[0]):
                break
            time.sleep(0.03)

    def settle(self, ops):
        """What was posted is written down."""
        now = time.monotonic_ns()
        for op in ops:
            op["t1"] = now
        if "t0" in ops[0]:
            self.shared.record(ops)

    def run(self):
        while not self.shared.stopping.is_set():
            self.post()
            self.shared.pace()
