"""The whole stack under `leat up`, for tests: a temporary data folder, a free port, everything ended by pid and removed.

    with Up(workers=2) as up:
        job = up.post({"operation": "ping"})
        assert up.wait_job(job)["result"] == "pong"

Waiting is always on a condition with a deadline, never for a time.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LEAT_BUILD", ROOT / "build"))


def until(condition, seconds=10, what="condition"):
    """Polls until condition() is truthy and returns that; fails at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        time.sleep(0.02)


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class Up:
    def __init__(self, *options, workers=2, tables=(), data=None, environment=None):
        self.own_data = data is None
        self.data = pathlib.Path(data or tempfile.mkdtemp(prefix="leat-test-"))
        self.options = [*map(str, options), "--workers", str(workers)]
        for table in tables:
            self.options += ["--table", table]
        self.environment = {**os.environ, "TZ": "UTC", **(environment or {})}
        self.process = self.url = None
        self.lines = []
        self.session = requests.Session()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        self.kill_all()
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)

    # -- life -------------------------------------------------------------------------------------------------
    def start(self, listen="127.0.0.1:0", seconds=20):
        self.process = subprocess.Popen(
            [BUILD / "leat", "up", "--data", self.data, "--listen", listen, *self.options], env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()
        ready = until(lambda: self._ready() or self.process.poll() is not None, seconds, "leat ready")
        assert ready and self._ready(), "leat up ended:\n" + self.log()
        self.url = self._ready()
        return self

    def _read(self, process):
        for line in process.stdout:
            self.lines.append(line)

    def _ready(self):
        for line in self.lines:
            found = re.match(r"leat ready (http://\S+)", line)
            if found:
                return found[1]
        return None

    def log(self):
        return "".join(self.lines[-200:])

    def stop(self, seconds=30):
        """SIGTERM, as a user would; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(seconds)
        self.lines = []
        return status

    def restart(self):
        assert self.stop() == 0
        self.start()

    def pids(self):
        """Every process of the stack, children of workers included, by walking /proc from leat up."""
        found, todo = [], [self.process.pid] if self.process else []
        while todo:
            pid = todo.pop()
            found.append(pid)
            try:
                for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                    todo += map(int, (task / "children").read_text().split())
            except (FileNotFoundError, ProcessLookupError):
                pass
        return found

    def kill_all(self):
        """kill -9 of everything at once."""
        if not self.process:
            return
        pids = self.pids()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(10)
        for pid in pids:
            until(lambda pid=pid: not alive(pid), 10, f"end of {pid}")
        self.process = None
        self.lines = []

    # -- looking ----------------------------------------------------------------------------------------------
    def status(self):
        text = subprocess.run([BUILD / "leat", "status", "--data", self.data, "--json"], capture_output=True, text=True,
                              timeout=20).stdout
        return json.loads(text) if text else {}

    def processes(self, role):
        return [p for p in self.status().get("processes", []) if p["role"] == role and p["state"] == "running" and p["pid"]]

    def pid(self, role):
        return until(lambda: self.processes(role), 10, f"a running {role}")[0]["pid"]

    def kill(self, role, number=signal.SIGKILL):
        """Signals one process of that role that is really there."""
        def attempt():
            pid = self.pid(role)
            try:
                os.kill(pid, number)
                return pid
            except ProcessLookupError:
                return None
        return until(attempt, 10, f"a {role} to signal")

    def leat(self, *arguments, **keywords):
        return subprocess.run([BUILD / "leat", *map(str, arguments)], capture_output=True, text=True, timeout=120, **keywords)

    def metric(self, name):
        for line in self.session.get(self.url + "/metrics", timeout=10).text.splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        return 0.0

    # -- jobs -------------------------------------------------------------------------------------------------
    def request(self, body, path="/DynamoDBManager", wait=None, **keywords):
        headers = {"Content-Type": "application/json", **keywords.pop("headers", {})}
        if wait is not None:
            headers["Prefer"] = f"wait={wait}"
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return self.session.post(self.url + path, data=data, headers=headers, timeout=60, **keywords)

    def post(self, body, **keywords):
        answer = self.request(body, **keywords)
        assert answer.status_code == 202, (answer.status_code, answer.text)
        return answer.json()["jobId"]

    def run(self, operation, table=None, payload=None, wait=20):
        """The waiting form: the operation's own answer."""
        body = {"operation": operation}
        if table is not None:
            body["tableName"] = table
        if payload is not None:
            body["payload"] = payload
        answer = self.request(body, wait=wait)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    def post_retrying(self, body, key, seconds=30):
        """Posts until it is accepted, under one Idempotency-Key: what a careful client does over restarts."""
        def attempt():
            try:
                answer = self.request(body, headers={"Idempotency-Key": key})
            except requests.RequestException:
                return None
            return answer.json()["jobId"] if answer.status_code == 202 else None
        return until(attempt, seconds, f"acceptance of {key}")

    def job(self, job_id, wait=None):
        answer = self.session.get(f"{self.url}/jobs/{job_id}", params={"wait": wait} if wait else None, timeout=60)
        return answer.json() if answer.status_code == 200 else {"status": answer.status_code}

    def wait_job(self, job_id, seconds=30):
        ended = ("succeeded", "failed", "dead", "cancelled")
        found = {}

        def look():
            try:
                found["job"] = self.job(job_id, wait=5)
            except requests.RequestException:
                return False
            return found["job"]["status"] in ended
        until(look, seconds, f"end of job {job_id}")
        return found["job"]

    def item(self, table, **key):
        return self.run("read", table, {"Key": key}).get("Item")
