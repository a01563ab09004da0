"""leat itself: the stack under `leat up`, with the settings of `make run` but for the port and the number of workers."""
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

from .processes import BUILD, Failed, Process, tree, until

BATCH, BODY_BYTES = 1000, 1 << 20  # jobs and bytes a request at most


class Leat(Process):
    """data: a folder that stays; without it one inside of folder that goes with the stack."""

    def __init__(self, folder, workers, *options, data=None):
        self.own = data is None
        self.data = data or tempfile.mkdtemp(prefix="leat-", dir=folder)
        super().__init__([BUILD / "leat", "up", "--data", self.data, "--listen", "127.0.0.1:0", "--workers", workers, *options], "leat ready")
        self.url = self.line.split()[2]

    def stop(self):
        super().stop()
        if self.own:
            shutil.rmtree(self.data, ignore_errors=True)

    def kill(self):
        """All processes at once, as a power cut would end them."""
        pids = tree(self.process.pid)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 10, "all are gone")

    # -- looking --------------------------------------------------------------------------------------------------
    # The broker itself is asked, through `leat status`: what GET /metrics knows may be 250 ms old.
    def status(self):
        out = subprocess.run([BUILD / "leat", "status", "--data", self.data, "--json"], capture_output=True, text=True).stdout
        return json.loads(out) if out else {"processes": [], "queue": None}

    def queue(self):
        return until(lambda: self.status()["queue"], 30, "an answer of the queue")

    def finished(self):
        return self.queue()["succeeded"]

    def waiting(self):
        queue = self.queue()
        return queue["messages"] - sum(q["ready"] for q in queue["queues"] if q["name"] == "leat-jobs-dead")

    def pids(self, role):
        """Of the running processes with this role, as `leat status` names it."""
        return [p["pid"] for p in self.status()["processes"] if p["role"] == role and p["state"] == "running"]

    def pid(self, role):
        return next(iter(self.pids(role)), None)

    # -- doing ------------------------------------------------------------------------------------------------------
    def fill(self, count, job, seconds=1800):
        """Sends count jobs, job(n) each, many a request; a queue that is full for the moment is asked again."""
        parts = urllib.parse.urlparse(self.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        deadline = time.monotonic() + seconds
        batch = min(BATCH, BODY_BYTES // (len(job(count)) + 16))
        for first in range(0, count, batch):
            body = "\n".join(job(n) for n in range(first, min(first + batch, count)))
            while not post(connection, body):
                if time.monotonic() > deadline:
                    raise Failed(f"filling with {count} jobs: not within {seconds} s")
                time.sleep(0.1)
        connection.close()

    def settle(self, seconds=600):
        """Until the queue is empty."""
        until(lambda: self.waiting() == 0, seconds, "an empty queue", pause=0.02)

    def kill_queue(self):
        """Ends the broker with SIGKILL; seconds until another one has recovered the journal and answers."""
        old, start = self.pid("queue"), time.monotonic()
        os.kill(old, signal.SIGKILL)
        until(lambda: (queue := self.status()["queue"]) and queue["pid"] != old, 120, "the queue is back")
        return time.monotonic() - start


def post(connection, body):
    """False: jobs of it were refused for the moment."""
    connection.request("POST", "/DynamoDBManager", body, {"Content-Type": "application/x-ndjson"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status not in (202, 503):
        raise Failed(f"a batch was answered with {answer.status}: {text[:200]!r}")
    return answer.status == 202 and b'"error":' not in text


def ask(url, job, wait=10):
    """One job in the waiting form; the answer's status and body."""
    request = urllib.request.Request(f"{url}/DynamoDBManager?wait={wait}", json.dumps(job).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=wait + 5) as answer:
        return answer.status, json.load(answer)


def create(n, items=100000):
    return f'{{"operation":"create","tableName":"lambda-apigateway","payload":{{"Item":{{"id":"{n % items}","number":5,"name":"Bob"}}}}}}'
