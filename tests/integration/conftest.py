"""Fixtures of the integration tests: real processes on free ports, in a temporary data folder.

    stack        one running stack, shared by the tests of a session that do it no harm
    new_stack    makes stacks for one test: new_stack(workers=2, gateway=["--max-connections", "5"]); stopped at its end

A Stack starts the programs of build/ (or of LEAT_BUILD), waits until it is ready, keeps each program's output, and ends what it started,
by process id. Every wait has a deadline.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("LEAT_BUILD", ROOT / "build"))
TABLES = ["lambda-apigateway:id", "name:id"]
READY_SECONDS = 20
STOP_SECONDS = 20


def wait_until(what, seconds=10.0, every=0.02, message="nothing happened in time"):
    """Calls what() until it returns something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        result = what()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(message() if callable(message) else message)
        time.sleep(every)


class Answer:
    """Status, headers (lower-case names) and body of one HTTP answer."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:300]!r}>"


class Process:
    """One program under test; its output is in `log`."""

    def __init__(self, role, arguments, log):
        self.role = role
        self.log = log
        self.arguments = [str(a) for a in arguments]
        self.offset = log.stat().st_size if log.exists() else 0
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(self.arguments, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def output(self):
        """What it has written since it was started."""
        with open(self.log, "rb") as f:
            f.seek(self.offset)
            return f.read().decode("utf-8", "replace")

    def signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def wait(self, seconds=STOP_SECONDS):
        return self.popen.wait(timeout=seconds)

    def end(self):
        """Whatever is left of it and of the children it started (they share its session) is gone afterwards."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait(timeout=STOP_SECONDS)


class Stack:
    """A broker, workers and gateways on one data folder.

    start() and stop() may be called again and again on the same data. Roles: "queue", "worker" (worker0 ...), "gateway" (gateway0 ...);
    kill("worker1") means that one, kill("worker") the first.
    """

    def __init__(self, workers=1, gateways=1, tables=TABLES, queue=(), worker=(), gateway=(), data_dir=None):
        self.data_dir = Path(data_dir or tempfile.mkdtemp(prefix="leat-", dir="/tmp"))  # short: paths of sockets are limited
        self.own_folder = data_dir is None
        self.workers, self.gateways, self.tables = workers, gateways, list(tables)
        self.extra = {"queue": list(queue), "worker": list(worker), "gateway": list(gateway)}
        self.processes = {}
        self.port = None

    # -- Processes ------------------------------------------------------------------------------------------------
    def _arguments(self, name):
        role = name.rstrip("0123456789")
        run = self.data_dir / "run"
        tables = [a for t in self.tables for a in ("--table", t)]
        if role == "queue":
            own = ["--data", self.data_dir]
        elif role == "worker":
            own = ["--data", self.data_dir, "--queue-endpoint", f"ipc://{run}/worker.sock", "--name", name, *tables]
        else:
            own = ["--listen", f"127.0.0.1:{self.port or 0}", "--queue-endpoint", f"ipc://{run}/client.sock", *tables]
        return [BUILD / f"leat-{role}", *own, *self.extra[role]]

    def names(self):
        return ["queue", *(f"worker{i}" for i in range(self.workers)), *(f"gateway{i}" for i in range(self.gateways))]

    def _name(self, role):
        return role if role == "queue" or role[-1].isdigit() else role + "0"

    def launch(self, role):
        """Starts one process; does not wait until it is ready."""
        name = self._name(role)
        assert name not in self.processes or not self.processes[name].running(), f"{name} runs already"
        logs = self.data_dir / "log"
        logs.mkdir(exist_ok=True)
        self.processes[name] = Process(name, self._arguments(name), logs / f"{name}.log")
        if name.startswith("gateway"):
            self._learn_port(self.processes[name])
        return self.processes[name]

    def _learn_port(self, process):
        def find():
            found = re.search(r"gateway\.ready.*?url\"?[=:]\"?http://[^\s\"]*:(\d+)", process.output())
            return found or not process.running()

        wait_until(find, READY_SECONDS, message=lambda: f"{process.role} does not listen:\n{process.output()}")
        found = re.search(r"url\"?[=:]\"?http://[^\s\"]*:(\d+)", process.output())
        assert found, f"{process.role} has ended:\n{process.output()}"
        self.port = int(found.group(1))

    def start(self, wait=True):
        self.data_dir.mkdir(exist_ok=True)
        for name in self.names():
            if name not in self.processes or not self.processes[name].running():
                self.launch(name)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=READY_SECONDS):
        def ready():
            for process in self.processes.values():
                assert process.running(), f"{process.role} has ended ({process.popen.returncode}):\n{process.output()[-4000:]}"
            try:
                return self.get("/readyz").status == 200
            except OSError:
                return False

        wait_until(ready, seconds, message=lambda: "the stack is not ready\n" + self.logs())

    def pid(self, role):
        return self.processes[self._name(role)].pid

    def kill(self, role, number=signal.SIGKILL):
        """Sends one process a signal, SIGKILL unless told otherwise; waits for its end if it is SIGKILL. Returns the process."""
        process = self.processes[self._name(role)]
        process.signal(number)
        if number == signal.SIGKILL:
            process.wait()
        return process

    def kill_all(self):
        """kill -9 of everything, children of guards included."""
        for process in self.processes.values():
            process.end()

    def stop(self, check=True):
        """SIGTERM, gateways first; every process must end by itself with status 0."""
        problems = []
        for name in reversed(self.names()):
            process = self.processes.get(name)
            if process and process.running():
                process.signal(signal.SIGTERM)
                try:
                    status = process.wait()
                    if status != 0:
                        problems.append(f"{name} ended with {status}")
                except subprocess.TimeoutExpired:
                    problems.append(f"{name} does not stop")
        for process in self.processes.values():
            process.end()
        assert not (check and problems), "; ".join(problems) + "\n" + self.logs()

    def logs(self, last=3000):
        return "\n".join(f"--- {p.role}\n{p.output()[-last:]}" for p in self.processes.values())

    def remove(self):
        for process in self.processes.values():
            process.end()
        if self.own_folder:
            shutil.rmtree(self.data_dir, ignore_errors=True)

    # -- HTTP -----------------------------------------------------------------------------------------------------
    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def request(self, method, path, body=None, headers=None, timeout=40):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def get(self, path, headers=None):
        return self.request("GET", path, headers=headers)

    def post(self, job, path="/DynamoDBManager", headers=None, wait=None):
        """Posts a job (anything that json can encode, or bytes as they are). wait: seconds for ?wait=."""
        body = job if isinstance(job, (bytes, str)) else json.dumps(job)
        headers = {"Content-Type": "application/json", **(headers or {})}
        return self.request("POST", path if wait is None else f"{path}?wait={wait}", body, headers)

    def call(self, operation, table=None, payload=None, wait=10):
        """Posts one operation, waits for it, and returns its answer; fails if it is not a success."""
        job = {"operation": operation}
        if table is not None:
            job["tableName"] = table
        if payload is not None:
            job["payload"] = payload
        answer = self.post(job, wait=wait)
        assert answer.status == 200, answer
        return answer.json()

    def wait_job(self, job_id, seconds=15, final=("succeeded", "failed", "dead", "cancelled")):
        """Polls GET /jobs/{id} until the job has ended; returns its body."""

        def ended():
            answer = self.get(f"/jobs/{job_id}?wait=1")
            if answer.status != 200:
                return None
            body = answer.json()
            return body if body["status"] in final else None

        return wait_until(ended, seconds, message=lambda: f"job {job_id} has not ended: {self.get('/jobs/' + job_id)}")

    def metrics(self):
        """All samples of /metrics as {'name{labels}': value}."""
        answer = self.get("/metrics")
        assert answer.status == 200
        samples = {}
        for line in answer.body.decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                samples[name] = float(value)
        return samples

    def socket(self, timeout=15):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def raw(self, data, timeout=15, half_close=False):
        """Sends bytes as they are and returns everything that comes until the other side closes."""
        with self.socket(timeout) as s:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            return read_all(s)


def read_all(s):
    """Everything until the other side closes (or resets: then what came before)."""
    parts = []
    while True:
        try:
            part = s.recv(65536)
        except ConnectionResetError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the last lines of each process."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            for stack in value.made if hasattr(value, "made") else [value]:
                if isinstance(stack, Stack):
                    report.sections.append((f"processes of {name}", stack.logs()))


@pytest.fixture(scope="session")
def stack():
    s = Stack()
    try:
        s.start()
        yield s
        s.stop()
    finally:
        s.remove()


@pytest.fixture
def new_stack():
    made = []

    def make(start=True, **arguments):
        s = Stack(**arguments)
        made.append(s)
        return s.start() if start else s

    make.made = made
    yield make
    for s in made:
        s.remove()
